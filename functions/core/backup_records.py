"""Backups as rows: the value type, and how they are read, asked for and claimed.

A row is what people look at and what keeps two runs apart; what can be restored is what lies in the
bucket (`backups`).
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from functions.core.ids import is_id, new_id
from functions.core.platform import ATTEMPTS
from functions.core.problems import busy, not_found
from functions.ports.queue import QueueError
from functions.ports.records import ConflictError, Records, Row, Statement, Value

if TYPE_CHECKING:
    from functions.core.backup_manifest import Manifest
    from functions.ports.clock import Clock
    from functions.ports.entropy import Entropy
    from functions.ports.queue import Queue

BackupStatus: TypeAlias = Literal["requested", "running", "complete", "failed"]
BackupReason: TypeAlias = Literal["schedule", "request", "found"]

KIND = "backup"
"""Of the message that has the jobs make the backup that was asked for at once."""


@dataclass(frozen=True, slots=True)
class Backup:
    id: str
    status: BackupStatus
    reason: BackupReason
    actor: str
    requested_at: int
    started_at: int | None
    lease_until: int | None
    finished_at: int | None
    object_key: str | None
    """Of the dump in the backups bucket."""
    size: int | None
    sha256: str | None
    """Of the dump as it lies there, compressed."""
    row_count: int | None
    """Of all tables together."""
    problem: str | None
    """Why it failed."""
    deleted_at: int | None


async def request_backup(
    records: Records, clock: "Clock", entropy: "Entropy", actor: str, reason: BackupReason
) -> Backup:
    """One that the next run of the jobs makes. One that waits already is that one, whoever
    asked for it.

    Raises: ProblemError 409 `busy`.
    """
    for _ in range(ATTEMPTS):
        waiting = await find_requested(records)
        if waiting is not None:
            return waiting
        backup_id = new_id(clock, entropy)
        insert = Statement(
            "INSERT INTO backup (id, status, reason, actor, requested_at)"
            " VALUES (?, 'requested', ?, ?, ?)",
            (backup_id, reason, actor, clock.now_ms()),
        )
        with suppress(ConflictError):
            await records.batch([insert])
            return await get_backup(records, backup_id)
    raise busy()


async def announce(queue: "Queue") -> None:
    """What is lost, the schedule makes up for."""
    with suppress(QueueError):
        await queue.send({"kind": KIND})


async def get_backup(records: Records, backup_id: str) -> Backup:
    """Raises: ProblemError 404."""
    found = None
    if is_id(backup_id):
        found = await _find(records, "WHERE id = ?", (backup_id,))
    if found is None:
        raise not_found("backup")
    return found


async def find_requested(records: Records) -> Backup | None:
    return await _find(records, "WHERE status = 'requested'")


async def find_running(records: Records) -> Backup | None:
    return await _find(records, "WHERE status = 'running'")


async def find_last(records: Records, status: BackupStatus) -> Backup | None:
    """The one of this status that was started last."""
    return await _find(records, "WHERE status = ? ORDER BY started_at DESC LIMIT 1", (status,))


async def complete_backups(records: Records) -> list[Backup]:
    """All whose objects were not deleted: as many as are kept."""
    rows = await records.fetch(
        Statement("SELECT * FROM backup WHERE status = 'complete' AND deleted_at IS NULL")
    )
    return [backup_of(row) for row in rows]


async def list_backups(
    records: Records, *, before: str | None = None, limit: int = 100
) -> list[Backup]:
    """The newest first; `before` is the last id of the page before. Those whose objects were
    deleted are not shown."""
    rows = await records.fetch(
        Statement(
            "SELECT * FROM backup WHERE id < ? AND deleted_at IS NULL ORDER BY id DESC LIMIT ?",
            # After every id, which are hex digits and dashes.
            (before or "g", limit),
        )
    )
    return [backup_of(row) for row in rows]


async def claim(records: Records, backup: Backup, now: int, lease_ms: int) -> bool:
    """Whether a requested backup is ours to make now. Not while another one is made."""
    statement = Statement(
        "UPDATE backup SET status = 'running', started_at = ?, lease_until = ?"
        " WHERE id = ? AND status = 'requested'",
        (now, now + lease_ms, backup.id),
    )
    try:
        return list(await records.batch([statement])) == [1]
    except ConflictError:
        return False


def completed(manifest: "Manifest") -> Statement:
    return Statement(
        "UPDATE backup SET status = 'complete', lease_until = NULL, finished_at = ?,"
        " object_key = ?, size = ?, sha256 = ?, row_count = ? WHERE id = ? AND status = 'running'",
        (*_facts(manifest), manifest.backup_id),
    )


def failed(backup_id: str, problem: str, now: int) -> Statement:
    return Statement(
        "UPDATE backup SET status = 'failed', lease_until = NULL, finished_at = ?, problem = ?"
        " WHERE id = ? AND status = 'running'",
        (now, problem, backup_id),
    )


def found(manifest: "Manifest", actor: str) -> Statement:
    """A row for a backup that lies in the bucket and has none."""
    return Statement(
        "INSERT INTO backup (id, status, reason, actor, requested_at, started_at, finished_at,"
        " object_key, size, sha256, row_count)"
        " VALUES (?, 'complete', 'found', ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            manifest.backup_id,
            actor,
            manifest.started_at,
            manifest.started_at,
            *_facts(manifest),
        ),
    )


def gone(backup_id: str, now: int) -> Statement:
    return Statement(
        "UPDATE backup SET deleted_at = ? WHERE id = ? AND deleted_at IS NULL", (now, backup_id)
    )


def _facts(manifest: "Manifest") -> tuple[Value, ...]:
    rows = sum(table.rows for table in manifest.content.tables.values())
    return (
        manifest.finished_at,
        manifest.dump_key,
        manifest.dump_size,
        manifest.dump_sha256,
        rows,
    )


async def _find(records: Records, where: str, parameters: tuple[Value, ...] = ()) -> Backup | None:
    rows = await records.fetch(Statement(f"SELECT * FROM backup {where}", parameters))  # noqa: S608
    return backup_of(rows[0]) if rows else None


def backup_of(row: Row) -> Backup:
    return Backup(
        id=cast("str", row["id"]),
        status=cast("BackupStatus", row["status"]),
        reason=cast("BackupReason", row["reason"]),
        actor=cast("str", row["actor"]),
        requested_at=cast("int", row["requested_at"]),
        started_at=cast("int | None", row["started_at"]),
        lease_until=cast("int | None", row["lease_until"]),
        finished_at=cast("int | None", row["finished_at"]),
        object_key=cast("str | None", row["object_key"]),
        size=cast("int | None", row["size"]),
        sha256=cast("str | None", row["sha256"]),
        row_count=cast("int | None", row["row_count"]),
        problem=cast("str | None", row["problem"]),
        deleted_at=cast("int | None", row["deleted_at"]),
    )
