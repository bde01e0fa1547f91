"""A dump on its way into the bucket: compressed and measured as it streams, never whole in
memory."""

import hashlib
import zlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from functions.core.sql_dump import DumpContent, DumpScanner

if TYPE_CHECKING:
    from functions.ports.database_export import DatabaseDump
    from functions.ports.object_store import Body

LEVEL = 3
"""Rows are so alike that a higher level saves a tenth and takes twice the time. Fixed, like
everything else about the compression: the same text becomes the same bytes."""
GZIP = zlib.MAX_WBITS | 16
PIECE_BYTES = 256 * 1024
"""The compressor gives small pieces, and each one that a store is given costs a call."""


@dataclass(frozen=True, slots=True)
class Measured:
    size: int
    sha256: str
    """Both of the compressed bytes."""
    content: DumpContent


async def compressed(body: "Body") -> AsyncGenerator[bytes]:
    """The body as gzip. The header holds no time, so equal bodies give equal bytes."""
    compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
    waiting: list[bytes] = []
    waiting_bytes = 0
    async for chunk in body:
        piece = compressor.compress(chunk)
        waiting.append(piece)
        waiting_bytes += len(piece)
        if waiting_bytes >= PIECE_BYTES:
            yield b"".join(waiting)
            waiting.clear()
            waiting_bytes = 0
    yield b"".join([*waiting, compressor.flush()])


async def measure(dump: "DatabaseDump") -> Measured:
    """Raises: DatabaseExportError."""
    scanner, digest, size = DumpScanner(), hashlib.sha256(), 0
    async for piece in compressed(_scanned(dump.open(), scanner)):
        digest.update(piece)
        size += len(piece)
    return Measured(size, digest.hexdigest(), scanner.finish())


async def _scanned(body: "Body", scanner: DumpScanner) -> AsyncGenerator[bytes]:
    async for chunk in body:
        scanner.feed(chunk)
        yield chunk
