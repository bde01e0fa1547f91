"""What has outlived its retention, and its removal.

1. `plan` decides; it is pure, and what it is given is found by the index over `due_at`, so the work
   is proportional to what is due.
2. A version is claimed first: `deleted_at`, in one batch with its event, refused where it is
   current or not due any more. From here on nothing finds it and no transition is open to it, so no
   rollback can make a version current whose package is gone.
3. Then its objects go, all that lie in its folder. Where URLs of it were out, they live on for as
   long as the longest of them.
4. `due_at` becomes NULL: done. A run that was killed in between is taken up by the next, because
   the row is still due. The row itself stays, and its version_code stays burned.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from functions.core import events, purges, transitions
from functions.core.catalog import PackageObject
from functions.core.denials import LONGEST_URL_MS
from functions.core.platform import HOUR_MS, Retention
from functions.core.version_records import (
    ExpiredUpload,
    Status,
    Version,
    due_versions,
    expired_uploads,
)
from functions.ports.object_store import ObjectStoreError
from functions.ports.records import ConflictError, Statement, Value

if TYPE_CHECKING:
    from functions.ports.clock import Clock
    from functions.ports.object_store import ObjectStore
    from functions.ports.records import Records

ACTOR = "retention"
RETRY_MS = HOUR_MS
"""After a store failed: long enough that one object that cannot be deleted does not hold up the
others, which stand behind it in the order of `due_at`."""

WHY: Mapping[Status, str] = {
    "draft": "a draft that nobody published",
    "rejected": "an operator rejected it",
    "failed": "it failed its validation",
    "pulled": "it was pulled and not restored",
    "published": "another version took its place",
}
"""The states that end by retention."""


@dataclass(frozen=True, slots=True)
class Removal:
    """What goes: the objects of a version, or the temp object of an upload."""

    kind: Literal["version", "upload"]
    id: str
    app_id: str
    version_code: int
    status: Status
    """The version's, also of an upload."""
    object_key: str | None
    """None: there is a row and no object."""
    due_at: int
    why: str


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


def plan(
    versions: Iterable[Version], uploads: Iterable[ExpiredUpload], retention: Retention, now: int
) -> list[Removal]:
    """What of these goes at `now`, and why, the longest due first. The current version of an app
    never does, nor an upload that is still waited for or validated."""
    found = [
        Removal(
            "version",
            version.id,
            version.app_id,
            version.version_code,
            version.status,
            version.object_key,
            version.due_at,
            WHY[version.status],
        )
        for version in versions
        if _is_over(version, now) and version.due_at is not None
    ]
    for upload in uploads:
        due_at = upload.expires_at + retention.temp_ms
        if due_at <= now and upload.status not in {"uploading", "validating"}:
            found.append(
                Removal(
                    "upload",
                    upload.id,
                    upload.app_id,
                    upload.version_code,
                    upload.status,
                    upload.object_key,
                    due_at,
                    "the upload is over and its URL expired",
                )
            )
    return sorted(found, key=lambda removal: (removal.due_at, removal.id))


async def removals(
    records: "Records", retention: Retention, at: int, limit: int
) -> tuple[list[Removal], bool]:
    """The plan for the time `at`, of at most `limit` versions a state and as many uploads; and
    whether there is more. Writes nothing."""
    versions: list[Version] = []
    more = False
    for status in WHY:
        found = await due_versions(records, status, at, limit)
        more = more or len(found) == limit
        versions += found
    uploads = await expired_uploads(records, at - retention.temp_ms, limit)
    return plan(versions, uploads, retention, at), more or len(uploads) == limit


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
            if _is_over(version, run.now):
                await _remove(run, version)
    return Report(run.claimed, run.removed, tuple(run.errors))


def _is_over(version: Version, now: int) -> bool:
    due = version.due_at is not None and version.due_at <= now
    return due and version.status in WHY and not version.is_current


async def _remove(run: _Run, version: Version) -> None:
    if not version.is_deleted and not await _claim(run, version):
        return
    if not version.is_deleted and version.status == "published":
        return  # until the URLs that are out have expired
    try:
        await _delete_folder(run, version)
    except ObjectStoreError as error:
        run.errors.append(f"version {version.id}: its objects were not deleted: {error}")
        await _set_due(run, version, run.now + RETRY_MS)
        return
    await _set_due(run, version, None)
    run.removed += 1


async def _claim(run: _Run, version: Version) -> bool:
    """Whether the version is deleted now, and by this run."""
    guard = events.Guard(
        "due_at <= ? AND NOT EXISTS (SELECT 1 FROM app WHERE app.id = version.app_id"
        " AND app.current_version_id = version.id)",
        (run.now,),
    )
    removed = transitions.step("removed", version, ACTOR, run.now, guard)
    due_at = run.now + LONGEST_URL_MS if version.status == "published" else run.now
    columns: Mapping[str, Value] = {
        "deleted_at": run.now,
        "due_at": due_at,
        "updated_at": run.now,
    }
    try:
        await run.records.batch(events.batch_of([(removed, columns)]))
    except ConflictError:
        return False
    run.claimed += 1
    return True


async def _delete_folder(run: _Run, version: Version) -> None:
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


async def _set_due(run: _Run, version: Version, due_at: int | None) -> None:
    statements = [
        Statement(
            "UPDATE version SET due_at = ?, updated_at = ? WHERE id = ? AND deleted_at IS NOT NULL",
            (due_at, run.now, version.id),
        )
    ]
    if due_at is None and version.published_at is not None:
        package = PackageObject(version.developer_id, version.app_id, version.version_code)
        statements += purges.purge_statements([package.version_tag], run.now)
    await run.records.batch(statements)
