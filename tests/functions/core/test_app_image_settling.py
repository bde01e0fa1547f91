"""Whatever a request left behind, the jobs bring objects and rows together again."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from functions.adapters.local.object_store import MemoryObjectStore
from functions.core import app_images
from functions.core.access import Caller
from functions.core.app_image_objects import ImageDeps, make_icon, stage
from functions.core.app_image_settling import due_apps, settle, settle_due
from functions.core.catalog import Icon
from functions.ports.object_store import ObjectStoreError
from tests.contracts.object_store import run
from tests.functions.core.asset_world import assert_settled, asset_keys, pixel
from tests.functions.core.fuse import Fuse, KilledError
from tests.functions.core.world import APP, World
from tests.pictures import icon, screenshot

RED, BLUE = (200, 30, 30, 255), (30, 30, 200, 255)
SETTLED_SECONDS = 15 * 60
PORTS = ("records", "assets", "processor", "queue")

Change = Callable[[ImageDeps, Caller], Awaitable[object]]


async def prepare(world: World) -> Caller:
    """An app with an icon and two screenshots, all settled."""
    caller = await world.developer()
    await world.app(caller)
    await app_images.set_icon(world.image_deps, caller, APP, icon(colour=RED))
    for grey in (10, 20):
        await app_images.add_screenshot(world.image_deps, caller, APP, screenshot(grey=grey))
    await run_jobs(world)
    return caller


async def run_jobs(world: World) -> None:
    """The schedule, until nothing is due any more."""
    for _ in range(3):
        world.clock.advance(seconds=SETTLED_SECONDS)
        assert (await settle_due(world.image_deps, world.packages)).errors == ()
    assert await due_apps(world.records, world.clock.now_ms() + 10**9, 100) == []


def fused(world: World, fuse: Fuse) -> ImageDeps:
    changes = {port: fuse.wrap(getattr(world.image_deps, port)) for port in PORTS}
    return replace(world.image_deps, **changes)  # pyright: ignore[reportArgumentType]  (by name)


async def replace_icon(deps: ImageDeps, caller: Caller) -> object:
    return await app_images.set_icon(deps, caller, APP, icon(colour=BLUE))


async def remove_icon(deps: ImageDeps, caller: Caller) -> object:
    return await app_images.remove_icon(deps, caller, APP)


async def add_screenshot(deps: ImageDeps, caller: Caller) -> object:
    return await app_images.add_screenshot(deps, caller, APP, screenshot(grey=30))


async def remove_screenshot(deps: ImageDeps, caller: Caller) -> object:
    return await app_images.remove_screenshot(deps, caller, APP, 1)


async def order_screenshots(deps: ImageDeps, caller: Caller) -> object:
    return await app_images.order_screenshots(deps, caller, APP, [2, 1])


CHANGES: list[Change] = [
    replace_icon,
    remove_icon,
    add_screenshot,
    remove_screenshot,
    order_screenshots,
]


def count_calls(change: Change) -> int:
    world = World()
    fuse = Fuse(None, after=False)

    async def scenario() -> None:
        caller = await prepare(world)
        await change(fused(world, fuse), caller)

    run(scenario())
    world.close()
    return fuse.calls


@pytest.mark.parametrize("after", [False, True], ids=["before", "behind"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_was_killed_at_any_call_is_done_or_not_and_nothing_is_left_over(
    change: Change, after: bool
) -> None:
    for call in range(1, count_calls(change) + 1):
        world = World()

        async def scenario(world: World = world, call: int = call) -> None:
            caller = await prepare(world)
            with pytest.raises(KilledError):
                await change(fused(world, Fuse(call, after=after)), caller)
            await run_jobs(world)
            images = await assert_settled(world)
            for number in images.numbers:
                assert (await pixel(world, f"assets/{APP}/screenshots/{number}.png"))[0] in {
                    10, 20, 30,
                }  # fmt: skip
            await world.history(APP)

        run(scenario())
        world.close()


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_was_killed_at_any_call_can_be_repeated(change: Change) -> None:
    expected: list[object] = []
    for call in [0, *range(1, count_calls(change) + 1)]:
        world = World()

        async def scenario(world: World = world, call: int = call) -> None:
            caller = await prepare(world)
            if call:
                with pytest.raises(KilledError):
                    await change(fused(world, Fuse(call, after=True)), caller)
            await change(world.image_deps, caller)
            await run_jobs(world)
            images = await assert_settled(world)
            shown = None
            if images.icon is not None:
                shown = await pixel(world, Icon(APP, 64).key)
            greys = [row.sha256 for row in images.screenshots]
            expected.append((shown, greys))
            assert expected[-1] == expected[0]

        run(scenario())
        world.close()


def test_nothing_is_due_once_everything_is_settled(world: World) -> None:
    async def scenario() -> None:
        await prepare(world)
        await assert_settled(world)
        before = await world.snapshot()
        for app_id in await due_apps(world.records, world.clock.now_ms() + 10**9, 100):
            await settle(world.image_deps, world.packages, app_id)
        assert await world.snapshot() == before

    run(scenario())


def test_what_an_overtaken_request_wrote_over_the_icon_is_put_right(world: World) -> None:
    """It was held up between reading which icon is live and writing it, and died behind that."""

    async def scenario() -> None:
        caller = await prepare(world)
        old = (await app_images.list_images(world.records, None, APP)).icon
        await replace_icon(world.image_deps, caller)
        assert old is not None
        await world.assets.put(
            Icon(APP, 64).key,
            icon(64, colour=RED),
            length=len(icon(64, colour=RED)),
            content_type="image/png",
            metadata={"image": old.id},
            create_only=False,
        )
        await run_jobs(world)
        await assert_settled(world)
        assert await pixel(world, Icon(APP, 64).key) == BLUE

    run(scenario())


def test_a_request_that_outlives_its_staged_icon_does_not_bring_it_in(world: World) -> None:
    async def scenario() -> None:
        caller = await prepare(world)
        made = await make_icon(world.image_deps, APP, icon(colour=BLUE))
        staged = await stage(world.image_deps, made)
        await run_jobs(world)
        images = await assert_settled(world)
        assert staged.id not in {row.id for row in images.rows}
        assert await pixel(world, Icon(APP, 64).key) == RED
        await replace_icon(world.image_deps, caller)
        assert await pixel(world, Icon(APP, 64).key) == BLUE

    run(scenario())


class Away(MemoryObjectStore):
    async def head(self, key: str) -> None:
        raise ObjectStoreError("the store is away")


def test_an_app_stays_due_while_the_store_fails(world: World) -> None:
    async def scenario() -> None:
        caller = await prepare(world)
        await app_images.remove_screenshot(world.image_deps, caller, APP, 1)
        (due,) = await due_apps(world.records, world.clock.now_ms() + 60_000, 100)
        world.clock.advance(seconds=60)
        broken = replace(world.image_deps, assets=Away(world.clock))
        with pytest.raises(ObjectStoreError):
            await settle(broken, world.packages, due)
        assert await due_apps(world.records, world.clock.now_ms(), 100) == [APP]
        report = await settle_due(broken, world.packages)
        assert (report.settled, report.errors) == (0, (f"app {APP}: the store is away",))
        assert await due_apps(world.records, world.clock.now_ms(), 100) == []
        await run_jobs(world)
        await assert_settled(world)

    run(scenario())


def test_the_longest_due_come_first_and_no_more_than_asked_for(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        for app_id in ("org.example.b", "org.example.a", "org.example.c"):
            await world.app(caller, app_id)
            await app_images.add_screenshot(world.image_deps, caller, app_id, screenshot())
            world.clock.advance(seconds=1)
        now = world.clock.now_ms()
        assert await due_apps(world.records, now, 100) == []
        assert await due_apps(world.records, now + 60_000, 2) == ["org.example.b", "org.example.a"]

    run(scenario())


def test_an_unknown_app_is_nothing_to_settle(world: World) -> None:
    async def scenario() -> None:
        await settle(world.image_deps, world.packages, "org.example.unknown")
        assert await asset_keys(world) == []
        assert world.queue.take() == []

    run(scenario())
