"""Objects in one bucket.

`ObjectReader` is all that the public data plane may hold: it cannot write. `ObjectStore` adds the
rest. Keys are `str`, 1 to 1,024 UTF-8 bytes, without a segment `.` or `..`, which no URL can
carry. Metadata has lower-case names of letters, digits and hyphens, and printable ASCII values.
ETags are without quotes. Times are milliseconds UTC.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol


class ObjectStoreError(Exception):
    """The store failed in a way that a retry may mend, or that no rule of ours foresees."""


class UnavailableError(ObjectStoreError):
    """For the moment only, and after the adapter's own retries: no answer in time, a broken
    connection, a storage that is overloaded or failed inside. Whether a write took effect is
    unknown."""

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        """What the storage asked for, where it did."""


class PreconditionFailedError(ObjectStoreError):
    """A create-only put met an existing object. Nothing was written."""


class ChecksumMismatchError(ObjectStoreError):
    """The bytes do not have the SHA-256 that was promised. Nothing was written."""


class RangeNotSatisfiableError(ObjectStoreError):
    """The range lies outside the object."""

    def __init__(self, key: str, size: int) -> None:
        super().__init__(f"the range lies outside {key!r}, which has {size} bytes")
        self.key = key
        self.size = size


class Body(Protocol):
    """A stream of bytes, consumed at most once; raises `UnavailableError` where they break off. An
    adapter may carry its platform's own stream in it, so that handing a body from one store to
    another, or to a response, moves no byte through Python."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...


class OpenBody(Body, Protocol):
    """A body that a store has opened."""

    async def discard(self) -> None:
        """Ends it. Who does not read a body to its end discards it, or its connection stays open;
        afterwards nothing comes of it. Never raises; a second time does nothing."""
        ...


@dataclass(frozen=True, slots=True)
class ByteRange:
    """`offset` >= 0 with `length` >= 1 (None: to the end), or `suffix` >= 1: the last bytes. A
    range that goes past the end is cut to the object; one that begins past it raises
    `RangeNotSatisfiableError`."""

    offset: int | None = None
    length: int | None = None
    suffix: int | None = None

    def extent(self, size: int) -> tuple[int, int] | None:
        """Offset and length in an object of `size` bytes; None where the range lies outside."""
        if self.suffix is not None:
            length = min(self.suffix, size)
            return (size - length, length) if length else None
        offset = self.offset or 0
        if offset >= size:
            return None
        rest = size - offset
        return offset, rest if self.length is None else min(self.length, rest)


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    key: str
    size: int
    etag: str
    uploaded_at: int
    content_type: str | None = None
    cache_control: str | None = None
    sha256: str | None = None
    """Lower-case hex where the store kept a whole-object SHA-256 from the put; never computed on
    read."""
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class StoredObject:
    """`body` yields the bytes `offset .. offset + length - 1` of an object of `info.size` bytes."""

    info: ObjectInfo
    body: OpenBody
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class ObjectPage:
    objects: tuple[ObjectInfo, ...]
    cursor: str | None
    """Give it to the next `list_objects`; None on the last page."""


class ObjectReader(Protocol):
    async def head(self, key: str) -> ObjectInfo | None:
        """None where there is no such object."""
        ...

    async def get(
        self,
        key: str,
        byte_range: ByteRange | None = None,
        *,
        unless_etags: frozenset[str] | None = None,
    ) -> StoredObject | ObjectInfo | None:
        """The object; None where there is none; only its `ObjectInfo`, and no body, where its ETag
        is in `unless_etags` (checked by the store itself, before the range). One call of the store,
        and a `head` where it leaves out what is asked for. To read one object in several calls,
        compare `info.etag`: it is that of the bytes in `body`.

        Raises: RangeNotSatisfiableError, ObjectStoreError.
        """
        ...


class ObjectStore(ObjectReader, Protocol):
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
        """Whole or not at all. With `create_only` an existing object is never replaced; of several
        racing puts one wins. `sha256` (hex) is verified by the store while it receives.

        On a storage without conditional puts (`core.storages`) `create_only` is best effort: it
        looks first, and two writers at the same moment may both pass. There write-once is carried
        by keys that are never given twice and by the database.

        Raises: PreconditionFailedError, ChecksumMismatchError, ObjectStoreError.
        """
        ...

    async def delete(self, key: str) -> None:
        """A missing object is a success."""
        ...

    async def list_objects(
        self,
        prefix: str,
        cursor: str | None = None,
        limit: int = 1000,
        *,
        start_after: str | None = None,
    ) -> ObjectPage:
        """In order of the keys' UTF-8 bytes; at most `limit` (1..1000). A listing without a cursor
        begins behind the key `start_after`, which need not exist. What a storage's listing leaves
        out is None or empty: content type, cache rule, digest, metadata."""
        ...

    async def sha256(self, key: str) -> str | None:
        """Reads the whole object in one stream and answers the lower-case hex digest; None where
        there is none."""
        ...
