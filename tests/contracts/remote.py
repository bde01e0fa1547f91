"""The adapters of a Worker as the contract suites hold them: each call is one request to
workerd."""

import base64
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

import httpx

from functions.ports import cache_purger, images, multipart_store, object_store, records
from functions.ports.cache_purger import PurgeLimitError
from functions.ports.edge_cache import CacheEntry, Kept
from functions.ports.multipart_store import Part, PendingUpload
from functions.ports.object_store import (
    Body,
    ByteRange,
    ObjectInfo,
    ObjectPage,
    OpenBody,
    RangeNotSatisfiableError,
    StoredObject,
)
from functions.ports.records import Row, Statement
from tests.contracts.bodies import Pattern

_TLS = ssl.create_default_context()
"""Not used, but made anew for each client otherwise, which takes longer than a call."""


@dataclass(frozen=True)
class Remote:
    url: str
    server: Mapping[str, object] | None = None
    """`endpoint`, `bucket` and `deadline_seconds` on the S3-compatible server whose keys the Worker
    has; None: the bucket that is bound to it."""

    async def call(self, method: str, *arguments: object) -> Any:
        async with httpx.AsyncClient(timeout=60, trust_env=False, verify=_TLS) as client:
            answer = await client.post(
                self.url,
                json={"server": self.server, "method": method, "arguments": list(arguments)},
            )
        assert answer.status_code == 200, answer.text
        said = answer.json()
        if "error" not in said:
            return said["result"]
        if said["error"] == RangeNotSatisfiableError.__name__:
            raise RangeNotSatisfiableError(said["key"], said["size"])
        if said["error"] == PurgeLimitError.__name__:
            raise PurgeLimitError(said["message"], said["seconds"])
        raise _error(said["error"])(said["message"])


def _error(name: str) -> type[Exception]:
    for port in (object_store, multipart_store, records, cache_purger, images):
        if hasattr(port, name):
            return getattr(port, name)
    return AssertionError


PIECE = 1024 * 1024
"""Bytes. What is larger does not come with the answer, but piece by piece when it is read."""


@dataclass(frozen=True)
class RemoteBody:
    """What the Worker has read; where it is put again, the Worker hands on its own stream."""

    content: bytes | None
    store: "RemoteObjectStore"
    key: str
    byte_range: ByteRange | None
    offset: int
    length: int

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self.content is not None:
            yield self.content
            return
        for start in range(0, self.length, PIECE):
            piece = ByteRange(self.offset + start, min(PIECE, self.length - start))
            found = await self.store.get(self.key, piece)
            assert isinstance(found, StoredObject)
            async for chunk in found.body:
                yield chunk

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
        if "length" not in found:
            return info
        offset, length, content = found["offset"], found["length"], found["content"]
        read = None if content is None else base64.b64decode(content)
        body = RemoteBody(read, self, key, byte_range, offset, length)
        return StoredObject(info, body, offset, length)

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
        self,
        prefix: str,
        cursor: str | None = None,
        limit: int = 1000,
        *,
        start_after: str | None = None,
    ) -> ObjectPage:
        page = await self.remote.call("list_objects", prefix, cursor, limit, start_after)
        return ObjectPage(tuple(ObjectInfo(**found) for found in page["objects"]), page["cursor"])

    async def sha256(self, key: str) -> str | None:
        return await self.remote.call("sha256", key)


@dataclass(frozen=True)
class RemoteMultipartStore(RemoteObjectStore):
    async def create_multipart(
        self,
        key: str,
        *,
        content_type: str,
        cache_control: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        options = {
            "content_type": content_type,
            "cache_control": cache_control,
            "metadata": None if metadata is None else dict(metadata),
        }
        return await self.remote.call("create_multipart", key, options)

    async def put_part(
        self, key: str, upload_id: str, number: int, body: bytes | Body, *, length: int
    ) -> str:
        return await self.remote.call("put_part", key, upload_id, number, await _sent(body), length)

    async def list_parts(self, key: str, upload_id: str) -> Sequence[Part]:
        found = await self.remote.call("list_parts", key, upload_id)
        return tuple(Part(*part) for part in found)

    async def complete_multipart(
        self, key: str, upload_id: str, parts: Sequence[Part], *, create_only: bool = True
    ) -> ObjectInfo:
        named = [astuple(part) for part in parts]
        return ObjectInfo(
            **await self.remote.call("complete_multipart", key, upload_id, named, create_only)
        )

    async def abort_multipart(self, key: str, upload_id: str) -> None:
        await self.remote.call("abort_multipart", key, upload_id)

    async def list_multiparts(self, prefix: str) -> Sequence[PendingUpload]:
        found = await self.remote.call("list_multiparts", prefix)
        return tuple(PendingUpload(*upload) for upload in found)


async def _sent(body: bytes | Body) -> dict[str, object]:
    if isinstance(body, bytes):
        return {"content": base64.b64encode(body).decode()}
    if isinstance(body, RemoteBody):
        asked = None if body.byte_range is None else astuple(body.byte_range)
        return {"key": body.key, "range": asked}
    if isinstance(body, Pattern):
        return {"pattern": astuple(body)}
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
    session: str | None = None

    async def fetch(self, statement: Statement) -> Sequence[Row]:
        return await self.remote.call("fetch", astuple(statement), self.session)

    async def batch(self, statements: Sequence[Statement]) -> Sequence[int]:
        return await self.remote.call("batch", [astuple(one) for one in statements])


@dataclass(frozen=True)
class RemoteEdgeCache:
    remote: Remote
    max_bytes: int = 512_000_000

    async def match(self, key: str, byte_range: ByteRange | None = None) -> CacheEntry | None:
        asked = None if byte_range is None else astuple(byte_range)
        found = await self.remote.call("cache_match", key, asked)
        if found is None:
            return None
        body = LaterBody([base64.b64decode(found["content"])])
        return CacheEntry(found["note"], body, found["offset"], found["length"])

    def keep(
        self, key: str, note: str, body: OpenBody, length: int, *, tags: Sequence[str], seconds: int
    ) -> Kept:
        """The Worker reads the other end of the body and sends back what it gave."""
        given: list[bytes] = []

        async def store() -> None:
            content = b"".join([chunk async for chunk in body])
            sent = base64.b64encode(content).decode()
            other = await self.remote.call(
                "cache_keep", key, note, sent, length, list(tags), seconds
            )
            given.append(base64.b64decode(other))

        return Kept(LaterBody(given), store())

    async def keep_note(self, key: str, note: str, *, tags: Sequence[str], seconds: int) -> None:
        await self.remote.call("cache_keep_note", key, note, list(tags), seconds)

    async def forget(self, key: str) -> None:
        await self.remote.call("cache_forget", key)


@dataclass(frozen=True)
class LaterBody:
    """What the Worker has read, or will have read by then."""

    given: list[bytes]

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.given:
            yield chunk

    async def discard(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True)
class RemoteImages:
    remote: Remote

    async def to_png(self, picture: bytes, width: int, height: int) -> bytes:
        sent = base64.b64encode(picture).decode()
        return base64.b64decode(await self.remote.call("to_png", sent, width, height))
