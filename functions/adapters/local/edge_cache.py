"""A data centre's cache in memory, with purges by tag: the reference for what the port promises."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from functions.adapters.local.object_store import BytesBody
from functions.ports.edge_cache import CacheEntry, Kept
from functions.ports.object_store import ByteRange, ObjectStoreError, OpenBody

if TYPE_CHECKING:
    from functions.ports.clock import Clock


@dataclass(frozen=True, slots=True)
class _Stored:
    note: str
    content: bytes
    tags: frozenset[str]
    until: int


class _Split:
    """A body that is read once and given twice."""

    def __init__(self, body: OpenBody) -> None:
        self._body = body
        self._content: bytes | None = None

    async def content(self) -> bytes:
        if self._content is None:
            self._content = b"".join([chunk async for chunk in self._body])
        return self._content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield await self.content()

    async def discard(self) -> None:
        """The other end may still be read."""


class MemoryEdgeCache:
    def __init__(self, clock: "Clock", max_bytes: int = 512_000_000) -> None:
        self._clock = clock
        self._max_bytes = max_bytes
        self._entries: dict[str, _Stored] = {}

    @property
    def max_bytes(self) -> int:
        return self._max_bytes

    async def match(self, key: str, byte_range: ByteRange | None = None) -> CacheEntry | None:
        found = self._entries.get(key)
        if found is None or found.until <= self._clock.now_ms():
            return None
        size = len(found.content)
        extent = None if byte_range is None else byte_range.extent(size)
        offset, length = extent or (0, size)
        body = BytesBody(found.content[offset : offset + length])
        return CacheEntry(found.note, body, offset, length)

    def keep(
        self, key: str, note: str, body: OpenBody, length: int, *, tags: Sequence[str], seconds: int
    ) -> Kept:
        split = _Split(body)

        async def store() -> None:
            try:
                content = await split.content()
            except ObjectStoreError:
                return
            if len(content) == length <= self._max_bytes:
                self._store(key, note, content, tags, seconds)

        return Kept(split, store())

    async def keep_note(self, key: str, note: str, *, tags: Sequence[str], seconds: int) -> None:
        self._store(key, note, b"", tags, seconds)

    async def forget(self, key: str) -> None:
        self._entries.pop(key, None)

    def purge(self, tags: Iterable[str]) -> None:
        wanted = {tag.lower() for tag in tags}
        self._entries = {
            key: entry for key, entry in self._entries.items() if not entry.tags & wanted
        }

    def purge_everything(self) -> None:
        self._entries.clear()

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self._entries)

    def _store(
        self, key: str, note: str, content: bytes, tags: Sequence[str], seconds: int
    ) -> None:
        until = self._clock.now_ms() + seconds * 1000
        self._entries[key] = _Stored(note, content, frozenset(tag.lower() for tag in tags), until)
