"""What is deleted of earlier generations, and what never is."""

import pytest

from functions.core import generation_sweep
from functions.core.platform import DAY_MS
from tests.contracts.object_store import run
from tests.functions.core.fuse import Fuse, KilledError
from tests.functions.core.publishing_world import Site, a_suite, refusal
from tests.functions.core.world import World

SUITES = [a_suite("1.0"), a_suite("2.0"), a_suite("3.0")]
WEEK_MS = 7 * DAY_MS


async def three_generations(world: World) -> Site:
    site = await Site.make(world)
    for suite in SUITES:
        await site.publish(suite)
    return site


def of_generation(keys: list[str], number: int) -> list[str]:
    return [key for key in keys if key.startswith(f".stowage/generations/{number}/")]


def test_a_generation_goes_after_its_grace_with_the_by_hash_files_that_only_it_named(
    world: World,
) -> None:
    async def scenario() -> None:
        site = await three_generations(world)
        before = await site.keys()
        world.clock.advance(milliseconds=WEEK_MS - 1)
        assert (await site.sweep()).deleted == 0
        assert await site.keys() == before
        world.clock.advance(milliseconds=1)
        report = await site.sweep()
        assert (report.swept, report.errors) == (1, [])
        left = await site.keys()
        assert of_generation(left, 1) == []
        gone = set(before) - set(left) - set(of_generation(before, 1))
        assert gone == {path for path in SUITES[0] if "by-hash" in path}
        assert await site.states() == {1: "swept", 2: "published", 3: "published"}
        # Generation 2 is what a rollback may want (keep=1), at any age.
        world.clock.advance(milliseconds=100 * WEEK_MS)
        assert (await site.sweep()).deleted == 0
        await site.roll_back(2)
        assert await site.sees(SUITES[1])
        assert (await refusal(site.roll_back(1))).slug == "generation-unavailable"

    run(scenario())


def test_packages_are_never_swept(world: World) -> None:
    async def scenario() -> None:
        site = await three_generations(world)
        world.clock.advance(milliseconds=WEEK_MS)
        await site.sweep()
        assert await site.read("pool/main/hello_1.0_all.deb") == b"package 1.0"

    run(scenario())


def test_what_is_current_is_kept_however_old(world: World) -> None:
    async def scenario() -> None:
        site = await three_generations(world)
        site.keep = 0
        await site.roll_back(1)
        world.clock.advance(milliseconds=WEEK_MS)
        await site.sweep()
        assert await site.states() == {1: "published", 2: "swept", 3: "swept"}
        assert await site.sees(SUITES[0])

    run(scenario())


def test_by_hash_files_that_another_generation_names_stay(world: World) -> None:
    async def scenario() -> None:
        site = await Site.make(world)
        await site.publish(SUITES[0])
        await site.publish(SUITES[0] | {"dists/stable/Release.gpg": b"signature"})
        site.keep = 0
        world.clock.advance(milliseconds=WEEK_MS)
        assert (await site.sweep()).swept == 1
        assert await site.sees(SUITES[0])

    run(scenario())


def test_nothing_is_swept_while_a_publication_is_prepared_and_none_begins_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        site = await three_generations(world)
        world.clock.advance(milliseconds=WEEK_MS)
        again = await site.begin(SUITES[0])
        await site.fill(again, SUITES[0])
        assert (await site.sweep()).swept == 0
        await site.show(again)
        assert await site.sees(SUITES[0])
        # Half-way through a sweep, by-hash files are going that a new publication could count on.
        monkeypatch.setattr(generation_sweep, "MOST_DELETIONS", 1)
        site.keep = 0
        world.clock.advance(milliseconds=WEEK_MS)
        assert (await site.sweep()).swept > 0
        assert (await refusal(site.begin(SUITES[1]))).slug == "sweep-under-way"
        for _ in range(30):
            await site.sweep()
        await site.publish(SUITES[1])
        assert await site.sees(SUITES[1])

    run(scenario())


def test_what_was_given_up_is_deleted_and_nothing_else(world: World) -> None:
    async def scenario() -> None:
        site = await Site.make(world)
        await site.publish(SUITES[0])
        before = await site.keys()
        left = await site.begin(SUITES[1])
        await site.fill(left, SUITES[1])
        world.clock.advance(milliseconds=DAY_MS)
        assert (await site.sweep()).abandoned == 1
        shared = {path for path in SUITES[1] if "pool/" in path or "by-hash" in path}
        assert set(await site.keys()) == set(before) | shared
        assert await site.sees(SUITES[0])

    run(scenario())


@pytest.mark.parametrize("after", [False, True], ids=["before", "behind"])
@pytest.mark.parametrize("call", range(1, 25))
def test_a_sweep_that_was_killed_goes_on_in_the_next_run(
    world: World, call: int, after: bool
) -> None:
    async def scenario() -> None:
        site = await three_generations(world)
        world.clock.advance(milliseconds=WEEK_MS)
        try:
            await site.sweep(Fuse(call, after=after))
        except KilledError:
            await site.sweep()
        assert await site.sees(SUITES[2])
        left = await site.keys()
        assert of_generation(left, 1) == []
        assert not {path for path in SUITES[0] if "by-hash" in path} & set(left)
        assert (await site.publish(SUITES[0])).number == 4

    run(scenario())
