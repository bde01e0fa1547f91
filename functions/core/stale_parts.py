"""Uploads in parts that nobody will complete: a promotion that was killed, a push that was given up
before a row named it. In the uploads bucket, and in those of storages that do not forget them by
themselves (`storages.aborts_stale_multipart`)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from functions.core.catalog import TEMP_PREFIX
from functions.core.claims import MOST_KEYS
from functions.core.platform import DAY_MS, HOUR_MS
from functions.ports.object_store import ObjectStoreError
from functions.ports.records import Records, Statement

if TYPE_CHECKING:
    from functions.core.platform import Retention
    from functions.ports.clock import Clock
    from functions.ports.multipart_store import MultipartStore, PendingUpload

STALE_MS = DAY_MS
"""Since it was begun. No promotion takes as long."""
STALE_UPLOAD_MS = 2 * HOUR_MS
"""The same below `temp/`, where URLs live for minutes: an upload that a developer may still go on
with is told by its row."""


@dataclass(frozen=True, slots=True)
class Report:
    aborted: int
    errors: tuple[str, ...] = ()
    """What is left to the next run; one line each, for the log."""


async def abort_stale(
    records: Records,
    stores: Iterable["MultipartStore"],
    clock: "Clock",
    retention: "Retention",
) -> Report:
    """At most `MOST_KEYS` uploads of each bucket; what is left over waits for the next run.

    Raises: RecordsError.
    """
    aborted = 0
    errors: list[str] = []
    for store in stores:
        try:
            for upload in await _stale(records, store, clock.now_ms(), retention):
                await store.abort_multipart(upload.key, upload.upload_id)
                aborted += 1
        except ObjectStoreError as error:
            errors.append(f"uploads in parts were not aborted: {error}")
    return Report(aborted, tuple(errors))


async def _stale(
    records: Records, store: "MultipartStore", now: int, retention: "Retention"
) -> "Sequence[PendingUpload]":
    pending = await store.list_multiparts("")
    old = [upload for upload in pending if upload.started_at <= now - _age(upload)][:MOST_KEYS]
    if not old:
        return ()
    keys = sorted({upload.key for upload in old})
    marks = ", ".join("?" for _ in keys)
    rows = await records.fetch(
        Statement(
            "SELECT object_key FROM upload WHERE deleted_at IS NULL AND expires_at > ?"  # noqa: S608
            f" AND object_key IN ({marks})",
            (now - retention.temp_ms, *keys),
        )
    )
    waited_for = {cast("str", row["object_key"]) for row in rows}
    return [upload for upload in old if upload.key not in waited_for]


def _age(upload: "PendingUpload") -> int:
    return STALE_UPLOAD_MS if upload.key.startswith(TEMP_PREFIX) else STALE_MS
