"""What pages of other origins may do with public assets (the Fetch standard's CORS protocol): read
them, with all that a download needs.

The answer is the same for every origin, so nothing varies by `Origin` and every cache may keep it.
Credentials are never allowed: assets need none.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functions.core.catalog import ObjectKind

METHODS = "GET, HEAD, OPTIONS"
ANY_ORIGIN = "*"

ACTUAL: Mapping[str, str] = {
    "access-control-allow-origin": ANY_ORIGIN,
    # Those that a page may not read unless it is told.
    "access-control-expose-headers": "Accept-Ranges, Content-Length, Content-Range, ETag",
    # A page that isolates itself embeds only what says so (html.spec.whatwg.org, COEP).
    "cross-origin-resource-policy": "cross-origin",
}

PREFLIGHT: Mapping[str, str] = {
    "allow": METHODS,
    "access-control-allow-origin": ANY_ORIGIN,
    "access-control-allow-methods": "GET, HEAD",
    "access-control-allow-headers": "If-Match, If-Modified-Since, If-None-Match, If-Range,"
    " If-Unmodified-Since, Range",
    # Browsers remember it for two hours at most, or one day.
    "access-control-max-age": "86400",
}


def is_for_any_origin(kind: "ObjectKind") -> bool:
    return kind.bucket == "assets"
