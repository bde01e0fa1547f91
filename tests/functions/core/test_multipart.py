"""A package in parts: what the api makes of what the storage has."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from functions.core import multipart
from functions.core.access import Caller
from functions.core.part_plan import PART_BYTES
from functions.core.platform import Limits
from functions.core.stale_parts import STALE_UPLOAD_MS, abort_stale
from functions.core.version_records import Upload, Version
from functions.ports.object_store import UnavailableError
from tests.contracts.object_store import run
from tests.functions.core.test_schedule import tick
from tests.functions.core.world import ENTRY, OPERATOR, World, a_package, refusal

HOUR = 3_600_000
SMALL = a_package()


@pytest.fixture
def world(world: World) -> World:
    world.limits = Limits(multipart_threshold_bytes=len(SMALL) - 1)
    return world


async def created(world: World, content: bytes = SMALL) -> tuple[Caller, Version, Upload]:
    caller = await world.developer()
    await world.app(caller)
    version, upload, _ = await world.create(caller, content)
    return caller, version, upload


async def pending(world: World) -> list[str]:
    return [one.upload_id for one in await world.uploads.list_multiparts("")]


def test_parts_in_any_order_become_the_package(world: World) -> None:
    content = a_package(files={ENTRY: b"x" * (PART_BYTES + 5)}, compression=0)

    async def scenario() -> None:
        caller, version, upload = await created(world, content)
        begun, is_new = await multipart.begin(world.multipart_deps, caller, version.id)
        assert is_new
        assert (begun.missing, begun.received) == ([1, 2], ())
        await world.put_parts(begun, content, 2)
        going_on, is_new = await multipart.begin(world.multipart_deps, caller, version.id)
        assert not is_new
        assert going_on.upload.multipart_id == begun.upload.multipart_id
        assert going_on.missing == [1]
        problem = await refusal(world.complete(caller, version.id))
        assert (problem.status, problem.slug) == (409, "upload-parts-missing")
        assert problem.members["missing"] == [1]
        assert await world.uploads.head(upload.object_key) is None
        await world.put_parts(begun, content, 1)
        seen = await multipart.look(world.multipart_deps, OPERATOR, version.id)
        assert [part.size for part in seen.received] == [PART_BYTES, len(content) - PART_BYTES]
        assert (await world.complete(caller, version.id)).status == "validating"
        assert [outcome.kind for outcome in await world.work()] == ["draft"]
        assert await pending(world) == []

    run(scenario())


def test_a_package_up_to_the_threshold_is_not_taken_in_parts(world: World) -> None:
    async def scenario() -> None:
        world.limits = Limits(multipart_threshold_bytes=len(SMALL))
        assert multipart.offered(len(SMALL), world.limits) is None
        caller, version, _ = await created(world)
        before = await world.snapshot()
        problem = await refusal(multipart.begin(world.multipart_deps, caller, version.id))
        assert (problem.status, problem.slug) == (409, "multipart-not-offered")
        assert (await world.snapshot(), await pending(world)) == (before, [])

    run(scenario())


@pytest.mark.parametrize("renew", [multipart.begin, multipart.renew_part])
def test_asking_for_urls_gives_more_time(
    world: World, renew: Callable[..., Awaitable[object]]
) -> None:
    async def scenario() -> None:
        caller, version, _ = await created(world)
        await multipart.begin(world.multipart_deps, caller, version.id)
        world.clock.advance(seconds=4000)
        number = [1] if renew is multipart.renew_part else []
        await renew(world.multipart_deps, caller, version.id, *number)
        (row,) = await world.rows("SELECT expires_at FROM upload")
        assert row["expires_at"] == world.clock.now_ms() + 900_000
        assert (await world.version(version.id)).due_at == world.clock.now_ms() + 900_000 + HOUR

    run(scenario())


def test_only_a_part_of_the_plan_of_what_was_begun_gets_another_url(world: World) -> None:
    async def scenario() -> None:
        caller, version, _ = await created(world)
        before = await world.snapshot()
        work = multipart.renew_part(world.multipart_deps, caller, version.id, 1)
        assert (await refusal(work)).slug == "multipart-not-begun"
        assert await world.snapshot() == before
        await multipart.begin(world.multipart_deps, caller, version.id)
        for number in (0, 2):
            work = multipart.renew_part(world.multipart_deps, caller, version.id, number)
            assert (await refusal(work)).status == 404

    run(scenario())


def test_racing_beginnings_share_one_upload_and_leave_no_other(world: World) -> None:
    async def scenario() -> None:
        caller, version, _ = await created(world)
        begun = await asyncio.gather(
            *(multipart.begin(world.multipart_deps, caller, version.id) for _ in range(3))
        )
        assert sum(is_new for _, is_new in begun) == 1
        (left,) = await pending(world)
        assert {one.upload.multipart_id for one, _ in begun} == {left}

    run(scenario())


def test_an_aborted_upload_is_forgotten_and_another_begun(world: World) -> None:
    async def scenario() -> None:
        caller, version, _ = await created(world)
        await multipart.abort(world.multipart_deps, caller, version.id)
        begun, _ = await multipart.begin(world.multipart_deps, caller, version.id)
        await world.put_parts(begun, SMALL)
        for _ in range(2):
            await multipart.abort(world.multipart_deps, caller, version.id)
        assert await pending(world) == []
        look = multipart.look(world.multipart_deps, caller, version.id)
        assert (await refusal(look)).status == 404
        problem = await refusal(world.complete(caller, version.id))
        assert (problem.status, problem.slug) == (409, "multipart-gone")
        again, is_new = await multipart.begin(world.multipart_deps, caller, version.id)
        assert is_new
        assert again.missing == [1]
        await world.put_parts(again, SMALL)
        assert (await world.complete(caller, version.id)).status == "validating"

    run(scenario())


def test_the_single_put_ends_an_upload_in_parts_and_the_schedule_frees_its_parts(
    world: World,
) -> None:
    async def scenario() -> None:
        caller, version, upload = await created(world)
        begun, _ = await multipart.begin(world.multipart_deps, caller, version.id)
        await world.put_parts(begun, SMALL)
        await world.put(upload, SMALL)
        assert (await world.complete(caller, version.id)).status == "validating"
        assert [outcome.kind for outcome in await world.work()] == ["draft"]
        problem = await refusal(multipart.begin(world.multipart_deps, caller, version.id))
        assert (problem.status, problem.slug) == (409, "upload-over")
        assert await pending(world) == [begun.upload.multipart_id]
        world.clock.advance(seconds=900 + 3600)
        assert (await tick(world)).deleted == 1
        assert await pending(world) == []

    run(scenario())


def test_a_package_that_is_there_is_not_taken_again(world: World) -> None:
    async def scenario() -> None:
        caller, version, upload = await created(world)
        await world.put(upload, SMALL)
        before = await world.snapshot()
        problem = await refusal(multipart.begin(world.multipart_deps, caller, version.id))
        assert (problem.status, problem.slug) == (409, "upload-arrived")
        assert (await world.snapshot(), await pending(world)) == (before, [])

    run(scenario())


def test_an_abandoned_upload_fails_and_its_parts_are_freed(world: World) -> None:
    async def scenario() -> None:
        caller, version, _ = await created(world)
        begun, _ = await multipart.begin(world.multipart_deps, caller, version.id)
        await world.put_parts(begun, SMALL)
        world.clock.advance(seconds=900 + 3600)
        report = await tick(world)
        assert (report.expired, report.deleted) == (1, 1)
        assert await pending(world) == []
        assert (await world.version(version.id)).status == "failed"

    run(scenario())


def test_a_part_that_was_cut_off_counts_as_missing(world: World) -> None:
    async def scenario() -> None:
        caller, version, upload = await created(world)
        begun, _ = await multipart.begin(world.multipart_deps, caller, version.id)
        assert begun.upload.multipart_id is not None
        await world.uploads.put_part(
            upload.object_key, begun.upload.multipart_id, 1, b"cut", length=3
        )
        again, _ = await multipart.begin(world.multipart_deps, caller, version.id)
        assert (again.missing, again.received) == ([1], ())
        assert (await refusal(world.complete(caller, version.id))).slug == "upload-parts-missing"

    run(scenario())


def test_other_bytes_in_the_parts_fail_before_the_archive_is_opened(world: World) -> None:
    async def scenario() -> None:
        caller, version, _ = await created(world)
        begun, _ = await multipart.begin(world.multipart_deps, caller, version.id)
        await world.put_parts(begun, b"x" * len(SMALL))
        await world.complete(caller, version.id)
        (outcome,) = await world.work()
        assert [problem["slug"] for problem in outcome.problems] == ["sha256-mismatch"]

    run(scenario())


def test_a_completion_whose_answer_was_lost_is_found_done(world: World) -> None:
    async def scenario() -> None:
        caller, version, _ = await created(world)
        begun, _ = await multipart.begin(world.multipart_deps, caller, version.id)
        await world.put_parts(begun, SMALL)
        complete = world.uploads.complete_multipart

        async def lost(*args: object, **kwargs: object) -> None:
            await complete(*args, **kwargs)  # pyright: ignore[reportArgumentType]  (as it came)
            raise UnavailableError("no answer")

        world.uploads.complete_multipart = lost  # pyright: ignore[reportAttributeAccessIssue]
        with pytest.raises(UnavailableError):
            await world.complete(caller, version.id)
        assert (await world.version(version.id)).status == "uploading"
        assert (await world.complete(caller, version.id)).status == "validating"
        assert await world.history(version.id) == ["created", "completed"]

    run(scenario())


def test_racing_completions_put_the_parts_together_once(world: World) -> None:
    async def scenario() -> None:
        caller, version, _ = await created(world)
        begun, _ = await multipart.begin(world.multipart_deps, caller, version.id)
        await world.put_parts(begun, SMALL)
        done = await asyncio.gather(*(world.complete(caller, version.id) for _ in range(4)))
        assert {one.status for one in done} == {"validating"}
        assert await world.history(version.id) == ["created", "completed"]

    run(scenario())


def test_what_a_killed_request_left_unnamed_is_aborted_once_the_upload_is_over(
    world: World,
) -> None:
    async def scenario() -> None:
        caller, version, upload = await created(world)
        stray = await world.uploads.create_multipart(upload.object_key, content_type="x/y")
        begun, _ = await multipart.begin(world.multipart_deps, caller, version.id)
        assert sorted(await pending(world)) == sorted([stray, str(begun.upload.multipart_id)])
        world.clock.advance(milliseconds=STALE_UPLOAD_MS)
        await tick(world)
        assert await pending(world) == [stray]
        retention = world.limits.retention
        await abort_stale(world.records, [world.uploads], world.clock, retention)
        assert await pending(world) == []

    run(scenario())


def test_strangers_and_operators_send_no_parts(world: World) -> None:
    async def scenario() -> None:
        owner, version, _ = await created(world)
        await multipart.begin(world.multipart_deps, owner, version.id)
        before, left = await world.snapshot(), await pending(world)
        deps = world.multipart_deps
        for caller, status in ((await world.developer("Eve"), 404), (OPERATOR, 403)):
            for work in (
                multipart.begin(deps, caller, version.id),
                multipart.renew_part(deps, caller, version.id, 1),
                multipart.abort(deps, caller, version.id),
            ):
                assert (await refusal(work)).status == status
        assert await pending(world) == left
        assert [table for table in await world.snapshot() if table[0] in ("version", "upload")] == [
            table for table in before if table[0] in ("version", "upload")
        ]

    run(scenario())
