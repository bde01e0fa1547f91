"""R2 through a Worker's bucket binding: reading.

A binding has no read-only mode. The edge Worker is therefore given `R2ObjectReader`, which cannot
write, and its bundle holds no code that does.
"""

from typing import Any, NoReturn

import js
from pyodide.ffi import JsException, JsProxy

from functions.adapters.cloudflare.javascript import error_text, js_object, or_none
from functions.adapters.cloudflare.streams import NativeBody
from functions.ports.object_store import (
    ByteRange,
    ChecksumMismatchError,
    ObjectInfo,
    ObjectStoreError,
    RangeNotSatisfiableError,
    StoredObject,
)

# R2's error codes stand in brackets at the end of its messages
# (developers.cloudflare.com/r2/api/error-codes).
BAD_DIGEST = "(10037)"

BEYOND = 2**48
"""Bytes, more than any object has (R2's limit is 5 TiB). A client may ask for any range, but
JavaScript's numbers are exact up to 2**53 only."""


class R2ObjectReader:
    def __init__(self, bucket: JsProxy) -> None:
        self._bucket = bucket

    async def head(self, key: str) -> ObjectInfo | None:
        try:
            found = or_none(await self._bucket.head(key))
        except JsException as error:
            refuse(error, "head", key)
        return None if found is None else object_info(found)

    async def get(
        self,
        key: str,
        byte_range: ByteRange | None = None,
        *,
        unless_etags: frozenset[str] | None = None,
    ) -> StoredObject | ObjectInfo | None:
        found = await self._find(key, byte_range, unless_etags)
        if found is None:
            return None
        info = object_info(found)
        stream = or_none(getattr(found, "body", None))
        if stream is None:
            return info
        extent = (0, info.size) if byte_range is None else byte_range.extent(info.size)
        if extent is None:
            raise RangeNotSatisfiableError(key, info.size)
        offset, length = extent
        return StoredObject(info, NativeBody(stream, length), offset, length)

    async def _find(
        self, key: str, byte_range: ByteRange | None, unless_etags: frozenset[str] | None
    ) -> Any:
        options = js_object({"range": _js_range(byte_range), "onlyIf": _only_if(unless_etags)})
        try:
            return or_none(await self._bucket.get(key, options))
        except JsException as error:
            if byte_range is None:
                refuse(error, "get", key)
            # R2 says neither the size nor always that it was the range that it refused.
            info = await self.head(key)
            if info is None:
                return None
            if byte_range.extent(info.size) is None:
                raise RangeNotSatisfiableError(key, info.size) from error
            refuse(error, "get", key)


def refuse(error: JsException, action: str, key: str) -> NoReturn:
    text = error_text(error)
    if BAD_DIGEST in text:
        raise ChecksumMismatchError(f"{action} {key!r}: {text}") from error
    raise ObjectStoreError(f"{action} {key!r}: {text}") from error


def object_info(found: Any) -> ObjectInfo:
    http = or_none(getattr(found, "httpMetadata", None))
    custom = or_none(getattr(found, "customMetadata", None))
    digest = or_none(getattr(found.checksums, "sha256", None))
    return ObjectInfo(
        key=found.key,
        size=found.size,
        etag=found.etag,
        uploaded_at=int(found.uploaded.getTime()),
        content_type=None if http is None else or_none(getattr(http, "contentType", None)),
        cache_control=None if http is None else or_none(getattr(http, "cacheControl", None)),
        sha256=None if digest is None else digest.to_bytes().hex(),
        metadata={} if custom is None else dict(custom.to_py()),
    )


def _js_range(byte_range: ByteRange | None) -> dict[str, int] | None:
    if byte_range is None:
        return None
    if byte_range.suffix is not None:
        return {"suffix": min(byte_range.suffix, BEYOND)}
    offset = {"offset": min(byte_range.offset or 0, BEYOND)}
    if byte_range.length is None:
        return offset
    return offset | {"length": min(byte_range.length, BEYOND)}


def _only_if(unless_etags: frozenset[str] | None) -> JsProxy | None:
    """R2 takes one ETag as a member, but any number of them as a header."""
    if not unless_etags:
        return None
    listed = ", ".join("*" if etag == "*" else f'"{etag}"' for etag in sorted(unless_etags))
    headers = js.Headers.new()
    headers.set("if-none-match", listed)
    return headers
