"""What stands at the end of webhooks: as a `Fetch`, so that no socket is opened."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from functions.ports.fetch import FetchError, FetchRequest
from functions.ports.object_store import UnavailableError


@dataclass
class Said:
    """An answer."""

    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    content: bytes = b""
    breaks_off: bool = False
    is_closed: bool = False
    read: int = 0

    @property
    def body(self) -> "Said":
        return self

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.content), 100):
            self.read += len(self.content[start : start + 100])
            yield self.content[start : start + 100]
        if self.breaks_off:
            raise UnavailableError("the body broke off")

    async def discard(self) -> None:
        self.is_closed = True

    async def close(self) -> None:
        self.is_closed = True


Behaviour = Callable[[FetchRequest], Said]


def takes(_: FetchRequest) -> Said:
    return Said()


def refuses(status: int, **headers: str) -> Behaviour:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: Said(status, named, b"no")


def is_away(_: FetchRequest) -> Said:
    raise FetchError("connection refused")


class Receivers:
    """Every URL's receiver; each takes everything until it is told to behave otherwise."""

    def __init__(self) -> None:
        self.behaviour: dict[str, Behaviour] = {}
        self.calls: list[FetchRequest] = []
        self.taken: list[FetchRequest] = []

    async def __call__(self, request: FetchRequest) -> Said:
        self.calls.append(request)
        said = self.behaviour.get(request.url, takes)(request)
        if 200 <= said.status < 300:
            self.taken.append(request)
        return said

    def ids(self, url: str) -> list[str]:
        """What was called, by id."""
        return [call.headers["webhook-id"] for call in self.calls if call.url == url]


def is_signed_by(request: FetchRequest, secret: str) -> bool:
    """As a receiver checks it, from the specification and not from our code."""
    assert secret.startswith("whsec_")
    key = base64.b64decode(secret[6:])
    sent = request.headers
    body = cast("bytes", request.body)
    signed = b".".join((sent["webhook-id"].encode(), sent["webhook-timestamp"].encode(), body))
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    signatures = sent["webhook-signature"].split(" ")
    return any(hmac.compare_digest(one, f"v1,{wanted}") for one in signatures)


def told(request: FetchRequest) -> Any:
    """What its body says."""
    return json.loads(cast("bytes", request.body))
