"""Presigned PUTs: of a whole package and of its parts, and of a file of a publication."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from functions.core import sigv4
from functions.core.storages import StorageProfile
from functions.core.version_records import Upload, Version


@dataclass(frozen=True, slots=True)
class PresignSettings:
    profile: StorageProfile
    endpoint: str
    """Base URL of the S3 endpoint, byte for byte as clients will send it; no trailing slash."""
    region: str
    bucket: str
    access_key_id: str
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Content:
    """What is to be put."""

    size: int
    sha256: str
    """Lower-case hex."""
    content_type: str


@dataclass(frozen=True, slots=True)
class PresignedPut:
    method: str
    url: str
    headers: Mapping[str, str]
    """Must be sent exactly; the client adds `host` and nothing else that is signed."""
    expires_at: int
    """When the URL ends, in whole seconds."""


def presign_upload(
    settings: PresignSettings, upload: Upload, version: Version, now_ms: int, max_seconds: int
) -> PresignedPut:
    """A PUT of exactly this length and type to exactly this key; of exactly this SHA-256, and only
    while nothing lies there, where the storage keeps such promises (where it does not, the jobs
    find out). Valid from `now_ms` until `upload.expires_at`, both rounded down to the second, but
    at least 1 s and at most `max_seconds`.

    With a `now_ms` from before the upload was written it is exactly `max_seconds`.
    Raises: ValueError where `upload.expires_at` is over or the version is not the upload's.
    """
    if version.id != upload.version_id:
        raise ValueError(f"upload {upload.id} is not that of version {version.id}")
    content = Content(upload.size, upload.sha256, upload.content_type)
    return _put(settings, upload, (), _headers(settings.profile, content), now_ms, max_seconds)


def presign_part(
    settings: PresignSettings,
    upload: Upload,
    number: int,
    length: int,
    now_ms: int,
    max_seconds: int,
) -> PresignedPut:
    """A PUT of exactly this length as this part of the upload's `multipart_id`; of any bytes,
    because R2 answers 501 to a part with a SHA-256. It can be repeated until the upload in parts
    has ended. Valid as `presign_upload` says.

    Raises: ValueError where `upload.expires_at` is over or no upload in parts was begun.
    """
    if upload.multipart_id is None:
        raise ValueError(f"upload {upload.id} has no parts")
    query = (("partNumber", str(number)), ("uploadId", upload.multipart_id))
    headers = {"content-length": str(length)}
    return _put(settings, upload, query, headers, now_ms, max_seconds)


def _put(
    settings: PresignSettings,
    upload: Upload,
    query: tuple[tuple[str, str], ...],
    headers: Mapping[str, str],
    now_ms: int,
    max_seconds: int,
) -> PresignedPut:
    if now_ms >= upload.expires_at:
        raise ValueError(f"the time of upload {upload.id} is over")
    # Rounding both down never outlives `expires_at`, other than by the part of a second that the
    # least lifetime adds, which is much less than the temp object is kept for.
    seconds = min(max(upload.expires_at // 1000 - now_ms // 1000, 1), max_seconds)
    return _signed(settings, upload.object_key, query, headers, now_ms, seconds)


def presign_put(
    settings: PresignSettings, key: str, content: Content, now_ms: int, seconds: int
) -> PresignedPut:
    """A PUT of exactly this length and type to exactly this key; of exactly this SHA-256, and only
    while nothing lies there, where the storage keeps such promises."""
    return _signed(settings, key, (), _headers(settings.profile, content), now_ms, seconds)


def _signed(
    settings: PresignSettings,
    key: str,
    query: tuple[tuple[str, str], ...],
    headers: Mapping[str, str],
    now_ms: int,
    seconds: int,
) -> PresignedPut:
    base = urlsplit(settings.endpoint)
    path = f"{base.path}/{sigv4.encode_key(f'{settings.bucket}/{key}')}"
    signed = sigv4.presign_query(
        sigv4.SignableRequest("PUT", path, query, {**headers, "host": base.netloc}),
        sigv4.Credentials(settings.access_key_id, settings.secret_access_key),
        settings.region,
        now_ms,
        seconds,
    )
    url = f"{base.scheme}://{base.netloc}{path}?{signed}"
    # The signature's own clock counts whole seconds.
    return PresignedPut("PUT", url, headers, (now_ms // 1000 + seconds) * 1000)


def _headers(profile: StorageProfile, content: Content) -> dict[str, str]:
    headers = {"content-length": str(content.size), "content-type": content.content_type}
    if profile.conditional_put:
        headers["if-none-match"] = "*"
    if profile.pins_sha256_in_presigned_put:
        digest = base64.b64encode(bytes.fromhex(content.sha256)).decode()
        headers["x-amz-checksum-sha256"] = digest
    return headers
