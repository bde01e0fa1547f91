"""The platform's own HTTP API, as the command calls it."""

from collections.abc import Mapping
from typing import Any, cast

import httpx

from cli.failures import Failure, UsageFailure
from cli.proxies import may_use_proxy

_SECONDS = 30.0
_NO_CONTENT = 204

Document = dict[str, object]


class ProblemFailure(Failure):
    """The API refused a request with a problem document."""

    def __init__(self, status: int, document: Document, request: str) -> None:
        self.status = status
        self.document = document
        title = str(document.get("title") or "an error")
        detail = str(document.get("detail") or "")
        super().__init__(
            f"{request} was refused ({status}, {title}). {detail} {_members(document)}".strip()
        )

    def is_a(self, slug: str) -> bool:
        """Whether the problem is the one that the API calls so."""
        return str(self.document.get("type")).rpartition(":")[2] == slug


class PlatformApi:
    """One platform behind a base URL, called with one API key."""

    def __init__(
        self, base_url: str, key: str, transport: httpx.BaseTransport | None = None
    ) -> None:
        """Raises UsageFailure when one of the two cannot be what it should be."""
        _check_url(base_url)
        _check_key(key)
        self._client = httpx.Client(
            base_url=base_url,
            headers={"authorization": f"Bearer {key}"},
            timeout=_SECONDS,
            transport=transport,
            trust_env=may_use_proxy(base_url),
        )

    def get(self, path: str) -> Document:
        """The answer to a GET."""
        return self.call("GET", path)

    def post(self, path: str, body: Mapping[str, object] | None = None) -> Document:
        """The answer to a POST; without a body when there is nothing to say."""
        return self.call("POST", path, body)

    def put(self, path: str, body: Mapping[str, object]) -> Document:
        """The answer to a PUT."""
        return self.call("PUT", path, body)

    def delete(self, path: str) -> Document:
        """The answer to a DELETE."""
        return self.call("DELETE", path)

    def send(self, method: str, path: str, content: bytes, media_type: str) -> Document:
        """The answer to a request whose body is no JSON. Raises as `call`."""
        return self._answer(method, path, content=content, headers={"content-type": media_type})

    def call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Document:
        """One request; the answer is empty where the API has nothing to say.

        Raises:
            ProblemFailure: the API refused it.
            Failure: the API did not answer, or not as an API.
        """
        return self._answer(method, path, json=body if body is not None else None)

    def _answer(self, method: str, path: str, **sent: Any) -> Document:
        try:
            response = self._client.request(method, path, **sent)
        except httpx.HTTPError as error:
            raise Failure(
                f"The API at {self._client.base_url} does not answer ({type(error).__name__}: "
                f"{error}). For the local cloud, `stowage up` starts it; otherwise check --api-url."
            ) from error
        document = {} if response.status_code == _NO_CONTENT else _document(response)
        if response.is_success and document is not None:
            return document
        if document is None:
            raise Failure(
                f"{method} {path} at {self._client.base_url} answered {response.status_code} and "
                f"no JSON object: {response.text[:300]}"
            )
        raise ProblemFailure(response.status_code, document, f"{method} {path}")


def _check_url(text: str) -> None:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in {"http", "https"} or not url.host or "%" in url.host:
        raise UsageFailure(
            f"{text!r} is no URL: give --api-url (STOWAGE_API_URL) as https://api.example.com."
        )


def _check_key(key: str) -> None:
    """A key is never shown, not even a wrong one: it may be another secret."""
    if not key.isascii() or not key.isprintable() or " " in key:
        raise UsageFailure(
            "What was given as the key is no API key: those are stw_, then letters, digits, - and "
            "_ only, without spaces or line breaks. Copy it again as it was printed."
        )


def _document(response: httpx.Response) -> Document | None:
    try:
        found = cast("object", response.json())
    except ValueError:
        return None
    return cast("Document", found) if isinstance(found, dict) else None


def _members(document: Document) -> str:
    """What a problem document says beyond the standard's own members, for instance each wrong
    field."""
    own = {"type", "title", "status", "detail", "instance"}
    return "; ".join(f"{name}: {value}" for name, value in document.items() if name not in own)
