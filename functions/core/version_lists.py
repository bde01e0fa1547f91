"""Many versions at once: those of an app, those that are due, those that must have objects."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from functions.core.version_records import OCCUPIED, VERSION_ROWS, Status, Version, version_of
from functions.ports.records import Records, Statement


@dataclass(frozen=True, slots=True)
class ExpiredUpload:
    """An upload whose temp object is still there, with what its version is by now."""

    id: str
    object_key: str
    expires_at: int
    app_id: str
    version_code: int
    status: Status
    multipart_id: str | None = None
    """The last upload in parts that was begun for it."""


async def find_older_published(records: Records, app_id: str, version_code: int) -> Version | None:
    """The published version with the highest version_code below this one."""
    rows = await records.fetch(
        Statement(
            f"{VERSION_ROWS} WHERE app_id = ? AND version_code < ? AND {OCCUPIED}"
            " AND status = 'published' AND version.deleted_at IS NULL"
            " ORDER BY version_code DESC LIMIT 1",
            (app_id, version_code),
        )
    )
    return version_of(rows[0]) if rows else None


async def list_versions(
    records: Records, app_id: str, *, after: str | None = None, limit: int = 100
) -> Sequence[Version]:
    """The versions of an app, the newest first, from behind the id `after`; what retention took
    away is not among them."""
    behind = "" if after is None else " AND version.id < ?"
    parameters = (app_id,) if after is None else (app_id, after)
    rows = await records.fetch(
        Statement(
            f"{VERSION_ROWS} WHERE version.app_id = ?{behind} AND version.deleted_at IS NULL"
            " ORDER BY version.id DESC LIMIT ?",
            (*parameters, limit),
        )
    )
    return [version_of(row) for row in rows]


async def versions_with_objects(
    records: Records, *, after: str | None, limit: int
) -> Sequence[Version]:
    """The versions whose package must be there, in order of their ids, from behind the id
    `after`."""
    rows = await records.fetch(
        Statement(
            f"{VERSION_ROWS} WHERE version.id > ? AND version.deleted_at IS NULL"
            # Told by what they are not: an index over the states would need a sort for each page.
            " AND version.status NOT IN ('uploading', 'validating', 'failed')"
            " ORDER BY version.id LIMIT ?",
            (after or "", limit),
        )
    )
    return [version_of(row) for row in rows]


async def due_versions(records: Records, status: Status, at: int, limit: int) -> Sequence[Version]:
    """Those in this state whose `due_at` is not behind `at`, the longest due first; deleted ones
    too, as long as they are due."""
    rows = await records.fetch(
        Statement(
            f"{VERSION_ROWS} WHERE version.status = ? AND version.due_at <= ?"
            " ORDER BY version.due_at LIMIT ?",
            (status, at, limit),
        )
    )
    return [version_of(row) for row in rows]


async def expired_uploads(records: Records, until: int, limit: int) -> Sequence[ExpiredUpload]:
    """The package uploads whose URLs expired up to `until` and whose temp objects are there and
    needed no more: the version is neither waiting for them nor validated from them."""
    rows = await records.fetch(
        Statement(
            "SELECT upload.id AS id, upload.object_key AS object_key,"
            " upload.multipart_id AS multipart_id, upload.expires_at AS expires_at,"
            " version.app_id AS app_id, version.version_code AS version_code,"
            " version.status AS status"
            " FROM upload JOIN version ON version.id = upload.version_id"
            " WHERE upload.deleted_at IS NULL AND upload.expires_at <= ?"
            " AND version.status NOT IN ('uploading', 'validating')"
            " ORDER BY upload.expires_at LIMIT ?",
            (until, limit),
        )
    )
    return [
        ExpiredUpload(
            id=cast("str", row["id"]),
            object_key=cast("str", row["object_key"]),
            expires_at=cast("int", row["expires_at"]),
            app_id=cast("str", row["app_id"]),
            version_code=cast("int", row["version_code"]),
            status=cast("Status", row["status"]),
            multipart_id=cast("str | None", row["multipart_id"]),
        )
        for row in rows
    ]
