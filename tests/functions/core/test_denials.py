"""The list of versions that the edge refuses."""

import asyncio
from collections.abc import Sequence

import pytest

from functions.core.denials import LONGEST_URL_MS, REFRESH_MS, RETRY_MS, Denials
from functions.ports.records import Records, RecordsError, Row, Statement
from tests.contracts.object_store import run
from tests.functions.core.world import OPERATOR, World


class Counting:
    """Counts queries; fails, or holds them up, when told to."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self.queries = 0
        self.fails = False
        self.gate: asyncio.Event | None = None

    async def fetch(self, statement: Statement) -> Sequence[Row]:
        self.queries += 1
        if self.fails:
            raise RecordsError("away")
        rows = await self._records.fetch(statement)
        if self.gate is not None:
            await self.gate.wait()
        return rows

    async def batch(self, statements: Sequence[Statement]) -> Sequence[int]:
        raise AssertionError("the edge writes nothing")


async def two_versions(world: World) -> tuple[str, str]:
    caller = await world.developer()
    await world.app(caller)
    first, second = await world.published(caller, 1), await world.published(caller, 2)
    await world.pull(caller, second.id)
    return first.id, second.id


def test_only_the_pulled_version_is_denied(world: World) -> None:
    async def scenario() -> None:
        first, second = await two_versions(world)
        denials = Denials(world.records)
        assert await denials.is_denied(second, world.clock.now_ms())
        assert not await denials.is_denied(first, world.clock.now_ms())

    run(scenario())


def test_a_pull_and_a_restoration_show_after_the_refresh_and_cost_one_query(world: World) -> None:
    async def scenario() -> None:
        first, second = await two_versions(world)
        records = Counting(world.records)
        denials = Denials(records)
        start = world.clock.now_ms()
        assert not await denials.is_denied(first, start)
        await world.pull(OPERATOR, first)
        await world.restore(OPERATOR, second)
        for ms in (1, 5_000, REFRESH_MS - 1):
            assert not await denials.is_denied(first, start + ms)
            assert await denials.is_denied(second, start + ms)
        assert records.queries == 1
        assert await denials.is_denied(first, start + REFRESH_MS)
        assert not await denials.is_denied(second, start + REFRESH_MS)
        assert records.queries == 2

    run(scenario())


def test_a_version_leaves_the_list_when_no_url_of_it_can_be_valid(world: World) -> None:
    async def scenario() -> None:
        _, second = await two_versions(world)
        pulled_at = world.clock.now_ms()
        assert await Denials(world.records).is_denied(second, pulled_at + LONGEST_URL_MS)
        assert not await Denials(world.records).is_denied(second, pulled_at + LONGEST_URL_MS + 1)
        assert LONGEST_URL_MS >= (3600 + 60) * 1000

    run(scenario())


def test_the_last_list_holds_on_while_the_database_fails_and_the_log_says_so(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        _, second = await two_versions(world)
        records = Counting(world.records)
        denials = Denials(records)
        now = world.clock.now_ms()
        assert await denials.is_denied(second, now)
        records.fails = True
        now += REFRESH_MS
        assert await denials.is_denied(second, now)
        assert "the list of 10000 ms ago" in caplog.text
        assert await denials.is_denied(second, now + RETRY_MS - 1)
        assert records.queries == 2
        assert await denials.is_denied(second, now + RETRY_MS)
        assert records.queries == 3

    run(scenario())


def test_without_any_list_nothing_is_denied_and_the_log_says_so(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        _, second = await two_versions(world)
        records = Counting(world.records)
        records.fails = True
        denials = Denials(records)
        now = world.clock.now_ms()
        assert not await denials.is_denied(second, now)
        assert "no list" in caplog.text
        records.fails = False
        assert await denials.is_denied(second, now + RETRY_MS)

    run(scenario())


def test_no_request_takes_an_empty_list_for_one_that_is_still_being_read(world: World) -> None:
    async def scenario() -> None:
        _, second = await two_versions(world)
        records = Counting(world.records)
        denials = Denials(records)
        now = world.clock.now_ms()
        answers = await asyncio.gather(*(denials.is_denied(second, now) for _ in range(5)))
        assert answers == [True] * 5

    run(scenario())


def test_while_one_request_refreshes_the_others_go_on_with_the_list_there_is(world: World) -> None:
    async def scenario() -> None:
        _, second = await two_versions(world)
        records = Counting(world.records)
        denials = Denials(records)
        now = world.clock.now_ms()
        await denials.is_denied(second, now)
        records.gate = asyncio.Event()
        slow = asyncio.create_task(denials.is_denied(second, now + REFRESH_MS))
        await asyncio.sleep(0)
        assert await denials.is_denied(second, now + REFRESH_MS)
        records.gate.set()
        assert await slow
        assert records.queries == 2

    run(scenario())


def test_an_answer_that_was_overtaken_does_not_bring_its_older_list_back(world: World) -> None:
    async def scenario() -> None:
        first, _ = await two_versions(world)
        records = Counting(world.records)
        denials = Denials(records)
        now = world.clock.now_ms()
        await denials.is_denied(first, now)
        records.gate = gate = asyncio.Event()
        slow = asyncio.create_task(denials.is_denied(first, now + REFRESH_MS))
        await asyncio.sleep(0.01)
        records.gate = None
        await world.pull(OPERATOR, first)
        assert await denials.is_denied(first, now + 2 * REFRESH_MS)
        gate.set()
        await slow
        assert await denials.is_denied(first, now + 2 * REFRESH_MS + 1)

    run(scenario())
