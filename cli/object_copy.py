"""One object from a storage to another: read whole and checked, written whole and checked.

1. It is read pinned to the ETag that was listed, into a temporary file, and hashed on the way.
2. A SHA-256 that the source keeps of it must be that of the bytes.
3. The target is given the SHA-256 with the bytes and refuses others; what lies there afterwards has
   the size, and is read back where the target could not check (an object sent in parts).
4. The source is looked at once more: what was deleted there meanwhile is deleted here, too.
"""

import base64
import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from cli.copy_journal import Copied
from cli.s3_buckets import Changed, Exists, Listed, find, status_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

IN_MEMORY_BYTES = 8 * 1024 * 1024
MOST_IN_ONE_PUT = 5 * 1024**3
"""S3, R2 and B2 take no more in one request."""
PART_BYTES = 512 * 1024 * 1024
_CHUNK = 1024 * 1024

_KEPT_HEADERS = ("ContentType", "CacheControl", "ContentDisposition", "ContentEncoding")
SHA256_METADATA = "stowage-sha256"
"""Where the SHA-256 of an object stands on a storage that keeps no checksums of its own."""

Advance = Callable[[int], None]


class Corrupt(Exception):
    """The bytes are not those that a storage promised."""


@dataclass(frozen=True, slots=True)
class Side:
    """A bucket of a storage."""

    client: "S3Client"
    bucket: str
    keeps_checksums: bool
    """Whether it takes and keeps a SHA-256 of its own; else it stands in the metadata."""
    conditional_put: bool


@dataclass(frozen=True, slots=True)
class Order:
    """What to copy. `replaces` is the ETag of the object in the target that may be replaced; None:
    nothing may lie there."""

    listed: Listed
    replaces: str | None


def copy_object(source: Side, target: Side, order: Order, advance: Advance) -> Copied | None:
    """The verified copy; None where the source's object is gone.

    Raises: Changed where the source's object is another one by now, Exists where the target has an
    object that was not to be replaced, Corrupt, and botocore's errors.
    """
    listed = order.listed
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as body:
        # Typed as one of bytes: the class is generic only in newer versions of Python.
        file = cast("IO[bytes]", body)
        fetched = _fetch(source, listed, file, advance)
        if fetched is None:
            return None
        arguments, digest = fetched
        file.seek(0)
        etag = _put(target, order, file, arguments, digest)
    if find(source.client, source.bucket, listed.key) is None:
        _delete_own(target, listed.key, etag)
        return None
    return Copied(listed.key, listed.size, listed.etag, etag, digest)


def delete_copy(target: Side, done: Copied) -> bool:
    """Deletes a copy, unless another object has taken its place; whether it did."""
    return _delete_own(target, done.key, done.target_etag)


def _fetch(
    source: Side, listed: Listed, file: IO[bytes], advance: Advance
) -> tuple[dict[str, Any], str] | None:
    wanted: dict[str, Any] = {
        "Bucket": source.bucket,
        "Key": listed.key,
        "IfMatch": f'"{listed.etag}"',
    }
    if source.keeps_checksums:
        wanted["ChecksumMode"] = "ENABLED"
    try:
        found = cast("dict[str, Any]", source.client.get_object(**wanted))
    except ClientError as error:
        if status_of(error) == 404:
            return None
        if status_of(error) == 412:
            raise Changed(listed.key) from error
        raise
    sha256 = hashlib.sha256()
    size = 0
    for chunk in found["Body"].iter_chunks(_CHUNK):
        file.write(chunk)
        sha256.update(chunk)
        size += len(chunk)
        advance(len(chunk))
    if size != listed.size:
        raise Corrupt(f"{size} bytes came instead of {listed.size}")
    digest = sha256.hexdigest()
    metadata = dict(cast("dict[str, str]", found.get("Metadata") or {}))
    promised = metadata.pop(SHA256_METADATA, None) or _whole_checksum(found)
    if promised is not None and promised != digest:
        raise Corrupt(f"its bytes have the SHA-256 {digest}, but the source says {promised}")
    arguments = {name: found[name] for name in _KEPT_HEADERS if found.get(name)}
    return arguments | {"Metadata": metadata}, digest


def _whole_checksum(found: dict[str, Any]) -> str | None:
    """The SHA-256 of the whole object in hex; that of an object sent in parts is of the parts."""
    text = found.get("ChecksumSHA256")
    if not isinstance(text, str) or found.get("ChecksumType") == "COMPOSITE" or "-" in text:
        return None
    return base64.b64decode(text).hex()


def _put(
    target: Side, order: Order, file: IO[bytes], arguments: dict[str, Any], digest: str
) -> str:
    key, size = order.listed.key, order.listed.size
    if target.keeps_checksums:
        checksum = {"ChecksumSHA256": base64.b64encode(bytes.fromhex(digest)).decode()}
    else:
        checksum = {}
        arguments["Metadata"] = {**arguments["Metadata"], SHA256_METADATA: digest}
    condition = _condition(target, order)
    if size > MOST_IN_ONE_PUT:
        return _put_parts(target, key, size, file, arguments, condition, digest)
    try:
        answer = target.client.put_object(
            Bucket=target.bucket, Key=key, Body=file, ContentLength=size,
            **arguments, **checksum, **condition,
        )  # fmt: skip
    except ClientError as error:
        raise _refused(error, key) from error
    etag = answer["ETag"].strip('"')
    stored = find(target.client, target.bucket, key)
    if stored is None or stored.etag != etag:
        raise Exists(key)  # somebody was there right behind us
    if stored.size != size:
        raise Corrupt(f"the target holds {stored.size} bytes of {size}")
    return etag


def _condition(target: Side, order: Order) -> dict[str, Any]:
    """By which the target itself keeps an object that is not to be replaced. Where it cannot, a
    look just before must do."""
    if target.conditional_put:
        if order.replaces is None:
            return {"IfNoneMatch": "*"}
        return {"IfMatch": f'"{order.replaces}"'}
    there = find(target.client, target.bucket, order.listed.key)
    if (None if there is None else there.etag) != order.replaces:
        raise Exists(order.listed.key)
    return {}


def _put_parts(
    target: Side,
    key: str,
    size: int,
    file: IO[bytes],
    arguments: dict[str, Any],
    condition: dict[str, Any],
    digest: str,
) -> str:
    client, bucket = target.client, target.bucket
    upload = client.create_multipart_upload(Bucket=bucket, Key=key, **arguments)["UploadId"]
    try:
        parts: list[dict[str, Any]] = []
        for start in range(0, size, PART_BYTES):
            body = file.read(min(PART_BYTES, size - start))
            sent = client.upload_part(
                Bucket=bucket, Key=key, UploadId=upload, PartNumber=len(parts) + 1, Body=body
            )
            parts.append({"PartNumber": len(parts) + 1, "ETag": sent["ETag"]})
        done = client.complete_multipart_upload(
            Bucket=bucket,
            Key=key,
            UploadId=upload,
            MultipartUpload=cast("Any", {"Parts": parts}),
            **condition,
        )
    except BaseException as error:
        client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
        if isinstance(error, ClientError):
            raise _refused(error, key) from error
        raise
    etag = done["ETag"].strip('"')
    if _read_back(target, key, etag) != digest:
        _delete_own(target, key, etag)
        raise Corrupt("what the target holds has another SHA-256; it was deleted")
    return etag


def _read_back(target: Side, key: str, etag: str) -> str:
    found = target.client.get_object(Bucket=target.bucket, Key=key, IfMatch=f'"{etag}"')
    sha256 = hashlib.sha256()
    for chunk in found["Body"].iter_chunks(_CHUNK):
        sha256.update(chunk)
    return sha256.hexdigest()


def _delete_own(target: Side, key: str, etag: str) -> bool:
    there = find(target.client, target.bucket, key)
    if there is None or there.etag != etag:
        return False
    target.client.delete_object(Bucket=target.bucket, Key=key)
    return True


def _refused(error: ClientError, key: str) -> Exception:
    # 409: S3 answers so where two conditional writes met.
    return Exists(key) if status_of(error) in {409, 412} else error
