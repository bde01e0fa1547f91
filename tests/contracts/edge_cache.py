"""What every `EdgeCache` keeps, whatever lies behind it.

An adapter's suite is a subclass with the fixture `caching`: an empty cache, and purges by tag.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from functions.adapters.local.object_store import BytesBody
from functions.ports.edge_cache import CacheEntry, EdgeCache
from functions.ports.object_store import ByteRange
from tests.contracts.object_store import run

DIGITS = b"0123456789"


@dataclass(frozen=True)
class Caching:
    cache: EdgeCache
    purge: Callable[[Sequence[str]], None]

    async def keep(
        self, key: str, content: bytes = DIGITS, *, note: str = "n", tags: Sequence[str] = ("t",)
    ) -> bytes:
        """What the other end of the body gave."""
        kept = self.cache.keep(key, note, BytesBody(content), len(content), tags=tags, seconds=1000)
        await kept.storing
        return b"".join([chunk async for chunk in kept.body])

    async def found(
        self, key: str, byte_range: ByteRange | None = None
    ) -> tuple[CacheEntry, bytes]:
        entry = await self.cache.match(key, byte_range)
        assert entry is not None
        return entry, b"".join([chunk async for chunk in entry.body])

    async def is_empty(self, key: str) -> bool:
        entry = await self.cache.match(key)
        if entry is not None:
            await entry.body.discard()
        return entry is None


class EdgeCacheContract:
    def test_what_is_kept_is_found_and_goes_on_to_the_client(self, caching: Caching) -> None:
        async def scenario() -> None:
            key = "objects/b/l1/a b+ü~%41?x#y/ö.deb"
            assert await caching.keep(key, note='["etag", 10, "\\u00fc"]') == DIGITS
            entry, content = await caching.found(key)
            assert (entry.note, entry.offset, entry.length) == ('["etag", 10, "\\u00fc"]', 0, 10)
            assert content == DIGITS
            assert await caching.is_empty(key + "x")
            assert await caching.is_empty(key.partition("?")[0])

        run(scenario())

    def test_a_later_entry_takes_the_place_of_an_earlier(self, caching: Caching) -> None:
        async def scenario() -> None:
            await caching.keep("k", b"old", note="1")
            await caching.keep("k", b"newer", note="2")
            entry, content = await caching.found("k")
            assert (entry.note, entry.length, content) == ("2", 5, b"newer")

        run(scenario())

    @pytest.mark.parametrize(
        ("byte_range", "offset", "content"),
        [
            (ByteRange(2, 3), 2, b"234"),
            (ByteRange(7), 7, b"789"),
            (ByteRange(7, 100), 7, b"789"),
            (ByteRange(0, 1), 0, b"0"),
            (ByteRange(suffix=4), 6, b"6789"),
            (ByteRange(suffix=100), 0, DIGITS),
            (ByteRange(10, 1), 0, DIGITS),
            (ByteRange(2**62), 0, DIGITS),
        ],
    )
    def test_a_range_is_cut_and_one_outside_gives_the_whole(
        self, caching: Caching, byte_range: ByteRange, offset: int, content: bytes
    ) -> None:
        async def scenario() -> None:
            await caching.keep("k")
            entry, found = await caching.found("k", byte_range)
            assert (entry.note, entry.offset, entry.length) == ("n", offset, len(content))
            assert found == content

        run(scenario())

    def test_an_empty_body_is_kept_and_so_is_a_note_alone(self, caching: Caching) -> None:
        async def scenario() -> None:
            await caching.keep("empty", b"")
            await caching.cache.keep_note("note", "alone", tags=("t",), seconds=1000)
            for key, note in (("empty", "n"), ("note", "alone")):
                entry, content = await caching.found(key)
                assert (entry.note, entry.length, content) == (note, 0, b"")

        run(scenario())

    def test_what_is_forgotten_is_gone(self, caching: Caching) -> None:
        async def scenario() -> None:
            await caching.keep("k")
            await caching.cache.forget("k")
            await caching.cache.forget("k")
            assert await caching.is_empty("k")

        run(scenario())

    def test_a_purge_takes_every_entry_of_its_tags_and_no_other(self, caching: Caching) -> None:
        async def scenario() -> None:
            await caching.keep("a", tags=("version:org.x/1", "app:org.x"))
            await caching.keep("b", tags=("version:org.x/11", "app:org.x"))
            await caching.cache.keep_note("c", "n", tags=("host:a.example",), seconds=1000)
            caching.purge(["version:org.x/1", "HOST:a.example"])
            assert [await caching.is_empty(key) for key in ("a", "b", "c")] == [True, False, True]
            await caching.keep("a", tags=("version:org.x/1",))
            assert not await caching.is_empty("a")

        run(scenario())

    def test_a_body_larger_than_a_chunk_is_kept_whole(self, caching: Caching) -> None:
        async def scenario() -> None:
            content = bytes(range(256)) * 8192
            assert await caching.keep("big", content) == content
            _, found = await caching.found("big")
            assert found == content
            _, part = await caching.found("big", ByteRange(1_000_000, 5))
            assert part == content[1_000_000:1_000_005]

        run(scenario())
