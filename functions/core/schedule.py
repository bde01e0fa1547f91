"""What a cron run mends and clears away. Each part is bounded and can be repeated or run twice at
once."""

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from functions.core import events
from functions.core.platform import (
    FAILED_KEPT_MS,
    STALE_MULTIPART_MS,
    TEMP_KEPT_MS,
    VALIDATION_DEADLINE_MS,
)
from functions.ports.object_store import ObjectStoreError
from functions.ports.queue import QueueError
from functions.ports.records import ConflictError, Row, Statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from functions.ports.clock import Clock
    from functions.ports.multipart_store import MultipartStore
    from functions.ports.object_store import ObjectStore
    from functions.ports.queue import Queue
    from functions.ports.records import Records

ACTOR = "schedule"


@dataclass(frozen=True, slots=True)
class Report:
    requeued: int
    """Messages sent for `validating` versions past their deadline."""
    expired: int
    """`uploading` versions that nobody completed, now `failed`."""
    deleted: int
    """Temp objects deleted."""
    aborted: int = 0
    """Abandoned multipart uploads, on storages that abort none themselves."""
    errors: tuple[str, ...] = ()
    """What failed and is left to the next run; one line each, for the log."""


@dataclass(slots=True)
class _Run:
    records: "Records"
    now: int
    batch: int
    errors: list[str] = field(default_factory=list[str])


async def run_schedule(
    records: "Records",
    uploads: "ObjectStore",
    queue: "Queue",
    clock: "Clock",
    multiparts: "Sequence[MultipartStore]" = (),
    *,
    batch: int = 100,
) -> Report:
    """At most `batch` rows of each kind; what is left over waits for the next run. `multiparts` are
    the buckets whose storage leaves abandoned multipart uploads to us.

    Raises: RecordsError. A failing store or queue is reported instead, so that one part does not
    stop the others.
    """
    run = _Run(records, clock.now_ms(), batch)
    requeued = await _requeue_overdue(run, queue)
    expired = await _expire_abandoned(run)
    deleted = await _delete_temp_objects(run, uploads)
    aborted = await _abort_stale_multiparts(run, multiparts)
    return Report(requeued, expired, deleted, aborted, tuple(run.errors))


async def _requeue_overdue(run: _Run, queue: "Queue") -> int:
    sent = 0
    for row in await _due(run, "validating"):
        # Claimed first, by compare-and-set: two runs at once do not both send. A crash in between
        # costs one deadline.
        changed = await run.records.batch(
            [
                Statement(
                    "UPDATE version SET due_at = ? WHERE id = ? AND status = 'validating' AND "
                    "due_at = ?",
                    (run.now + VALIDATION_DEADLINE_MS, row["id"], row["due_at"]),
                )
            ]
        )
        if list(changed) != [1]:
            continue
        message = {"version_id": str(row["id"]), "upload_id": str(row["upload_id"])}
        try:
            await queue.send(message)
        except QueueError as error:
            run.errors.append(f"version {row['id']}: the message was not sent: {error}")
            continue
        sent += 1
    return sent


async def _expire_abandoned(run: _Run) -> int:
    expired = 0
    for row in await _due(run, "uploading"):
        change = events.Transition(
            "version",
            cast("str", row["id"]),
            cast("int", row["revision"]),
            ACTOR,
            "expired",
            "uploading",
            "failed",
            run.now,
            # A fresh URL moves due_at without a new revision, and then the version is not
            # abandoned.
            events.Guard("status = 'uploading' AND due_at <= ?", (run.now,)),
        )
        problem = {
            "slug": "upload-expired",
            "detail": "The upload was not completed in time. Create the version again.",
        }
        columns = {
            "status": "failed",
            "problems": json.dumps([problem]),
            "due_at": run.now + FAILED_KEPT_MS,
            "updated_at": run.now,
        }
        try:
            await run.records.batch([change.event(), change.update(columns)])
        except ConflictError:
            continue
        expired += 1
    return expired


async def _delete_temp_objects(run: _Run, uploads: "ObjectStore") -> int:
    """Only those whose URL expired long enough ago, and never while the package is still needed."""
    rows = await run.records.fetch(
        Statement(
            "SELECT upload.id AS id, upload.object_key AS object_key FROM upload"
            " JOIN version ON version.id = upload.version_id"
            " WHERE upload.deleted_at IS NULL AND upload.expires_at <= ?"
            " AND version.status NOT IN ('uploading', 'validating')"
            " ORDER BY upload.expires_at LIMIT ?",
            (run.now - TEMP_KEPT_MS, run.batch),
        )
    )
    deleted = 0
    for row in rows:
        try:
            # The object before the mark: a crash in between deletes nothing a second time, and
            # forgets nothing.
            await uploads.delete(cast("str", row["object_key"]))
        except ObjectStoreError as error:
            run.errors.append(f"upload {row['id']}: the temp object was not deleted: {error}")
            continue
        await run.records.batch(
            [
                Statement(
                    "UPDATE upload SET deleted_at = ? WHERE id = ? AND deleted_at IS NULL",
                    (run.now, row["id"]),
                )
            ]
        )
        deleted += 1
    return deleted


async def _abort_stale_multiparts(run: _Run, stores: "Sequence[MultipartStore]") -> int:
    aborted = 0
    for store in stores:
        try:
            for pending in await store.list_multiparts(""):
                if pending.started_at > run.now - STALE_MULTIPART_MS:
                    continue
                if aborted == run.batch:
                    return aborted
                await store.abort_multipart(pending.key, pending.upload_id)
                aborted += 1
        except ObjectStoreError as error:
            run.errors.append(f"abandoned multipart uploads were not aborted: {error}")
    return aborted


async def _due(run: _Run, status: str) -> list[Row]:
    rows = await run.records.fetch(
        Statement(
            "SELECT version.id AS id, version.revision AS revision, version.due_at AS due_at,"
            " upload.id AS upload_id FROM version"
            " JOIN upload ON upload.version_id = version.id AND upload.kind = 'package'"
            " WHERE version.status = ? AND version.due_at <= ? ORDER BY version.due_at LIMIT ?",
            (status, run.now, run.batch),
        )
    )
    return list(rows)
