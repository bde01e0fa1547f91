"""The conditions of a request on the object as it is now (RFC 9110 13), for GET and HEAD.

In the order of 13.2.2:
1. If-Match decides by the strong comparison; without it, If-Unmodified-Since: 412.
2. If-None-Match decides by the weak comparison; without it, If-Modified-Since: 304.
3. If-Range, only where there is a range: by the strong comparison, or by the very date.

Dates know whole seconds only, stores know milliseconds: all are compared by whole seconds. A date
that is none is as if it were not there; a list of ETags that is malformed names no object.
"""

import re
from collections.abc import Mapping

from functions.core.times import parse_http_date
from functions.ports.object_store import ObjectInfo

_ETAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_BETWEEN = re.compile(r"[ \t]*(?:,[ \t]*)+")
_BLANK = " \t"
NAMES = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")
NOT_MODIFIED, PRECONDITION_FAILED = 304, 412


def failed(headers: Mapping[str, str], info: ObjectInfo, now_ms: int) -> int | None:
    """The status that the conditions decide on: 412, 304, or None where the object is to be
    answered. Names of headers are in lower case."""
    if not _is_expected(headers, info, now_ms):
        return PRECONDITION_FAILED
    if _is_unchanged(headers, info, now_ms):
        return NOT_MODIFIED
    return None


def range_holds(headers: Mapping[str, str], info: ObjectInfo, now_ms: int) -> bool:
    """Whether If-Range, if there is one, lets the range be answered."""
    condition = headers.get("if-range")
    if condition is None:
        return True
    condition = condition.strip(_BLANK)
    if condition.startswith(('"', "W/")):
        return condition == f'"{info.etag}"'
    # 8.8.2.2: a date is strong only when the second that it names is over. Until then another
    # object may still come that has the same one.
    second = _second(info.uploaded_at)
    return parse_http_date(condition, now_ms) == second and _second(now_ms) > second


def parse_etags(header: str | None, *, strong: bool = False) -> frozenset[str]:
    """The ETags of a list, without quotes and weakness; with `strong` only those that are not weak.
    Empty for `*` and for what is malformed."""
    text = "" if header is None else header.strip(_BLANK + ",")
    found: set[str] = set()
    position = 0
    while position < len(text):
        match = _ETAG.match(text, position)
        if match is None:
            return frozenset()
        if not (strong and match[1]):
            found.add(match[2])
        between = _BETWEEN.match(text, match.end())
        if between is None and match.end() < len(text):
            return frozenset()
        position = len(text) if between is None else between.end()
    return frozenset(found)


def _is_expected(headers: Mapping[str, str], info: ObjectInfo, now_ms: int) -> bool:
    match = headers.get("if-match")
    if match is not None:
        return match.strip(_BLANK) == "*" or info.etag in parse_etags(match, strong=True)
    since = parse_http_date(headers.get("if-unmodified-since", ""), now_ms)
    return since is None or _second(info.uploaded_at) <= since


def _is_unchanged(headers: Mapping[str, str], info: ObjectInfo, now_ms: int) -> bool:
    none_match = headers.get("if-none-match")
    if none_match is not None:
        return none_match.strip(_BLANK) == "*" or info.etag in parse_etags(none_match)
    since = parse_http_date(headers.get("if-modified-since", ""), now_ms)
    return since is not None and _second(info.uploaded_at) <= since


def _second(ms: int) -> int:
    """The beginning of the second, in milliseconds."""
    return ms // 1000 * 1000
