"""Purges: asked for once, sent until they are done, and never lost."""

import asyncio
from collections.abc import Sequence

import pytest

from functions.adapters.local.cache_purger import MemoryCachePurger
from functions.core.purge_runs import (
    ALONE_FROM,
    CLAIM_MS,
    LONGEST_RETRY_MS,
    PurgeReport,
    run_purges,
)
from functions.core.purges import is_pending, list_purges, purge_statements
from functions.ports.cache_purger import CachePurgerError, PurgeLimitError
from tests.contracts.object_store import run
from tests.functions.core.world import World


class Failing(MemoryCachePurger):
    """Fails with `error` while there is one, and for every call with a tag of `refused`."""

    def __init__(self, most_tags: int = 30) -> None:
        super().__init__(most_tags)
        self.error: CachePurgerError | None = None
        self.refused: set[str] = set()

    async def purge(self, tags: Sequence[str]) -> None:
        await super().purge(tags)
        if self.error is not None:
            raise self.error
        if self.refused & set(tags):
            raise CachePurgerError("one of them is no tag")


async def ask(world: World, *tags: str, after_ms: int = 0) -> None:
    await world.records.batch(purge_statements(tags, world.clock.now_ms(), after_ms=after_ms))


async def go(world: World, purger: MemoryCachePurger, calls: int = 10) -> PurgeReport:
    return await run_purges(world.records, purger, world.clock, calls=calls)


def test_a_tag_is_sent_once_however_often_it_was_asked_for(world: World) -> None:
    async def scenario() -> None:
        purger = MemoryCachePurger()
        await ask(world, "b", "a", "b")
        await ask(world, "a")
        assert [purge.tag for purge in await list_purges(world.records)] == ["a", "b"]
        assert await is_pending(world.records, ["x", "a"])
        assert await go(world, purger) == PurgeReport(2)
        assert sorted(purger.calls[0]) == ["a", "b"]
        assert not await is_pending(world.records, ["a", "b"])
        assert await go(world, purger) == PurgeReport(0)
        assert len(purger.calls) == 1

    run(scenario())


def test_nothing_is_asked_for_without_a_tag() -> None:
    assert purge_statements([], 5) == []


def test_tags_go_in_calls_of_what_the_plan_takes_and_a_run_is_bounded(world: World) -> None:
    async def scenario() -> None:
        purger = MemoryCachePurger(most_tags=3)
        await ask(world, *"abcdefgh")
        assert await go(world, purger, calls=2) == PurgeReport(6, 0)
        assert await go(world, purger, calls=2) == PurgeReport(2)
        assert [len(call) for call in purger.calls] == [3, 3, 2]

    run(scenario())


def test_a_purge_waits_for_its_time(world: World) -> None:
    async def scenario() -> None:
        purger = MemoryCachePurger()
        await ask(world, "a", after_ms=14_001)
        assert await go(world, purger) == PurgeReport(0, 15)
        world.clock.advance(seconds=15)
        assert await go(world, purger) == PurgeReport(1)

    run(scenario())


def test_what_is_asked_for_again_while_it_is_sent_is_sent_again(world: World) -> None:
    class Meanwhile(MemoryCachePurger):
        async def purge(self, tags: Sequence[str]) -> None:
            await super().purge(tags)
            if len(self.calls) == 1:
                await ask(world, "a")

    async def scenario() -> None:
        purger = Meanwhile()
        await ask(world, "a", "b")
        assert (await go(world, purger, calls=1)).retry_after_seconds == 0
        assert [purge.tag for purge in await list_purges(world.records)] == ["a"]
        await go(world, purger)
        assert [sorted(call) for call in purger.calls] == [["a", "b"], ["a"]]

    run(scenario())


def test_two_runs_at_once_send_each_tag_once(world: World) -> None:
    async def scenario() -> None:
        purger = MemoryCachePurger(most_tags=2)
        await ask(world, *"abcdef")
        await asyncio.gather(*(go(world, purger) for _ in range(3)))
        assert sorted(tag for call in purger.calls for tag in call) == list("abcdef")

    run(scenario())


def test_a_failure_is_shown_and_tried_again_with_growing_delays(world: World) -> None:
    async def scenario() -> None:
        purger = Failing()
        purger.error = CachePurgerError("the API answered 500")
        await ask(world, "a")
        delays: list[int | None] = []
        for _ in range(10):
            report = await go(world, purger)
            assert (report.purged, report.error) == (0, "the API answered 500")
            delays.append(report.retry_after_seconds)
            world.clock.advance(seconds=report.retry_after_seconds or 0)
        assert delays[:4] == [5, 10, 20, 40]
        assert delays[-1] == LONGEST_RETRY_MS // 1000
        (purge,) = await list_purges(world.records)
        assert (purge.attempts, purge.problem) == (10, "the API answered 500")
        purger.error = None
        assert await go(world, purger) == PurgeReport(1)

    run(scenario())


def test_the_plans_rate_holds_for_every_run_and_every_tag(world: World) -> None:
    async def scenario() -> None:
        purger = Failing()
        purger.error = PurgeLimitError("the API answered 429", 30)
        await ask(world, "a")
        assert await go(world, purger) == PurgeReport(0, 30, "the API answered 429")
        purger.error = None
        await ask(world, "b")
        world.clock.advance(seconds=29)
        assert await go(world, purger) == PurgeReport(0, 1)
        assert len(purger.calls) == 1
        (first, _) = await list_purges(world.records)
        assert (first.attempts, first.problem) == (0, "the API answered 429")
        world.clock.advance(seconds=1)
        assert await go(world, purger) == PurgeReport(2)

    run(scenario())


def test_a_tag_that_is_refused_for_ever_does_not_take_the_others_with_it(world: World) -> None:
    async def scenario() -> None:
        purger = Failing()
        purger.refused = {"bad"}
        await ask(world, "bad", "good", "better")
        for _ in range(2 * ALONE_FROM):
            report = await go(world, purger)
            world.clock.advance(seconds=report.retry_after_seconds or 0)
        assert [purge.tag for purge in await list_purges(world.records)] == ["bad"]

    run(scenario())


@pytest.mark.parametrize("after", [False, True])
def test_a_run_that_is_killed_leaves_its_tags_to_a_later_one(world: World, after: bool) -> None:
    class Killed(MemoryCachePurger):
        async def purge(self, tags: Sequence[str]) -> None:
            if after:
                await super().purge(tags)
            raise KeyboardInterrupt

    async def scenario() -> None:
        await ask(world, "a")
        try:
            await go(world, Killed())
        except KeyboardInterrupt:
            world.clock.advance(milliseconds=CLAIM_MS - 1)
        sound = MemoryCachePurger()
        assert await go(world, sound) == PurgeReport(0, 1)
        world.clock.advance(milliseconds=1)
        assert await go(world, sound) == PurgeReport(1)

    run(scenario())


def test_purges_are_listed_page_by_page(world: World) -> None:
    async def scenario() -> None:
        await ask(world, *"abc")
        first = await list_purges(world.records, limit=2)
        rest = await list_purges(world.records, after=first[-1].tag, limit=2)
        assert [purge.tag for purge in (*first, *rest)] == ["a", "b", "c"]

    run(scenario())
