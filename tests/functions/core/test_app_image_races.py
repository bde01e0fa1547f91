"""Changes of an app's images that meet: what is left is what some order of them leaves."""

import asyncio

from functions.core import app_images
from functions.core.app_image_records import AppImage
from functions.core.catalog import ICON_SIZES
from functions.core.images.requirements import MAX_SCREENSHOTS
from functions.core.problems import ProblemError
from tests.contracts.object_store import run
from tests.functions.core.asset_world import asset_keys, pixel
from tests.functions.core.test_app_images import (
    BLUE,
    RED,
    add,
    developer_with_app,
    numbers,
    set_icon,
)
from tests.functions.core.world import APP, World
from tests.pictures import icon


def test_of_racing_icons_one_is_left_and_all_its_sizes_are_its_own(world: World) -> None:
    async def scenario() -> None:
        caller = await developer_with_app(world)
        colours = [(shade, 0, 255 - shade, 255) for shade in (0, 80, 160, 240)]
        outcomes = await asyncio.gather(
            *(set_icon(world, caller, icon(colour=colour)) for colour in colours),
            return_exceptions=True,
        )
        assert all(isinstance(one, AppImage | ProblemError) for one in outcomes)
        live = (await app_images.list_images(world.records, None, APP)).icon
        assert live is not None
        winner = next(
            colour
            for colour, one in zip(colours, outcomes, strict=True)
            if isinstance(one, AppImage) and one.id == live.id
        )
        for pixels in ICON_SIZES:
            assert await pixel(world, f"assets/{APP}/icon-{pixels}.png") == winner
        done = sum(isinstance(one, AppImage) for one in outcomes)
        assert await world.history(APP) == ["created", *["icon-set"] * done]

    run(scenario())


def test_an_icon_that_races_with_a_removal_is_there_whole_or_not_at_all(world: World) -> None:
    async def scenario() -> None:
        caller = await developer_with_app(world)
        await set_icon(world, caller, icon(colour=RED))
        await asyncio.gather(
            set_icon(world, caller, icon(colour=BLUE)),
            app_images.remove_icon(world.image_deps, caller, APP),
        )
        live = (await app_images.list_images(world.records, None, APP)).icon
        shown = [key for key in await asset_keys(world) if "/icon-" in key]
        assert len(shown) == (0 if live is None else 3)
        for key in shown:
            assert await pixel(world, key) == BLUE

    run(scenario())


def test_racing_screenshots_get_different_numbers_and_never_are_too_many(world: World) -> None:
    async def scenario() -> None:
        caller = await developer_with_app(world)
        await add(world, caller, *range(MAX_SCREENSHOTS - 1))
        outcomes = await asyncio.gather(
            *(add(world, caller, 100 + grey) for grey in range(3)), return_exceptions=True
        )
        refused = [one for one in outcomes if isinstance(one, ProblemError)]
        assert {one.problem.slug for one in refused} == {"too-many-screenshots"}
        assert len(refused) == 2
        listed = await numbers(world)
        assert len(set(listed)) == len(listed) == MAX_SCREENSHOTS
        assert len(await asset_keys(world)) == MAX_SCREENSHOTS

    run(scenario())


def test_an_order_that_races_with_a_removal_leaves_one_of_both_histories(world: World) -> None:
    async def scenario() -> None:
        caller = await developer_with_app(world)
        await add(world, caller, 10, 20, 30)
        ordered, removed = await asyncio.gather(
            app_images.order_screenshots(world.image_deps, caller, APP, [3, 2, 1]),
            app_images.remove_screenshot(world.image_deps, caller, APP, 2),
            return_exceptions=True,
        )
        assert removed is None
        if isinstance(ordered, ProblemError):
            assert ordered.problem.slug == "screenshots-changed"
            assert await numbers(world) == [1, 3]
        else:
            assert await numbers(world) == [3, 1]

    run(scenario())
