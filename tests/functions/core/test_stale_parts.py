"""Uploads in parts that nobody completes are aborted, and no other."""

import pytest

from functions.adapters.local.multipart_store import MemoryMultipartStore
from functions.core.stale_parts import STALE_MS, STALE_UPLOAD_MS, Report, abort_stale
from functions.ports.object_store import ObjectStoreError
from tests.contracts.object_store import run
from tests.functions.core.world import World, a_package

STRAY = "packages/01a0c450-6c00-7386-a648-2f61c6237cc1/org.gone/1/package.mosis"


@pytest.fixture
def store(world: World) -> MemoryMultipartStore:
    return MemoryMultipartStore(world.clock)


async def sweep(world: World, *stores: MemoryMultipartStore) -> Report:
    return await abort_stale(world.records, stores, world.clock, world.limits.retention)


async def pending(store: MemoryMultipartStore) -> list[str]:
    return [upload.key for upload in await store.list_multiparts("")]


def test_what_was_begun_a_day_ago_is_aborted(world: World, store: MemoryMultipartStore) -> None:
    async def scenario() -> None:
        await store.create_multipart(STRAY, content_type="x/y")
        world.clock.advance(milliseconds=STALE_MS - 1)
        await store.create_multipart("temp/new", content_type="x/y")
        assert await sweep(world, store) == Report(0)
        world.clock.advance(milliseconds=1)
        assert await sweep(world, store) == Report(1)
        assert await pending(store) == ["temp/new"]
        assert await sweep(world, store) == Report(0)

    run(scenario())


def test_what_no_row_came_to_name_is_aborted_once_no_url_of_it_can_be_out(
    world: World, store: MemoryMultipartStore
) -> None:
    async def scenario() -> None:
        await store.create_multipart("temp/unnamed/package.mosis", content_type="x/y")
        world.clock.advance(milliseconds=STALE_UPLOAD_MS - 1)
        assert await sweep(world, store) == Report(0)
        world.clock.advance(milliseconds=1)
        assert await sweep(world, store) == Report(1)
        assert await pending(store) == []

    run(scenario())


def test_an_upload_that_its_developer_may_go_on_with_is_kept(
    world: World, store: MemoryMultipartStore
) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        _, upload, _ = await world.create(caller, a_package())
        await store.create_multipart(upload.object_key, content_type="x/y")
        world.clock.advance(milliseconds=STALE_MS)
        # Asked for again: its URLs live on.
        _, upload, _ = await world.create(caller, a_package())
        assert await sweep(world, store) == Report(0)
        left = upload.expires_at + world.limits.retention.temp_ms - world.clock.now_ms()
        world.clock.advance(milliseconds=left - 1)
        assert await sweep(world, store) == Report(0)
        world.clock.advance(milliseconds=1)
        assert await sweep(world, store) == Report(1)
        assert await pending(store) == []

    run(scenario())


def test_a_bucket_that_fails_is_told_and_holds_up_no_other(
    world: World, store: MemoryMultipartStore
) -> None:
    class Away(MemoryMultipartStore):
        async def abort_multipart(self, key: str, upload_id: str) -> None:
            raise ObjectStoreError("away")

    async def scenario() -> None:
        away = Away(world.clock)
        for one in (away, store):
            await one.create_multipart(STRAY, content_type="x/y")
        world.clock.advance(milliseconds=STALE_MS)
        report = await sweep(world, away, store)
        assert report.aborted == 1
        assert "away" in report.errors[0]
        assert (await pending(away), await pending(store)) == ([STRAY], [])

    run(scenario())
