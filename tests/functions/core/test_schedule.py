import asyncio

from functions.adapters.local.multipart_store import MemoryMultipartStore
from functions.adapters.local.queue import MemoryQueue
from functions.core import versions
from functions.core.schedule import Report, run_schedule
from functions.ports.object_store import ObjectStoreError
from functions.ports.queue import QueueError
from tests.contracts.object_store import run
from tests.functions.core.world import World, a_package, sha256


async def tick(world: World, batch: int = 100) -> Report:
    return await run_schedule(
        world.records, world.uploads, world.uploads, world.queue, world.clock, batch=batch
    )


def test_a_quiet_platform_has_nothing_to_do(world: World) -> None:
    assert run(tick(world)) == Report(0, 0, 0)


def test_a_lost_message_is_sent_again_after_the_deadline(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        version, _ = await world.validating(caller)
        assert len(world.queue.take()) == 1  # lost
        world.clock.advance(seconds=119)
        assert (await tick(world)).requeued == 0
        world.clock.advance(seconds=1)
        assert (await tick(world)).requeued == 1
        assert (await tick(world)).requeued == 0
        assert [outcome.kind for outcome in await world.work()] == ["draft"]
        world.clock.advance(seconds=600)
        assert (await tick(world)).requeued == 0
        assert await world.history(version.id) == ["created", "completed", "validated"]

    run(scenario())


def test_two_runs_at_once_send_one_message(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        await world.validating(caller)
        world.queue.take()
        world.clock.advance(seconds=120)
        reports = await asyncio.gather(tick(world), tick(world))
        assert sum(report.requeued for report in reports) == 1
        assert len(world.queue.take()) == 1

    run(scenario())


def test_a_queue_that_fails_is_told_and_tried_again_later(world: World) -> None:
    class Away(MemoryQueue):
        async def send(self, message: object, *, delay_seconds: int = 0) -> None:
            raise QueueError("away")

    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        version, _ = await world.validating(caller)
        world.queue.take()
        sound, world.queue = world.queue, Away()
        world.clock.advance(seconds=120)
        report = await tick(world)
        assert report.requeued == 0
        assert version.id in report.errors[0]
        world.queue = sound
        world.clock.advance(seconds=120)
        assert (await tick(world)).requeued == 1

    run(scenario())


def test_a_temp_object_outlives_its_url_by_an_hour(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        version, upload = await world.validating(caller)
        await world.work()
        world.clock.advance(seconds=900 + 3599)
        assert (await tick(world)).deleted == 0
        assert await world.uploads.head(upload.object_key) is not None
        world.clock.advance(seconds=1)
        assert (await tick(world)).deleted == 1
        assert await world.uploads.head(upload.object_key) is None
        assert (await tick(world)).deleted == 0
        draft = await versions.get_version(world.records, caller, version.id)
        assert draft.object_key is not None
        assert await world.packages.sha256(draft.object_key) == sha256(a_package())

    run(scenario())


def test_a_temp_object_is_kept_while_it_is_validated(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        await world.validating(caller)
        world.queue.take()
        world.clock.advance(seconds=7 * 24 * 3600)
        assert await tick(world) == Report(requeued=1, expired=0, deleted=0)
        assert [outcome.kind for outcome in await world.work()] == ["draft"]
        assert (await tick(world)).deleted == 1

    run(scenario())


def test_an_abandoned_upload_fails_and_frees_its_code(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        version, upload, _ = await world.create(caller, a_package())
        await world.put(upload, a_package())
        world.clock.advance(seconds=900 + 3600)
        assert await tick(world) == Report(requeued=0, expired=1, deleted=1)
        failed = await versions.get_version(world.records, caller, version.id)
        assert failed.status == "failed"
        assert [problem["slug"] for problem in failed.problems] == ["upload-expired"]
        assert await world.history(version.id) == ["created", "expired"]
        _, _, created = await world.create(caller, a_package())
        assert created

    run(scenario())


def test_a_fresh_url_keeps_an_upload_alive(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        version, _, _ = await world.create(caller, a_package())
        world.clock.advance(seconds=900 + 3599)
        await world.create(caller, a_package())
        world.clock.advance(seconds=10)
        assert await tick(world) == Report(0, 0, 0)
        again = await versions.get_version(world.records, caller, version.id)
        assert again.status == "uploading"

    run(scenario())


def test_a_store_that_fails_stops_nothing_else(world: World) -> None:
    class Stubborn(MemoryMultipartStore):
        async def delete(self, key: str) -> None:
            raise ObjectStoreError("away")

    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        _, upload, _ = await world.create(caller, a_package())
        world.clock.advance(seconds=900 + 3600)
        sound, world.uploads = world.uploads, Stubborn(world.clock)
        report = await tick(world)
        assert (report.expired, report.deleted) == (1, 0)
        assert upload.id in report.errors[0]
        world.uploads = sound
        assert (await tick(world)).deleted == 1

    run(scenario())


def test_a_run_is_bounded_and_the_next_goes_on(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        for code in range(1, 6):
            await world.create(caller, a_package(), code)
        world.clock.advance(seconds=900 + 3600)
        assert [(await tick(world, batch=2)).expired for _ in range(4)] == [2, 2, 1, 0]

    run(scenario())
