"""What every `ObjectStore` keeps, whatever lies behind it.

An adapter's suite is a subclass with the fixture `store`: an empty bucket. It leaves a case out
only by overriding it, with the reason in its place.
"""

import asyncio
import hashlib

import pytest

from functions.ports.object_store import (
    ByteRange,
    ChecksumMismatchError,
    ObjectInfo,
    ObjectStore,
    ObjectStoreError,
    PreconditionFailedError,
    RangeNotSatisfiableError,
    StoredObject,
)
from tests.contracts.bodies import Chunks
from tests.contracts.object_extremes import AwkwardKeysContract, LargeObjectsContract
from tests.contracts.scenario import content_of, keys_under, put, run


class ObjectStoreContract(LargeObjectsContract, AwkwardKeysContract):
    def test_an_object_comes_back_as_it_was_put(self, store: ObjectStore) -> None:
        async def scenario() -> None:
            digest = hashlib.sha256(b"hello").hexdigest()
            put_info = await store.put(
                "a/b c+ü.txt",
                b"hello",
                length=5,
                content_type="text/x-test",
                cache_control="no-store",
                sha256=digest,
                metadata={"origin": "test"},
            )
            stored = await store.get("a/b c+ü.txt")
            assert isinstance(stored, StoredObject)
            assert (stored.offset, stored.length) == (0, 5)
            assert await content_of(stored) == b"hello"
            for info in (stored.info, put_info, await store.head("a/b c+ü.txt")):
                assert info is not None
                assert (info.key, info.size, info.sha256) == ("a/b c+ü.txt", 5, digest)
                assert info.etag == put_info.etag
                assert info.etag.strip('"') == info.etag
            head = await store.head("a/b c+ü.txt")
            assert head is not None
            assert head.content_type == "text/x-test"
            assert head.cache_control == "no-store"
            assert dict(head.metadata) == {"origin": "test"}

        run(scenario())

    def test_a_missing_object_is_none(self, store: ObjectStore) -> None:
        async def scenario() -> None:
            assert await store.head("missing") is None
            assert await store.get("missing") is None
            assert await store.get("missing", ByteRange(5, 5)) is None
            assert await store.sha256("missing") is None

        run(scenario())

    def test_without_a_promised_digest_none_is_told(self, store: ObjectStore) -> None:
        async def scenario() -> None:
            await put(store, "plain", b"x")
            head = await store.head("plain")
            assert head is not None
            assert head.sha256 is None

        run(scenario())

    def test_a_create_only_put_never_replaces(self, store: ObjectStore) -> None:
        async def scenario() -> None:
            await put(store, "once", b"first")
            with pytest.raises(PreconditionFailedError):
                await put(store, "once", b"second")
            assert await content_of(await store.get("once")) == b"first"

        run(scenario())

    def test_of_racing_create_only_puts_one_wins(self, store: ObjectStore) -> None:
        async def scenario() -> None:
            contents = [f"writer {number}".encode() for number in range(12)]
            results = await asyncio.gather(
                *(put(store, "raced", content) for content in contents), return_exceptions=True
            )
            winners = [
                content
                for content, result in zip(contents, results, strict=True)
                if not isinstance(result, BaseException)
            ]
            assert len(winners) == 1
            losers = [result for result in results if isinstance(result, BaseException)]
            assert all(isinstance(loser, PreconditionFailedError) for loser in losers)
            assert await content_of(await store.get("raced")) == winners[0]

        run(scenario())

    def test_a_put_that_may_replace_does(self, store: ObjectStore) -> None:
        async def scenario() -> None:
            first = await put(store, "index", b"old")
            second = await put(store, "index", b"new", create_only=False)
            assert first.etag != second.etag
            assert await content_of(await store.get("index")) == b"new"

        run(scenario())

    def test_wrong_bytes_are_refused_and_nothing_is_stored(self, store: ObjectStore) -> None:
        async def scenario() -> None:
            with pytest.raises(ChecksumMismatchError):
                await store.put(
                    "bad", b"hello", length=5, content_type="text/plain", sha256="0" * 64
                )
            assert await store.head("bad") is None

        run(scenario())

    @pytest.mark.parametrize("length", [3, 7])
    def test_a_wrong_length_is_refused_and_nothing_is_stored(
        self, store: ObjectStore, length: int
    ) -> None:
        async def scenario() -> None:
            with pytest.raises(ObjectStoreError):
                await store.put(
                    "bad", Chunks(b"he", b"llo"), length=length, content_type="text/plain"
                )
            assert await store.head("bad") is None

        run(scenario())

    def test_bytes_of_another_length_are_refused_and_nothing_is_stored(
        self, store: ObjectStore
    ) -> None:
        async def scenario() -> None:
            with pytest.raises(ObjectStoreError):
                await store.put("bad", b"hello", length=4, content_type="text/plain")
            assert await store.head("bad") is None

        run(scenario())

    def test_a_refused_put_leaves_what_was_there(self, store: ObjectStore) -> None:
        async def scenario() -> None:
            await put(store, "index", b"old")
            with pytest.raises(ChecksumMismatchError):
                await store.put(
                    "index",
                    b"new",
                    length=3,
                    content_type="text/plain",
                    sha256="0" * 64,
                    create_only=False,
                )
            assert await content_of(await store.get("index")) == b"old"

        run(scenario())

    def test_a_stream_is_stored_whole(self, store: ObjectStore) -> None:
        async def scenario() -> None:
            await store.put("s", Chunks(b"he", b"llo"), length=5, content_type="text/plain")
            assert await content_of(await store.get("s")) == b"hello"

        run(scenario())

    def test_a_body_of_the_store_can_be_put_again(self, store: ObjectStore) -> None:
        async def scenario() -> None:
            content = bytes(range(256)) * 1000
            await put(store, "from", content)
            stored = await store.get("from")
            assert isinstance(stored, StoredObject)
            digest = hashlib.sha256(content).hexdigest()
            await store.put(
                "to",
                stored.body,
                length=stored.length,
                content_type="text/plain",
                sha256=digest,
            )
            assert await store.sha256("to") == digest

        run(scenario())

    def test_an_empty_object_is_an_object(self, store: ObjectStore) -> None:
        async def scenario() -> None:
            await put(store, "empty", b"")
            assert await content_of(await store.get("empty")) == b""
            with pytest.raises(RangeNotSatisfiableError):
                await store.get("empty", ByteRange(0, 1))
            with pytest.raises(RangeNotSatisfiableError):
                await store.get("empty", ByteRange(suffix=1))
            await store.put("streamed", Chunks(), length=0, content_type="text/plain")
            assert await content_of(await store.get("streamed")) == b""
            assert await store.sha256("streamed") == hashlib.sha256(b"").hexdigest()
            assert await keys_under(store, "") == ["empty", "streamed"]

        run(scenario())

    @pytest.mark.parametrize(
        ("byte_range", "offset", "content"),
        [
            (ByteRange(2, 3), 2, b"234"),
            (ByteRange(7), 7, b"789"),
            (ByteRange(7, 100), 7, b"789"),
            (ByteRange(0, 1), 0, b"0"),
            (ByteRange(suffix=4), 6, b"6789"),
            (ByteRange(suffix=100), 0, b"0123456789"),
        ],
    )
    def test_a_range_is_cut_to_the_object(
        self, store: ObjectStore, byte_range: ByteRange, offset: int, content: bytes
    ) -> None:
        async def scenario() -> None:
            await put(store, "digits", b"0123456789")
            stored = await store.get("digits", byte_range)
            assert isinstance(stored, StoredObject)
            assert (stored.offset, stored.length, stored.info.size) == (offset, len(content), 10)
            assert await content_of(stored) == content

        run(scenario())

    @pytest.mark.parametrize("byte_range", [ByteRange(10), ByteRange(11, 5), ByteRange(2**62)])
    def test_a_range_past_the_end_tells_the_size(
        self, store: ObjectStore, byte_range: ByteRange
    ) -> None:
        async def scenario() -> None:
            await put(store, "digits", b"0123456789")
            with pytest.raises(RangeNotSatisfiableError) as caught:
                await store.get("digits", byte_range)
            assert (caught.value.key, caught.value.size) == ("digits", 10)

        run(scenario())

    def test_a_known_etag_gets_no_body(self, store: ObjectStore) -> None:
        async def scenario() -> None:
            info = await put(store, "known", b"hello")
            found = await store.get("known", unless_etags=frozenset({"other", info.etag}))
            assert isinstance(found, ObjectInfo)
            assert (found.key, found.size, found.etag) == ("known", 5, info.etag)
            other = await store.get("known", unless_etags=frozenset({"other"}))
            assert await content_of(other) == b"hello"

        run(scenario())

    def test_a_known_etag_counts_before_the_range(self, store: ObjectStore) -> None:
        async def scenario() -> None:
            info = await put(store, "known", b"hello")
            found = await store.get("known", ByteRange(99, 1), unless_etags=frozenset({info.etag}))
            assert isinstance(found, ObjectInfo)

        run(scenario())

    def test_a_body_can_be_given_up_and_the_object_asked_for_again(
        self, store: ObjectStore
    ) -> None:
        async def scenario() -> None:
            await put(store, "big", b"0123456789" * 100_000)
            for _ in range(3):
                stored = await store.get("big")
                assert isinstance(stored, StoredObject)
                await stored.body.discard()
                await stored.body.discard()
            assert await content_of(await store.get("big", ByteRange(0, 3))) == b"012"

        run(scenario())

    def test_the_etag_of_a_replaced_object_is_not_that_of_the_new_one(
        self, store: ObjectStore
    ) -> None:
        async def scenario() -> None:
            old = await put(store, "index", b"old")
            new = await put(store, "index", b"new", create_only=False)
            found = await store.get("index", unless_etags=frozenset({old.etag}))
            assert await content_of(found) == b"new"
            assert isinstance(found, StoredObject)
            assert found.info.etag == new.etag
            again = await store.get("index", ByteRange(1, 1), unless_etags=frozenset({old.etag}))
            assert await content_of(again) == b"e"
            assert await store.get("missing", unless_etags=frozenset({old.etag})) is None

        run(scenario())

    def test_deleting_twice_is_a_success(self, store: ObjectStore) -> None:
        async def scenario() -> None:
            await put(store, "gone", b"x")
            await store.delete("gone")
            await store.delete("gone")
            assert await store.head("gone") is None

        run(scenario())

    def test_a_list_goes_by_prefix_and_page_in_order_of_bytes(self, store: ObjectStore) -> None:
        async def scenario() -> None:
            # U+FFFF sorts before U+10000 as UTF-8, but behind it as UTF-16.
            # A file system lists the folder "b" before "b-" and "b.".
            folders = ["p/b-", "p/b.", "p/b/c", "p/b0", "p/B"]
            keys = ["p/a", *folders, "p/é", "p/\uffee", "p/\U00010000", "q/a"]
            for key in reversed(keys):
                await put(store, key, b"x")
            expected = sorted(keys[:-1], key=str.encode)
            assert await keys_under(store, "p/", limit=2) == expected
            assert await keys_under(store, "p/") == expected
            assert await keys_under(store, "p/b", limit=1) == sorted(
                ["p/b-", "p/b.", "p/b/c", "p/b0"]
            )

        run(scenario())

    def test_a_list_begins_behind_the_key_that_it_is_told(self, store: ObjectStore) -> None:
        async def scenario() -> None:
            for key in ("a/1", "p/1", "p/2", "p/2é", "p/3", "q/1"):
                await put(store, key, b"x")
            assert await keys_under(store, "p/", start_after="p/2") == ["p/2é", "p/3"]
            # It need not exist, and pages go on behind it.
            assert await keys_under(store, "p/", limit=1, start_after="p/1x") == [
                "p/2",
                "p/2é",
                "p/3",
            ]
            assert await keys_under(store, "p/", start_after="a/1") == [
                "p/1",
                "p/2",
                "p/2é",
                "p/3",
            ]
            assert await keys_under(store, "p/", start_after="p/3") == []

        run(scenario())

    def test_a_list_of_nothing_is_one_empty_page(self, store: ObjectStore) -> None:
        async def scenario() -> None:
            page = await store.list_objects("nothing/")
            assert (page.objects, page.cursor) == ((), None)

        run(scenario())

    def test_the_digest_is_that_of_the_bytes(self, store: ObjectStore) -> None:
        async def scenario() -> None:
            content = b"0123456789" * 50_000
            await put(store, "big", content)
            assert await store.sha256("big") == hashlib.sha256(content).hexdigest()

        run(scenario())
