"""What a cron run mends and clears away. Each part is bounded and can be repeated or run twice at
once."""

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from functions.core import events, transitions
from functions.core.platform import DESIGNED, VALIDATION_DEADLINE_MS, Retention
from functions.core.version_lists import due_versions, expired_uploads
from functions.ports.object_store import ObjectStoreError
from functions.ports.queue import QueueError
from functions.ports.records import ConflictError, Statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from functions.core.version_lists import ExpiredUpload
    from functions.ports.clock import Clock
    from functions.ports.multipart_store import MultipartStore
    from functions.ports.object_store import ObjectStore
    from functions.ports.queue import Queue
    from functions.ports.records import Records, Row

ACTOR = "schedule"


@dataclass(frozen=True, slots=True)
class Report:
    requeued: int
    """Messages sent for `validating` versions past their deadline."""
    expired: int
    """`uploading` versions that nobody completed, now `failed`."""
    deleted: int
    """Uploads whose temp object and parts are gone now."""
    errors: tuple[str, ...] = ()
    """What failed and is left to the next run; one line each, for the log."""


@dataclass(slots=True)
class _Run:
    records: "Records"
    now: int
    batch: int
    retention: Retention
    errors: list[str] = field(default_factory=list[str])


async def run_schedule(
    records: "Records",
    uploads: "ObjectStore",
    parts: "MultipartStore",
    queue: "Queue",
    clock: "Clock",
    retention: Retention = DESIGNED,
    *,
    batch: int = 100,
) -> Report:
    """At most `batch` rows of each kind; what is left over waits for the next run. `parts` is the
    uploads bucket of the active storage.

    Raises: RecordsError. A failing store or queue is reported instead, so that one part does not
    stop the others.
    """
    run = _Run(records, clock.now_ms(), batch, retention)
    requeued = await _requeue_overdue(run, queue)
    expired = await _expire_abandoned(run)
    deleted = await _delete_temp_objects(run, uploads, parts)
    return Report(requeued, expired, deleted, tuple(run.errors))


async def _requeue_overdue(run: _Run, queue: "Queue") -> int:
    sent = 0
    for row in await _overdue(run):
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
    for version in await due_versions(run.records, "uploading", run.now, run.batch):
        # A fresh URL moves due_at without a new revision, and then the version is not abandoned.
        overdue = events.Guard("due_at <= ?", (run.now,))
        change = transitions.step("expired", version, ACTOR, run.now, overdue)
        problem = {
            "slug": "upload-expired",
            "detail": "The upload was not completed in time. Create the version again.",
        }
        columns = {
            "status": "failed",
            "problems": json.dumps([problem]),
            "due_at": run.now + run.retention.failed_ms,
            "updated_at": run.now,
        }
        try:
            await run.records.batch([change.event(), change.update(columns)])
        except ConflictError:
            continue
        expired += 1
    return expired


async def _delete_temp_objects(run: _Run, uploads: "ObjectStore", parts: "MultipartStore") -> int:
    """Only those whose URL expired long enough ago, and never while the package is still needed."""
    until = run.now - run.retention.temp_ms
    deleted = 0
    for upload in await expired_uploads(run.records, until, run.batch):
        try:
            # The object and its parts before the mark: a crash in between deletes nothing a second
            # time, and forgets nothing.
            await _free(upload, uploads, parts)
        except ObjectStoreError as error:
            run.errors.append(f"upload {upload.id}: not deleted at the storage: {error}")
            continue
        await run.records.batch(
            [
                Statement(
                    "UPDATE upload SET deleted_at = ? WHERE id = ? AND deleted_at IS NULL",
                    (run.now, upload.id),
                )
            ]
        )
        deleted += 1
    return deleted


async def _free(upload: "ExpiredUpload", uploads: "ObjectStore", parts: "MultipartStore") -> None:
    if upload.multipart_id is not None:
        # Most were completed, and then there is nothing to abort.
        await parts.abort_multipart(upload.object_key, upload.multipart_id)
    await uploads.delete(upload.object_key)


async def _overdue(run: _Run) -> "Sequence[Row]":
    return await run.records.fetch(
        Statement(
            "SELECT version.id AS id, version.due_at AS due_at, upload.id AS upload_id FROM version"
            " JOIN upload ON upload.version_id = version.id AND upload.kind = 'package'"
            " WHERE version.status = 'validating' AND version.due_at <= ?"
            " ORDER BY version.due_at LIMIT ?",
            (run.now, run.batch),
        )
    )
