"""One D1 database of the account by Cloudflare's REST API: queries, export, import. The local cloud
answers the same paths."""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

import httpx

from cli.failures import Failure
from cli.proxies import may_use_proxy
from cli.rest import AccountApi
from functions.adapters.cloudflare.d1_polling import (
    Progress,
    TransferError,
    export_request,
    import_poll,
    progress,
    result_of,
)
from infra.migrations import QueryError

_POLL_SECONDS = 0.5
_TRANSFER_SECONDS = 3600.0
_STALL_SECONDS = 120.0
_CHUNK = 1024 * 1024

_MOST_FAILURES = 5

Row = Mapping[str, object]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DatabaseApi:
    api: AccountApi
    database_id: str
    transport: httpx.BaseTransport | None = None
    """For the signed URLs, which are of another host than the API; None: the network."""

    def query(self, sql: str) -> Sequence[Row]:
        """All statements or none; the rows of the last one.

        Raises: QueryError.
        """
        try:
            return [cast("Row", row) for row in self.run(sql)[-1][0]]
        except TransferError as error:
            raise QueryError(str(error), is_ambiguous=error.may_pass) from None

    def run(self, sql: str) -> list[tuple[Sequence[object], int]]:
        """All statements or none; the rows of each, and how many it changed.

        Raises: TransferError.
        """
        results = result_of(*self.api.post(f"{self._path}/query", {"sql": sql}))
        found = [_members(one) for one in cast("list[object]", results)]
        return [
            (
                cast("Sequence[object]", one.get("results") or []),
                int(cast("int", _members(one.get("meta")).get("changes") or 0)),
            )
            for one in found
        ]

    def export(self, to: Path) -> None:
        """Writes the database as SQL text. It answers nobody else meanwhile.

        Raises: Failure.
        """
        done = self._finished("export", self._asked("export", export_request(None)), export_request)
        url = str(done.get("signed_url"))
        try:
            with (
                self._outside(url) as client,
                client.stream("GET", url) as answer,
                to.open("wb") as file,
            ):
                if not answer.is_success:
                    raise Failure(f"The exported text was answered with {answer.status_code}.")
                for chunk in answer.iter_bytes():
                    file.write(chunk)
        except httpx.HTTPError as error:
            raise Failure(f"Reading the exported text broke off ({error}).") from error

    def import_file(self, path: Path) -> int:
        """Runs a file of SQL, all of it or none; gives the number of its statements. The database
        answers nobody else meanwhile.

        Raises: Failure.
        """
        etag = _md5(path)
        status, text = self.api.post(f"{self._path}/import", {"action": "init", "etag": etag})
        announced = _members(_said(lambda: result_of(status, text)))
        if "upload_url" in announced:
            self._upload(path, str(announced["upload_url"]), etag)
            ingest = {"action": "ingest", "etag": etag, "filename": announced["filename"]}
            first = self._asked("import", ingest)
        else:
            # The same file lies there from before, and its import has begun.
            first = _said(lambda: progress(status, text))
        done = self._finished("import", first, import_poll)
        return int(cast("int", done.get("num_queries") or 0))

    def _asked(self, action: str, body: Mapping[str, object]) -> Progress:
        return _said(lambda: progress(*self.api.post(f"{self._path}/{action}", body)))

    def _finished(
        self, action: str, first: Progress, request: Callable[[str], Mapping[str, object]]
    ) -> Mapping[str, object]:
        """Polls to the end. One that is not polled is given up by D1, so a poll that fails is
        repeated."""
        found, failures = first, 0
        deadline = time.monotonic() + _TRANSFER_SECONDS
        while found.result is None:
            if time.monotonic() > deadline:
                raise Failure(f"D1 did not finish the {action} within {_TRANSFER_SECONDS:.0f} s.")
            time.sleep(_POLL_SECONDS)
            try:
                found = progress(*self.api.post(f"{self._path}/{action}", request(found.bookmark)))
            except (TransferError, Failure) as error:
                failures += 1
                # A Failure is a connection that broke.
                may_pass = not isinstance(error, TransferError) or error.may_pass
                if not may_pass or failures > _MOST_FAILURES:
                    raise Failure(str(error)) from error
            else:
                failures = 0
        return found.result

    def _upload(self, path: Path, url: str, etag: str) -> None:
        headers = {"content-length": str(path.stat().st_size)}
        try:
            with self._outside(url) as client:
                answer = client.put(url, content=_chunks(path), headers=headers)
        except httpx.HTTPError as error:
            raise Failure(f"Sending the SQL to D1 broke off ({error}). Run it again.") from error
        if not answer.is_success or answer.headers.get("etag", "").strip('"') != etag:
            raise Failure(
                f"The SQL did not arrive whole at D1 ({answer.status_code}). Run the command again."
            )

    def _outside(self, url: str) -> httpx.Client:
        return httpx.Client(
            timeout=_STALL_SECONDS, transport=self.transport, trust_env=may_use_proxy(url)
        )

    @property
    def _path(self) -> str:
        return f"/accounts/{{account}}/d1/database/{self.database_id}"


def _said(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except TransferError as error:
        raise Failure(str(error)) from error


def _members(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def _md5(path: Path) -> str:
    """What D1 knows a file by; no protection against anybody."""
    digest = hashlib.md5(usedforsecurity=False)
    for chunk in _chunks(path):
        digest.update(chunk)
    return digest.hexdigest()


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
