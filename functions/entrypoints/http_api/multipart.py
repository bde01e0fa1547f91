"""`/v1/versions/{version_id}/multipart`: a package in parts"""

from typing import Annotated

from fastapi import APIRouter, Query, Response, status

from functions.core import multipart
from functions.core.multipart import Multipart
from functions.core.presign import PresignedPut, presign_part
from functions.core.problems import not_found
from functions.core.storages import StorageProfile
from functions.entrypoints.http_api.access import AnyCaller, Developer, Platform
from functions.entrypoints.http_api.json_body import JsonRoute
from functions.entrypoints.http_api.problem_answers import documented
from functions.entrypoints.http_api.services import Services
from functions.entrypoints.http_api.values import Answer, Time
from functions.ports.multipart_store import MAX_PARTS, Part

router = APIRouter(tags=["versions"], route_class=JsonRoute)

URLS = 100
"""In one answer."""


class ReceivedPart(Answer):
    number: int
    size: int
    md5: str | None
    """Of its bytes in hex, where the storage tells it."""


class ReceivedParts(Answer):
    part_size: int
    """Bytes of every part but the last, which has what is left."""
    part_count: int
    received: list[ReceivedPart]
    """Those that arrived with their exact size, by number."""


class PartUpload(Answer):
    """A part goes by this one request, its headers sent exactly as they stand here. It can be
    repeated: the last one counts."""

    number: int
    """From 1; part n begins at byte (n - 1) * `part_size` of the package."""
    size: int
    method: str
    url: str
    headers: dict[str, str]
    expires_at: Time


class PartUploads(ReceivedParts):
    parts: list[PartUpload]
    """Requests for the parts that are missing behind `after`, at most 100 of them."""
    next: int | None
    """Give it as `after` to get the URLs of further missing parts; None where there are none."""


class OnePart(Answer):
    part: PartUpload


@router.post(
    "/v1/versions/{version_id}/multipart",
    status_code=status.HTTP_201_CREATED,
    summary="Begin the upload in parts, or go on with it: what arrived, and URLs for the rest",
    responses={
        200: {"model": PartUploads, "description": "It was under way already"},
        **documented(401, 403, 404, 409, 422),
    },
)
async def post_multipart(
    caller: Developer,
    services: Platform,
    version_id: str,
    response: Response,
    after: Annotated[int, Query(ge=0, le=MAX_PARTS)] = 0,
) -> PartUploads:
    # Before the row is written, as for a new version.
    now = services.clock.now_ms()
    under_way, created = await multipart.begin(services.multipart, caller, version_id)
    if not created:
        response.status_code = status.HTTP_200_OK
    missing = [number for number in under_way.missing if number > after]
    page = missing[:URLS]
    return PartUploads(
        part_size=under_way.plan.part_size,
        part_count=under_way.plan.count,
        received=_received(under_way, services.presign.profile),
        parts=[_part(services, under_way, number, now) for number in page],
        next=page[-1] if len(missing) > URLS else None,
    )


@router.get(
    "/v1/versions/{version_id}/multipart",
    summary="The parts that arrived, for the version's developer and for operators",
    responses=documented(401, 404),
)
async def get_multipart(caller: AnyCaller, services: Platform, version_id: str) -> ReceivedParts:
    under_way = await multipart.look(services.multipart, caller, version_id)
    return ReceivedParts(
        part_size=under_way.plan.part_size,
        part_count=under_way.plan.count,
        received=_received(under_way, services.presign.profile),
    )


@router.delete(
    "/v1/versions/{version_id}/multipart",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Give the upload in parts up: what arrived is forgotten, the version keeps waiting",
    responses=documented(401, 403, 404),
)
async def delete_multipart(caller: Developer, services: Platform, version_id: str) -> None:
    await multipart.abort(services.multipart, caller, version_id)


@router.post(
    "/v1/versions/{version_id}/multipart/parts/{number}",
    summary="A fresh URL for one part, whether it arrived or not",
    responses=documented(401, 403, 404, 409),
)
async def post_part(caller: Developer, services: Platform, version_id: str, number: str) -> OnePart:
    if not (number.isascii() and number.isdigit() and len(number) <= 5):
        raise not_found("part")
    now = services.clock.now_ms()
    under_way = await multipart.renew_part(services.multipart, caller, version_id, int(number))
    return OnePart(part=_part(services, under_way, int(number), now))


def _received(under_way: Multipart, profile: StorageProfile) -> list[ReceivedPart]:
    def md5(part: Part) -> str | None:
        return part.etag if profile.md5_part_etags else None

    return [
        ReceivedPart(number=part.number, size=part.size, md5=md5(part))
        for part in under_way.received
    ]


def _part(services: Services, under_way: Multipart, number: int, now: int) -> PartUpload:
    length = under_way.plan.length(number)
    presigned: PresignedPut = presign_part(
        services.presign,
        under_way.upload,
        number,
        length,
        now,
        services.limits.upload_url_seconds,
    )
    return PartUpload(
        number=number,
        size=length,
        method=presigned.method,
        url=presigned.url,
        headers=dict(presigned.headers),
        expires_at=presigned.expires_at,
    )
