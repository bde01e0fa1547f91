"""`/v1/apps/{app_id}/versions` and `/v1/versions`"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response, status

from functions.core import app_image_calls, apps, multipart, version_lists, versions
from functions.core.developer_signatures import GivenSignature
from functions.core.platform import Limits
from functions.core.presign import PresignedPut, presign_upload
from functions.core.version_records import Status, Upload, Version
from functions.entrypoints.http_api.access import AnyCaller, Developer, Platform
from functions.entrypoints.http_api.grammars import (
    Id,
    PackageSize,
    Sha256,
    Signature,
    VersionCode,
    VersionName,
)
from functions.entrypoints.http_api.json_body import JsonRoute
from functions.entrypoints.http_api.problem_answers import documented
from functions.entrypoints.http_api.values import Answer, Body, Time

router = APIRouter(tags=["versions"], route_class=JsonRoute)

PAGE = 100


class NewVersion(Body):
    version_code: VersionCode
    version_name: VersionName
    size: PackageSize
    """Bytes of the package."""
    sha256: Sha256
    """Of the package, 64 lower-case hexadecimal digits."""
    signature: Signature | None = None
    """The developer's: base64 of the Ed25519 signature over the package's statement."""
    signing_key_id: Id | None = None
    """The registered key that made it; both or none."""


class VersionAnswer(Answer):
    id: str
    app_id: str
    developer_id: str
    version_code: int
    version_name: str
    status: Status
    size: int
    sha256: str
    statement: str | None
    """The exact UTF-8 text that `signature` signs; None until the package was validated."""
    signature: str | None
    """Base64 of the Ed25519 signature."""
    signing_key_id: str | None
    signed_at: Time | None
    developer_signature: str | None
    """Of the developer, over the same statement, where the developer gave one."""
    developer_key_id: str | None
    problems: list[dict[str, Any]]
    """Why the package failed its validation; `slug`, `detail` and what else helps."""
    created_at: Time
    updated_at: Time
    published_at: Time | None
    is_current: bool
    """A published version that is not current is an old one."""
    due_at: Time | None
    """When the state ends by itself: an overdue upload or validation, the end of retention; None:
    never."""
    withdrawn_because: str | None
    """Why it was rejected or pulled."""
    pulled_by: Literal["developer", "operator"] | None
    """What an operator pulled, only an operator restores."""
    pulled_at: Time | None


class VersionList(Answer):
    versions: list[VersionAnswer]
    next: str | None
    """Give it as `after` to get the next page; None on the last one."""


class PartsOffered(Answer):
    """The package may come in parts instead (`/v1/versions/{version_id}/multipart`)."""

    part_size: int
    """Bytes of every part but the last."""
    part_count: int


class UploadAnswer(Answer):
    """The package goes by this one request, its headers sent exactly as they stand here."""

    id: str
    method: str
    url: str
    headers: dict[str, str]
    expires_at: Time
    multipart: PartsOffered | None
    """None for a package that is too small for it."""


class CreatedVersion(Answer):
    version: VersionAnswer
    upload: UploadAnswer


class OneVersion(Answer):
    version: VersionAnswer


@router.post(
    "/v1/apps/{app_id}/versions",
    status_code=status.HTTP_201_CREATED,
    summary="Create a version and get the URL for its package",
    responses={
        200: {"model": CreatedVersion, "description": "It was waiting for its upload already"},
        **documented(401, 403, 404, 409, 422),
    },
)
async def post_version(
    caller: Developer, services: Platform, app_id: str, body: NewVersion, response: Response
) -> CreatedVersion:
    """The same version again, while it is `uploading`, gives the same upload with a fresh URL.

    Quotas are the developer's: 429 `quota-exceeded` for too many open uploads or too many in 24
    hours, with the seconds to wait in `Retry-After`; 413 `storage-quota-exceeded` for a package
    larger than what is left of the bytes that may be stored.
    """
    # Before the row is written: what is left of the upload's time is then at least the URL's whole
    # lifetime, however long the writing takes.
    now = services.clock.now_ms()
    version, upload, created = await versions.create_version(
        services.records,
        services.clock,
        services.entropy,
        services.limits,
        caller,
        app_id,
        body.version_code,
        body.version_name,
        body.size,
        body.sha256,
        verifier=services.verifier,
        given=GivenSignature(body.signature, body.signing_key_id),
    )
    if not created:
        response.status_code = status.HTTP_200_OK
    presigned = presign_upload(
        services.presign, upload, version, now, services.limits.upload_url_seconds
    )
    return CreatedVersion(
        version=version_answer(version), upload=_upload(upload, presigned, services.limits)
    )


@router.get(
    "/v1/apps/{app_id}/versions",
    summary="The versions of an app, the newest first, for its developer and for operators",
    responses=documented(401, 404, 422),
)
async def get_versions(
    caller: AnyCaller,
    services: Platform,
    app_id: str,
    after: Annotated[str | None, Query(max_length=64)] = None,
) -> VersionList:
    app = await apps.visible_app(services.records, caller, app_id)
    page = await version_lists.list_versions(services.records, app.id, after=after, limit=PAGE)
    more = len(page) == PAGE
    return VersionList(
        versions=[version_answer(version) for version in page],
        next=page[-1].id if more else None,
    )


@router.get(
    "/v1/versions/{version_id}",
    summary="A version, for its developer and for operators",
    responses=documented(401, 404),
)
async def get_version(caller: AnyCaller, services: Platform, version_id: str) -> OneVersion:
    found = await versions.get_version(services.records, caller, version_id)
    return OneVersion(version=version_answer(found))


@router.post(
    "/v1/versions/{version_id}/complete",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Say that the package is uploaded, put its parts together, and have it validated",
    responses=documented(401, 403, 404, 409),
)
async def post_complete(caller: AnyCaller, services: Platform, version_id: str) -> OneVersion:
    version = await versions.complete_version(
        services.records,
        services.uploads,
        services.upload_parts,
        services.queue,
        services.clock,
        caller,
        version_id,
    )
    return OneVersion(version=version_answer(version))


@router.post(
    "/v1/versions/{version_id}/publish",
    summary="Publish a draft and make it the app's current version",
    responses=documented(401, 403, 404, 409),
)
async def post_publish(caller: AnyCaller, services: Platform, version_id: str) -> OneVersion:
    version = await versions.publish_version(
        services.records, services.clock, caller, version_id, services.limits.retention
    )
    await app_image_calls.announce(services.queue, version.app_id)
    return OneVersion(version=version_answer(version))


def version_answer(version: Version) -> VersionAnswer:
    return VersionAnswer(
        id=version.id,
        app_id=version.app_id,
        developer_id=version.developer_id,
        version_code=version.version_code,
        version_name=version.version_name,
        status=version.status,
        size=version.size,
        sha256=version.sha256,
        statement=version.statement,
        signature=version.signature,
        signing_key_id=version.signing_key_id,
        signed_at=version.signed_at,
        developer_signature=version.developer_signature,
        developer_key_id=version.developer_key_id,
        problems=[dict(problem) for problem in version.problems],
        created_at=version.created_at,
        updated_at=version.updated_at,
        published_at=version.published_at,
        is_current=version.is_current,
        due_at=version.due_at,
        withdrawn_because=version.withdrawn_because,
        pulled_by=version.pulled_by,
        pulled_at=version.pulled_at,
    )


def _upload(upload: Upload, presigned: PresignedPut, limits: Limits) -> UploadAnswer:
    plan = multipart.offered(upload.size, limits)
    offer = None if plan is None else PartsOffered(part_size=plan.part_size, part_count=plan.count)
    return UploadAnswer(
        id=upload.id,
        method=presigned.method,
        url=presigned.url,
        headers=dict(presigned.headers),
        expires_at=presigned.expires_at,
        multipart=offer,
    )
