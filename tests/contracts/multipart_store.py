"""What every `MultipartStore` keeps. An adapter's suite is a subclass with the fixture `multipart`:
an empty bucket."""

import asyncio
import hashlib
from contextlib import suppress

import pytest

from functions.ports.multipart_store import (
    MIN_PART_BYTES,
    MultipartStore,
    Part,
    PartsRefusedError,
    UploadNotFoundError,
)
from functions.ports.object_store import (
    ObjectInfo,
    ObjectStoreError,
    PreconditionFailedError,
    StoredObject,
)
from tests.contracts.bodies import Pattern
from tests.contracts.object_store import content_of, keys_under, put, run

FIRST = b"1" * MIN_PART_BYTES
SECOND = b"2" * MIN_PART_BYTES
LAST = b"the end"


async def begin(store: MultipartStore, key: str) -> str:
    return await store.create_multipart(key, content_type="application/zip")


async def send(store: MultipartStore, key: str, upload_id: str, *contents: bytes) -> list[Part]:
    return [
        Part(
            number,
            await store.put_part(key, upload_id, number, content, length=len(content)),
            len(content),
        )
        for number, content in enumerate(contents, start=1)
    ]


class MultipartStoreContract:
    def test_parts_that_came_in_any_order_make_one_object(self, multipart: MultipartStore) -> None:
        async def scenario() -> None:
            upload_id = await multipart.create_multipart(
                "a/b c+ü.bin",
                content_type="application/x-test",
                cache_control="no-store",
                metadata={"origin": "test"},
            )
            contents = {3: LAST, 1: FIRST, 2: SECOND}
            etags = {
                number: await multipart.put_part(
                    "a/b c+ü.bin", upload_id, number, content, length=len(content)
                )
                for number, content in contents.items()
            }
            assert await multipart.head("a/b c+ü.bin") is None
            parts = await multipart.list_parts("a/b c+ü.bin", upload_id)
            assert [(part.number, part.etag, part.size) for part in parts] == [
                (number, etags[number], len(contents[number])) for number in (1, 2, 3)
            ]
            info = await multipart.complete_multipart("a/b c+ü.bin", upload_id, parts[::-1])
            whole = FIRST + SECOND + LAST
            assert (info.key, info.size) == ("a/b c+ü.bin", len(whole))
            assert await multipart.head("a/b c+ü.bin") == info
            assert (info.content_type, info.cache_control) == ("application/x-test", "no-store")
            assert dict(info.metadata) == {"origin": "test"}
            # A digest of digests is none of the object.
            assert info.sha256 is None
            assert await multipart.sha256("a/b c+ü.bin") == hashlib.sha256(whole).hexdigest()

        run(scenario())

    def test_one_part_is_enough(self, multipart: MultipartStore) -> None:
        async def scenario() -> None:
            upload_id = await begin(multipart, "small")
            parts = await send(multipart, "small", upload_id, LAST)
            await multipart.complete_multipart("small", upload_id, parts)
            assert await content_of(await multipart.get("small")) == LAST

        run(scenario())

    def test_a_part_may_be_a_stream(self, multipart: MultipartStore) -> None:
        async def scenario() -> None:
            upload_id = await begin(multipart, "streamed")
            body = Pattern(3_000_000)
            etag = await multipart.put_part("streamed", upload_id, 1, body, length=body.size)
            parts = [Part(1, etag, body.size)]
            await multipart.complete_multipart("streamed", upload_id, parts)
            assert await multipart.sha256("streamed") == body.sha256

        run(scenario())

    def test_a_part_that_breaks_off_is_none(self, multipart: MultipartStore) -> None:
        async def scenario() -> None:
            upload_id = await begin(multipart, "cut")
            broken = Pattern(3_000_000, breaks_at=1_000_000)
            with pytest.raises(ObjectStoreError):
                await multipart.put_part("cut", upload_id, 1, broken, length=broken.size)
            with pytest.raises(ObjectStoreError):
                await multipart.put_part("cut", upload_id, 2, b"four", length=5)
            assert await multipart.list_parts("cut", upload_id) == ()
            await multipart.abort_multipart("cut", upload_id)

        run(scenario())

    def test_a_part_that_is_put_again_is_replaced(self, multipart: MultipartStore) -> None:
        async def scenario() -> None:
            upload_id = await begin(multipart, "again")
            (old,) = await send(multipart, "again", upload_id, b"old")
            (new,) = await send(multipart, "again", upload_id, b"newer")
            assert await multipart.list_parts("again", upload_id) == (new,)
            with pytest.raises(PartsRefusedError):
                await multipart.complete_multipart("again", upload_id, [old])
            await multipart.complete_multipart("again", upload_id, [new])
            assert await content_of(await multipart.get("again")) == b"newer"

        run(scenario())

    def test_what_was_not_put_like_that_makes_no_object(self, multipart: MultipartStore) -> None:
        async def scenario() -> None:
            upload_id = await begin(multipart, "bad")
            first, last = await send(multipart, "bad", upload_id, FIRST, LAST)
            never = Part(7, last.etag, last.size)
            for parts in ([], [first, never], [Part(1, last.etag, last.size)]):
                with pytest.raises(PartsRefusedError):
                    await multipart.complete_multipart("bad", upload_id, parts)
            assert await multipart.head("bad") is None
            # The upload is still there.
            await multipart.complete_multipart("bad", upload_id, [first, last])

        run(scenario())

    def test_a_small_part_may_only_be_the_last(self, multipart: MultipartStore) -> None:
        async def scenario() -> None:
            upload_id = await begin(multipart, "small")
            parts = await send(multipart, "small", upload_id, LAST, LAST)
            with pytest.raises(PartsRefusedError):
                await multipart.complete_multipart("small", upload_id, parts)
            assert await multipart.head("small") is None

        run(scenario())

    def test_a_create_only_completion_never_replaces(self, multipart: MultipartStore) -> None:
        async def scenario() -> None:
            upload_id = await begin(multipart, "once")
            parts = await send(multipart, "once", upload_id, LAST)
            await put(multipart, "once", b"first")
            with pytest.raises(PreconditionFailedError):
                await multipart.complete_multipart("once", upload_id, parts)
            assert await content_of(await multipart.get("once")) == b"first"
            await multipart.complete_multipart("once", upload_id, parts, create_only=False)
            assert await content_of(await multipart.get("once")) == LAST

        run(scenario())

    def test_of_racing_completions_one_wins(self, multipart: MultipartStore) -> None:
        async def scenario() -> None:
            contents = [f"writer {number}".encode() for number in range(6)]
            uploads = [await begin(multipart, "raced") for _ in contents]
            sent = [
                await send(multipart, "raced", upload_id, content)
                for upload_id, content in zip(uploads, contents, strict=True)
            ]
            results = await asyncio.gather(
                *(
                    multipart.complete_multipart("raced", upload_id, parts)
                    for upload_id, parts in zip(uploads, sent, strict=True)
                ),
                return_exceptions=True,
            )
            winners = [
                content
                for content, result in zip(contents, results, strict=True)
                if isinstance(result, ObjectInfo)
            ]
            losers = [result for result in results if isinstance(result, BaseException)]
            assert len(winners) == 1
            assert all(isinstance(loser, PreconditionFailedError) for loser in losers), losers
            assert await content_of(await multipart.get("raced")) == winners[0]

        run(scenario())

    def test_an_upload_ends_with_its_completion(self, multipart: MultipartStore) -> None:
        async def scenario() -> None:
            upload_id = await begin(multipart, "done")
            parts = await send(multipart, "done", upload_id, LAST)
            info = await multipart.complete_multipart("done", upload_id, parts)
            # A storage may remember what it completed, and then say the same again.
            with suppress(UploadNotFoundError):
                again = await multipart.complete_multipart(
                    "done", upload_id, parts, create_only=False
                )
                assert again == info
            assert await multipart.head("done") == info
            with pytest.raises(UploadNotFoundError):
                await multipart.put_part("done", upload_id, 2, LAST, length=len(LAST))
            with pytest.raises(UploadNotFoundError):
                await multipart.list_parts("done", upload_id)
            assert await multipart.list_multiparts("") == ()

        run(scenario())

    def test_an_aborted_upload_leaves_nothing(self, multipart: MultipartStore) -> None:
        async def scenario() -> None:
            upload_id = await begin(multipart, "gone")
            parts = await send(multipart, "gone", upload_id, LAST)
            await multipart.abort_multipart("gone", upload_id)
            await multipart.abort_multipart("gone", upload_id)
            with pytest.raises(UploadNotFoundError):
                await multipart.complete_multipart("gone", upload_id, parts)
            with pytest.raises(UploadNotFoundError):
                await multipart.list_parts("gone", upload_id)
            assert await multipart.list_multiparts("") == ()
            assert await keys_under(multipart, "") == []

        run(scenario())

    def test_an_unknown_upload_is_not_found(self, multipart: MultipartStore) -> None:
        async def scenario() -> None:
            upload_id = await begin(multipart, "known")
            for key, unknown in (("known", "0" * 32), ("other", upload_id)):
                with pytest.raises(UploadNotFoundError):
                    await multipart.put_part(key, unknown, 1, LAST, length=len(LAST))
                with pytest.raises(UploadNotFoundError):
                    await multipart.list_parts(key, unknown)
                with pytest.raises(UploadNotFoundError):
                    await multipart.complete_multipart(key, unknown, [Part(1, "0" * 32, 7)])
                await multipart.abort_multipart(key, unknown)
            assert [one.key for one in await multipart.list_multiparts("")] == ["known"]

        run(scenario())

    def test_what_is_pending_is_listed_by_prefix(self, multipart: MultipartStore) -> None:
        async def scenario() -> None:
            keys = ["p/a b", "p/é+%", "p/é+%", "q/a"]
            begun = [(key, await begin(multipart, key)) for key in keys]
            await put(multipart, "p/object", b"x")
            pending = await multipart.list_multiparts("p/")
            assert [one.key for one in pending] == keys[:3]
            assert {(one.key, one.upload_id) for one in pending} == set(begun[:3])
            assert all(one.started_at > 0 for one in pending)
            assert len(await multipart.list_multiparts("")) == 4

        run(scenario())

    def test_pending_uploads_are_no_objects(self, multipart: MultipartStore) -> None:
        async def scenario() -> None:
            upload_id = await begin(multipart, "pending")
            await send(multipart, "pending", upload_id, LAST)
            assert await keys_under(multipart, "") == []
            found = await multipart.get("pending")
            assert not isinstance(found, StoredObject)

        run(scenario())
