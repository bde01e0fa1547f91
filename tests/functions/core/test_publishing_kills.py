"""A publish is killed at every call of a port, before the call or right behind it; readers see one
generation whole, and the same publish run again completes."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.core.platform import DAY_MS
from functions.core.problems import ProblemError
from tests.contracts.object_store import run
from tests.functions.core.fuse import Fuse, KilledError
from tests.functions.core.publishing_world import Site, a_suite
from tests.functions.core.world import World

ONE, TWO = a_suite("1.0"), a_suite("1.0", "2.0")
SUITES = [ONE, TWO, a_suite("2.0"), a_suite("3.0", by_hash=False), a_suite("1.0", "3.0")]


def count_calls() -> int:
    world, fuse = World(), Fuse(None, after=False)

    async def scenario() -> None:
        site = await Site.make(world)
        await site.publish(ONE)
        await site.publish(TWO, fuse)

    run(scenario())
    world.close()
    return fuse.calls


@pytest.mark.parametrize("after", [False, True], ids=["before", "behind"])
@pytest.mark.parametrize("call", range(1, count_calls() + 1))
def test_a_killed_publish_leaves_one_generation_whole_and_completes_when_it_is_run_again(
    world: World, call: int, after: bool
) -> None:
    async def scenario() -> None:
        site = await Site.make(world)
        await site.publish(ONE)
        with pytest.raises(KilledError):
            await site.publish(TWO, Fuse(call, after=after))
        assert await site.sees(ONE if await site.generation() == 1 else TWO)
        done = await site.publish(TWO)
        assert (done.number, await site.generation()) == (2, 2)
        assert await site.sees(TWO)
        assert await site.states() == {1: "published", 2: "published"}

    run(scenario())


KILLS = st.none() | st.tuples(st.integers(1, 40), st.booleans())
STEPS = st.one_of(
    st.tuples(st.just("publish"), st.integers(0, len(SUITES) - 1), KILLS),
    st.tuples(st.just("roll back"), st.integers(1, 6), KILLS),
    st.tuples(st.just("sweep"), st.just(0), KILLS),
    st.tuples(st.just("wait"), st.integers(1, 9), st.none()),
)
Step = tuple[str, int, tuple[int, bool] | None]


async def take(site: Site, step: Step) -> None:
    what, which, kill = step
    fuse = Fuse(None, after=False) if kill is None else Fuse(kill[0], after=kill[1])
    try:
        if what == "publish":
            await site.publish(SUITES[which], fuse)
        elif what == "roll back":
            await site.roll_back(which, fuse)
        elif what == "sweep":
            await site.sweep(fuse)
        else:
            site.world.clock.advance(milliseconds=which * DAY_MS)
    except (KilledError, ProblemError):
        return


async def watch(site: Site) -> None:
    """What readers see is one of the suites as a whole, at every moment."""
    at = await site.location()
    if at.generation is not None:
        assert any([await site.sees(suite, at) for suite in SUITES])


@pytest.mark.thorough
@settings(max_examples=150)
@given(days=st.lists(st.lists(STEPS, min_size=1, max_size=3), max_size=8))
def test_whatever_happens_at_once_readers_see_one_generation_whole(
    days: Sequence[Sequence[Step]],
) -> None:
    world = World()

    async def scenario() -> None:
        site = await Site.make(world)
        for steps in days:
            work = asyncio.gather(*(take(site, step) for step in steps))
            while not work.done():
                await watch(site)
                await asyncio.sleep(0)
            await work
            await watch(site)
        # Whatever was left, publishing works.
        world.clock.advance(milliseconds=DAY_MS)
        for _ in range(20):
            if not (await site.sweep()).deleted:
                break
        for suite in (TWO, ONE):
            await site.publish(suite)
            assert await site.sees(suite)

    run(scenario())
    world.close()
