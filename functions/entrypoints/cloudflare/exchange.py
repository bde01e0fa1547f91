"""Native requests and responses as neutral values, and back."""

from collections.abc import Iterable

import js
from pyodide.ffi import JsProxy, jsnull, to_js

from functions.adapters.cloudflare.javascript import js_bytes, js_object, or_none
from functions.adapters.cloudflare.streams import NativeBody
from functions.ports.object_store import Body

NULL_BODY = frozenset({204, 205, 304})
"""Statuses that cannot carry a body (fetch.spec.whatwg.org/#null-body-status)."""


def split_url(url: str) -> tuple[str, str, str, str]:
    """Scheme, host with port, raw path and query of an absolute URL, with no escape or dot segment
    changed."""
    scheme, _, rest = url.partition("://")
    before, _, query = rest.partition("#")[0].partition("?")
    host, slash, path = before.partition("/")
    return scheme, host.rpartition("@")[2], slash + path or "/", query


def header_map(request: JsProxy) -> dict[str, str]:
    """Names in lower case; repeated ones joined by a comma, as the runtime does it."""
    return dict(request.headers)


def data_centre(request: JsProxy) -> str | None:
    """Where the request came to, as Cloudflare says it; None where nobody does."""
    known = or_none(request.cf)
    name = None if known is None else getattr(known, "colo", None)
    return name if isinstance(name, str) else None


def native_response(
    status: int,
    headers: Iterable[tuple[str, str]],
    body: bytes | Body | None,
) -> JsProxy:
    """A body from a bucket stays a native stream."""
    init = js_object({"status": status, "headers": js.Headers.new(to_js(list(headers)))})
    if status in NULL_BODY or body is None:
        return js.Response.new(jsnull, init)
    if isinstance(body, bytes):
        return js.Response.new(js_bytes(body), init)
    if isinstance(body, NativeBody):
        return js.Response.new(body.stream, init)
    raise TypeError(f"a {type(body).__name__} is no body of this platform")
