"""Keys that are awkward and bodies that are large or break off, for every `ObjectStore`."""

import hashlib

import pytest

from functions.ports.object_store import (
    ByteRange,
    ObjectStore,
    ObjectStoreError,
    StoredObject,
)
from tests.contracts.bodies import Pattern
from tests.contracts.keys import AWKWARD, LONGEST
from tests.contracts.scenario import MEGABYTE, content_of, keys_under, put, run


class AwkwardKeysContract:
    def test_a_key_may_hold_every_awkward_character(self, store: ObjectStore) -> None:
        async def scenario() -> None:
            for key in AWKWARD:
                # Its own name as content: two keys that were taken for one would show.
                await put(store, key, key.encode())
            assert await keys_under(store, "", limit=7) == sorted(AWKWARD, key=str.encode)
            for key in AWKWARD:
                info = await store.head(key)
                assert info is not None, key
                assert info.key == key
                assert await content_of(await store.get(key)) == key.encode()
                assert key in await keys_under(store, key[: len(key) // 2])
            for key in AWKWARD:
                await store.delete(key)
                assert await store.head(key) is None, key
            assert await keys_under(store, "") == []

        run(scenario())

    @pytest.mark.parametrize("key", ["", LONGEST + "!"], ids=["empty", "too long"])
    def test_what_is_no_key_is_refused_and_nothing_is_stored(
        self, store: ObjectStore, key: str
    ) -> None:
        async def scenario() -> None:
            with pytest.raises(ObjectStoreError):
                await put(store, key, b"x")
            assert await keys_under(store, "") == []

        run(scenario())


class LargeObjectsContract:
    def test_fifty_megabytes_go_through_in_small_pieces(self, store: ObjectStore) -> None:
        async def scenario() -> None:
            pattern = Pattern(50_000_000)
            digest = pattern.sha256
            await store.put(
                "large",
                pattern,
                length=pattern.size,
                content_type="application/zip",
                sha256=digest,
            )
            assert await store.sha256("large") == digest
            for offset in (0, 65_533, 33_333_333, pattern.size - 9):
                found = await store.get("large", ByteRange(offset, 100_000))
                assert await content_of(found) == pattern.part(offset, 100_000)
            stored = await store.get("large")
            assert isinstance(stored, StoredObject)
            await store.put("copy", stored.body, length=stored.length, content_type="x/y")
            streamed = hashlib.sha256()
            copy = await store.get("copy")
            assert isinstance(copy, StoredObject)
            async for chunk in copy.body:
                assert len(chunk) <= MEGABYTE
                streamed.update(chunk)
            assert streamed.hexdigest() == digest

        run(scenario())

    @pytest.mark.parametrize("breaks_at", [0, 300_000, 1_900_000])
    def test_a_body_that_breaks_off_leaves_nothing(
        self, store: ObjectStore, breaks_at: int
    ) -> None:
        async def scenario() -> None:
            broken = Pattern(2_000_000, breaks_at)
            with pytest.raises(ObjectStoreError):
                await store.put("cut", broken, length=broken.size, content_type="x/y")
            assert await store.head("cut") is None
            assert await keys_under(store, "") == []
            await put(store, "cut", b"whole")
            with pytest.raises(ObjectStoreError):
                await store.put(
                    "cut", broken, length=broken.size, content_type="x/y", create_only=False
                )
            assert await content_of(await store.get("cut")) == b"whole"

        run(scenario())
