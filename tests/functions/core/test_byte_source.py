from hypothesis import given
from hypothesis import strategies as st

from functions.adapters.local.clock import FixedClock
from functions.adapters.local.object_store import MemoryObjectStore
from functions.core.byte_source import ByteSource
from tests.contracts.object_store import run

CONTENT = bytes(number * 7 % 251 for number in range(150_000))


@given(st.lists(st.tuples(st.integers(0, 160_000), st.integers(0, 70_000)), max_size=8))
def test_every_reading_is_a_slice(readings: list[tuple[int, int]]) -> None:
    async def scenario() -> None:
        store = MemoryObjectStore(FixedClock())
        info = await store.put("k", CONTENT, length=len(CONTENT), content_type="x/y")
        source = ByteSource(store, "k", info.etag, info.size)
        for offset, length in readings:
            assert await source.read(offset, length) == CONTENT[offset : offset + length]

    run(scenario())
