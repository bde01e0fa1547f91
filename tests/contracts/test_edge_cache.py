import pytest

from functions.adapters.local.clock import FixedClock
from functions.adapters.local.edge_cache import MemoryEdgeCache
from functions.adapters.local.object_store import BytesBody
from tests.contracts.edge_cache import Caching, EdgeCacheContract
from tests.contracts.object_store import run


class TestMemoryEdgeCache(EdgeCacheContract):
    @pytest.fixture
    def caching(self) -> Caching:
        cache = MemoryEdgeCache(FixedClock())
        return Caching(cache, cache.purge)

    def test_an_entry_ends_after_its_seconds(self) -> None:
        async def scenario() -> None:
            clock = FixedClock()
            caching = Caching(MemoryEdgeCache(clock), lambda _: None)
            await caching.keep("k")
            clock.advance(seconds=999)
            assert not await caching.is_empty("k")
            clock.advance(seconds=1)
            assert await caching.is_empty("k")

        run(scenario())

    def test_a_body_that_is_not_as_long_as_said_is_not_kept(self) -> None:
        async def scenario() -> None:
            cache = MemoryEdgeCache(FixedClock())
            kept = cache.keep("k", "n", BytesBody(b"abc"), 4, tags=(), seconds=1000)
            await kept.storing
            assert cache.keys == ()

        run(scenario())
