"""Two storages as one, while objects move from the old to the new."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.adapters.local.clock import FixedClock
from functions.adapters.local.object_store import MemoryObjectStore
from functions.core.fallback_reader import FallbackReader
from functions.core.fallback_store import FallbackStore
from functions.ports.object_store import (
    ByteRange,
    ObjectInfo,
    ObjectStoreError,
    PreconditionFailedError,
    RangeNotSatisfiableError,
)
from tests.contracts.object_store import content_of, keys_under, put, run


class Failing(MemoryObjectStore):
    """A store that is out of reach while `fails`."""

    fails = False

    async def head(self, key: str) -> ObjectInfo | None:
        self._check()
        return await super().head(key)

    async def delete(self, key: str) -> None:
        self._check()
        await super().delete(key)

    def _check(self) -> None:
        if self.fails:
            raise ObjectStoreError("out of reach")


class Pair:
    def __init__(self) -> None:
        clock = FixedClock()
        self.new, self.old = Failing(clock), Failing(clock)
        self.both = FallbackStore(self.new, self.old)


@pytest.fixture
def pair() -> Pair:
    return Pair()


def test_what_the_new_storage_lacks_is_read_from_the_old_one(pair: Pair) -> None:
    async def scenario() -> None:
        await put(pair.old, "k", b"from the old one")
        reader = FallbackReader(pair.new, pair.old)
        info = await reader.head("k")
        assert info is not None
        assert await content_of(await reader.get("k", ByteRange(5, 3))) == b"the"
        assert isinstance(await reader.get("k", unless_etags=frozenset({info.etag})), ObjectInfo)
        assert await pair.both.sha256("k") == await pair.old.sha256("k")

    run(scenario())


def test_what_lies_in_both_is_read_from_the_new_one(pair: Pair) -> None:
    async def scenario() -> None:
        await put(pair.old, "k", b"old, and longer")
        await put(pair.new, "k", b"new")
        assert await content_of(await pair.both.get("k")) == b"new"
        with pytest.raises(RangeNotSatisfiableError):
            await pair.both.get("k", ByteRange(5))
        assert await pair.both.sha256("k") == await pair.new.sha256("k")
        (listed,) = (await pair.both.list_objects("")).objects
        assert listed.size == 3

    run(scenario())


def test_an_outage_of_the_new_storage_does_not_bring_back_the_old_object(pair: Pair) -> None:
    async def scenario() -> None:
        await put(pair.old, "k", b"old")
        await put(pair.new, "k", b"new")
        pair.new.fails = True
        with pytest.raises(ObjectStoreError):
            await pair.both.head("k")

    run(scenario())


def test_a_create_only_put_does_not_hide_an_old_object(pair: Pair) -> None:
    async def scenario() -> None:
        await put(pair.old, "k", b"old")
        with pytest.raises(PreconditionFailedError):
            await put(pair.both, "k", b"new")
        assert await pair.new.head("k") is None
        await put(pair.both, "k", b"new", create_only=False)
        assert await content_of(await pair.both.get("k")) == b"new"

    run(scenario())


def test_whether_there_is_an_old_object_must_be_known_before_a_put(pair: Pair) -> None:
    async def scenario() -> None:
        pair.old.fails = True
        with pytest.raises(ObjectStoreError):
            await put(pair.both, "k", b"new")
        assert await pair.new.head("k") is None

    run(scenario())


def test_deleting_deletes_in_both(pair: Pair) -> None:
    async def scenario() -> None:
        await put(pair.old, "k", b"old")
        await put(pair.new, "k", b"new")
        await pair.both.delete("k")
        assert await pair.both.head("k") is None
        assert await keys_under(pair.both, "") == []

    run(scenario())


def test_a_delete_that_fails_half_way_brings_nothing_back(pair: Pair) -> None:
    async def scenario() -> None:
        await put(pair.old, "k", b"old")
        await put(pair.new, "k", b"new")
        pair.old.fails = True
        with pytest.raises(ObjectStoreError):
            await pair.both.delete("k")
        assert await content_of(await pair.both.get("k")) == b"new"
        pair.old.fails = False
        await pair.both.delete("k")
        assert await pair.both.head("k") is None

    run(scenario())


KEYS = st.sets(st.text("ab/é\uffee\U00010000", min_size=1, max_size=3), max_size=12)


@given(new=KEYS, old=KEYS, prefix=st.sampled_from(["", "a", "é"]), limit=st.integers(1, 5))
def test_a_listing_merges_both_in_order_each_key_once(
    new: set[str], old: set[str], prefix: str, limit: int
) -> None:
    async def scenario() -> None:
        pair = Pair()
        for key in new:
            await put(pair.new, key, b"new")
        for key in old:
            await put(pair.old, key, b"older")
        expected = [key for key in sorted(new | old, key=str.encode) if key.startswith(prefix)]
        assert await keys_under(pair.both, prefix, limit) == expected
        page = await pair.both.list_objects(prefix)
        assert {info.key for info in page.objects if info.size == 3} == {
            key for key in new if key.startswith(prefix)
        }
        assert page.cursor is None

    run(scenario())


def test_a_listing_goes_on_where_an_object_was_deleted_meanwhile(pair: Pair) -> None:
    async def scenario() -> None:
        for key in ("a", "c", "e"):
            await put(pair.new, key, b"x")
        for key in ("b", "d", "f"):
            await put(pair.old, key, b"x")
        first = await pair.both.list_objects("", limit=3)
        assert [info.key for info in first.objects] == ["a", "b", "c"]
        for key in ("a", "c", "d"):
            await pair.both.delete(key)
        rest = await pair.both.list_objects("", first.cursor, limit=3)
        assert [info.key for info in rest.objects] == ["e", "f"]
        assert rest.cursor is None

    run(scenario())
