"""Deletes what no reader and no rollback wants any more: publications that were given up, and
generations that have not been current for a while, with the by-hash files that only they named.

1. First the row is marked, which fails where the generation is current or is made current just
   then; only then its objects go. What is left over goes in the next run.
2. The last `keep` generations before the current one are kept at any age, and of those that a
   rollback went behind the last `keep`; packages always are.
3. The pages of the list go last: they say which by-hash files are left to be deleted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from functions.core import publication_lists
from functions.core.catalog import generation_folder
from functions.core.publication_records import Publication, publication_of
from functions.core.publishing import read_list
from functions.ports.clock import Clock
from functions.ports.object_store import ObjectStore, ObjectStoreError
from functions.ports.records import Records, Statement

MOST_DELETIONS = 500
"""Of one run."""
MOST_ROWS = 20


@dataclass(frozen=True, slots=True)
class SweepDeps:
    records: Records
    stores: Mapping[str, ObjectStore]
    """By the platform's name of each repository bucket."""
    clock: Clock
    keep: int
    """How many generations before the current one a rollback may still want, at any age."""


@dataclass(slots=True)
class SweepReport:
    abandoned: int = 0
    """Publications given up in this run."""
    swept: int = 0
    """Generations."""
    deleted: int = 0
    """Objects."""
    errors: list[str] = field(default_factory=list[str])
    """What failed and is left to the next run."""


@dataclass(frozen=True, slots=True)
class _Place:
    store: ObjectStore
    s3_prefix: str


async def sweep_generations(deps: SweepDeps) -> SweepReport:
    """One part, bounded in what it deletes.

    Raises: RecordsError. A failing store is reported.
    """
    report = SweepReport()
    now = deps.clock.now_ms()
    report.abandoned = await _abandon(deps.records, now)
    for publication in await _due_generations(deps, now):
        report.swept += await _mark(deps.records, publication, now)
    for publication in await _pending(deps.records):
        if report.deleted >= MOST_DELETIONS:
            break
        try:
            await _clear(deps, publication, report)
        except ObjectStoreError as error:
            report.errors.append(f"generation {publication.number}: {error}")
            await _to_the_back(deps.records, publication, now)
    return report


async def _to_the_back(records: Records, publication: Publication, now: int) -> None:
    """So that what fails every time stands before nobody else's."""
    await records.batch(
        [
            Statement(
                "UPDATE publication SET due_at = ? WHERE id = ? AND due_at IS NOT NULL",
                (now, publication.id),
            )
        ]
    )


async def _abandon(records: Records, now: int) -> int:
    (changed,) = await records.batch(
        [
            Statement(
                "UPDATE publication SET state = 'abandoned', due_at = ?"
                " WHERE state = 'preparing' AND due_at <= ?",
                (now, now),
            )
        ]
    )
    return changed


async def _due_generations(deps: SweepDeps, now: int) -> list[Publication]:
    """Superseded long enough ago, with at least `keep` others behind them that are not the current
    one, in locations where nothing is being prepared."""
    rows = await deps.records.fetch(
        Statement(
            "SELECT publication.* FROM publication JOIN location"
            " ON location.id = publication.location_id"
            " WHERE publication.state = 'published' AND publication.due_at <= ?"
            " AND (location.generation IS NULL OR location.generation <> publication.number)"
            " AND (SELECT COUNT(*) FROM publication AS newer"
            " WHERE newer.location_id = publication.location_id AND newer.state = 'published'"
            " AND newer.number > publication.number"
            " AND newer.number <> COALESCE(location.generation, 0)"
            # Of what a rollback went behind only those before the current one count.
            " AND (publication.number > COALESCE(location.generation, 0)"
            " OR newer.number < location.generation)) >= ?"
            " AND NOT EXISTS (SELECT 1 FROM publication AS other"
            " WHERE other.location_id = publication.location_id AND other.state = 'preparing')"
            " ORDER BY publication.due_at LIMIT ?",
            (now, deps.keep, MOST_ROWS),
        )
    )
    return [publication_of(row) for row in rows]


async def _mark(records: Records, publication: Publication, now: int) -> int:
    """1 where it may be deleted from now on: it is not current, and nothing is being prepared in
    its location that may have been told that a by-hash file is there."""
    (changed,) = await records.batch(
        [
            Statement(
                "UPDATE publication SET state = 'swept', due_at = ?"
                " WHERE id = ? AND state = 'published' AND due_at <= ?"
                " AND NOT EXISTS (SELECT 1 FROM location WHERE location.id = ? AND generation = ?)"
                " AND NOT EXISTS (SELECT 1 FROM publication AS other"
                " WHERE other.location_id = ? AND other.state = 'preparing')",
                (
                    *(now, publication.id, now, publication.location_id, publication.number),
                    publication.location_id,
                ),
            )
        ]
    )
    return changed


async def _pending(records: Records) -> list[Publication]:
    rows = await records.fetch(
        Statement(
            "SELECT * FROM publication WHERE state IN ('abandoned', 'swept')"
            " AND due_at IS NOT NULL ORDER BY due_at LIMIT ?",
            (MOST_ROWS,),
        )
    )
    return [publication_of(row) for row in rows]


async def _clear(deps: SweepDeps, publication: Publication, report: SweepReport) -> None:
    place = await _place(deps, publication.location_id)
    if place is None:
        report.errors.append(f"generation {publication.number}: its bucket is not declared")
        await _to_the_back(deps.records, publication, deps.clock.now_ms())
        return
    if publication.state == "swept" and not await _delete_by_hash(
        deps.records, place, publication, report
    ):
        return
    folder = generation_folder(place.s3_prefix, publication.number)
    for part in ("files/", "manifest.json", "pages/"):
        if not await _delete(place.store, folder + part, report):
            return
    await deps.records.batch(
        [Statement("UPDATE publication SET due_at = NULL WHERE id = ?", (publication.id,))]
    )


async def _place(deps: SweepDeps, location_id: str) -> _Place | None:
    rows = await deps.records.fetch(
        Statement("SELECT s3_bucket, s3_prefix FROM location WHERE id = ?", (location_id,))
    )
    bucket, prefix = cast("str", rows[0]["s3_bucket"]), cast("str", rows[0]["s3_prefix"])
    store = deps.stores.get(bucket)
    return None if store is None else _Place(store, prefix)


async def _delete_by_hash(
    records: Records, place: _Place, publication: Publication, report: SweepReport
) -> bool:
    """Those that no generation names that is still kept. Whether none is left."""
    files = await read_list(place.store, place.s3_prefix, publication)
    if files is None:
        # A run before this one deleted all of them, and then began with the list itself.
        return True
    gone = publication_lists.by_hash_paths(files)
    for other in await _kept(records, publication.location_id):
        listed = await read_list(place.store, place.s3_prefix, other)
        if listed is None:
            report.errors.append(
                f"generation {other.number}: its list cannot be read, so nobody knows which "
                "by-hash files it needs, and none is deleted"
            )
            return False
        gone -= publication_lists.by_hash_paths(listed)
    keys = {place.s3_prefix + path for path in gone}
    for folder in sorted({key.rpartition("/")[0] for key in keys}):
        if not await _delete(place.store, f"{folder}/", report, keys):
            return False
    return True


async def _kept(records: Records, location_id: str) -> list[Publication]:
    rows = await records.fetch(
        Statement(
            "SELECT * FROM publication WHERE location_id = ? AND state IN ('published',"
            " 'preparing')",
            (location_id,),
        )
    )
    return [publication_of(row) for row in rows]


async def _delete(
    store: ObjectStore, prefix: str, report: SweepReport, keys: set[str] | None = None
) -> bool:
    """What lies under `prefix` (of it, only `keys`). False where the run has deleted as many as it
    may before the end was reached."""
    cursor = None
    while True:
        page = await store.list_objects(prefix, cursor)
        for info in page.objects:
            if keys is not None and info.key not in keys:
                continue
            if report.deleted >= MOST_DELETIONS:
                return False
            await store.delete(info.key)
            report.deleted += 1
        cursor = page.cursor
        if cursor is None:
            return True
