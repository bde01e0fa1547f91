"""What the entries of an archive hold, as far as it is checked, and reading one out.

A deflate stream ends by itself, and a reader from the front believes it and not the sizes. Only
inflating shows that it ends where the archive says, with as many bytes and the CRC-32 that the
archive says. That is done for the small entries, as many as `CONTENT_BYTES` packed bytes hold: an
archive up to that size is checked wholly, of a larger one the rest is not read (ADR 11).
"""

import zlib
from typing import TYPE_CHECKING

from functions.core.archive.central import DEFLATED, MAX_EMPTY_STREAM_BYTES, STORED
from functions.core.archive.end_record import SIGNATURE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from functions.core.archive.central import Entry
    from functions.core.archive.problems import Findings, Rule
    from functions.core.archive.ranges import ReadRange

CONTENT_BYTES = 1024 * 1024
UNPACKED_BYTES = 256 * 1024 * 1024
"""What the checked entries may unpack to in all: a Worker inflates about 100 MB/s and may compute
for 30 s."""
WINDOW_BYTES = 1024 * 1024
"""Of unpacked bytes that are in memory at once."""


def affordable(entries: "Sequence[Entry]", content_bytes: int) -> frozenset[int]:
    """The entries whose content is checked, by their offsets: the smallest ones."""
    chosen: set[int] = set()
    packed = unpacked = 0
    for entry in sorted(entries, key=lambda entry: (entry.compressed_size, entry.size)):
        packed += entry.compressed_size
        unpacked += entry.size
        # A folder's few bytes are always looked at: nobody else would.
        is_folder = entry.is_folder and entry.compressed_size <= MAX_EMPTY_STREAM_BYTES
        if is_folder or (packed <= content_bytes and unpacked <= UNPACKED_BYTES):
            chosen.add(entry.offset)
    return frozenset(chosen)


def check(found: "Findings", entry: "Entry", packed: bytes) -> None:
    """Whether the packed bytes of an entry are what the archive says."""
    wrong: tuple[Rule, str] | None = None
    if entry.method == DEFLATED:
        wrong = _wrong_stream(entry, packed)
    elif entry.method == STORED and zlib.crc32(packed) != entry.crc32:
        wrong = "zip-data-crc", "The entry's bytes do not have the CRC-32 that the archive says."
    if wrong is not None:
        found.report(wrong[0], wrong[1], entry.name, entry.size)


async def check_open(found: "Findings", entry: "Entry", windows: "AsyncIterator[bytes]") -> None:
    """A stored entry whose size stands only behind it: a reader from the front ends it at the first
    record that it sees."""
    before = b""
    crc32 = 0
    async for window in windows:
        crc32 = zlib.crc32(window, crc32)
        if SIGNATURE.search(before + window):
            report_open(found, entry)
            return
        before = window[-3:]
    if crc32 != entry.crc32:
        detail = "The entry's bytes do not have the CRC-32 that the archive says."
        found.report("zip-data-crc", detail, entry.name, entry.size)


def report_open(found: "Findings", entry: "Entry") -> None:
    found.report(
        "zip-descriptor-stored",
        "The entry is stored and has its size only behind its data, where a reader from the front "
        "cannot find it for sure. Pack it with its size, or compressed.",
        entry.name,
        entry.size,
    )


async def read_entry(read_range: "ReadRange", entry: "Entry", limit: int) -> bytes | None:
    """The content of one entry of a sound archive, checked against its size and CRC-32; None where
    they do not hold or the content has more than `limit` bytes. About twice that is the most that
    is kept in memory.

    Raises: what the range reads raise.
    """
    # Deflate never needs more than 5 bytes for each 16 KiB block beyond the content (RFC 1951
    # 3.2.4), unless it is flushed.
    if entry.size > limit or entry.compressed_size > limit + limit // 8 + 1024:
        return None
    packed = b""
    if entry.compressed_size:
        packed = await read_range(entry.data_offset, entry.compressed_size)
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


def _wrong_stream(entry: "Entry", packed: bytes) -> "tuple[Rule, str] | None":
    """Inflates window by window, and no further than the entry says that it goes."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    size = crc32 = 0
    waiting = True
    while waiting and not inflater.eof:
        try:
            window = inflater.decompress(packed, WINDOW_BYTES)
        except zlib.error:
            return "zip-data-damaged", "The compressed data is damaged."
        size += len(window)
        crc32 = zlib.crc32(window, crc32)
        if size > entry.size:
            return "zip-data-size", "The entry unpacks to more bytes than the archive says."
        packed = inflater.unconsumed_tail
        # Behind a full window there may be more, though all that was given is taken.
        waiting = bool(packed) or len(window) == WINDOW_BYTES
    if not inflater.eof:
        return "zip-data-damaged", "The compressed data is cut off."
    if inflater.unused_data:
        return "zip-data-trailing", "There are bytes behind the end of the compressed data."
    if size != entry.size:
        return "zip-data-size", "The entry unpacks to fewer bytes than the archive says."
    if crc32 != entry.crc32:
        return "zip-data-crc", "The entry does not unpack to what its CRC-32 says."
    return None
