"""What has outlived its retention, and why: a plan, which nothing but `removal` carries out.

What is due is found by the index over `due_at`, so the work is proportional to it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from functions.core.version_lists import ExpiredUpload, due_versions, expired_uploads
from functions.core.version_records import Status, Version

if TYPE_CHECKING:
    from functions.core.platform import Retention
    from functions.ports.records import Records

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


def is_over(version: Version, at: int) -> bool:
    """Whether its retention has ended at `at`. The current version of an app has none."""
    due = version.due_at is not None and version.due_at <= at
    return due and version.status in WHY and not version.is_current


def plan(
    versions: Iterable[Version], uploads: Iterable[ExpiredUpload], retention: "Retention", at: int
) -> list[Removal]:
    """What of these goes at `at`, and why, the longest due first: no current version, no upload
    that is still waited for or validated."""
    found = [
        Removal(
            "version",
            version.id,
            version.app_id,
            version.version_code,
            version.status,
            version.object_key,
            version.due_at or 0,
            WHY[version.status],
        )
        for version in versions
        if is_over(version, at)
    ]
    found += [
        Removal(
            "upload",
            upload.id,
            upload.app_id,
            upload.version_code,
            upload.status,
            upload.object_key,
            upload.expires_at + retention.temp_ms,
            "its URL expired and nothing needs it",
        )
        for upload in uploads
        if upload.expires_at + retention.temp_ms <= at
        and upload.status not in {"uploading", "validating"}
    ]
    return sorted(found, key=lambda removal: (removal.due_at, removal.id))


async def removals(
    records: "Records", retention: "Retention", at: int, limit: int
) -> tuple[list[Removal], bool]:
    """The plan for the time `at`, of at most `limit` versions a state and as many uploads, and
    whether there is more. Writes nothing."""
    versions: list[Version] = []
    more = False
    for status in WHY:
        found = await due_versions(records, status, at, limit)
        more = more or len(found) == limit
        versions += found
    uploads = await expired_uploads(records, at - retention.temp_ms, limit)
    return plan(versions, uploads, retention, at), more or len(uploads) == limit
