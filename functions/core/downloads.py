"""The answer to "where do I download this app": a URL on the cdn host, with what is needed to check
the bytes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from functions.core import apps, download_tokens, fields, sigv4
from functions.core.developer_keys import find_key
from functions.core.problems import not_found
from functions.core.statements import SignedStatement, signed_statement
from functions.core.version_records import Version, find_occupant, find_version
from functions.ports.records import Records

if TYPE_CHECKING:
    from functions.core.access import Caller
    from functions.core.download_tokens import DownloadKeys
    from functions.ports.clock import Clock


@dataclass(frozen=True, slots=True)
class Download:
    download_url: str
    version_id: str
    version_code: int
    version_name: str
    size: int
    sha256: str
    signature: str
    statement: str
    signing_key_id: str
    signed_at: str | None
    developer_signature: str | None
    developer_key_id: str | None
    developer_public_key: str | None
    expires_at: int


async def create_download(
    records: Records,
    clock: "Clock",
    caller: "Caller | None",
    app_id: str,
    version_code: int | None,
    download_keys: "DownloadKeys",
    cdn_url: str,
    seconds: int,
) -> Download:
    """The current version, or the published one with `version_code`. Public apps need no caller;
    private ones their developer or an operator.

    Raises: ProblemError 404 where there is none that this caller may have, 422 for an impossible
    version_code.
    """
    version = await _published(records, caller, app_id, version_code)
    signed = await _signed(records, version)
    # Whole seconds: the token carries no more, and the answer is not to promise more than the
    # token.
    expires = clock.now_ms() // 1000 + seconds
    object_key = cast("str", version.object_key)
    token = download_tokens.sign(version.id, object_key, download_keys, expires)
    return Download(
        download_url=f"{cdn_url}/{sigv4.encode_key(object_key)}?{token}",
        version_id=version.id,
        version_code=version.version_code,
        version_name=version.version_name,
        size=version.size,
        sha256=version.sha256,
        signature=signed.signature,
        statement=signed.statement,
        signing_key_id=signed.signing_key_id,
        signed_at=signed.signed_at,
        developer_signature=signed.developer_signature,
        developer_key_id=signed.developer_key_id,
        developer_public_key=signed.developer_public_key,
        expires_at=expires * 1000,
    )


async def published_statement(
    records: Records, caller: "Caller | None", app_id: str, version_code: int | None
) -> SignedStatement:
    """What `statement.json` beside the package says, for those who may download it.

    Raises: ProblemError as `create_download`.
    """
    return await _signed(records, await _published(records, caller, app_id, version_code))


async def _published(
    records: Records, caller: "Caller | None", app_id: str, version_code: int | None
) -> Version:
    if version_code is not None:
        found = fields.Collector()
        found.integer(version_code, 1, fields.MAX_VERSION_CODE, "?version_code")
        found.check()
    app = await apps.shown_app(records, caller, app_id)
    version: Version | None = None
    if version_code is not None:
        version = await find_occupant(records, app_id, version_code)
    elif app.current_version_id is not None:
        version = await find_version(records, app.current_version_id)
    if version is None or version.status != "published" or version.is_deleted:
        raise not_found("published version")
    return version


async def _signed(records: Records, version: Version) -> SignedStatement:
    key = None
    if version.developer_key_id is not None:
        key = await find_key(records, version.developer_key_id)
    return signed_statement(version, None if key is None else key.public_key)
