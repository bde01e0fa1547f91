"""The life of a version up to its validation, as its developer drives it.

uploading -> validating -> draft -> published, or -> failed. The step from `validating` on belongs
to `core.validation`, the overdue ones to `core.schedule`.
"""

from typing import TYPE_CHECKING

from functions.core import access, apps, events, fields, multipart, quotas, transitions
from functions.core.catalog import PACKAGE_TYPE, TempUpload
from functions.core.developer_signatures import UNSIGNED, GivenSignature, check_given
from functions.core.ids import new_id
from functions.core.platform import (
    ATTEMPTS,
    VALIDATION_DEADLINE_MS,
)
from functions.core.problems import ProblemError, busy, conflict, not_found
from functions.core.publication import publish_version
from functions.core.renewal import renew, url_expiry
from functions.core.statements import PackageStatement
from functions.core.version_records import (
    Upload,
    Version,
    find_occupant,
    find_upload,
    get_version,
)
from functions.ports.queue import QueueError
from functions.ports.records import ConflictError, Records, Statement

__all__ = ["complete_version", "create_version", "get_version", "publish_version"]

if TYPE_CHECKING:
    from functions.core.platform import Limits
    from functions.ports.clock import Clock
    from functions.ports.entropy import Entropy
    from functions.ports.multipart_store import MultipartStore
    from functions.ports.object_store import ObjectReader
    from functions.ports.queue import Queue
    from functions.ports.verifier import Verifier


async def create_version(
    records: Records,
    clock: "Clock",
    entropy: "Entropy",
    limits: "Limits",
    caller: access.Caller,
    app_id: str,
    version_code: int,
    version_name: str,
    size: int,
    sha256: str,
    *,
    verifier: "Verifier",
    given: GivenSignature = UNSIGNED,
) -> tuple[Version, Upload, bool]:
    """A version in `uploading` with its upload, and whether it was created now.

    The same code, name, size and sha256 while the version is `uploading` gives the same upload with
    a later `expires_at` (False), and takes over a signature that it is given. A code whose version
    has failed is free again.
    Raises: ProblemError 404/403, 422, 409 `version-code-taken`, 413 `storage-quota-exceeded`, 429
    `quota-exceeded`.
    """
    app = await apps.own_app(records, caller, app_id)
    found = fields.Collector()
    found.integer(version_code, 1, fields.MAX_VERSION_CODE, "/version_code")
    found.version_name(version_name)
    found.integer(size, 1, limits.max_package_bytes, "/size")
    found.sha256(sha256)
    found.check()
    statement = PackageStatement(app.developer_id, app.id, version_code, size, sha256).text
    await check_given(records, verifier, app, given, statement)
    for attempt in range(ATTEMPTS):
        occupant = await find_occupant(records, app_id, version_code)
        if occupant is not None:
            wanted = (version_name, size, sha256)
            resumed = await _resume(records, clock, limits, occupant, wanted, given)
            if resumed is not None:
                return (*resumed, False)
            continue
        now = clock.now_ms()
        if attempt:
            # The batch was refused: by a quota, or by a request that has come to nothing since.
            await quotas.check(records, limits.quotas, app.developer_id, size, now)
        version, upload = _new_version(
            app,
            version_code,
            version_name,
            size,
            sha256,
            now,
            limits,
            new_id(clock, entropy),
            new_id(clock, entropy),
            given,
        )
        try:
            guard = quotas.guard(limits.quotas, app.developer_id, size, now)
            await records.batch(_insertion(version, upload, caller.actor, guard))
        except ConflictError:
            continue
        return version, upload, True
    raise busy()


async def _resume(
    records: Records,
    clock: "Clock",
    limits: "Limits",
    occupant: Version,
    wanted: tuple[str, int, str],
    given: GivenSignature,
) -> tuple[Version, Upload] | None:
    """The occupant's upload with a later expiry, and with the signature where one is given; None
    where the occupant changed meanwhile.

    Raises: ProblemError 409 where the occupant is no unfinished upload of the same package.
    """
    upload = await find_upload(records, occupant.id)
    same = (occupant.version_name, occupant.size, occupant.sha256) == wanted
    if upload is None or occupant.is_deleted or occupant.status != "uploading" or not same:
        raise _taken(occupant, same=same)
    return await renew(records, clock.now_ms(), limits, occupant, upload, given)


async def complete_version(
    records: Records,
    uploads: "ObjectReader",
    parts: "MultipartStore",
    queue: "Queue",
    clock: "Clock",
    caller: access.Caller,
    version_id: str,
) -> Version:
    """Takes the upload as finished, of its parts where it came in parts: `validating`, and a
    message to the jobs. Repeating it gives the version as it is by now. Where the message is lost
    the schedule sends another, so a failing queue is no failure of the call.

    Raises: ProblemError 404/403, 409 `upload-missing`, 409 `upload-size-mismatch`, and as
    `multipart.assemble`.
    """
    access.require_developer(caller)
    for _ in range(ATTEMPTS):
        version = await get_version(records, caller, version_id)
        upload = await find_upload(records, version_id)
        if upload is None:
            raise not_found("version")
        if version.status == "uploading":
            etag = await _uploaded_etag(uploads, parts, upload)
            if not await _begin_validation(records, clock, caller, version, upload, etag):
                continue
            version = await get_version(records, caller, version_id)
        if version.status == "validating":
            await _send(queue, version.id, upload.id)
        return version
    raise busy()


async def _uploaded_etag(uploads: "ObjectReader", parts: "MultipartStore", upload: Upload) -> str:
    info = await uploads.head(upload.object_key)
    if info is None:
        info = await multipart.assemble(uploads, parts, upload)
    if info is None:
        raise conflict(
            "upload-missing",
            "Nothing was uploaded yet. Send the package to the upload URL first; create the "
            "version again for a "
            "fresh URL.",
        )
    if info.size != upload.size:
        raise conflict(
            "upload-size-mismatch",
            f"The uploaded object has {info.size} bytes, but the version was created for "
            f"{upload.size}.",
        )
    return info.etag


async def _begin_validation(
    records: Records,
    clock: "Clock",
    caller: access.Caller,
    version: Version,
    upload: Upload,
    etag: str,
) -> bool:
    now = clock.now_ms()
    change = transitions.step("completed", version, caller.actor, now)
    columns = {"status": "validating", "due_at": now + VALIDATION_DEADLINE_MS, "updated_at": now}
    try:
        await records.batch(
            [
                change.event(),
                change.update(columns),
                Statement("UPDATE upload SET etag = ? WHERE id = ?", (etag, upload.id)),
            ]
        )
    except ConflictError:
        return False
    return True


async def _send(queue: "Queue", version_id: str, upload_id: str) -> None:
    """Sent again on every repetition while validating: a second message is harmless (the lease, the
    conditions), a lost one would keep the developer waiting for the schedule."""
    try:
        await queue.send({"version_id": version_id, "upload_id": upload_id})
    except QueueError:
        # The row says `validating`: the schedule sends the message once the deadline is over.
        return


def _new_version(
    app: apps.App,
    version_code: int,
    version_name: str,
    size: int,
    sha256: str,
    now: int,
    limits: "Limits",
    version_id: str,
    upload_id: str,
    given: GivenSignature,
) -> tuple[Version, Upload]:
    expires_at = url_expiry(now, limits)
    version = Version(
        id=version_id,
        app_id=app.id,
        developer_id=app.developer_id,
        version_code=version_code,
        version_name=version_name,
        status="uploading",
        size=size,
        sha256=sha256,
        object_key=None,
        statement=None,
        signature=None,
        signing_key_id=None,
        signed_at=None,
        developer_signature=given.signature,
        developer_key_id=given.key_id,
        problems=(),
        due_at=expires_at + limits.retention.temp_ms,
        created_at=now,
        updated_at=now,
        published_at=None,
        deleted_at=None,
        revision=1,
    )
    upload = Upload(
        id=upload_id,
        version_id=version_id,
        kind="package",
        object_key=TempUpload(upload_id).key,
        size=size,
        sha256=sha256,
        content_type=PACKAGE_TYPE,
        etag=None,
        expires_at=expires_at,
        lease_token=None,
        lease_until=None,
        created_at=now,
    )
    return version, upload


def _insertion(
    version: Version, upload: Upload, actor: str, guard: events.Guard | None
) -> list[Statement]:
    return [
        # First: what it counts does not have the new version in it yet.
        events.created(version.id, "version", actor, "uploading", version.created_at, guard),
        Statement(
            "INSERT INTO version (id, app_id, version_code, version_name, status, size, sha256,"
            " developer_signature, developer_key_id, problems, due_at, created_at, updated_at,"
            " revision) VALUES (?, ?, ?, ?, 'uploading', ?, ?, ?, ?, '[]', ?, ?, ?, 1)",
            (
                version.id,
                version.app_id,
                version.version_code,
                version.version_name,
                version.size,
                version.sha256,
                version.developer_signature,
                version.developer_key_id,
                version.due_at,
                version.created_at,
                version.updated_at,
            ),
        ),
        Statement(
            "INSERT INTO upload (id, version_id, kind, object_key, size, sha256, content_type,"
            " expires_at, created_at) VALUES (?, ?, 'package', ?, ?, ?, ?, ?, ?)",
            (
                upload.id,
                version.id,
                upload.object_key,
                upload.size,
                upload.sha256,
                upload.content_type,
                upload.expires_at,
                upload.created_at,
            ),
        ),
    ]


def _taken(occupant: Version, *, same: bool) -> ProblemError:
    code = occupant.version_code
    if occupant.status == "uploading" and not same:
        detail = (
            f"Version code {code} is being uploaded with another name, size or SHA-256. Finish "
            f"that upload, wait until "
            "it expires, or choose a higher version code."
        )
    else:
        detail = (
            f"Version code {code} is taken by a version that is {occupant.status}. Choose a "
            f"higher version code."
        )
    return conflict(
        "version-code-taken", detail, version_id=occupant.id, version_status=occupant.status
    )
