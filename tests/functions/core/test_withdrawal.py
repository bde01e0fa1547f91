"""Rejecting, pulling and restoring."""

import asyncio

import pytest

from functions.core import downloads, versions, withdrawal
from functions.core.access import Caller
from functions.core.problems import ProblemError
from functions.ports.queue import QueueError
from tests.contracts.object_store import run
from tests.functions.core.world import APP, BECAUSE, OPERATOR, World, a_package, refusal

DAY = 24 * 3_600_000


async def an_app(world: World) -> Caller:
    caller = await world.developer()
    await world.app(caller)
    return caller


async def download(world: World, code: int | None = None) -> str:
    found = await downloads.create_download(
        world.records, world.clock, None, APP, code, world.keys, "https://cdn.test", 60
    )
    return found.version_id


def test_an_operator_rejects_a_draft_with_a_reason(world: World) -> None:
    async def scenario() -> None:
        caller = await an_app(world)
        draft = await world.draft(caller)
        world.clock.advance(seconds=5)
        rejected = await world.reject(draft.id)
        assert (rejected.status, rejected.withdrawn_because) == ("rejected", BECAUSE)
        assert rejected.due_at == world.clock.now_ms() + 7 * DAY
        assert (await world.history(draft.id))[-1] == "rejected"
        (event,) = await world.rows("SELECT * FROM event WHERE reason = 'rejected'")
        assert (event["detail"], event["actor"]) == (BECAUSE, "key:root")
        before = await world.snapshot()
        assert await world.reject(draft.id) == rejected
        assert await world.snapshot() == before
        problem = await refusal(
            versions.publish_version(world.records, world.clock, caller, draft.id)
        )
        assert problem.members["version_status"] == "rejected"

    run(scenario())


def test_a_rejected_versions_code_stays_burned(world: World) -> None:
    async def scenario() -> None:
        caller = await an_app(world)
        draft = await world.draft(caller)
        await world.reject(draft.id)
        problem = await refusal(world.create(caller, a_package()))
        assert (problem.slug, problem.members["version_id"]) == ("version-code-taken", draft.id)

    run(scenario())


def test_a_pulled_version_is_downloaded_no_more(world: World) -> None:
    async def scenario() -> None:
        caller = await an_app(world)
        version = await world.published(caller)
        assert await download(world) == version.id
        world.clock.advance(seconds=5)
        pulled = await world.pull(caller, version.id)
        now = world.clock.now_ms()
        assert (pulled.status, pulled.pulled_by, pulled.pulled_at) == ("pulled", "developer", now)
        assert (pulled.withdrawn_because, pulled.due_at) == (BECAUSE, now + 365 * DAY)
        assert await world.current() is None
        for code in (None, 1):
            assert (await refusal(download(world, code))).status == 404
        assert await world.history(APP) == ["created", "current-version", "current-version"]

    run(scenario())


@pytest.mark.parametrize(
    ("pulled", "rolled_back_to", "heir"),
    [(3, 3, 2), (2, 2, 1), (1, 1, None), (1, 3, 3), (2, 3, 3)],
)
def test_the_next_lower_published_version_becomes_current(
    world: World, pulled: int, rolled_back_to: int, heir: int | None
) -> None:
    async def scenario() -> None:
        caller = await an_app(world)
        by_code = {code: await world.published(caller, code) for code in (1, 2, 3)}
        await world.draft(caller, 4)
        await world.roll_back(caller, by_code[rolled_back_to].id)
        await world.pull(OPERATOR, by_code[pulled].id)
        assert await world.current() == (None if heir is None else by_code[heir].id)
        for code, version in by_code.items():
            found = await world.version(version.id)
            assert found.is_current == (code == heir)
            assert (found.due_at is None) == (code == heir)

    run(scenario())


def test_a_pull_asks_for_one_purge_behind_the_denial_and_calls_the_jobs(world: World) -> None:
    async def scenario() -> None:
        caller = await an_app(world)
        version = await world.published(caller)
        world.queue.take()
        await world.pull(caller, version.id)
        await world.pull(caller, version.id)
        (purge,) = await world.rows("SELECT * FROM cache_purge")
        assert purge["tag"] == f"version:{APP}/1"
        assert purge["due_at"] == world.clock.now_ms() + withdrawal.PURGE_AFTER_MS
        (message,) = world.queue.take()
        assert (message.body, message.delay_seconds) == ({"kind": "purge"}, 15)

    run(scenario())


def test_a_pull_holds_where_the_queue_fails(world: World) -> None:
    class Away:
        async def send(self, message: object, *, delay_seconds: int = 0) -> None:
            raise QueueError("away")

    async def scenario() -> None:
        caller = await an_app(world)
        version = await world.published(caller)
        pulled = await withdrawal.pull_version(
            world.records, Away(), world.clock, caller, version.id, BECAUSE
        )
        assert pulled.status == "pulled"
        assert len(await world.rows("SELECT * FROM cache_purge")) == 1

    run(scenario())


def test_a_restored_version_is_current_again_where_none_is(world: World) -> None:
    async def scenario() -> None:
        caller = await an_app(world)
        version = await world.published(caller)
        await world.pull(caller, version.id)
        restored = await world.restore(caller, version.id)
        assert (restored.status, restored.is_current, restored.due_at) == ("published", True, None)
        assert (restored.pulled_by, restored.pulled_at, restored.withdrawn_because) == (None,) * 3
        assert restored.published_at == version.published_at
        assert await download(world) == version.id
        before = await world.snapshot()
        assert await world.restore(caller, version.id) == restored
        assert await world.snapshot() == before

    run(scenario())


def test_a_restored_version_is_old_where_another_is_current(world: World) -> None:
    async def scenario() -> None:
        caller = await an_app(world)
        first, second = await world.published(caller, 1), await world.published(caller, 2)
        await world.pull(caller, second.id)
        assert await world.current() == first.id
        world.clock.advance(seconds=5)
        restored = await world.restore(caller, second.id)
        due_at = world.clock.now_ms() + 365 * DAY
        assert (restored.is_current, restored.due_at) == (False, due_at)
        assert await world.current() == first.id
        assert await download(world, 2) == second.id

    run(scenario())


def test_what_an_operator_pulled_only_an_operator_restores(world: World) -> None:
    async def scenario() -> None:
        caller = await an_app(world)
        version = await world.published(caller)
        await world.pull(OPERATOR, version.id)
        before = await world.snapshot()
        problem = await refusal(world.restore(caller, version.id))
        assert (problem.status, problem.slug) == (403, "forbidden")
        assert await world.snapshot() == before
        assert (await world.restore(OPERATOR, version.id)).status == "published"

    run(scenario())


def test_an_operator_takes_over_what_its_developer_pulled(world: World) -> None:
    async def scenario() -> None:
        caller = await an_app(world)
        version = await world.published(caller)
        pulled = await world.pull(caller, version.id)
        world.clock.advance(seconds=5)
        taken = await world.pull(OPERATOR, version.id)
        assert (taken.pulled_by, taken.pulled_at) == ("operator", pulled.pulled_at)
        assert (await world.history(version.id))[-2:] == ["pulled", "taken-over"]
        # The other way round it stays the operator's.
        assert await world.pull(caller, version.id) == taken
        assert (await refusal(world.restore(caller, version.id))).status == 403

    run(scenario())


@pytest.mark.parametrize("reason", ["", "  ", " x", "a\nb", "x" * 501, "\u202eevil"])
def test_a_reason_is_a_line_of_text(world: World, reason: str) -> None:
    async def scenario() -> None:
        caller = await an_app(world)
        draft = await world.draft(caller)
        before = await world.snapshot()
        problem = await refusal(
            withdrawal.reject_version(world.records, world.clock, OPERATOR, draft.id, reason)
        )
        assert problem.status == 422
        problem = await refusal(
            withdrawal.pull_version(
                world.records, world.queue, world.clock, caller, draft.id, reason
            )
        )
        assert problem.status == 422
        assert await world.snapshot() == before

    run(scenario())


def test_a_draft_is_not_pulled_and_a_published_version_not_rejected(world: World) -> None:
    async def scenario() -> None:
        caller = await an_app(world)
        published, draft = await world.published(caller, 1), await world.draft(caller, 2)
        before = await world.snapshot()
        for work in (
            world.pull(caller, draft.id),
            world.restore(caller, draft.id),
            world.reject(published.id),
        ):
            problem = await refusal(work)
            assert (problem.status, problem.slug) == (409, "illegal-transition")
        assert await world.snapshot() == before

    run(scenario())


def test_of_a_racing_pull_and_rollback_one_history_remains(world: World) -> None:
    async def scenario() -> None:
        caller = await an_app(world)
        first, second = await world.published(caller, 1), await world.published(caller, 2)
        done = await asyncio.gather(
            world.pull(caller, second.id),
            world.roll_back(caller, first.id),
            world.pull(caller, first.id),
            return_exceptions=True,
        )
        failures = [result for result in done if isinstance(result, BaseException)]
        assert all(isinstance(failure, ProblemError) for failure in failures)
        for version in (first, second):
            assert (await world.version(version.id)).status == "pulled"
            await world.history(version.id)
        assert await world.current() is None

    run(scenario())
