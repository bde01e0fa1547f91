"""Whether buckets and database agree: objects that no row claims, and rows whose object is missing.

Walks in bounded steps that the schedule goes on with. It reports; told to repair, it deletes
orphans:

1. never one that is younger than `GRACE_MS`: whatever put it there may still be at work;
2. never one that a row claims or is about to claim, asked again right before the deletion;
3. never a row: a version or an image whose object is missing is shown, for a person to decide.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from functions.core.app_image_objects import shown_objects
from functions.core.app_image_records import (
    AppImage,
    apps_with_images,
    find_image,
    find_images_of,
)
from functions.core.catalog import asset_folder
from functions.core.claims import MOST_KEYS, is_claimed, unclaimed
from functions.core.platform import DAY_MS
from functions.core.reconcile_report import (
    PHASES,
    Bucket,
    Finding,
    State,
    Walk,
    read_state,
    write_walk,
)
from functions.core.version_lists import versions_with_objects
from functions.core.version_records import Version, find_version
from functions.ports.object_store import ObjectStoreError

if TYPE_CHECKING:
    from functions.ports.clock import Clock
    from functions.ports.object_store import ObjectInfo, ObjectStore
    from functions.ports.records import Records

GRACE_MS = DAY_MS
EVERY_MS = DAY_MS
"""How long after the last one a walk that only reports begins by itself."""
HEADS = 50
"""Versions looked at in one page."""
APPS = 50
"""Apps whose images are looked at in one page, each by one listing."""


@dataclass(frozen=True, slots=True)
class ReconcileDeps:
    records: "Records"
    buckets: Mapping[Bucket, "ObjectStore"]
    clock: "Clock"


async def reconcile(deps: ReconcileDeps, *, pages: int) -> Walk | None:
    """Goes on with the walk under way for at most `pages` pages and answers it; begins one where
    the last is a day old. None: there was nothing to do.

    Raises: RecordsError. A store that fails is noted in the walk, whose phase is then given up.
    """
    state = await read_state(deps.records)
    walk = state.walk or _due_walk(state, deps.clock.now_ms())
    for _ in range(pages):
        if walk is None or walk.finished_at is not None:
            break
        walk = await _page(deps, walk)
        if not await write_walk(deps.records, state, walk):
            # Another run was faster; what this one deleted was an orphan all the same.
            return None
        state = replace(state, revision=state.revision + 1)
    return walk


def _due_walk(state: State, now: int) -> Walk | None:
    ended = None if state.last is None else state.last.finished_at
    is_due = ended is None or ended + EVERY_MS <= now
    return Walk(repair=False, started_at=now) if is_due else None


async def _page(deps: ReconcileDeps, walk: Walk) -> Walk:
    try:
        if walk.phase == "versions":
            return await _versions_page(deps, walk)
        if walk.phase == "images":
            return await _images_page(deps, walk)
        return await _bucket_page(deps, walk, walk.phase)
    except ObjectStoreError as error:
        noted = replace(walk, errors=(*walk.errors, f"{walk.phase}: {error}"))
        return _next_phase(noted, deps.clock.now_ms())


def _next_phase(walk: Walk, now: int) -> Walk:
    following = PHASES.index(walk.phase) + 1
    if following == len(PHASES):
        return replace(walk, at=None, finished_at=now)
    return replace(walk, phase=PHASES[following], at=None)


async def _bucket_page(deps: ReconcileDeps, walk: Walk, bucket: Bucket) -> Walk:
    page = await deps.buckets[bucket].list_objects("", walk.at, MOST_KEYS)
    walk = replace(walk, objects=walk.objects + len(page.objects))
    keys = [found.key for found in page.objects]
    suspects = await unclaimed(deps.records, bucket, keys) if keys else set[str]()
    for found in page.objects:
        if found.key in suspects and not await is_claimed(deps.records, bucket, found.key):
            walk = walk.with_finding(await _orphan(deps, walk, bucket, found))
    if page.cursor is None:
        return _next_phase(walk, deps.clock.now_ms())
    return replace(walk, at=page.cursor)


async def _orphan(deps: ReconcileDeps, walk: Walk, bucket: Bucket, found: "ObjectInfo") -> Finding:
    is_young = found.uploaded_at > deps.clock.now_ms() - GRACE_MS
    is_repaired = walk.repair and not is_young
    if is_repaired:
        await deps.buckets[bucket].delete(found.key)
    return Finding("orphan", bucket, found.key, None, found.size, is_young, is_repaired)


async def _versions_page(deps: ReconcileDeps, walk: Walk) -> Walk:
    page = await versions_with_objects(deps.records, after=walk.at, limit=HEADS)
    walk = replace(walk, versions=walk.versions + len(page))
    for version in page:
        finding = await _of_version(deps, version)
        if finding is not None:
            walk = walk.with_finding(finding)
    if len(page) < HEADS:
        return _next_phase(walk, deps.clock.now_ms())
    return replace(walk, at=page[-1].id)


async def _of_version(deps: ReconcileDeps, version: Version) -> Finding | None:
    key = version.object_key or ""
    found = await deps.buckets["packages"].head(key)
    if found is not None and found.size == version.size:
        return None
    if await find_version(deps.records, version.id) is None:
        return None  # its retention ended meanwhile
    size = None if found is None else found.size
    kind = "missing" if found is None else "different"
    return Finding(kind, "packages", key, version.id, size, is_young=False, is_repaired=False)


async def _images_page(deps: ReconcileDeps, walk: Walk) -> Walk:
    app_ids = await apps_with_images(deps.records, after=walk.at, limit=APPS)
    # The rows before the objects: those of a row that was live when it was read had been written.
    live = [one for one in await find_images_of(deps.records, app_ids) if one.state == "live"]
    walk = replace(walk, images=walk.images + len(live))
    for app_id in app_ids:
        there = await deps.buckets["assets"].list_objects(asset_folder(app_id))
        keys = {found.key for found in there.objects}
        for image in live:
            if image.app_id == app_id:
                walk = await _of_image(deps, walk, image, keys)
    if len(app_ids) < APPS:
        return _next_phase(walk, deps.clock.now_ms())
    return replace(walk, at=app_ids[-1])


async def _of_image(
    deps: ReconcileDeps, walk: Walk, image: AppImage, there: Collection[str]
) -> Walk:
    for kind in shown_objects(image, deps.clock.now_ms()):
        # Asked for again by itself: a listing has its end, and may be older than the object.
        if kind.key in there or await deps.buckets["assets"].head(kind.key) is not None:
            continue
        if await find_image(deps.records, image.id) != image:
            return walk  # removed meanwhile
        walk = walk.with_finding(
            Finding("missing", "assets", kind.key, None, None, is_young=False, is_repaired=False)
        )
    return walk
