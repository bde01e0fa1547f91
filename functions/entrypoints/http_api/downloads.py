"""`/v1/apps/{app_id}/download` and `/v1/apps/{app_id}/statement`"""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from functions.core.downloads import create_download, published_statement
from functions.entrypoints.http_api.access import OptionalCaller, Platform
from functions.entrypoints.http_api.grammars import VersionCode
from functions.entrypoints.http_api.json_body import JsonRoute
from functions.entrypoints.http_api.problem_answers import documented
from functions.entrypoints.http_api.values import Answer, Time

router = APIRouter(tags=["downloads"], route_class=JsonRoute)


def _digits(value: object) -> object:
    """`+1`, `1.0`, ` 1` and `1_0` are numbers to a lenient reader, but no version codes."""
    if isinstance(value, str) and not (value.isascii() and value.isdigit() and len(value) <= 16):
        raise PydanticCustomError("version_code", "must be a version code: decimal digits")
    return value


AskedCode = Annotated[VersionCode | None, BeforeValidator(_digits), Query()]


class Signed(Answer):
    """What a package is, and who says so."""

    statement: str
    signature: str
    """The platform's: base64 of the Ed25519 signature over the UTF-8 bytes of `statement`."""
    signing_key_id: str
    signed_at: str | None
    developer_signature: str | None
    """The developer's, over the same bytes."""
    developer_key_id: str | None
    developer_public_key: str | None


class StatementAnswer(Signed):
    """`statement.json`, which lies beside the package."""

    format: str


class DownloadAnswer(Signed):
    download_url: str
    """Valid until `expires_at`, on the cdn host; HEAD and ranges are allowed."""
    version_id: str
    version_code: int
    version_name: str
    size: int
    sha256: str
    expires_at: Time


@router.get(
    "/v1/apps/{app_id}/download",
    summary="Where to download an app; without a key for published versions of public apps",
    responses=documented(401, 404, 422),
)
async def get_download(
    caller: OptionalCaller, services: Platform, app_id: str, version_code: AskedCode = None
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
        signed_at=download.signed_at,
        developer_signature=download.developer_signature,
        developer_key_id=download.developer_key_id,
        developer_public_key=download.developer_public_key,
        expires_at=download.expires_at,
    )


@router.get(
    "/v1/apps/{app_id}/statement",
    summary="What a package is and who signed it, for checking it offline",
    responses=documented(401, 404, 422),
)
async def get_statement(
    caller: OptionalCaller, services: Platform, app_id: str, version_code: AskedCode = None
) -> StatementAnswer:
    signed = await published_statement(services.records, caller, app_id, version_code)
    return StatementAnswer.model_validate(signed.to_document())
