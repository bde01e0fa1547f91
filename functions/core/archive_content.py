"""What the entries of a sound archive hold: read out, or inflated only to see that it is what the
archive says.

A deflate stream ends by itself, and a parser that reads from the front believes it and not the
sizes. So each one is inflated once: it must end where the archive says that it ends, and give as
many bytes as the archive says, with the CRC-32 that the archive says. Stored entries have no second
end; the SHA-256 of the whole object covers their bytes.

Memory is bounded by the two windows. Time is bounded because a stream is left as soon as it gives
more than its entry declares, so at most `archive.MAX_UNPACKED_BYTES` come out of an archive. A
Worker inflates about 100 MB/s and may compute for 30 s: where it is ended before an archive is
through, its message is tried again and given up in the end, and the version fails.
"""

import zlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from functions.core.archive import DEFLATED, LOCAL_HEADER, STORED

if TYPE_CHECKING:
    from functions.core.archive import Archive, Entry
    from functions.core.byte_source import ByteSource

PACKED_WINDOW_BYTES = 1024 * 1024
"""So large because each costs one call of the store, of which a Worker has a limited number."""
UNPACKED_WINDOW_BYTES = 1024 * 1024
HIDDEN = "There are bytes behind the end of the compressed data."


async def check_contents(archive: "Archive", source: "ByteSource") -> None:
    """Reports each deflated entry that is not what the archive says. Reads nothing of stored ones.
    Only for an archive without problems.

    Raises: SourceChangedError, ObjectStoreError.
    """
    for entry in sorted(archive.entries, key=lambda entry: entry.offset):
        complaint = await _complaint(source, entry) if entry.method == DEFLATED else None
        if complaint is not None:
            archive.report("zip-content", complaint, entry.name)


async def read_entry(source: "ByteSource", entry: "Entry", limit: int) -> bytes | None:
    """The content of one entry of a sound archive, checked against its size and CRC-32; None where
    they do not hold or the content has more than `limit` bytes, which is also the most that is kept
    in memory."""
    # Deflate never needs more than 5 bytes for each 16 KiB block beyond the content (RFC 1951
    # 3.2.4).
    if entry.size > limit or entry.compressed_size > limit + limit // 1000 + 64:
        return None
    packed = b"".join([window async for window in _packed(source, entry)])
    content = packed if entry.method == STORED else _inflate(packed, limit)
    if content is None or len(content) != entry.size or zlib.crc32(content) != entry.crc32:
        return None
    return content


def _inflate(packed: bytes, limit: int) -> bytes | None:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = inflater.decompress(packed, limit + 1)
    except zlib.error:
        return None
    whole = inflater.eof and not inflater.unused_data and len(content) <= limit
    return content if whole else None


async def _packed(source: "ByteSource", entry: "Entry") -> AsyncIterator[bytes]:
    header = await source.read(entry.offset, LOCAL_HEADER.size)
    if len(header) < LOCAL_HEADER.size:
        return
    *_, name_size, extra_size = LOCAL_HEADER.unpack(header)
    position = entry.offset + LOCAL_HEADER.size + name_size + extra_size
    end = position + entry.compressed_size
    while position < end:
        length = min(PACKED_WINDOW_BYTES, end - position)
        yield await source.read(position, length)
        position += length


async def _complaint(source: "ByteSource", entry: "Entry") -> str | None:
    stream = _Stream(entry)
    async for packed in _packed(source, entry):
        complaint = stream.feed(packed)
        if complaint is not None:
            return complaint
    return stream.end()


class _Stream:
    """One deflate stream, fed window by window; keeps no content."""

    def __init__(self, entry: "Entry") -> None:
        self._entry = entry
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._size = 0
        self._crc32 = 0

    def feed(self, packed: bytes) -> str | None:
        """What is wrong so far."""
        if self._inflater.eof:
            return HIDDEN
        waiting = True
        while waiting and not self._inflater.eof:
            try:
                content = self._inflater.decompress(packed, UNPACKED_WINDOW_BYTES)
            except zlib.error:
                return "The compressed data is damaged."
            self._size += len(content)
            self._crc32 = zlib.crc32(content, self._crc32)
            if self._size > self._entry.size:
                return "The entry unpacks to more bytes than the archive says."
            packed = self._inflater.unconsumed_tail
            # Behind a full window there may be more, though all that was given is taken.
            waiting = bool(packed) or len(content) == UNPACKED_WINDOW_BYTES
        return HIDDEN if self._inflater.unused_data else None

    def end(self) -> str | None:
        if not self._inflater.eof:
            return "The compressed data is cut off."
        if self._size != self._entry.size:
            return "The entry unpacks to fewer bytes than the archive says."
        if self._crc32 != self._entry.crc32:
            return "The entry does not unpack to what its CRC-32 says."
        return None
