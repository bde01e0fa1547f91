"""HTTP requests of our own, to a storage or a webhook, as a port: a Worker sends them by its
runtime's `fetch`, CPython by a client library.

One request, once: no retry, no redirect followed, no cache, no decoding of the answer's bytes. A
`Fetch` sends exactly the headers it is given, besides `Host` (the URL's) and `Content-Length`
(`length`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from functions.ports.object_store import Body, OpenBody


class FetchError(Exception):
    """No answer came, or it broke off: a name that is not known, a refused or cut connection, a
    time-out, a body that ended early. Whether the request took effect is unknown."""


@dataclass(frozen=True, slots=True)
class FetchRequest:
    method: str
    url: str
    """Absolute, percent-encoded, without dot segments: it is sent as it stands here."""
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case; secrets may be among the values."""
    body: bytes | Body | None = None
    length: int | None = None
    """Of the body; given with every `Body`."""


class FetchResponse(Protocol):
    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case."""
        ...

    @property
    def body(self) -> OpenBody:
        """The bytes as they came; to discard it is to close the answer."""
        ...

    async def close(self) -> None:
        """Ends the exchange where the body is not read to its end. Repeating it is harmless."""
        ...


class Fetch(Protocol):
    async def __call__(self, request: FetchRequest) -> FetchResponse:
        """The answer as soon as its head is there. Cancelling the call ends the exchange.

        Raises: FetchError.
        """
        ...
