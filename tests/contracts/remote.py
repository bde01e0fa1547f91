"""The adapters of a Worker as the contract suites hold them: each call is one request to
workerd."""

import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

import httpx

from functions.ports import images, object_store, records
from functions.ports.object_store import (
    Body,
    ByteRange,
    ObjectInfo,
    ObjectPage,
    RangeNotSatisfiableError,
    StoredObject,
)
from functions.ports.records import Row, Statement


@dataclass(frozen=True)
class Remote:
    url: str

    async def call(self, method: str, *arguments: object) -> Any:
        async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
            answer = await client.post(
                self.url, json={"method": method, "arguments": list(arguments)}
            )
        assert answer.status_code == 200, answer.text
        said = answer.json()
        if "error" not in said:
            return said["result"]
        if said["error"] == RangeNotSatisfiableError.__name__:
            raise RangeNotSatisfiableError(said["key"], said["size"])
        raise _error(said["error"])(said["message"])


def _error(name: str) -> type[Exception]:
    for port in (object_store, records, images):
        if hasattr(port, name):
            return getattr(port, name)
    return AssertionError


@dataclass(frozen=True)
class RemoteBody:
    """What the Worker has read; where it is put again, the Worker hands on its own stream."""

    content: bytes
    key: str
    byte_range: ByteRange | None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.content

    async def discard(self) -> None:
        """Nothing is open: the Worker has read it to its end."""


@dataclass(frozen=True)
class RemoteObjectStore:
    remote: Remote

    async def head(self, key: str) -> ObjectInfo | None:
        found = await self.remote.call("head", key)
        return None if found is None else ObjectInfo(**found)

    async def get(
        self,
        key: str,
        byte_range: ByteRange | None = None,
        *,
        unless_etags: frozenset[str] | None = None,
    ) -> StoredObject | ObjectInfo | None:
        asked = None if byte_range is None else astuple(byte_range)
        unless = None if unless_etags is None else sorted(unless_etags)
        found = await self.remote.call("get", key, asked, unless)
        if found is None:
            return None
        info = ObjectInfo(**found["info"])
        if "content" not in found:
            return info
        body = RemoteBody(base64.b64decode(found["content"]), key, byte_range)
        return StoredObject(info, body, found["offset"], found["length"])

    async def put(
        self,
        key: str,
        body: bytes | Body,
        *,
        length: int,
        content_type: str,
        cache_control: str | None = None,
        sha256: str | None = None,
        metadata: Mapping[str, str] | None = None,
        create_only: bool = True,
    ) -> ObjectInfo:
        options = {
            "length": length,
            "content_type": content_type,
            "cache_control": cache_control,
            "sha256": sha256,
            "metadata": None if metadata is None else dict(metadata),
            "create_only": create_only,
        }
        return ObjectInfo(**await self.remote.call("put", key, await _sent(body), options))

    async def delete(self, key: str) -> None:
        await self.remote.call("delete", key)

    async def list_objects(
        self, prefix: str, cursor: str | None = None, limit: int = 1000
    ) -> ObjectPage:
        page = await self.remote.call("list_objects", prefix, cursor, limit)
        return ObjectPage(tuple(ObjectInfo(**found) for found in page["objects"]), page["cursor"])

    async def sha256(self, key: str) -> str | None:
        return await self.remote.call("sha256", key)


async def _sent(body: bytes | Body) -> dict[str, object]:
    if isinstance(body, bytes):
        return {"content": base64.b64encode(body).decode()}
    if isinstance(body, RemoteBody):
        asked = None if body.byte_range is None else astuple(body.byte_range)
        return {"key": body.key, "range": asked}
    return {"chunks": [base64.b64encode(chunk).decode() async for chunk in body]}


@dataclass(frozen=True)
class RemoteRateLimiter:
    remote: Remote
    period_seconds: int = 60

    async def allow(self, key: str) -> bool:
        return await self.remote.call("allow", key)


@dataclass(frozen=True)
class RemoteVerifier:
    remote: Remote

    async def verify(self, public_key: bytes, signature: bytes, statement: bytes) -> bool:
        texts = [base64.b64encode(part).decode() for part in (public_key, signature, statement)]
        return await self.remote.call("verify", *texts)


@dataclass(frozen=True)
class RemoteRecords:
    remote: Remote

    async def fetch(self, statement: Statement) -> Sequence[Row]:
        return await self.remote.call("fetch", astuple(statement))

    async def batch(self, statements: Sequence[Statement]) -> Sequence[int]:
        return await self.remote.call("batch", [astuple(one) for one in statements])


@dataclass(frozen=True)
class RemoteImages:
    remote: Remote

    async def to_png(self, picture: bytes, width: int, height: int) -> bytes:
        sent = base64.b64encode(picture).decode()
        return base64.b64decode(await self.remote.call("to_png", sent, width, height))
