"""What a package's manifest names becomes the app's icon and screenshots, once its version is
current."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from functions.core import app_images, versions
from functions.core.access import Caller
from functions.core.app_image_records import AppImages, find_images
from functions.core.app_image_settling import settle, settle_due
from functions.core.version_records import Version
from functions.ports.images import ImageProcessorError
from tests.contracts.object_store import run
from tests.functions.core.asset_world import assert_settled, asset_keys, pixel
from tests.functions.core.fuse import Fuse, KilledError
from tests.functions.core.world import APP, World, a_manifest, a_package
from tests.pictures import gradient, icon, png_chunks, png_of, saved, screenshot

if TYPE_CHECKING:
    from functions.core.app_image_objects import ImageDeps

RED, BLUE = (200, 30, 30, 255), (30, 30, 200, 255)
Files = Mapping[str, bytes]


async def developer_with_app(world: World) -> Caller:
    caller = await world.developer()
    await world.app(caller)
    return caller


def pictured(code: int, files: Files) -> bytes:
    """A package whose manifest names all its pictures: `icon.png`, the others screenshots."""
    named: dict[str, object] = {"version": f"1.{code}", "version_code": code}
    if "icon.png" in files:
        named["icon"] = "icon.png"
    named["screenshots"] = [name for name in files if name != "icon.png"]
    return a_package(a_manifest(**named), files)


async def draft(world: World, caller: Caller, code: int, files: Files) -> Version:
    version, _ = await world.validating(caller, pictured(code, files), code, f"1.{code}")
    outcomes = await world.work()
    assert [outcome.kind for outcome in outcomes] == ["draft"], outcomes
    return version


async def publish(world: World, caller: Caller, code: int, files: Files) -> Version:
    version = await draft(world, caller, code, files)
    return await versions.publish_version(world.records, world.clock, caller, version.id)


async def run_jobs(world: World) -> None:
    for _ in range(3):
        assert (await settle_due(world.image_deps, world.packages)).errors == ()
        world.clock.advance(seconds=15 * 60)


async def greys(world: World) -> list[int]:
    images = await find_images(world.records, APP)
    return [
        (await pixel(world, f"assets/{APP}/screenshots/{number}.png"))[0]
        for number in images.numbers
    ]


async def icon_colour(world: World) -> tuple[int, ...]:
    return await pixel(world, f"assets/{APP}/icon-64.png")


def test_they_are_seen_once_the_version_is_current_and_not_before(world: World) -> None:
    async def scenario() -> None:
        caller = await developer_with_app(world)
        files = {
            "icon.png": icon(colour=RED),
            "shots/b.png": screenshot(grey=20),
            "shots/a.webp": screenshot(grey=10, form="WEBP"),
        }
        version = await draft(world, caller, 1, files)
        await run_jobs(world)
        assert await asset_keys(world) == []
        await versions.publish_version(world.records, world.clock, caller, version.id)
        await run_jobs(world)
        images = await assert_settled(world)
        assert await icon_colour(world) == RED
        assert await greys(world) == [20, 10]
        assert {image.version_id for image in images.rows} == {version.id}
        assert await world.history(APP) == ["created", "current-version", "package-images"]

    run(scenario())


def test_a_package_without_pictures_changes_nothing(world: World) -> None:
    async def scenario() -> None:
        caller = await developer_with_app(world)
        await app_images.set_icon(world.image_deps, caller, APP, icon(colour=RED))
        await app_images.add_screenshot(world.image_deps, caller, APP, screenshot(grey=10))
        await world.published(caller, 1)
        await run_jobs(world)
        await assert_settled(world)
        assert await icon_colour(world) == RED
        assert await greys(world) == [10]
        assert "package-images" not in await world.history(APP)

    run(scenario())


def test_what_the_manifest_names_takes_the_place_of_what_was_there(world: World) -> None:
    async def scenario() -> None:
        caller = await developer_with_app(world)
        await app_images.set_icon(world.image_deps, caller, APP, icon(colour=RED))
        for grey in (10, 20, 30):
            await app_images.add_screenshot(world.image_deps, caller, APP, screenshot(grey=grey))
        files = {"a.png": screenshot(grey=40), "b.png": screenshot(grey=20)}
        await publish(world, caller, 1, files)
        await run_jobs(world)
        images = await assert_settled(world)
        assert await icon_colour(world) == RED
        assert await greys(world) == [40, 20]
        # The same bytes keep their number, and so their URL.
        assert images.numbers == [4, 2]

    run(scenario())


def test_what_the_developer_sends_later_takes_the_place_of_the_packages(world: World) -> None:
    async def scenario() -> None:
        caller = await developer_with_app(world)
        await publish(world, caller, 1, {"icon.png": icon(colour=RED)})
        await run_jobs(world)
        await app_images.set_icon(world.image_deps, caller, APP, icon(colour=BLUE))
        await run_jobs(world)
        await assert_settled(world)
        assert await icon_colour(world) == BLUE

    run(scenario())


def test_a_rollback_brings_back_what_the_older_package_names(world: World) -> None:
    async def scenario() -> None:
        caller = await developer_with_app(world)
        first = await publish(world, caller, 1, {"icon.png": icon(colour=RED)})
        await run_jobs(world)
        await publish(world, caller, 2, {"icon.png": icon(colour=BLUE)})
        await run_jobs(world)
        assert await icon_colour(world) == BLUE
        await world.roll_back(caller, first.id)
        await run_jobs(world)
        await assert_settled(world)
        assert await icon_colour(world) == RED

    run(scenario())


def test_a_package_is_looked_through_once(world: World) -> None:
    async def scenario() -> None:
        caller = await developer_with_app(world)
        await publish(world, caller, 1, {"icon.png": icon(), "a.png": screenshot()})
        await run_jobs(world)
        before = await world.snapshot()
        for _ in range(2):
            await settle(world.image_deps, world.packages, APP)
        after = dict(await world.snapshot())
        assert {table for table, rows in before if rows != after[table]} <= {"cache_purge"}

    run(scenario())


def test_two_jobs_at_once_take_them_over_once(world: World) -> None:
    async def scenario() -> None:
        caller = await developer_with_app(world)
        await publish(world, caller, 1, {"icon.png": icon(), "a.png": screenshot()})
        await asyncio.gather(*(settle(world.image_deps, world.packages, APP) for _ in range(3)))
        await run_jobs(world)
        images = await assert_settled(world)
        assert len(images.screenshots) == 1
        assert (await world.history(APP)).count("package-images") == 1

    run(scenario())


def test_of_two_publications_the_later_ones_pictures_are_seen(world: World) -> None:
    async def scenario() -> None:
        caller = await developer_with_app(world)
        await publish(world, caller, 1, {"icon.png": icon(colour=RED)})
        later = await draft(world, caller, 2, {"icon.png": icon(colour=BLUE)})
        await asyncio.gather(
            settle(world.image_deps, world.packages, APP),
            versions.publish_version(world.records, world.clock, caller, later.id),
        )
        await run_jobs(world)
        await assert_settled(world)
        assert await icon_colour(world) == BLUE

    run(scenario())


# Zeros would be a bomb.
NOISE = random.Random(1).randbytes(2 * 1024 * 1024)  # noqa: S311
BAD: list[tuple[Files, str, str]] = [
    ({"icon.png": icon(64)}, "icon-invalid", "/icon"),
    ({"icon.png": saved(gradient(128, 160))}, "icon-invalid", "/icon"),
    ({"icon.png": screenshot(form="JPEG")}, "icon-invalid", "/icon"),
    ({"icon.png": b"no picture"}, "icon-invalid", "/icon"),
    ({"icon.png": icon() + NOISE}, "icon-invalid", "/icon"),
    ({"a.png": screenshot(), "b.png": icon(128)}, "screenshot-invalid", "/screenshots/1"),
    ({"a.jpg": screenshot(form="JPEG")[:-50]}, "screenshot-invalid", "/screenshots/0"),
]


@pytest.mark.parametrize(("files", "slug", "pointer"), BAD)
def test_a_bad_picture_fails_the_validation_and_leaves_nothing(
    world: World, files: Files, slug: str, pointer: str
) -> None:
    async def scenario() -> None:
        caller = await developer_with_app(world)
        version, _ = await world.validating(caller, pictured(1, files), 1, "1.1")
        (outcome,) = await world.work()
        assert outcome.kind == "failed"
        found = {(one["slug"], one["pointer"]) for one in outcome.problems}
        assert found == {(slug, pointer)}
        assert all(one["path"] == "manifest.json" and one["value"] for one in outcome.problems)
        assert (await world.packages.list_objects("")).objects == ()
        assert await asset_keys(world) == []
        failed = await versions.get_version(world.records, caller, version.id)
        assert failed.status == "failed"

    run(scenario())


def hollow(png: bytes) -> bytes:
    """Sound for everybody who does not unpack it."""
    header, (kind, body), end = png_chunks(png)
    return png_of([header, (kind, body[: len(body) // 2]), end])


def test_a_picture_that_cannot_be_decoded_is_left_out_and_noted(world: World) -> None:
    async def scenario() -> None:
        caller = await developer_with_app(world)
        await app_images.set_icon(world.image_deps, caller, APP, icon(colour=RED))
        files = {"icon.png": hollow(saved(gradient(128, 128))), "a.png": screenshot(grey=10)}
        await publish(world, caller, 1, files)
        await run_jobs(world)
        await assert_settled(world)
        assert await icon_colour(world) == RED
        assert await greys(world) == [10]
        (event,) = await world.rows("SELECT * FROM event WHERE reason = 'package-images'")
        assert event["detail"] == "/icon: the picture cannot be decoded"

    run(scenario())


class Broken:
    async def to_png(self, picture: bytes, width: int, height: int) -> bytes:
        raise ImageProcessorError("the service is away")


def test_they_are_taken_over_when_the_image_service_is_there_again(world: World) -> None:
    async def scenario() -> None:
        caller = await developer_with_app(world)
        await publish(world, caller, 1, {"icon.png": icon(colour=RED)})
        broken = replace(world.image_deps, processor=Broken())
        report = await settle_due(broken, world.packages)
        assert report.errors == (f"app {APP}: the service is away",)
        assert await asset_keys(world) == []
        world.clock.advance(seconds=300)
        await run_jobs(world)
        await assert_settled(world)
        assert await icon_colour(world) == RED

    run(scenario())


PORTS = ("records", "assets", "processor", "queue")


async def prepare_kill(world: World) -> None:
    caller = await developer_with_app(world)
    await app_images.set_icon(world.image_deps, caller, APP, icon(colour=BLUE))
    await app_images.add_screenshot(world.image_deps, caller, APP, screenshot(grey=10))
    files = {"icon.png": icon(colour=RED), "a.png": screenshot(grey=20)}
    await publish(world, caller, 1, files)


async def killed(world: World, fuse: Fuse) -> None:
    changes = {port: fuse.wrap(getattr(world.image_deps, port)) for port in PORTS}
    deps: ImageDeps = replace(world.image_deps, **changes)  # pyright: ignore[reportArgumentType]
    await settle_due(deps, world.packages)


def count_calls() -> int:
    world = World()
    fuse = Fuse(None, after=False)

    async def scenario() -> None:
        await prepare_kill(world)
        await killed(world, fuse)

    run(scenario())
    world.close()
    return fuse.calls


@pytest.mark.parametrize("after", [False, True], ids=["before", "behind"])
def test_a_job_that_was_killed_at_any_call_is_made_good_by_the_next(after: bool) -> None:
    calls = count_calls()
    assert calls > 20
    for call in range(1, calls + 1):
        world = World()

        async def scenario(world: World = world, call: int = call) -> AppImages:
            await prepare_kill(world)
            with pytest.raises(KilledError):
                await killed(world, Fuse(call, after=after))
            world.clock.advance(seconds=300)
            await run_jobs(world)
            assert await icon_colour(world) == RED
            assert await greys(world) == [20]
            assert (await world.history(APP)).count("package-images") == 1
            return await assert_settled(world)

        run(scenario())
        world.close()
