from collections.abc import Awaitable
from typing import cast

import pytest

from functions.core import app_images
from functions.core.access import Caller
from functions.core.app_image_records import AppImage
from functions.core.catalog import ICON_SIZES
from functions.core.images.requirements import MAX_SCREENSHOTS
from functions.ports.images import ImageProcessorError
from tests.contracts.object_store import content_of, run
from tests.functions.core.asset_world import asset_keys, pixel
from tests.functions.core.world import APP, World, refusal
from tests.pictures import gradient, icon, opened, png_chunks, png_of, saved, screenshot

RED, BLUE = (200, 30, 30, 255), (30, 30, 200, 255)
OPERATOR = Caller("operator", None, "root")


async def developer_with_app(world: World) -> Caller:
    caller = await world.developer()
    await world.app(caller)
    return caller


async def set_icon(world: World, caller: Caller, data: bytes | None = None) -> AppImage:
    return await app_images.set_icon(world.image_deps, caller, APP, data or icon(colour=RED))


async def add(world: World, caller: Caller, *greys: int) -> list[int]:
    added: list[int] = []
    for grey in greys:
        made, _ = await app_images.add_screenshot(
            world.image_deps, caller, APP, screenshot(grey=grey)
        )
        assert made.number is not None
        added.append(made.number)
    return added


async def numbers(world: World) -> list[int]:
    return (await app_images.list_images(world.records, OPERATOR, APP)).numbers


async def purged(world: World) -> list[object]:
    return [row["tag"] for row in await world.rows("SELECT tag FROM cache_purge")]


def corrupt(png: bytes) -> bytes:
    """Sound for everybody who does not unpack it."""
    header, (kind, body), end = png_chunks(png)
    return png_of([header, (kind, body[: len(body) // 2]), end])


def test_an_icon_is_there_in_three_sizes(world: World) -> None:
    async def scenario() -> None:
        caller = await developer_with_app(world)
        made = await set_icon(world, caller, saved(gradient(512, 512)))
        for pixels in ICON_SIZES:
            key = f"assets/{APP}/icon-{pixels}.png"
            info = await world.assets.head(key)
            assert info is not None
            assert info.content_type == "image/png"
            assert info.cache_control == "public, max-age=604800"
            picture = opened(await content_of(await world.assets.get(key)))
            assert (picture.format, picture.mode, picture.size) == (
                "PNG", "RGBA", (pixels, pixels),
            )  # fmt: skip
        assert (made.state, made.width, made.height) == ("live", 128, 128)
        assert await world.history(APP) == ["created", "icon-set"]
        assert await purged(world) == [f"images:{APP}"]

    run(scenario())


def test_another_icon_takes_its_place_and_the_caches_are_purged_behind_it(world: World) -> None:
    async def scenario() -> None:
        caller = await developer_with_app(world)
        await set_icon(world, caller, icon(colour=RED))
        world.queue.take()
        await set_icon(world, caller, icon(colour=BLUE))
        for pixels in ICON_SIZES:
            assert await pixel(world, f"assets/{APP}/icon-{pixels}.png") == BLUE
        assert await world.history(APP) == ["created", "icon-set", "icon-set"]
        assert await purged(world) == [f"images:{APP}"]
        assert [message.body for message in world.queue.take()] == [{"kind": "purge"}]

    run(scenario())


def test_the_same_icon_again_changes_nothing(world: World) -> None:
    async def scenario() -> None:
        caller = await developer_with_app(world)
        first = await set_icon(world, caller)
        before = await asset_keys(world)
        assert await set_icon(world, caller) == first
        assert await asset_keys(world) == before
        assert await world.history(APP) == ["created", "icon-set"]

    run(scenario())


def test_a_removed_icon_is_not_there_any_more(world: World) -> None:
    async def scenario() -> None:
        caller = await developer_with_app(world)
        await app_images.remove_icon(world.image_deps, caller, APP)
        assert await world.history(APP) == ["created"]
        await set_icon(world, caller)
        for _ in range(2):
            await app_images.remove_icon(world.image_deps, caller, APP)
            assert not [key for key in await asset_keys(world) if "/icon-" in key]
        assert await world.history(APP) == ["created", "icon-set", "icon-removed"]
        assert (await app_images.list_images(world.records, None, APP)).icon is None

    run(scenario())


@pytest.mark.parametrize(
    ("data", "status", "slug"),
    [
        (b"", 422, "image-format"),
        (b"no picture", 422, "image-format"),
        (saved(gradient(128, 128, alpha=False), "JPEG"), 422, "image-format"),
        (saved(gradient(128, 160)), 422, "image-shape"),
        (icon(127), 422, "image-dimensions"),
        (icon()[:-4], 422, "image-damaged"),
        (corrupt(saved(gradient(128, 128))), 422, "image-damaged"),
        (icon() + bytes(2 * 1024 * 1024), 413, "image-too-large"),
    ],
)
def test_a_bad_icon_is_refused_and_leaves_nothing(
    world: World, data: bytes, status: int, slug: str
) -> None:
    async def scenario() -> None:
        caller = await developer_with_app(world)
        before = await world.snapshot()
        problem = await refusal(app_images.set_icon(world.image_deps, caller, APP, data))
        assert (problem.status, problem.slug) == (status, slug)
        assert problem.detail
        assert await world.snapshot() == before
        assert await asset_keys(world) == []
        assert world.queue.take() == []

    run(scenario())


def test_everything_that_is_wrong_is_said_at_once(world: World) -> None:
    async def scenario() -> None:
        caller = await developer_with_app(world)
        bad = saved(gradient(2000, 100, alpha=False), "JPEG")
        problem = await refusal(app_images.set_icon(world.image_deps, caller, APP, bad))
        listed = cast("list[dict[str, str]]", problem.members["problems"])
        slugs = [one["slug"] for one in listed]
        assert slugs == ["image-format", "image-dimensions", "image-shape"]

    run(scenario())


class Broken:
    async def to_png(self, picture: bytes, width: int, height: int) -> bytes:
        raise ImageProcessorError("the service is away")


def test_a_failing_image_service_leaves_nothing(world: World) -> None:
    async def scenario() -> None:
        caller = await developer_with_app(world)
        before = await world.snapshot()
        world.processor = Broken()
        with pytest.raises(ImageProcessorError):
            await set_icon(world, caller)
        with pytest.raises(ImageProcessorError):
            await add(world, caller, 1)
        assert await world.snapshot() == before
        assert await asset_keys(world) == []

    run(scenario())


def test_screenshots_of_every_format_become_pngs_in_the_order_of_their_coming(
    world: World,
) -> None:
    async def scenario() -> None:
        caller = await developer_with_app(world)
        for number, form in enumerate(("PNG", "JPEG", "WEBP"), 1):
            made, created = await app_images.add_screenshot(
                world.image_deps, caller, APP, screenshot(form=form)
            )
            assert (made.number, made.width, made.height, created) == (number, 360, 640, True)
            stored = await world.assets.get(f"assets/{APP}/screenshots/{number}.png")
            picture = opened(await content_of(stored))
            assert (picture.format, picture.size) == ("PNG", (360, 640))
        assert await numbers(world) == [1, 2, 3]
        assert await world.history(APP) == ["created"] + ["screenshot-added"] * 3

    run(scenario())


def test_a_large_screenshot_is_scaled_down(world: World) -> None:
    async def scenario() -> None:
        caller = await developer_with_app(world)
        made, _ = await app_images.add_screenshot(
            world.image_deps, caller, APP, screenshot(1440, 3200, "JPEG")
        )
        assert (made.width, made.height) == (864, 1920)
        stored = await world.assets.get(f"assets/{APP}/screenshots/1.png")
        assert opened(await content_of(stored)).size == (864, 1920)

    run(scenario())


def test_the_same_screenshot_again_is_the_one_that_is_there(world: World) -> None:
    async def scenario() -> None:
        caller = await developer_with_app(world)
        await add(world, caller, 10, 20)
        again, created = await app_images.add_screenshot(
            world.image_deps, caller, APP, screenshot(grey=10)
        )
        assert (again.number, created) == (1, False)
        assert await numbers(world) == [1, 2]

    run(scenario())


def test_the_number_of_a_removed_screenshot_is_never_used_again(world: World) -> None:
    async def scenario() -> None:
        caller = await developer_with_app(world)
        await add(world, caller, 10, 20)
        for _ in range(2):
            await app_images.remove_screenshot(world.image_deps, caller, APP, 2)
        assert await asset_keys(world) == [f"assets/{APP}/screenshots/1.png"]
        assert await add(world, caller, 20) == [3]
        assert await numbers(world) == [1, 3]
        assert await world.history(APP) == [
            "created", "screenshot-added", "screenshot-added", "screenshot-removed",
            "screenshot-added",
        ]  # fmt: skip
        assert await purged(world) == [f"images:{APP}"]
        for unknown in (0, 4):
            problem = await refusal(
                app_images.remove_screenshot(world.image_deps, caller, APP, unknown)
            )
            assert problem.slug == "not-found"

    run(scenario())


def test_there_are_ten_screenshots_at_most(world: World) -> None:
    async def scenario() -> None:
        caller = await developer_with_app(world)
        await add(world, caller, *range(MAX_SCREENSHOTS))
        before = await world.snapshot()
        problem = await refusal(
            app_images.add_screenshot(world.image_deps, caller, APP, screenshot(grey=99))
        )
        assert (problem.status, problem.slug) == (409, "too-many-screenshots")
        assert await world.snapshot() == before
        assert len(await asset_keys(world)) == MAX_SCREENSHOTS

    run(scenario())


def test_the_order_is_a_matter_of_rows_only(world: World) -> None:
    async def scenario() -> None:
        caller = await developer_with_app(world)
        await add(world, caller, 10, 20, 30)
        objects = (await world.assets.list_objects("")).objects
        ordered = await app_images.order_screenshots(world.image_deps, caller, APP, [3, 1, 2])
        assert ordered.numbers == await numbers(world) == [3, 1, 2]
        assert (await world.assets.list_objects("")).objects == objects
        await app_images.order_screenshots(world.image_deps, caller, APP, [3, 1, 2])
        rows = await world.rows("SELECT * FROM event WHERE reason = 'screenshots-ordered'")
        assert [(row["from_state"], row["to_state"]) for row in rows] == [("1,2,3", "3,1,2")]
        assert await add(world, caller, 40) == [4]
        assert await numbers(world) == [3, 1, 2, 4]

    run(scenario())


@pytest.mark.parametrize(
    ("given", "slug"),
    [
        ([1], "screenshots-changed"),
        ([1, 2, 3], "screenshots-changed"),
        ([], "screenshots-changed"),
        ([1, 3], "screenshots-changed"),
        ([1, 1], "invalid-request"),
    ],
)
def test_an_order_of_other_screenshots_than_there_are_is_refused(
    world: World, given: list[int], slug: str
) -> None:
    async def scenario() -> None:
        caller = await developer_with_app(world)
        await add(world, caller, 10, 20)
        before = await world.snapshot()
        problem = await refusal(app_images.order_screenshots(world.image_deps, caller, APP, given))
        assert problem.slug == slug
        if slug == "screenshots-changed":
            assert problem.members["numbers"] == [1, 2]
        assert await world.snapshot() == before

    run(scenario())


def changes(world: World, caller: Caller) -> list[Awaitable[object]]:
    return [
        app_images.set_icon(world.image_deps, caller, APP, icon()),
        app_images.remove_icon(world.image_deps, caller, APP),
        app_images.add_screenshot(world.image_deps, caller, APP, screenshot()),
        app_images.remove_screenshot(world.image_deps, caller, APP, 1),
        app_images.order_screenshots(world.image_deps, caller, APP, [1]),
    ]


def test_only_the_apps_developer_changes_its_images(world: World) -> None:
    async def scenario() -> None:
        owner = await developer_with_app(world)
        await set_icon(world, owner)
        await add(world, owner, 10)
        strangers = [
            (await world.developer("Bob"), 404),
            (await world.tenant(), 404),
            (OPERATOR, 403),
        ]
        before, objects = await world.snapshot(), await asset_keys(world)
        for stranger, status in strangers:
            for change in changes(world, stranger):
                assert (await refusal(change)).status == status
        assert await world.snapshot() == before
        assert await asset_keys(world) == objects

    run(scenario())


def test_everybody_sees_a_public_apps_images_and_its_developer_and_operators_a_private_ones(
    world: World,
) -> None:
    async def scenario() -> None:
        owner, bob, tenant = (
            await world.developer(), await world.developer("Bob"), await world.tenant(),
        )  # fmt: skip
        await world.app(owner)
        await world.app(owner, "org.example.secret", "private")
        for caller in (None, owner, bob, OPERATOR):
            await app_images.list_images(world.records, caller, APP)
        for caller in (owner, OPERATOR):
            await app_images.list_images(world.records, caller, "org.example.secret")
        for caller, app_id in (
            (tenant, APP), (None, "org.example.secret"), (bob, "org.example.secret"),
            (None, "org.example.unknown"),
        ):  # fmt: skip
            problem = await refusal(app_images.list_images(world.records, caller, app_id))
            assert (problem.status, problem.slug) == (404, "not-found")

    run(scenario())
