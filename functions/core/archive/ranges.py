"""Where the bytes of an archive come from, and in how few and small pieces they are read.

A call of the store costs money, time and one of the calls that a Worker has; a byte that is read
in vain costs time only. So neighbours are read together, but only where little lies between them.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

ReadRange: TypeAlias = Callable[[int, int], Awaitable[bytes]]
"""Takes offset and length, and gives exactly that many bytes, or fewer where the object ends."""

WHOLE_BYTES = 1024 * 1024
"""An archive up to this size is read in one piece."""
TAIL_BYTES = 22 + 65_535
"""Of a larger one the tail is read first: an end record with the longest comment."""
MAX_READS = 2000
"""Pieces for the local headers of one archive. A Worker may make 10,000 calls in all
(developers.cloudflare.com/workers/platform/limits), and works on up to four messages at once."""
MERGED_GAP_BYTES = 16 * 1024
PARALLEL = 6
"""The connections that a Worker may have open at once."""
MAX_READ_BYTES = 1024 * 1024
"""Of one read; with `PARALLEL` it bounds the memory."""


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes `start .. end - 1`."""

    start: int
    end: int


class Ranges:
    """One archive of `size` bytes. Its tail is kept once it was read; nothing else is."""

    def __init__(self, read_range: ReadRange, size: int) -> None:
        self._read_range = read_range
        self.size = size
        self._tail_start = size
        self._tail = b""

    async def read_tail(self) -> bytes:
        length = self.size if self.size <= WHOLE_BYTES else TAIL_BYTES
        if length:
            self._tail = await self._read_range(self.size - length, length)
        self._tail_start = self.size - length
        return self._tail

    async def read(self, offset: int, length: int) -> bytes:
        """Fewer bytes where the archive ends, none where the range lies outside of it."""
        end = min(self.size, offset + length)
        if offset < 0 or offset >= end:
            return b""
        if offset >= self._tail_start:
            return self._tail[offset - self._tail_start : end - self._tail_start]
        return await self._read_range(offset, end - offset)

    async def read_spans(self, spans: Sequence[Span]) -> AsyncGenerator[bytes]:
        """The bytes of each span, in the given order, which is that of their starts. Spans may
        overlap."""
        groups = list(_merged(spans))
        for first in range(0, len(groups), PARALLEL):
            batch = groups[first : first + PARALLEL]
            reads = [self.read(whole.start, whole.end - whole.start) for whole, _ in batch]
            # All are awaited also where one fails, so that none goes on behind the caller's back.
            pieces = await asyncio.gather(*reads, return_exceptions=True)
            for (whole, members), piece in zip(batch, pieces, strict=True):
                if isinstance(piece, BaseException):
                    raise piece
                for span in members:
                    yield piece[span.start - whole.start : span.end - whole.start]

    async def read_windows(self, start: int, end: int) -> AsyncGenerator[bytes]:
        """The bytes from `start` to `end`, piece by piece."""
        for offset in range(start, end, MAX_READ_BYTES):
            yield await self.read(offset, min(MAX_READ_BYTES, end - offset))


def _merged(spans: Sequence[Span]) -> Iterator[tuple[Span, list[Span]]]:
    """Spans that are read in one piece, with that piece."""
    gaps = sorted(later.start - earlier.end for earlier, later in pairwise(spans))
    # The widest gaps stay; the others are read too where there would be too many pieces.
    widest_read = max(MERGED_GAP_BYTES, gaps[-MAX_READS] if len(gaps) >= MAX_READS else 0)
    members: list[Span] = []
    start = end = 0
    for span in spans:
        reach = max(end, span.end)
        if members and (span.start - end > widest_read or reach - start > MAX_READ_BYTES):
            yield Span(start, end), members
            members, reach = [], span.end
        if not members:
            start = span.start
        members.append(span)
        end = reach
    if members:
        yield Span(start, end), members
