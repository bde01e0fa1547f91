"""Taking away the versions whose retention is over.

1. A version is claimed first: `deleted_at`, in one batch with its event, refused where it is
   current or not due any more. From here on nothing finds it and no transition is open to it, so no
   rollback can make a version current whose package is gone.
2. Then its objects go, all that lie in its folder. Where URLs of it were out, they live on for as
   long as the longest of them.
3. `due_at` becomes NULL: done. A run that was killed in between is taken up by the next, because
   the row is still due. The row itself stays, and its version_code stays burned.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from functions.core import events, purges, transitions
from functions.core.denials import LONGEST_URL_MS
from functions.core.platform import HOUR_MS
from functions.core.retention import WHY, is_over
from functions.core.version_lists import due_versions
from functions.core.withdrawal import purge_tag
from functions.ports.object_store import ObjectStoreError
from functions.ports.records import ConflictError, Statement, Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from functions.core.version_records import Version
    from functions.ports.clock import Clock
    from functions.ports.object_store import ObjectStore
    from functions.ports.records import Records

ACTOR = "retention"
RETRY_MS = HOUR_MS
"""After a store failed: long enough that one object that cannot be deleted does not hold up the
others, which stand behind it in the order of `due_at`."""


@dataclass(frozen=True, slots=True)
class Report:
    claimed: int
    """Versions that are deleted from now on."""
    removed: int
    """Versions whose objects are gone now."""
    errors: tuple[str, ...] = ()
    """What is left to a later run; one line each, for the log."""


@dataclass(slots=True)
class _Run:
    records: "Records"
    packages: "ObjectStore"
    now: int
    claimed: int = 0
    removed: int = 0
    errors: list[str] = field(default_factory=list[str])


async def sweep(
    records: "Records", packages: "ObjectStore", clock: "Clock", *, batch: int = 50
) -> Report:
    """Removes at most `batch` versions of each state that are due; what is left over waits for the
    next run. Can be run twice at once.

    Raises: RecordsError.
    """
    run = _Run(records, packages, clock.now_ms())
    for status in WHY:
        for version in await due_versions(records, status, run.now, batch):
            if is_over(version, run.now):
                await _remove(run, version)
    return Report(run.claimed, run.removed, tuple(run.errors))


async def _remove(run: _Run, version: "Version") -> None:
    if not version.is_deleted:
        claimed = await _claim(run, version)
        if not claimed or version.status == "published":
            return  # a published one's objects go when the URLs that are out have expired
    try:
        await _delete_folder(run, version)
    except ObjectStoreError as error:
        run.errors.append(f"version {version.id}: its objects were not deleted: {error}")
        await _set_due(run, version, run.now + RETRY_MS)
        return
    await _set_due(run, version, None)
    run.removed += 1


async def _claim(run: _Run, version: "Version") -> bool:
    """Whether the version is deleted now, and by this run."""
    guard = events.Guard(
        "due_at <= ? AND NOT EXISTS (SELECT 1 FROM app WHERE app.id = version.app_id"
        " AND app.current_version_id = version.id)",
        (run.now,),
    )
    removed = transitions.step("removed", version, ACTOR, run.now, guard)
    columns: Mapping[str, Value] = {
        "deleted_at": run.now,
        "due_at": run.now + LONGEST_URL_MS if version.status == "published" else run.now,
        "updated_at": run.now,
    }
    try:
        await run.records.batch(events.batch_of([(removed, columns)]))
    except ConflictError:
        return False
    run.claimed += 1
    return True


async def _delete_folder(run: _Run, version: "Version") -> None:
    """The package and all that was stored beside it."""
    if version.object_key is None:
        return
    folder = version.object_key.rpartition("/")[0] + "/"
    page = await run.packages.list_objects(folder)
    while page.objects:
        for found in page.objects:
            await run.packages.delete(found.key)
        # From the start: what was listed is gone.
        page = await run.packages.list_objects(folder)


async def _set_due(run: _Run, version: "Version", due_at: int | None) -> None:
    statements = [
        Statement(
            "UPDATE version SET due_at = ?, updated_at = ? WHERE id = ? AND deleted_at IS NOT NULL",
            (due_at, run.now, version.id),
        )
    ]
    if due_at is None and version.published_at is not None:
        statements += purges.purge_statements([purge_tag(version)], run.now)
    await run.records.batch(statements)
