"""What one developer may use, and what it is told when that is used up."""

import asyncio
from typing import Any

import pytest

from functions.core.access import Caller
from functions.core.platform import DAY_MS, HOUR_MS, Limits, Quotas
from functions.core.problems import Problem, ProblemError
from functions.core.schedule import run_schedule
from functions.core.version_records import Version
from tests.contracts.object_store import run
from tests.functions.core.world import World, a_package, refusal

PACKAGE = a_package()
SIZE = len(PACKAGE)
OPEN_MS = 900_000 + HOUR_MS
"""How long an upload stays open: its URL's time, and an hour."""


class Developer:
    def __init__(self, world: World, caller: Caller, app_id: str) -> None:
        self.world, self.caller, self.app_id = world, caller, app_id

    async def create(self, code: int) -> Version:
        version, _, _ = await self.world.create(self.caller, PACKAGE, code, app_id=self.app_id)
        return version

    async def refused(self, code: int) -> Problem:
        """Creating a version is refused, and leaves nothing."""
        before = await self.world.snapshot()
        problem = await refusal(self.create(code))
        assert await self.world.snapshot() == before
        return problem


async def a_developer(world: World, *app_ids: str, **quotas: Any) -> list[Developer]:
    """One developer, by each of its apps."""
    world.limits = Limits(quotas=Quotas(**quotas))
    caller = await world.developer()
    for app_id in app_ids:
        await world.app(caller, app_id)
    return [Developer(world, caller, app_id) for app_id in app_ids]


def test_open_uploads_are_limited_over_all_apps_of_a_developer(world: World) -> None:
    async def scenario() -> None:
        first, second = await a_developer(world, "org.one", "org.two", open_uploads=2)
        await first.create(1)
        world.clock.advance(seconds=60)
        await second.create(1)
        problem = await first.refused(2)
        assert (problem.slug, problem.status) == ("quota-exceeded", 429)
        assert problem.members == {
            "limit": 2,
            "retry_after_seconds": OPEN_MS // 1000 - 60,
        }

    run(scenario())


def test_another_developer_has_quotas_of_its_own(world: World) -> None:
    async def scenario() -> None:
        (first,) = await a_developer(world, "org.one", open_uploads=1)
        (second,) = await a_developer(world, "org.two", open_uploads=1)
        await first.create(1)
        await second.create(1)
        await first.refused(2)

    run(scenario())


def test_the_same_upload_again_is_no_new_one(world: World) -> None:
    async def scenario() -> None:
        (developer,) = await a_developer(
            world, "org.one", open_uploads=1, uploads_per_day=1, stored_bytes=SIZE
        )
        version = await developer.create(1)
        assert (await developer.create(1)).id == version.id

    run(scenario())


def test_an_upload_that_ended_makes_room_for_another(world: World) -> None:
    async def scenario() -> None:
        (developer,) = await a_developer(world, "org.one", open_uploads=1)
        await developer.create(1)
        problem = await developer.refused(2)
        wait = problem.members["retry_after_seconds"]
        assert isinstance(wait, int)
        world.clock.advance(seconds=wait)
        await run_schedule(world.records, world.uploads, world.uploads, world.queue, world.clock)
        await developer.create(2)

    run(scenario())


def test_uploads_of_a_day_are_limited_whatever_became_of_them(world: World) -> None:
    async def scenario() -> None:
        (developer,) = await a_developer(world, "org.one", uploads_per_day=2)
        await developer.create(1)
        world.clock.advance(milliseconds=OPEN_MS)
        await run_schedule(world.records, world.uploads, world.uploads, world.queue, world.clock)
        await developer.create(1)
        problem = await developer.refused(2)
        assert (problem.slug, problem.status) == ("quota-exceeded", 429)
        assert problem.members["retry_after_seconds"] == (DAY_MS - OPEN_MS) // 1000
        world.clock.advance(milliseconds=DAY_MS - OPEN_MS)
        await developer.create(2)

    run(scenario())


def test_a_package_beyond_what_is_left_of_the_bytes_is_too_large(world: World) -> None:
    async def scenario() -> None:
        (developer,) = await a_developer(world, "org.one", stored_bytes=2 * SIZE - 1)
        await developer.create(1)
        problem = await developer.refused(2)
        assert (problem.slug, problem.status) == ("storage-quota-exceeded", 413)
        assert problem.members == {"limit": 2 * SIZE - 1, "used": SIZE}
        world.limits = Limits(quotas=Quotas(stored_bytes=2 * SIZE))
        await developer.create(2)

    run(scenario())


def test_bytes_that_failed_or_were_removed_do_not_count(world: World) -> None:
    async def scenario() -> None:
        (developer,) = await a_developer(world, "org.one", stored_bytes=SIZE)
        await developer.create(1)
        world.clock.advance(milliseconds=OPEN_MS)
        await run_schedule(world.records, world.uploads, world.uploads, world.queue, world.clock)
        await developer.create(2)

    run(scenario())


@pytest.mark.parametrize(
    "quotas", [{"open_uploads": 3}, {"uploads_per_day": 3}, {"stored_bytes": 3 * SIZE}]
)
def test_requests_at_the_same_moment_do_not_pass_together(
    world: World, quotas: dict[str, int]
) -> None:
    async def scenario() -> None:
        (developer,) = await a_developer(world, "org.one", **quotas)
        outcomes = await asyncio.gather(
            *(developer.create(code) for code in range(1, 11)), return_exceptions=True
        )
        refused = [one for one in outcomes if isinstance(one, ProblemError)]
        assert len(refused) == 7
        assert {one.problem.slug for one in refused} <= {"quota-exceeded", "storage-quota-exceeded"}
        assert len(await world.rows("SELECT * FROM version")) == 3

    run(scenario())
