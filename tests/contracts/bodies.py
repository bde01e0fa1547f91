"""Bodies for the contract suites, here and in a Worker: they are made where they are sent from."""

import hashlib
import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from functions.ports.object_store import UnavailableError

BLOCK = 64 * 1024
_NOISE = random.Random("stowage").randbytes(BLOCK - 8)  # noqa: S311  (the same everywhere)


class Chunks:
    """A body that is no `bytes`."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            yield chunk


@dataclass(frozen=True)
class Pattern:
    """`size` bytes, no block of them like another, never whole in memory. With `breaks_at` it
    breaks off there."""

    size: int
    breaks_at: int | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        sent = 0
        for block in self.blocks():
            if self.breaks_at is not None and sent >= self.breaks_at:
                raise UnavailableError("the body broke off, as this test wants it")
            yield block
            sent += len(block)

    def blocks(self) -> Iterator[bytes]:
        for index in range(-(-self.size // BLOCK)):
            yield (index.to_bytes(8) + _NOISE)[: self.size - index * BLOCK]

    def part(self, offset: int, length: int) -> bytes:
        """The bytes from `offset`, fewer at the end."""
        end = min(self.size, offset + length)
        first, last = offset // BLOCK, -(-end // BLOCK)
        whole = b"".join(index.to_bytes(8) + _NOISE for index in range(first, last))
        return whole[offset - first * BLOCK : end - first * BLOCK]

    @property
    def sha256(self) -> str:
        digest = hashlib.sha256()
        for block in self.blocks():
            digest.update(block)
        return digest.hexdigest()
