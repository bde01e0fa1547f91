"""More time for an upload that is still waited for."""

from dataclasses import replace
from typing import TYPE_CHECKING

from functions.core.developer_signatures import UNSIGNED, GivenSignature
from functions.core.version_records import Upload, Version
from functions.ports.records import Records, Statement

if TYPE_CHECKING:
    from functions.core.platform import Limits


def url_expiry(now: int, limits: "Limits") -> int:
    return now + limits.upload_url_seconds * 1000


async def renew(
    records: Records,
    now: int,
    limits: "Limits",
    version: Version,
    upload: Upload,
    given: GivenSignature = UNSIGNED,
) -> tuple[Version, Upload] | None:
    """Both with room for a URL of `now`, never less than they had, and with the signature where one
    is given; None where the version was changed meanwhile or waits for no upload any more."""
    expires_at = max(upload.expires_at, url_expiry(now, limits))
    due_at = expires_at + limits.retention.temp_ms
    renewed = replace(version, due_at=due_at)
    signed, signature = "", ()
    if given.signature is not None:
        signed = ", developer_signature = ?, developer_key_id = ?"
        signature = (given.signature, given.key_id)
        renewed = replace(
            renewed, developer_signature=given.signature, developer_key_id=given.key_id
        )
    # Both rows or none: the schedule takes a version as abandoned by its due_at, and deletes by the
    # upload's expiry.
    changed = await records.batch(
        [
            Statement(
                f"UPDATE version SET due_at = ?{signed}"  # noqa: S608
                " WHERE id = ? AND revision = ? AND status = 'uploading' AND due_at <= ?",
                (due_at, *signature, version.id, version.revision, due_at),
            ),
            Statement(
                "UPDATE upload SET expires_at = ? WHERE id = ? AND expires_at <= ? AND EXISTS"
                " (SELECT 1 FROM version WHERE id = ? AND revision = ? AND status = 'uploading')",
                (expires_at, upload.id, expires_at, version.id, version.revision),
            ),
        ]
    )
    if list(changed) != [1, 1]:
        return None
    # Known without reading again: the revision was still the one that was read.
    return renewed, replace(upload, expires_at=expires_at)
