"""The cache of the data centre that a request came to.

It may lose anything at any time, and it fails without saying so: what cannot be found is not there,
what cannot be stored is not stored. An entry is a note of ours and, if it is of an object, the
bytes of it. Keys are ours alone: neither the host nor the query of a request is part of one.
"""

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Protocol

from functions.ports.object_store import ByteRange, OpenBody


@dataclass(frozen=True, slots=True)
class CacheEntry:
    note: str
    body: OpenBody
    """The bytes `offset .. offset + length - 1`."""
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Kept:
    """Two ends of one body: what is read of one is stored by the other."""

    body: OpenBody
    storing: Coroutine[object, object, None]
    """To be run while the body is sent. Never raises."""


class EdgeCache(Protocol):
    @property
    def max_bytes(self) -> int:
        """Of one entry; longer bodies must not be given."""
        ...

    async def match(self, key: str, byte_range: ByteRange | None = None) -> CacheEntry | None:
        """The entry with the part of its body that the range names; with the whole body where the
        range lies outside or cannot be cut."""
        ...

    def keep(
        self, key: str, note: str, body: OpenBody, length: int, *, tags: Sequence[str], seconds: int
    ) -> Kept:
        """Stores a whole body of `length` bytes under `key` for so long, in place of what is there.
        `note` is printable ASCII of at most 8 KB; `tags` are what purges name, of which case does
        not count."""
        ...

    async def keep_note(self, key: str, note: str, *, tags: Sequence[str], seconds: int) -> None:
        """An entry without a body."""
        ...

    async def forget(self, key: str) -> None:
        """In this data centre."""
        ...
