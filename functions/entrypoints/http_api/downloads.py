"""`/v1/apps/{app_id}/download`"""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from functions.core.downloads import create_download
from functions.entrypoints.http_api.access import OptionalCaller, Platform
from functions.entrypoints.http_api.json_body import JsonRoute
from functions.entrypoints.http_api.problem_answers import documented
from functions.entrypoints.http_api.values import Answer, Time

router = APIRouter(tags=["downloads"], route_class=JsonRoute)


def _digits(value: object) -> object:
    """`+1`, `1.0`, ` 1` and `1_0` are numbers to a lenient reader, but no version codes."""
    if isinstance(value, str) and not (value.isascii() and value.isdigit() and len(value) <= 16):
        raise PydanticCustomError("version_code", "must be a version code: decimal digits")
    return value


VersionCode = Annotated[int | None, BeforeValidator(_digits), Query()]


class DownloadAnswer(Answer):
    download_url: str
    """Valid until `expires_at`, on the cdn host; HEAD and ranges are allowed."""
    version_id: str
    version_code: int
    version_name: str
    size: int
    sha256: str
    signature: str
    """Base64 of the Ed25519 signature over the UTF-8 bytes of `statement`."""
    statement: str
    signing_key_id: str
    expires_at: Time


@router.get(
    "/v1/apps/{app_id}/download",
    summary="Where to download an app; without a key for published versions of public apps",
    responses=documented(401, 404, 422),
)
async def get_download(
    caller: OptionalCaller, services: Platform, app_id: str, version_code: VersionCode = None
) -> DownloadAnswer:
    download = await create_download(
        services.records,
        services.clock,
        caller,
        app_id,
        version_code,
        services.download_keys,
        services.cdn_url,
        services.limits.download_url_seconds,
    )
    return DownloadAnswer(
        download_url=download.download_url,
        version_id=download.version_id,
        version_code=download.version_code,
        version_name=download.version_name,
        size=download.size,
        sha256=download.sha256,
        signature=download.signature,
        statement=download.statement,
        signing_key_id=download.signing_key_id,
        expires_at=download.expires_at,
    )
