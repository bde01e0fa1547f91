"""Objects in memory: the reference for what the port promises."""

import hashlib
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING

from functions.ports.object_store import (
    Body,
    ByteRange,
    ChecksumMismatchError,
    ObjectInfo,
    ObjectPage,
    ObjectStoreError,
    PreconditionFailedError,
    RangeNotSatisfiableError,
    StoredObject,
)

if TYPE_CHECKING:
    from functions.ports.clock import Clock

CHUNK_BYTES = 64 * 1024
MAX_KEY_BYTES = 1024


class BytesBody:
    """Yields its bytes in chunks, once."""

    def __init__(self, content: bytes) -> None:
        self._content: bytes | None = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content, self._content = self._content, None
        if content is None:
            raise ObjectStoreError("the body was consumed before")
        for start in range(0, len(content), CHUNK_BYTES):
            yield content[start : start + CHUNK_BYTES]

    async def discard(self) -> None:
        self._content = None


class MemoryObjectStore:
    """One bucket. Its ETags are MD5 digests, like those of R2 for a single put."""

    def __init__(self, clock: "Clock") -> None:
        self._clock = clock
        self._objects: dict[str, tuple[ObjectInfo, bytes]] = {}

    async def head(self, key: str) -> ObjectInfo | None:
        stored = self._objects.get(key)
        return None if stored is None else stored[0]

    async def get(
        self,
        key: str,
        byte_range: ByteRange | None = None,
        *,
        unless_etags: frozenset[str] | None = None,
    ) -> StoredObject | ObjectInfo | None:
        stored = self._objects.get(key)
        if stored is None:
            return None
        info, content = stored
        if unless_etags is not None and info.etag in unless_etags:
            return info
        extent = (0, info.size) if byte_range is None else byte_range.extent(info.size)
        if extent is None:
            raise RangeNotSatisfiableError(key, info.size)
        start, length = extent
        return StoredObject(info, BytesBody(content[start : start + length]), start, length)

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
        if not 1 <= len(key.encode()) <= MAX_KEY_BYTES:
            raise ObjectStoreError(f"a key has 1 to {MAX_KEY_BYTES} bytes: {key!r}")
        content = await content_of(key, body, length)
        if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
            raise ChecksumMismatchError(f"the bytes for {key!r} do not have the SHA-256 {sha256}")
        info = ObjectInfo(
            key=key,
            size=length,
            etag=hashlib.md5(content, usedforsecurity=False).hexdigest(),
            uploaded_at=self._clock.now_ms(),
            content_type=content_type,
            cache_control=cache_control,
            sha256=sha256,
            metadata=dict(metadata or {}),
        )
        return self._store(key, content, info, create_only=create_only)

    def _store(
        self, key: str, content: bytes, info: ObjectInfo, *, create_only: bool
    ) -> ObjectInfo:
        # Checked last, when all bytes are here: of two racing puts the one that ends first wins.
        if create_only and key in self._objects:
            raise PreconditionFailedError(f"{key!r} exists and is not replaced")
        self._objects[key] = (info, content)
        return info

    async def delete(self, key: str) -> None:
        self._objects.pop(key, None)

    async def list_objects(
        self,
        prefix: str,
        cursor: str | None = None,
        limit: int = 1000,
        *,
        start_after: str | None = None,
    ) -> ObjectPage:
        if not 1 <= limit <= 1000:
            raise ValueError(f"limit must be 1 to 1000, not {limit}")
        after = (cursor or start_after or "").encode()
        keys = sorted(
            (key for key in self._objects if key.startswith(prefix) and key.encode() > after),
            key=str.encode,
        )
        page = keys[:limit]
        objects = tuple(self._objects[key][0] for key in page)
        return ObjectPage(objects, page[-1] if len(keys) > limit else None)

    async def sha256(self, key: str) -> str | None:
        stored = self._objects.get(key)
        return None if stored is None else hashlib.sha256(stored[1]).hexdigest()


async def content_of(key: str, body: bytes | Body, length: int) -> bytes:
    """Raises: ObjectStoreError where it has another length."""
    content = body if isinstance(body, bytes) else b"".join([chunk async for chunk in body])
    if len(content) != length:
        raise ObjectStoreError(f"{key!r} was to have {length} bytes and came with {len(content)}")
    return content
