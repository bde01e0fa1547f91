"""What retention removes, when, and in which order."""

import asyncio
from dataclasses import replace

import pytest

from functions.adapters.local.object_store import MemoryObjectStore
from functions.core import versions
from functions.core.access import Caller
from functions.core.denials import LONGEST_URL_MS
from functions.core.platform import DAY_MS, HOUR_MS, Limits, Retention
from functions.core.removal import RETRY_MS, Report
from functions.core.retention import plan, removals
from functions.core.schedule import run_schedule
from functions.core.version_lists import ExpiredUpload
from functions.ports.object_store import ObjectStoreError
from tests.contracts.object_store import run
from tests.functions.core.world import OPERATOR, World, a_package, refusal

KEPT_DAYS = {"failed": 1, "rejected": 7, "draft": 30, "old": 365, "pulled": 365}


async def an_app(world: World) -> Caller:
    caller = await world.developer()
    await world.app(caller)
    return caller


async def in_state(world: World, caller: Caller, state: str) -> str:
    """Version 1, in this state."""
    if state == "failed":
        version, _ = await world.validating(caller, b"no archive")
        await world.work()
        return version.id
    version = await world.draft(caller)
    if state == "rejected":
        await world.reject(version.id)
    elif state != "draft":
        await versions.publish_version(world.records, world.clock, caller, version.id)
    if state == "old":
        await world.published(caller, 2)
    elif state == "pulled":
        await world.pull(caller, version.id)
    return version.id


async def objects(world: World) -> list[str]:
    return [found.key for found in (await world.packages.list_objects("")).objects]


async def row(world: World, version_id: str) -> dict[str, object]:
    (found,) = await world.rows("SELECT * FROM version WHERE id = ?", version_id)
    return dict(found)


@pytest.mark.parametrize("state", KEPT_DAYS)
def test_each_state_is_kept_as_long_as_the_design_says_and_not_longer(
    world: World, state: str
) -> None:
    async def scenario() -> None:
        version_id = await in_state(world, await an_app(world), state)
        world.clock.advance(seconds=KEPT_DAYS[state] * DAY_MS // 1000 - 1)
        assert await world.sweep() == Report(0, 0)
        assert (await world.version(version_id)).deleted_at is None
        world.clock.advance(seconds=1)
        assert (await world.sweep()).claimed == 1
        assert (await row(world, version_id))["deleted_at"] == world.clock.now_ms()
        assert (await world.history(version_id))[-1] == "removed"
        assert (await refusal(world.version(version_id))).status == 404
        assert (await world.sweep()).claimed == 0

    run(scenario())


def test_the_current_version_is_kept_for_ever(world: World) -> None:
    async def scenario() -> None:
        version = await world.published(await an_app(world))
        world.clock.advance(seconds=100 * 365 * DAY_MS // 1000)
        assert await world.sweep() == Report(0, 0)
        # Not even where its row says that it is due.
        due = replace(version, due_at=1)
        assert plan([due], [], Retention(), world.clock.now_ms()) == []
        assert len(await objects(world)) == 3

    run(scenario())


def test_the_objects_of_a_draft_go_at_once_and_its_row_stays_with_its_code(world: World) -> None:
    async def scenario() -> None:
        caller = await an_app(world)
        version = await world.draft(caller)
        folder = str(version.object_key).rpartition("/")[0]
        await world.packages.put(
            f"{folder}/further.json", b"{}", length=2, content_type="application/json"
        )
        other = await world.published(caller, 11)
        world.clock.advance(seconds=30 * DAY_MS // 1000)
        assert await world.sweep() == Report(1, 1)
        assert {key.rpartition("/")[0] for key in await objects(world)} == {
            str(other.object_key).rpartition("/")[0]
        }
        left = await row(world, version.id)
        assert (left["status"], left["due_at"]) == ("draft", None)
        assert (await refusal(world.create(caller, a_package()))).slug == "version-code-taken"

    run(scenario())


def test_urls_that_were_given_out_for_an_old_version_live_to_their_end(world: World) -> None:
    async def scenario() -> None:
        caller = await an_app(world)
        version_id = await in_state(world, caller, "old")
        world.clock.advance(seconds=365 * DAY_MS // 1000)
        assert await world.sweep() == Report(1, 0)
        assert len(await objects(world)) == 6
        world.clock.advance(milliseconds=LONGEST_URL_MS - 1)
        assert await world.sweep() == Report(0, 0)
        world.clock.advance(milliseconds=1)
        assert await world.sweep() == Report(0, 1)
        assert len(await objects(world)) == 3
        assert (await row(world, version_id))["due_at"] is None
        tags = await world.rows("SELECT tag FROM cache_purge")
        assert [one["tag"] for one in tags] == ["version:org.example.app/1"]

    run(scenario())


def test_what_becomes_current_again_is_due_no_more(world: World) -> None:
    async def scenario() -> None:
        caller = await an_app(world)
        version_id = await in_state(world, caller, "old")
        world.clock.advance(seconds=365 * DAY_MS // 1000)
        await world.roll_back(caller, version_id)
        assert (await world.sweep()).claimed == 0
        assert (await world.version(version_id)).is_current

    run(scenario())


def test_a_rollback_that_races_the_sweep_never_makes_a_removed_version_current(
    world: World,
) -> None:
    async def scenario() -> None:
        caller = await an_app(world)
        version_id = await in_state(world, caller, "old")
        world.clock.advance(seconds=365 * DAY_MS // 1000)
        _, _, result = await asyncio.gather(
            world.sweep(),
            world.sweep(),
            world.roll_back(caller, version_id),
            return_exceptions=True,
        )
        world.clock.advance(milliseconds=LONGEST_URL_MS)
        await world.sweep()
        is_current = await world.current() == version_id
        assert is_current == (not isinstance(result, BaseException))
        assert len(await objects(world)) == (6 if is_current else 3)

    run(scenario())


def test_a_failing_store_is_told_and_holds_up_no_other_version(world: World) -> None:
    class Stubborn(MemoryObjectStore):
        async def delete(self, key: str) -> None:
            if "/1/" in key:
                raise ObjectStoreError("away")
            await super().delete(key)

    async def scenario() -> None:
        world.packages = Stubborn(world.clock)
        caller = await an_app(world)
        first, second = await world.draft(caller, 1), await world.draft(caller, 2)
        world.clock.advance(seconds=30 * DAY_MS // 1000)
        report = await world.sweep(batch=1)
        assert (report.claimed, report.removed) == (1, 0)
        assert first.id in report.errors[0]
        assert await world.sweep(batch=1) == Report(1, 1)
        assert (await row(world, second.id))["due_at"] is None
        assert (await row(world, first.id))["due_at"] == world.clock.now_ms() + RETRY_MS

    run(scenario())


def test_a_sweep_that_was_killed_behind_its_claim_is_taken_up(world: World) -> None:
    class Killed(MemoryObjectStore):
        is_dead = False

        async def delete(self, key: str) -> None:
            if self.is_dead:
                raise KeyboardInterrupt
            await super().delete(key)

    async def scenario() -> None:
        world.packages = store = Killed(world.clock)
        version = await world.draft(await an_app(world))
        world.clock.advance(seconds=30 * DAY_MS // 1000)
        store.is_dead = True
        try:
            await world.sweep()
        except KeyboardInterrupt:
            store.is_dead = False
        assert (await row(world, version.id))["deleted_at"] is not None
        assert len(await objects(world)) == 3
        assert await world.sweep() == Report(0, 1)
        assert await objects(world) == []
        assert (await world.history(version.id)).count("removed") == 1

    run(scenario())


def test_a_sweep_is_bounded_and_the_next_goes_on(world: World) -> None:
    async def scenario() -> None:
        caller = await an_app(world)
        for code in range(1, 6):
            await world.draft(caller, code)
        world.clock.advance(seconds=30 * DAY_MS // 1000)
        assert [(await world.sweep(batch=2)).removed for _ in range(4)] == [2, 2, 1, 0]

    run(scenario())


def test_the_plan_shows_what_goes_and_why_and_writes_nothing(world: World) -> None:
    async def scenario() -> None:
        caller = await an_app(world)
        old = await world.published(caller, 1)
        await world.published(caller, 2)
        draft = await world.draft(caller, 3)
        before = await world.snapshot()
        at = world.clock.now_ms()
        kept = world.limits.retention
        assert await removals(world.records, kept, at, 100) == ([], False)
        soon, _ = await removals(world.records, kept, at + 2 * HOUR_MS, 100)
        assert {(one.kind, one.version_code) for one in soon} == {("upload", c) for c in (1, 2, 3)}
        later, more = await removals(world.records, kept, at + 365 * DAY_MS, 100)
        assert not more
        shown = [
            (one.id, one.status, one.why, one.due_at) for one in later if one.kind == "version"
        ]
        assert shown == [
            (draft.id, "draft", "a draft that nobody published", at + 30 * DAY_MS),
            (old.id, "published", "another version took its place", at + 365 * DAY_MS),
        ]
        assert (await removals(world.records, kept, at + 365 * DAY_MS, 1))[1]
        assert await world.snapshot() == before

    run(scenario())


def test_the_plan_keeps_uploads_that_are_still_needed() -> None:
    def upload(status: str, expires_at: int) -> ExpiredUpload:
        return ExpiredUpload("u", "temp/u/package.mosis", expires_at, "org.example", 1, status)  # pyright: ignore[reportArgumentType]

    now = 10 * HOUR_MS
    for status in ("uploading", "validating"):
        assert plan([], [upload(status, 0)], Retention(), now) == []
    assert plan([], [upload("draft", now - HOUR_MS + 1)], Retention(), now) == []
    (gone,) = plan([], [upload("draft", now - HOUR_MS)], Retention(), now)
    assert (gone.kind, gone.due_at) == ("upload", now)


def test_the_stacks_own_times_hold(world: World) -> None:
    async def scenario() -> None:
        kept = Retention(
            draft_ms=2 * DAY_MS,
            rejected_ms=3 * DAY_MS,
            failed_ms=HOUR_MS,
            superseded_ms=5 * DAY_MS,
            temp_ms=2 * HOUR_MS,
        )
        world.limits = Limits(retention=kept)
        caller = await an_app(world)
        now = world.clock.now_ms()
        draft = await world.draft(caller, 1)
        assert draft.due_at == now + 2 * DAY_MS
        assert (await world.reject(draft.id)).due_at == now + 3 * DAY_MS
        published = await world.draft(caller, 2)
        await versions.publish_version(world.records, world.clock, caller, published.id, kept)
        assert (await world.pull(OPERATOR, published.id)).due_at == now + 5 * DAY_MS
        failed, _ = await world.validating(caller, b"no archive", 3)
        await world.work()
        assert (await world.version(failed.id)).due_at == now + HOUR_MS
        waiting, upload, _ = await world.create(caller, a_package(), 4)
        assert waiting.due_at == upload.expires_at + 2 * HOUR_MS
        world.clock.advance(seconds=900 + 2 * 3600 - 1)
        report = await run_schedule(
            world.records, world.uploads, world.uploads, world.queue, world.clock, kept
        )
        assert (report.expired, report.deleted) == (0, 0)
        world.clock.advance(seconds=1)
        report = await run_schedule(
            world.records, world.uploads, world.uploads, world.queue, world.clock, kept
        )
        assert (report.expired, report.deleted) == (1, 4)

    run(scenario())
