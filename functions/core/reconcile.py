"""Whether buckets and database agree: objects that no row claims, and rows whose object is missing.

Walks in bounded steps that the schedule goes on with. It reports; told to repair, it deletes
orphans:

1. never one that is younger than `GRACE_MS`;
2. never one that a row claims or is about to claim, asked again right before the deletion;
3. never a row: a version whose object is missing is shown, for a person to decide.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

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
    now = deps.clock.now_ms()
    page = await deps.buckets[bucket].list_objects("", walk.at, MOST_KEYS)
    walk = replace(walk, objects=walk.objects + len(page.objects))
    keys = [found.key for found in page.objects]
    suspects = await unclaimed(deps.records, bucket, keys) if keys else set[str]()
    for found in page.objects:
        if found.key not in suspects:
            continue
        if found.uploaded_at > now - GRACE_MS:
            walk = replace(walk, young=walk.young + 1)
        elif not await is_claimed(deps.records, bucket, found.key):
            walk = walk.with_finding(await _orphan(deps, walk, bucket, found))
    if page.cursor is None:
        return _next_phase(walk, now)
    return replace(walk, at=page.cursor)


async def _orphan(deps: ReconcileDeps, walk: Walk, bucket: Bucket, found: "ObjectInfo") -> Finding:
    if walk.repair:
        await deps.buckets[bucket].delete(found.key)
    return Finding("orphan", bucket, found.key, None, found.size, is_repaired=walk.repair)


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
    return Finding(kind, "packages", key, version.id, size, is_repaired=False)
