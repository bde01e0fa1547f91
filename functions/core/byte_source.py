"""Random access to one stored object by range reads, each one call of the store."""

from typing import TYPE_CHECKING

from functions.ports.object_store import ByteRange, StoredObject

if TYPE_CHECKING:
    from functions.ports.object_store import ObjectReader


class SourceChangedError(Exception):
    """The object is gone or is no longer the one that was found first."""


class ByteSource:
    """The object `key` as long as it has the ETag `etag`; its `read` is an `archive.ReadRange`."""

    def __init__(self, reader: "ObjectReader", key: str, etag: str, size: int) -> None:
        self._reader = reader
        self._key = key
        self._etag = etag
        self.size = size

    async def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes, or fewer where the object ends.

        Raises: SourceChangedError, ObjectStoreError.
        """
        wanted = min(self.size - offset, length)
        if wanted <= 0:
            return b""
        stored = await self._reader.get(self._key, ByteRange(offset, wanted))
        if not isinstance(stored, StoredObject) or stored.info.etag != self._etag:
            raise SourceChangedError(f"{self._key} was changed while it was read")
        content = b"".join([chunk async for chunk in stored.body])
        if len(content) < wanted:
            raise SourceChangedError(f"{self._key} ended early while it was read")
        return content
