"""HTTP semantics of serving one object (RFC 9110): ranges, validators, headers. Neutral of any
platform."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from functions.core.problems import Problem, to_document
from functions.core.times import http_date, parse_http_date
from functions.ports.object_store import (
    ByteRange,
    ObjectInfo,
    RangeNotSatisfiableError,
    StoredObject,
)

if TYPE_CHECKING:
    from functions.core.catalog import ObjectKind
    from functions.ports.object_store import Body, ObjectReader

PROBLEM_TYPE = "application/problem+json"

_RANGE = re.compile(r"bytes\s*=\s*([0-9]{0,18})-([0-9]{0,18})", re.IGNORECASE)
_ETAG = re.compile(r'\s*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|$)')

NOT_FOUND = Problem("not-found", "Not found", 404, "There is nothing at this address.")
PRECONDITION_FAILED = Problem(
    "precondition-failed",
    "Precondition failed",
    412,
    "The object is not, or no longer, the one that If-Match or If-Unmodified-Since names.",
)
METHOD_NOT_ALLOWED = Problem(
    "method-not-allowed", "Method not allowed", 405, "Only GET and HEAD are served here."
)


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Names in lower case."""


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: "bytes | Body | None" = None
    """None: no body (HEAD, 304). A `Body` comes from the store unread."""


async def respond(reader: "ObjectReader", kind: "ObjectKind", request: Request) -> Response:
    """GET or HEAD of one object: 200, 206, 304, 404, 405, 412 or 416. A single byte range is
    honoured, several are answered with the whole. HEAD has the headers of GET. Conditions are
    evaluated in the order of RFC 9110 13.2.2.

    Raises: ObjectStoreError.
    """
    if request.method not in {"GET", "HEAD"}:
        return problem_response(METHOD_NOT_ALLOWED, extra={"allow": "GET, HEAD"})
    response = await _respond_to_get_or_head(reader, kind, request)
    if request.method == "HEAD":
        return Response(response.status, response.headers)
    return response


async def _respond_to_get_or_head(
    reader: "ObjectReader", kind: "ObjectKind", request: Request
) -> Response:
    byte_range = parse_range(request.headers.get("range")) if request.method == "GET" else None
    info: ObjectInfo | None = None
    if request.method == "HEAD" or _needs_head(request, byte_range):
        info = await reader.head(kind.key)
        if info is None:
            return problem_response(NOT_FOUND)
        decided = _decide(kind, request, info)
        if decided is not None:
            return decided
        if request.method == "HEAD":
            return Response(200, _whole(kind, info))
        if byte_range is not None and not _range_still_holds(request, info):
            byte_range = None
    return await _get(reader, kind, request, byte_range, info)


async def _get(
    reader: "ObjectReader",
    kind: "ObjectKind",
    request: Request,
    byte_range: ByteRange | None,
    info: ObjectInfo | None,
) -> Response:
    """`info`: of the object on which the conditions were decided; None where there was nothing to
    decide. The object may have been replaced since."""
    unless = parse_etags(request.headers.get("if-none-match")) or None
    try:
        stored = await reader.get(kind.key, byte_range, unless_etags=unless)
    except RangeNotSatisfiableError as error:
        if info is not None and error.size != info.size and "if-range" in request.headers:
            return await _get(reader, kind, request, None, info)
        return _unsatisfiable(error.size)
    if stored is None:
        return problem_response(NOT_FOUND)
    now = stored if isinstance(stored, ObjectInfo) else stored.info
    if info is not None and now.etag != info.etag:
        decided = _decide(kind, request, now)
        if decided is not None:
            return decided
        # What If-Range allowed for one object it does not allow for another.
        if byte_range is not None and "if-range" in request.headers:
            return await _get(reader, kind, request, None, info)
    if isinstance(stored, ObjectInfo):
        return Response(304, _validators(kind, stored))
    return _content(kind, stored, partial=byte_range is not None)


def problem_response(
    problem: Problem, instance: str | None = None, extra: Mapping[str, str] | None = None
) -> Response:
    """`application/problem+json`, never cached."""
    body = json.dumps(to_document(problem, instance)).encode()
    headers = {
        "content-type": PROBLEM_TYPE,
        "content-length": str(len(body)),
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        **(extra or {}),
    }
    return Response(problem.status, headers, body)


def parse_range(header: str | None) -> ByteRange | None:
    """None where there is no range that we honour: no header, another unit, several ranges, or
    nonsense, all of which RFC 9110 14.2 lets a server ignore."""
    match = _RANGE.fullmatch(header.strip()) if header is not None else None
    if match is None:
        return None
    first, last = match.groups()
    if first:
        if last and int(last) < int(first):
            return None
        return ByteRange(offset=int(first), length=int(last) - int(first) + 1 if last else None)
    if last:
        # `bytes=-0` asks for nothing and can only be answered with 416: a range past the end says
        # so to the store.
        return ByteRange(suffix=int(last)) if int(last) else ByteRange(offset=2**62)
    return None


def parse_etags(header: str | None, *, strong: bool = False) -> frozenset[str]:
    """The ETags of an `If-None-Match`, without quotes and weakness (its comparison is the weak
    one); with `strong`, for an `If-Match`, without the weak ones. Empty for `*` and for what is
    malformed."""
    found: set[str] = set()
    position = 0
    while header is not None and position < len(header):
        match = _ETAG.match(header, position)
        if match is None:
            return frozenset()
        if not (strong and match.group(1)):
            found.add(match.group(2))
        position = match.end()
    return frozenset(found)


def _needs_head(request: Request, byte_range: ByteRange | None) -> bool:
    """Whether a condition must be decided before the body is asked for, which the store cannot
    decide itself."""
    headers = request.headers
    if "if-match" in headers or "if-unmodified-since" in headers:
        return True
    if headers.get("if-none-match", "").strip() == "*":
        return True
    if "if-modified-since" in headers and "if-none-match" not in headers:
        return True
    return byte_range is not None and "if-range" in headers


def _decide(kind: "ObjectKind", request: Request, info: ObjectInfo) -> Response | None:
    """412 or 304 where a condition says so."""
    if not _is_expected(request, info):
        return problem_response(PRECONDITION_FAILED)
    if _is_unchanged(request, info):
        return Response(304, _validators(kind, info))
    return None


def _is_expected(request: Request, info: ObjectInfo) -> bool:
    match = request.headers.get("if-match")
    if match is not None:
        # RFC 9110 13.1.4: with If-Match, If-Unmodified-Since is ignored. What is malformed names no
        # object.
        return match.strip() == "*" or info.etag in parse_etags(match, strong=True)
    since = parse_http_date(request.headers.get("if-unmodified-since", ""))
    return since is None or info.uploaded_at // 1000 * 1000 <= since


def _is_unchanged(request: Request, info: ObjectInfo) -> bool:
    none_match = request.headers.get("if-none-match")
    if none_match is not None:
        # RFC 9110 13.1.3: with If-None-Match, If-Modified-Since is ignored.
        return none_match.strip() == "*" or info.etag in parse_etags(none_match)
    since = parse_http_date(request.headers.get("if-modified-since", ""))
    return since is not None and info.uploaded_at // 1000 * 1000 <= since


def _range_still_holds(request: Request, info: ObjectInfo) -> bool:
    condition = request.headers.get("if-range")
    if condition is None:
        return True
    # Strong comparison: a weak ETag never holds, a date only when it is exactly ours.
    return condition.strip() in {f'"{info.etag}"', http_date(info.uploaded_at)}


def _validators(kind: "ObjectKind", info: ObjectInfo) -> dict[str, str]:
    headers = {
        "etag": f'"{info.etag}"',
        "last-modified": http_date(info.uploaded_at),
        "cache-control": kind.cache_control,
        "accept-ranges": "bytes",
        "x-content-type-options": "nosniff",
    }
    if kind.cache_tags:
        headers["cache-tag"] = ",".join(kind.cache_tags)
    return headers


def _whole(kind: "ObjectKind", info: ObjectInfo) -> dict[str, str]:
    headers = _validators(kind, info)
    headers["content-type"] = kind.content_type
    headers["content-length"] = str(info.size)
    return headers


def _content(kind: "ObjectKind", stored: StoredObject, *, partial: bool) -> Response:
    headers = _whole(kind, stored.info)
    if not partial:
        return Response(200, headers, stored.body)
    headers["content-length"] = str(stored.length)
    last = stored.offset + stored.length - 1
    headers["content-range"] = f"bytes {stored.offset}-{last}/{stored.info.size}"
    return Response(206, headers, stored.body)


def _unsatisfiable(size: int) -> Response:
    problem = Problem(
        "range-not-satisfiable",
        "Range not satisfiable",
        416,
        f"The range lies outside the object, which has {size} bytes.",
    )
    return problem_response(problem, extra={"content-range": f"bytes */{size}"})
