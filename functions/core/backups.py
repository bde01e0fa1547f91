"""Making backups of the database, and clearing away the old ones.

1. A run of the schedule makes one at most: the one that was asked for, or the one that is due.
2. One run at a time makes one: the table lets one row be `running`. Its lease outlives every run,
   so a lease that is over belongs to a dead one.
3. The dump is written first and its manifest last, both create-only. A backup is good when its
   manifest is there, whatever its row says; a run that died in between leaves a dump without one,
   which the next run deletes.
4. Old ones are cleared away behind a new one only, and the newest good one never (see
   `backup_retention`).
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from functions.core import backup_records
from functions.core.backup_dump import compressed, measure
from functions.core.backup_manifest import Manifest
from functions.core.backup_records import Backup
from functions.core.backup_retention import delete, read_manifest, sweep
from functions.core.catalog import BackupDump, BackupManifest
from functions.core.platform import DAY_MS, HOUR_MS
from functions.ports.database_export import DatabaseExportError
from functions.ports.object_store import ObjectStoreError

if TYPE_CHECKING:
    from functions.ports.clock import Clock
    from functions.ports.database_export import DatabaseDump, DatabaseExporter
    from functions.ports.entropy import Entropy
    from functions.ports.object_store import ObjectStore
    from functions.ports.records import Records

ACTOR = "schedule"
LEASE_MS = 20 * 60_000
"""Longer than any run: Cloudflare ends one after 15 minutes
(developers.cloudflare.com/workers/platform/limits)."""
RETRY_MS = HOUR_MS
"""After a failed one, so that a database that cannot be exported is not blocked all the time."""


@dataclass(frozen=True, slots=True)
class BackupPlan:
    every_ms: int | None = DAY_MS
    """From the start of one to the start of the next; None: only when asked for."""
    keep_ms: int = 30 * DAY_MS


@dataclass(frozen=True, slots=True)
class BackupDeps:
    records: "Records"
    store: "ObjectStore"
    exporter: "DatabaseExporter"
    clock: "Clock"
    entropy: "Entropy"
    plan: BackupPlan


@dataclass(slots=True)
class BackupReport:
    made: str | None = None
    """The id of the backup that this run made."""
    deleted: int = 0
    """Backups deleted by age."""
    errors: list[str] = field(default_factory=list[str])
    """What failed; one line each, for the log."""


async def run_backups(deps: BackupDeps) -> BackupReport:
    """Makes what is asked for or due. What fails is in the report and in the backup's row, and
    nothing of it stays in the bucket.

    Raises: RecordsError.
    """
    report = BackupReport()
    await _settle_dead(deps, report)
    backup = await _next(deps)
    now = deps.clock.now_ms()
    if backup is None or not await backup_records.claim(deps.records, backup, now, LEASE_MS):
        return report
    manifest = await _make(deps, backup.id, now, report)
    if manifest is not None:
        report.made = backup.id
        await deps.records.batch([backup_records.completed(manifest)])
        swept = await sweep(deps.records, deps.store, deps.clock.now_ms(), deps.plan.keep_ms, ACTOR)
        report.deleted = swept.deleted
        report.errors += swept.errors
    return report


async def _next(deps: BackupDeps) -> Backup | None:
    requested = await backup_records.find_requested(deps.records)
    if requested is not None or not await _is_due(deps):
        return requested
    return await backup_records.request_backup(
        deps.records, deps.clock, deps.entropy, ACTOR, "schedule"
    )


async def _is_due(deps: BackupDeps) -> bool:
    now, every = deps.clock.now_ms(), deps.plan.every_ms
    if every is None:
        return False
    failed = await backup_records.find_last(deps.records, "failed")
    if failed is not None and now < (failed.started_at or 0) + min(RETRY_MS, every):
        return False
    last = await backup_records.find_last(deps.records, "complete")
    return last is None or now >= (last.started_at or 0) + every


async def _make(
    deps: BackupDeps, backup_id: str, started_at: int, report: BackupReport
) -> Manifest | None:
    """None where it failed, which the row then says."""
    try:
        dump = await deps.exporter.export()
        try:
            return await _store(deps, dump, backup_id, started_at)
        finally:
            await dump.close()
    except (DatabaseExportError, ObjectStoreError) as error:
        problem = f"{type(error).__name__}: {error}"
    await _fail(deps, backup_id, started_at, problem, report)
    return None


async def _store(
    deps: BackupDeps, dump: "DatabaseDump", backup_id: str, started_at: int
) -> Manifest:
    """A stored object's length is said before its first byte, so the text is compressed twice: to
    measure it and to store it. That takes time instead of memory, of which a Worker has 128 MB."""
    kind = BackupDump(backup_id, started_at)
    measured = await measure(dump)
    await deps.store.put(
        kind.key,
        compressed(dump.open()),
        length=measured.size,
        content_type=kind.content_type,
        cache_control=kind.cache_control,
        sha256=measured.sha256,
    )
    manifest = Manifest(
        backup_id,
        started_at,
        deps.clock.now_ms(),
        kind.key,
        measured.size,
        measured.sha256,
        measured.content,
    )
    if manifest.finished_at >= started_at + LEASE_MS:
        # Another run may have taken it for dead, and its dump with it.
        raise DatabaseExportError("it took longer than its lease")
    text = manifest.to_json()
    place = BackupManifest(backup_id, started_at)
    await deps.store.put(
        place.key,
        text,
        length=len(text),
        content_type=place.content_type,
        cache_control=place.cache_control,
    )
    return manifest


async def _fail(
    deps: BackupDeps, backup_id: str, started_at: int, problem: str, report: BackupReport
) -> None:
    report.errors.append(f"backup {backup_id}: {problem}")
    try:
        await delete(deps.store, backup_id, started_at)
    except ObjectStoreError as error:
        # It is no backup without its manifest, and a later sweep deletes it.
        report.errors.append(f"backup {backup_id}: what it left was not deleted: {error}")
    await deps.records.batch([backup_records.failed(backup_id, problem, deps.clock.now_ms())])


async def _settle_dead(deps: BackupDeps, report: BackupReport) -> None:
    """Brings the row of a run that died to what it left in the bucket."""
    running = await backup_records.find_running(deps.records)
    if running is None or (running.lease_until or 0) > deps.clock.now_ms():
        return
    started_at = running.started_at or 0
    try:
        manifest = await read_manifest(deps.store, BackupManifest(running.id, started_at).key)
    except ObjectStoreError as error:
        report.errors.append(f"backup {running.id}: its manifest could not be read: {error}")
        return
    if manifest is not None:
        await deps.records.batch([backup_records.completed(manifest)])
        return
    problem = "the run that made it ended before it was whole"
    await _fail(deps, running.id, started_at, problem, report)
