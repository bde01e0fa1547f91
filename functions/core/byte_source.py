"""Random access to one stored object by range reads, with one small window kept in memory."""

from typing import TYPE_CHECKING

from functions.ports.object_store import ByteRange, StoredObject

if TYPE_CHECKING:
    from functions.ports.object_store import ObjectReader

WINDOW_BYTES = 64 * 1024


class SourceChangedError(Exception):
    """The object is gone or is no longer the one that was found first."""


class ByteSource:
    """The object `key` as long as it has the ETag `etag`. Reads in ascending order cost at most one
    call of the store for each window of the object, however many they are."""

    def __init__(self, reader: "ObjectReader", key: str, etag: str, size: int) -> None:
        self._reader = reader
        self._key = key
        self._etag = etag
        self.size = size
        self._start = 0
        self._window = b""

    async def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes, or fewer where the object ends.

        Raises: SourceChangedError, ObjectStoreError.
        """
        end = min(self.size, offset + length)
        if offset >= end:
            return b""
        if not self._start <= offset <= end <= self._start + len(self._window):
            await self._load(offset, max(end - offset, WINDOW_BYTES))
        return self._window[offset - self._start : end - self._start]

    async def _load(self, offset: int, length: int) -> None:
        stored = await self._reader.get(self._key, ByteRange(offset, length))
        if not isinstance(stored, StoredObject) or stored.info.etag != self._etag:
            raise SourceChangedError(f"{self._key} was changed while it was read")
        window = b"".join([chunk async for chunk in stored.body])
        if len(window) < min(self.size - offset, length):
            raise SourceChangedError(f"{self._key} ended early while it was read")
        self._start, self._window = offset, window
