"""The account's REST API, as far as the command needs it: what exists, and what lies in a bucket.

The local cloud answers the same paths as Cloudflare.
"""

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import cast
from urllib.parse import quote

import httpx

from cli.failures import Failure
from cli.proxies import may_use_proxy

_PAGE = 100
_MAX_PAGES = 10_000
_SECONDS = 30.0
_WORK_SECONDS = 120.0
"""What a POST asks for may take a while."""
_NOT_FOUND = 404

JURISDICTION_HEADER = "cf-r2-jurisdiction"
"""Without it, R2 looks into the default jurisdiction only, and shows no bucket of another one:
https://developers.cloudflare.com/api/resources/r2/subresources/buckets/"""
DEFAULT_JURISDICTION = "default"

Item = dict[str, object]


class AccountApi:
    """One account behind a base URL (`.../client/v4`) and a token."""

    def __init__(
        self,
        base_url: str,
        token: str,
        account_id: str,
        zone_id: str,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.account_id = account_id
        self.zone_id = zone_id
        self._client = httpx.Client(
            base_url=base_url,
            headers={"authorization": f"Bearer {token}"},
            timeout=_SECONDS,
            transport=transport,
            trust_env=may_use_proxy(base_url),
        )

    def items(self, path: str, jurisdiction: str = DEFAULT_JURISDICTION) -> list[Item]:
        """Everything in a list of the account or zone; empty when the list's owner does not exist.

        `path` names them as `{account}` and `{zone}`. Of R2's lists, only what lies in the
        jurisdiction is shown.
        """
        found: list[Item] = []
        page = 1
        while page <= _MAX_PAGES:
            answer = self._get(path, {"page": str(page), "per_page": str(_PAGE)}, jurisdiction)
            if answer is None:
                return []
            rows = _rows(answer.get("result"))
            found += rows
            if not _has_more(answer, page):
                return found
            page += 1
        return found

    def objects(
        self,
        bucket: str,
        jurisdiction: str = DEFAULT_JURISDICTION,
        limit: int | None = None,
        prefix: str = "",
    ) -> Iterator[str]:
        """The keys in a bucket that begin with the prefix.

        Raises:
            Failure: see `object_rows`.
        """
        rows = self.object_rows(bucket, jurisdiction, limit, prefix)
        return (str(row["key"]) for row in rows)

    def object_rows(
        self,
        bucket: str,
        jurisdiction: str = DEFAULT_JURISDICTION,
        limit: int | None = None,
        prefix: str = "",
    ) -> Iterator[Item]:
        """The objects in a bucket whose keys begin with the prefix: `key`, `size` and more.

        Raises:
            Failure: there is no such bucket in the jurisdiction. Nobody can tell that from a
                bucket that the token or the account does not reach, so it never counts as empty.
        """
        cursor = ""
        given = 0
        for _ in range(_MAX_PAGES):
            query = {"per_page": str(limit or 1000)} | ({"cursor": cursor} if cursor else {})
            query |= {"prefix": prefix} if prefix else {}
            path = f"/accounts/{{account}}/r2/buckets/{bucket}/objects"
            answer = self._get(path, query, jurisdiction)
            if answer is None:
                raise Failure(
                    f"Account {self.account_id} shows no bucket {bucket} in the jurisdiction "
                    f"{jurisdiction}, but the stack's state holds it. Is it the right account, "
                    "and may the token read it? If the bucket was deleted by other means, "
                    "`stowage refresh` takes it out of the state."
                )
            for row in _rows(answer.get("result")):
                yield row
                given += 1
                if limit is not None and given >= limit:
                    return
            info = answer.get("result_info")
            cursor = str(cast("Item", info).get("cursor") or "") if isinstance(info, dict) else ""
            if not cursor:
                return

    @contextmanager
    def object_content(
        self, bucket: str, key: str, jurisdiction: str = DEFAULT_JURISDICTION
    ) -> Generator[Iterator[bytes] | None]:
        """The bytes of one object, as they come; None where there is none.

        Raises:
            Failure: the API refused it, or the bytes broke off.
        """
        path = self._full(_object_path(bucket, key))
        headers = {JURISDICTION_HEADER: jurisdiction, "accept-encoding": "identity"}
        with self._answering(), self._client.stream("GET", path, headers=headers) as response:
            if response.status_code == _NOT_FOUND:
                yield None
                return
            if not response.is_success:
                response.read()
            self._check(response)
            yield response.iter_bytes()

    def delete_object(
        self, bucket: str, key: str, jurisdiction: str = DEFAULT_JURISDICTION
    ) -> None:
        """Deletes one object; a missing one is fine."""
        self.delete(_object_path(bucket, key), jurisdiction)

    def post(self, path: str, body: Mapping[str, object]) -> tuple[int, str]:
        """The status and the text of the answer to a POST: refusals are the caller's to read."""
        with self._answering():
            response = self._client.post(self._full(path), json=body, timeout=_WORK_SECONDS)
        return response.status_code, response.text

    def delete(self, path: str, jurisdiction: str = DEFAULT_JURISDICTION) -> None:
        """Deletes what a path names; a missing one is fine."""
        response = self._request("DELETE", path, {}, jurisdiction)
        if response.status_code != _NOT_FOUND:
            self._check(response)

    def _get(self, path: str, query: dict[str, str], jurisdiction: str) -> Item | None:
        response = self._request("GET", path, query, jurisdiction)
        if response.status_code == _NOT_FOUND:
            return None
        self._check(response)
        return cast("Item", response.json())

    def _request(
        self, method: str, path: str, query: dict[str, str], jurisdiction: str
    ) -> httpx.Response:
        headers = {JURISDICTION_HEADER: jurisdiction} if "/r2/" in path else {}
        with self._answering():
            return self._client.request(method, self._full(path), params=query, headers=headers)

    def _full(self, path: str) -> str:
        full = path.replace("{account}", self.account_id).replace("{zone}", self.zone_id)
        # The client puts the base URL's path in front only of a relative path.
        return full.lstrip("/")

    @contextmanager
    def _answering(self) -> Generator[None]:
        try:
            yield
        except httpx.HTTPError as error:
            raise Failure(
                f"The cloud's REST API at {self._client.base_url} does not answer ({error}). "
                "Is the local cloud running? `stowage status` tells, `stowage up` starts it."
            ) from error

    def _check(self, response: httpx.Response) -> None:
        if response.is_success:
            return
        raise Failure(
            f"The cloud's REST API answered {response.status_code} to {response.request.method} "
            f"{response.request.url.path}: {response.text[:500]}"
        )


def _object_path(bucket: str, key: str) -> str:
    # Slashes as they are, all else encoded:
    # https://developers.cloudflare.com/api/resources/r2/subresources/buckets/subresources/objects/
    return f"/accounts/{{account}}/r2/buckets/{bucket}/objects/{quote(key, safe='/')}"


def _rows(result: object) -> list[Item]:
    """The rows of an answer: a list, or, as R2 gives its buckets, an object holding one list."""
    if isinstance(result, dict):
        values: list[object] = [*cast("Item", result).values(), []]
        # json gives lists of anything; the cast below says what the API gives.
        return _rows(next(cast("object", one) for one in values if isinstance(one, list)))
    return cast("list[Item]", result) if isinstance(result, list) else []


def _has_more(answer: Item, page: int) -> bool:
    info = answer.get("result_info")
    if not isinstance(info, dict):
        return False
    pages = cast("Item", info).get("total_pages")
    return isinstance(pages, int) and page < pages
