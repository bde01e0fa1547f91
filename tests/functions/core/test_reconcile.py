"""Buckets and database compared."""

import asyncio
from typing import TYPE_CHECKING

import pytest

from functions.adapters.local.object_store import MemoryObjectStore
from functions.core import app_images, claims
from functions.core.access import Caller
from functions.core.platform import DAY_MS
from functions.core.reconcile import EVERY_MS, GRACE_MS, ReconcileDeps, reconcile
from functions.core.reconcile_report import (
    MOST_FINDINGS,
    Bucket,
    Walk,
    read_state,
    request_walk,
)
from functions.ports.object_store import ObjectInfo, ObjectPage, ObjectStore, ObjectStoreError
from functions.ports.records import Statement
from tests.contracts.object_store import run
from tests.functions.core.world import APP, World, a_package
from tests.pictures import icon, screenshot

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGES = 1000


def deps(world: World, **buckets: ObjectStore) -> ReconcileDeps:
    stores: Mapping[Bucket, ObjectStore] = {
        "uploads": buckets.get("uploads", world.uploads),
        "packages": world.packages,
        "assets": buckets.get("assets", world.assets),
    }
    return ReconcileDeps(world.records, stores, world.clock)


async def put(store: ObjectStore, key: str, content: bytes = b"left") -> None:
    await store.put(key, content, length=len(content), content_type="x/y", create_only=False)


async def walked(world: World, *, repair: bool = False) -> Walk:
    """A whole walk, asked for now."""
    await request_walk(world.records, world.clock, repair=repair)
    walk = await reconcile(deps(world), pages=PAGES)
    assert walk is not None
    assert walk.finished_at is not None
    return walk


def found(walk: Walk) -> list[tuple[str, str, bool]]:
    return [(one.kind, one.key, one.is_repaired) for one in walk.findings]


async def a_full_platform(world: World) -> Caller:
    """Versions in every state, with all their objects, older than the grace period; and who they
    belong to."""
    caller = await world.developer()
    await world.app(caller)
    await world.published(caller, 1)
    await world.published(caller, 2)
    await world.draft(caller, 3)
    await world.reject((await world.draft(caller, 4)).id)
    await world.pull(caller, (await world.published(caller, 5)).id)
    await world.validating(caller, b"no archive", 6)
    await world.work()
    await world.validating(caller, code=7)
    version, upload, _ = await world.create(caller, a_package(), 8)
    await world.put(upload, a_package())
    await app_images.set_icon(world.image_deps, caller, APP, icon())
    await app_images.add_screenshot(world.image_deps, caller, APP, screenshot())
    world.clock.advance(milliseconds=GRACE_MS)
    assert version.status == "uploading"
    return caller


def test_a_sound_platform_has_no_findings(world: World) -> None:
    async def scenario() -> None:
        await a_full_platform(world)
        before = await world.snapshot()
        walk = await walked(world, repair=True)
        assert (walk.findings, walk.errors, walk.young) == ((), (), 0)
        assert (walk.objects, walk.versions, walk.images) == (8 + 15 + 7, 5, 2)
        changed = {table for (table, a), (_, b) in zip(before, await world.snapshot()) if a != b}  # noqa: B905
        assert changed == {"job_cursor"}

    run(scenario())


ORPHANS = [
    ("uploads", "temp/01a0c450-6c00-7386-a648-2f61c6237cc1/package.mosis"),
    ("uploads", "elsewhere"),
    ("packages", "packages/01a0c450-6c00-7386-a648-2f61c6237cc1/org.gone/1/package.mosis"),
    ("packages", "packages/01a0c450-6c00-7386-a648-2f61c6237cc1/org.gone/1/manifest.json"),
    ("packages", "stray.txt"),
    ("assets", "assets/org.gone/icon-32.png"),
    ("assets", "assets/org.gone/screenshots/3.png"),
    ("assets", f"assets/{APP}/icon-33.png"),
    ("assets", f"assets/{APP}/screenshots/2.png"),
    ("assets", f"assets/{APP}/icons/01a0c450-6c00-7386-a648-2f61c6237cc1/32.png"),
]


@pytest.mark.parametrize(("bucket", "key"), ORPHANS)
def test_an_orphan_is_reported_and_deleted_only_when_told_to(
    world: World, bucket: str, key: str
) -> None:
    async def scenario() -> None:
        store: MemoryObjectStore = getattr(world, bucket)
        await put(store, key)
        await a_full_platform(world)
        walk = await walked(world)
        assert found(walk) == [("orphan", key, False)]
        assert (walk.orphans, walk.repaired) == (1, 0)
        assert await store.head(key) is not None
        walk = await walked(world, repair=True)
        assert found(walk) == [("orphan", key, True)]
        assert (walk.orphans, walk.repaired) == (1, 1)
        assert await store.head(key) is None
        assert found(await walked(world)) == []

    run(scenario())


@pytest.mark.parametrize(("bucket", "key"), ORPHANS)
def test_what_is_young_is_shown_and_never_deleted(world: World, bucket: str, key: str) -> None:
    async def scenario() -> None:
        store: MemoryObjectStore = getattr(world, bucket)
        await put(store, key)
        world.clock.advance(milliseconds=GRACE_MS - 1)
        walk = await walked(world, repair=True)
        assert found(walk) == [("orphan", key, False)]
        assert (walk.orphans, walk.young, walk.repaired) == (1, 1, 0)
        assert walk.findings[0].is_young
        assert await store.head(key) is not None

    run(scenario())


def test_an_object_that_a_version_may_be_about_to_claim_is_kept(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        key = f"packages/{caller.subject_id}/{APP}/1/package.mosis"
        await put(world.packages, key, a_package())
        world.clock.advance(milliseconds=GRACE_MS)
        version, _ = await world.validating(caller)
        assert version.object_key is None
        assert found(await walked(world, repair=True)) == []
        await world.work()
        assert (await world.version(version.id)).status == "draft"
        assert found(await walked(world, repair=True)) == []

    run(scenario())


def test_a_row_that_came_between_the_questions_saves_its_object(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        key = f"packages/{caller.subject_id}/{APP}/1/package.mosis"
        await put(world.packages, key, a_package())
        world.clock.advance(milliseconds=GRACE_MS)
        is_claimed = claims.is_claimed

        async def after_a_creation(*given: object) -> bool:
            await world.create(caller, a_package())
            return await is_claimed(*given)  # pyright: ignore[reportArgumentType]

        monkeypatch.setattr("functions.core.reconcile.is_claimed", after_a_creation)
        assert found(await walked(world, repair=True)) == []
        assert await world.packages.head(key) is not None

    run(scenario())


def test_a_missing_package_is_shown_and_its_row_left_alone(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        gone = await world.published(caller, 1)
        world.clock.advance(milliseconds=1)
        cut = await world.published(caller, 2)
        await world.packages.delete(str(gone.object_key))
        await put(world.packages, str(cut.object_key), b"short")
        walk = await walked(world, repair=True)
        assert found(walk) == [
            ("missing", gone.object_key, False),
            ("different", cut.object_key, False),
        ]
        assert [one.version_id for one in walk.findings] == [gone.id, cut.id]
        assert (walk.missing, walk.orphans) == (2, 0)
        assert (await world.version(gone.id)).status == "published"

    run(scenario())


IMAGE_OBJECTS = ["icon-32.png", "icon-128.png", "icons/{icon}/64.png", "screenshots/1.png"]


@pytest.mark.parametrize("path", IMAGE_OBJECTS)
def test_a_missing_object_of_an_image_is_shown_and_its_row_left_alone(
    world: World, path: str
) -> None:
    async def scenario() -> None:
        await a_full_platform(world)
        rows = await world.rows("SELECT id FROM app_image WHERE kind = 'icon'")
        key = f"assets/{APP}/{path.format(icon=rows[0]['id'])}"
        await world.assets.delete(key)
        before = await world.rows("SELECT * FROM app_image ORDER BY id")
        walk = await walked(world, repair=True)
        assert found(walk) == [("missing", key, False)]
        assert (walk.missing, walk.orphans) == (1, 0)
        assert await world.rows("SELECT * FROM app_image ORDER BY id") == before

    run(scenario())


@pytest.mark.parametrize("state", ["staged", "removed", "gone"])
def test_an_image_that_is_not_to_be_seen_misses_nothing(world: World, state: str) -> None:
    async def scenario() -> None:
        await a_full_platform(world)
        await world.records.batch(
            [Statement("UPDATE app_image SET state = ?, position = NULL", (state,))]
        )
        for kept in (await world.assets.list_objects("")).objects:
            await world.assets.delete(kept.key)
        assert found(await walked(world)) == []

    run(scenario())


def test_an_icon_is_copied_to_where_it_is_seen_a_little_later(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        await app_images.set_icon(world.image_deps, caller, APP, icon())
        for pixels in (32, 64, 128):
            await world.assets.delete(f"assets/{APP}/icon-{pixels}.png")
        assert found(await walked(world)) == []

    run(scenario())


def test_an_image_that_is_removed_while_it_is_looked_at_misses_nothing(world: World) -> None:
    async def scenario() -> None:
        owner = await a_full_platform(world)
        await app_images.remove_icon(world.image_deps, owner, APP)

        class Removing(MemoryObjectStore):
            async def head(self, key: str) -> ObjectInfo | None:
                await app_images.remove_screenshot(world.image_deps, owner, APP, 1)
                return await super().head(key)

        await request_walk(world.records, world.clock, repair=False)
        walk = await reconcile(deps(world, assets=Removing(world.clock)), pages=PAGES)
        assert walk is not None
        assert (found(walk), walk.images) == ([], 1)

    run(scenario())


def test_what_retention_took_away_is_neither_missing_nor_kept_back(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        version = await world.draft(caller)
        world.clock.advance(milliseconds=30 * DAY_MS)
        assert (await world.sweep()).removed == 1
        assert found(await walked(world)) == []
        # What comes to lie there afterwards is nobody's.
        await put(world.packages, str(version.object_key))
        assert found(await walked(world)) == [("orphan", version.object_key, False)]

    run(scenario())


def test_a_walk_goes_on_where_it_stopped(world: World) -> None:
    async def scenario() -> None:
        await a_full_platform(world)
        for number in range(200):
            await put(world.assets, f"assets/org.gone/screenshots/{number}.png")
        world.clock.advance(milliseconds=GRACE_MS)
        await request_walk(world.records, world.clock, repair=False)
        phases: list[str] = []
        walk = await reconcile(deps(world), pages=1)
        while walk is not None and walk.finished_at is None:
            phases.append(walk.phase)
            walk = await reconcile(deps(world), pages=1)
        assert phases == ["packages", "assets", "assets", "assets", "versions", "images"]
        assert walk is not None
        assert (walk.orphans, len(walk.findings)) == (200, MOST_FINDINGS)
        assert (await read_state(world.records)).last == walk

    run(scenario())


def test_findings_beyond_the_most_are_counted(world: World) -> None:
    async def scenario() -> None:
        for number in range(MOST_FINDINGS + 5):
            await put(world.assets, f"stray/{number}")
        world.clock.advance(milliseconds=GRACE_MS)
        walk = await walked(world)
        assert (walk.orphans, len(walk.findings)) == (MOST_FINDINGS + 5, MOST_FINDINGS)

    run(scenario())


def test_it_begins_by_itself_once_a_day_and_only_reports(world: World) -> None:
    async def scenario() -> None:
        await put(world.assets, "stray")
        first = await reconcile(deps(world), pages=PAGES)
        assert first is not None
        assert not first.repair
        assert await reconcile(deps(world), pages=PAGES) is None
        world.clock.advance(milliseconds=EVERY_MS - 1)
        assert await reconcile(deps(world), pages=PAGES) is None
        world.clock.advance(milliseconds=1)
        second = await reconcile(deps(world), pages=PAGES)
        assert second is not None
        assert found(second) == [("orphan", "stray", False)]

    run(scenario())


def test_a_walk_that_repairs_takes_the_place_of_one_that_reports(world: World) -> None:
    async def scenario() -> None:
        reporting = await request_walk(world.records, world.clock, repair=False)
        world.clock.advance(seconds=1)
        assert await request_walk(world.records, world.clock, repair=False) == reporting
        repairing = await request_walk(world.records, world.clock, repair=True)
        assert (repairing.repair, repairing.started_at) == (True, world.clock.now_ms())
        assert await request_walk(world.records, world.clock, repair=False) == repairing
        assert await request_walk(world.records, world.clock, repair=True) == repairing

    run(scenario())


def test_two_runs_at_once_count_nothing_twice(world: World) -> None:
    async def scenario() -> None:
        await put(world.assets, "stray")
        world.clock.advance(milliseconds=GRACE_MS)
        await request_walk(world.records, world.clock, repair=True)
        await asyncio.gather(*(reconcile(deps(world), pages=PAGES) for _ in range(3)))
        await reconcile(deps(world), pages=PAGES)
        last = (await read_state(world.records)).last
        assert last is not None
        assert (last.objects, last.orphans, last.repaired) == (1, 1, 1)

    run(scenario())


def test_a_bucket_that_fails_is_noted_and_the_others_are_looked_at(world: World) -> None:
    class Away(MemoryObjectStore):
        async def list_objects(
            self,
            prefix: str,
            cursor: str | None = None,
            limit: int = 1000,
            *,
            start_after: str | None = None,
        ) -> ObjectPage:
            raise ObjectStoreError("away")

    async def scenario() -> None:
        await put(world.assets, "stray")
        world.clock.advance(milliseconds=GRACE_MS)
        await request_walk(world.records, world.clock, repair=False)
        walk = await reconcile(deps(world, uploads=Away(world.clock)), pages=PAGES)
        assert walk is not None
        assert walk.errors == ("uploads: away",)
        assert found(walk) == [("orphan", "stray", False)]

    run(scenario())


def test_what_another_release_has_left_begins_anew(world: World) -> None:
    async def scenario() -> None:
        await request_walk(world.records, world.clock, repair=True)
        await world.records.batch(
            [Statement("UPDATE job_cursor SET cursor = '{\"renamed\": 1}', report = '{}'")]
        )
        walk = await walked(world)
        assert (walk.repair, walk.errors) == (False, ())

    run(scenario())
