"""Objects of one bucket on an S3-compatible server: reading. Nothing here writes; it is what the
public data plane is given."""

import base64
import binascii
import re
from collections.abc import Mapping

from functions.adapters.s3.bucket import Call
from functions.adapters.s3.connection import S3Connection
from functions.adapters.s3.documents import etag
from functions.adapters.s3.errors import ObjectMissingError, RangeRefusedError
from functions.core.storages import OWN_SHA256
from functions.core.times import parse_http_date
from functions.ports.fetch import FetchResponse
from functions.ports.object_store import (
    ByteRange,
    ObjectInfo,
    ObjectStoreError,
    RangeNotSatisfiableError,
    StoredObject,
    UnavailableError,
)

META = "x-amz-meta-"
BEYOND = 2**48
"""Bytes, more than any object has. A client may ask for any range; servers count in 64 bits."""
CHANGES = 3
"""How often an object may change between two calls before the reader gives up."""

_CONTENT_RANGE = re.compile(r"bytes ([0-9]+)-([0-9]+)/([0-9]+)")


class S3ObjectReader:
    def __init__(self, connection: S3Connection) -> None:
        self._connection = connection
        self._profile = connection.bucket.profile

    async def head(self, key: str) -> ObjectInfo | None:
        call = Call("head", "HEAD", key, headers=self._asking(), is_repeatable=True)
        try:
            answer = await self._connection.read(call)
        except ObjectMissingError:
            return None
        return self._object_info(key, answer.headers, _number(answer.headers, "content-length"))

    async def get(
        self,
        key: str,
        byte_range: ByteRange | None = None,
        *,
        unless_etags: frozenset[str] | None = None,
    ) -> StoredObject | ObjectInfo | None:
        unless = unless_etags or frozenset[str]()
        for _ in range(CHANGES):
            found = await self._get(key, byte_range, unless)
            if not isinstance(found, _HeadFirst):
                return found
            # The answer left out what the port promises.
            info = await self.head(key)
            if info is None or info.etag in unless:
                return info
            if found.is_outside:
                raise RangeNotSatisfiableError(key, info.size)
        raise UnavailableError(f"get {key!r}: the object keeps changing")

    async def _get(
        self, key: str, byte_range: ByteRange | None, unless: frozenset[str]
    ) -> "StoredObject | ObjectInfo | _HeadFirst | None":
        headers = {**self._asking(), **_conditions(byte_range, unless)}
        answers = frozenset({200, 206, 304})
        call = Call("get", "GET", key, headers=headers, answers=answers, is_repeatable=True)
        try:
            response = await self._connection.open(call)
        except ObjectMissingError:
            return None
        except RangeRefusedError:
            return _HeadFirst(is_outside=True)
        if response.status == 304:
            await response.close()
            return _HeadFirst(is_outside=False)
        stored = self._stored(key, response)
        # A server may overlook a condition that names several ETags.
        if stored.info.etag in unless:
            await response.close()
            return stored.info
        # Some answer a suffix of nothing with nothing.
        if byte_range is not None and stored.info.size == 0:
            await response.close()
            raise RangeNotSatisfiableError(key, 0)
        return stored

    def _stored(self, key: str, response: FetchResponse) -> StoredObject:
        length = _number(response.headers, "content-length")
        if response.status == 200:
            info = self._object_info(key, response.headers, length)
            return StoredObject(info, response.body, 0, length)
        span = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
        if span is None:
            raise ObjectStoreError(f"get {key!r}: the storage gave a part without its range")
        info = self._object_info(key, response.headers, int(span[3]))
        return StoredObject(info, response.body, int(span[1]), length)

    def _asking(self) -> dict[str, str]:
        """Digests are told only to those who ask."""
        if self._profile.pins_sha256_in_presigned_put:
            return {"x-amz-checksum-mode": "ENABLED"}
        return {}

    def _object_info(self, key: str, headers: Mapping[str, str], size: int) -> ObjectInfo:
        """Raises: ObjectStoreError where the storage left out what every object has."""
        uploaded_at = parse_http_date(headers.get("last-modified", ""))
        if uploaded_at is None or "etag" not in headers:
            raise ObjectStoreError(f"{key!r}: the storage gave no ETag or no time")
        metadata = {
            name.removeprefix(META): value
            for name, value in headers.items()
            if name.startswith(META)
        }
        own = metadata.pop(OWN_SHA256, None)
        return ObjectInfo(
            key=key,
            size=size,
            etag=etag(headers["etag"]),
            uploaded_at=uploaded_at,
            content_type=headers.get("content-type"),
            cache_control=headers.get("cache-control"),
            sha256=_digest(headers) if self._profile.pins_sha256_in_presigned_put else own,
            metadata=metadata,
        )


class _HeadFirst:
    """The answer is not complete without a `head`."""

    def __init__(self, *, is_outside: bool) -> None:
        self.is_outside = is_outside


def _conditions(byte_range: ByteRange | None, unless: frozenset[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    if byte_range is not None:
        headers["range"] = _range(byte_range)
    if unless:
        headers["if-none-match"] = ", ".join(f'"{one}"' for one in sorted(unless))
    return headers


def _range(byte_range: ByteRange) -> str:
    if byte_range.suffix is not None:
        return f"bytes=-{min(byte_range.suffix, BEYOND)}"
    start = min(byte_range.offset or 0, BEYOND)
    if byte_range.length is None:
        return f"bytes={start}-"
    return f"bytes={start}-{start + min(byte_range.length, BEYOND) - 1}"


def _number(headers: Mapping[str, str], name: str) -> int:
    value = headers.get(name, "")
    if not value.isascii() or not value.isdigit():
        raise ObjectStoreError(f"the storage answered without a usable {name}")
    return int(value)


def _digest(headers: Mapping[str, str]) -> str | None:
    """Lower-case hex of a whole-object digest; that of a multipart object is one of digests."""
    if headers.get("x-amz-checksum-type", "FULL_OBJECT") != "FULL_OBJECT":
        return None
    try:
        digest = base64.b64decode(headers.get("x-amz-checksum-sha256", ""), validate=True)
    except binascii.Error:
        return None
    return digest.hex() if len(digest) == 32 else None
