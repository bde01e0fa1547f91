"""The Cache API of the data centre (developers.cloudflare.com/workers/runtime-apis/cache).

Keys are URLs of the cdn host under a reserved path that serves nothing. The zone's purges by tag
reach what is stored there; purges by URL do not. Never Workers Caching, whose key ignores the host.
"""

import logging
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import js
from pyodide.ffi import JsException, JsProxy, to_js

from functions.adapters.cloudflare.javascript import error_text, js_object, or_none
from functions.adapters.cloudflare.streams import NativeBody
from functions.ports.edge_cache import CacheEntry, Kept
from functions.ports.object_store import ByteRange, OpenBody

log = logging.getLogger("stowage.edge")

RESERVED = ".stowage-cache/1"
"""The number is that of the entries' form: another form must not be read from what is stored."""
NOTE = "x-stowage-note"
MAX_BYTES = 512_000_000
"""developers.cloudflare.com/workers/platform/limits, Cache API: 512 MB on the plans that have the
least."""
PARTIAL, UNSATISFIABLE = 206, 416

_CONTENT_RANGE = re.compile(r"bytes ([0-9]+)-([0-9]+)/[0-9]+")


class CloudflareCache:
    def __init__(self, cdn_host: str) -> None:
        self._base = f"https://{cdn_host}/{RESERVED}/"

    @property
    def max_bytes(self) -> int:
        return MAX_BYTES

    async def match(self, key: str, byte_range: ByteRange | None = None) -> CacheEntry | None:
        try:
            found = or_none(await js.caches.default.match(self._request(key, byte_range)))
            if found is not None and found.status == UNSATISFIABLE:
                await _cancel(found)
                found = or_none(await js.caches.default.match(self._request(key, None)))
        except JsException as error:
            log.warning("the cache failed to match: %s", error_text(error))
            return None
        return None if found is None else await _entry(found)

    def keep(
        self, key: str, note: str, body: OpenBody, length: int, *, tags: Sequence[str], seconds: int
    ) -> Kept:
        if not isinstance(body, NativeBody):
            raise TypeError(f"a {type(body).__name__} is no body of this platform")
        # Both ends are read by the runtime, the faster at the pace of the slower: nothing piles up.
        ours, theirs = body.stream.tee()
        return Kept(NativeBody(ours, length), self._put(key, note, theirs, length, tags, seconds))

    async def keep_note(self, key: str, note: str, *, tags: Sequence[str], seconds: int) -> None:
        await self._put(key, note, "", 0, tags, seconds)

    async def forget(self, key: str) -> None:
        try:
            await js.caches.default.delete(self._url(key))
        except JsException as error:
            log.warning("the cache failed to forget: %s", error_text(error))

    async def _put(
        self,
        key: str,
        note: str,
        body: JsProxy | str,
        length: int,
        tags: Sequence[str],
        seconds: int,
    ) -> None:
        headers = {
            NOTE: note,
            "content-length": str(length),
            # What text is Cloudflare might compress, and then no range could be cut.
            "content-type": "application/octet-stream",
            "cache-control": f"public, max-age={seconds}, no-transform",
            "cache-tag": ",".join(tags),
        }
        try:
            native = js.Headers.new(to_js(list(headers.items())))
            response = js.Response.new(body, js_object({"status": 200, "headers": native}))
            await js.caches.default.put(self._url(key), response)
        except JsException as error:
            log.warning("the cache failed to store: %s", error_text(error))

    def _url(self, key: str) -> str:
        return self._base + quote(key, safe="/")

    def _request(self, key: str, byte_range: ByteRange | None) -> JsProxy | str:
        if byte_range is None:
            return self._url(key)
        return js.Request.new(
            self._url(key), js_object({"headers": {"range": _header(byte_range)}})
        )


async def _entry(found: Any) -> CacheEntry | None:
    note, size = found.headers.get(NOTE), found.headers.get("content-length")
    content_range = found.headers.get("content-range") if found.status == PARTIAL else None
    if not isinstance(note, str) or not isinstance(size, str):
        await _cancel(found)
        return None
    length = int(size)
    body = NativeBody(found.body, length)
    if not isinstance(content_range, str):
        return CacheEntry(note, body, 0, length)
    part = _CONTENT_RANGE.fullmatch(content_range)
    if part is None:
        await _cancel(found)
        return None
    return CacheEntry(note, body, int(part[1]), int(part[2]) - int(part[1]) + 1)


async def _cancel(found: Any) -> None:
    body = or_none(found.body)
    if body is not None:
        await NativeBody(body, 0).discard()


def _header(byte_range: ByteRange) -> str:
    if byte_range.suffix is not None:
        return f"bytes=-{byte_range.suffix}"
    first = byte_range.offset or 0
    last = "" if byte_range.length is None else str(first + byte_range.length - 1)
    return f"bytes={first}-{last}"
