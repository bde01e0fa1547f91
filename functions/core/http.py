"""HTTP semantics of serving one object (RFC 9110): methods, statuses, headers. Neutral of any
platform. What a range or a condition means is said in `core.ranges` and `core.conditions`.

The object and what decides about it come from one call of the store, so no condition is decided on
one object and the body taken from its successor.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from functions.core import conditions, cors
from functions.core.content_types import HTML, PAGE_POLICY
from functions.core.problems import Problem, to_document
from functions.core.ranges import parse_range
from functions.core.times import http_date
from functions.ports.object_store import (
    ByteRange,
    ObjectInfo,
    ObjectStoreError,
    RangeNotSatisfiableError,
    StoredObject,
)

if TYPE_CHECKING:
    from functions.core.catalog import ObjectKind
    from functions.ports.object_store import Body, ObjectReader

PROBLEM_TYPE = "application/problem+json"
METHODS = ("GET", "HEAD")

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
    """None: no body. A `Body` comes from the store unread."""


async def respond(
    reader: "ObjectReader", kind: "ObjectKind", request: Request, now_ms: int
) -> Response:
    """The answer to GET or HEAD for one object: 200, 206, 304, 404, 412 or 416. HEAD has the
    headers of GET without a range.

    One call of the store, but for a range that cannot be answered (416, or If-Range names another
    object): two or three.

    Raises: ObjectStoreError.
    """
    if request.method == "HEAD":
        answer = await _head(reader, kind, request, now_ms)
    else:
        byte_range = parse_range(request.headers.get("range"))
        answer = await _get(reader, kind, request, byte_range, now_ms)
    if not cors.is_for_any_origin(kind):
        return answer
    return Response(answer.status, {**answer.headers, **cors.ACTUAL}, answer.body)


def respond_to_other_method(kind: "ObjectKind | None", method: str) -> Response:
    """For a method that is neither GET nor HEAD: 204 to OPTIONS where pages of any origin may read,
    else 405. The store is not asked: it is the same whether or not there is an object. `kind` is
    None where none can be named."""
    if kind is None or not cors.is_for_any_origin(kind):
        return problem_response(METHOD_NOT_ALLOWED, extra={"allow": ", ".join(METHODS)})
    if method == "OPTIONS":
        return Response(204, cors.PREFLIGHT)
    return problem_response(METHOD_NOT_ALLOWED, extra={"allow": cors.METHODS, **cors.ACTUAL})


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


async def _head(
    reader: "ObjectReader", kind: "ObjectKind", request: Request, now_ms: int
) -> Response:
    info = await reader.head(kind.key)
    if info is None:
        return problem_response(NOT_FOUND)
    return _decided(kind, request, info, now_ms) or Response(200, _whole(kind, info))


async def _get(
    reader: "ObjectReader",
    kind: "ObjectKind",
    request: Request,
    byte_range: ByteRange | None,
    now_ms: int,
) -> Response:
    known = conditions.parse_etags(request.headers.get("if-none-match")) or None
    try:
        stored = await reader.get(kind.key, byte_range, unless_etags=known)
    except RangeNotSatisfiableError as error:
        return await _get_outside(reader, kind, request, error.size, now_ms)
    if stored is None:
        return problem_response(NOT_FOUND)
    info = stored if isinstance(stored, ObjectInfo) else stored.info
    decided = _decided(kind, request, info, now_ms)
    if isinstance(stored, ObjectInfo):
        if decided is None:
            raise ObjectStoreError(f"{kind.key!r}: no body for an ETag that was not named")
        return decided
    if decided is not None:
        await stored.body.discard()
        return decided
    if byte_range is not None and not conditions.range_holds(request.headers, info, now_ms):
        await stored.body.discard()
        return await _get(reader, kind, request, None, now_ms)
    return _content(kind, stored, partial=byte_range is not None)


async def _get_outside(
    reader: "ObjectReader", kind: "ObjectKind", request: Request, size: int, now_ms: int
) -> Response:
    """The range lies outside; but conditions count before ranges, and If-Range may mean another
    object, which is then to be answered whole."""
    if not any(name in request.headers for name in (*conditions.NAMES, "if-range")):
        return _unsatisfiable(size)
    info = await reader.head(kind.key)
    if info is None:
        return problem_response(NOT_FOUND)
    decided = _decided(kind, request, info, now_ms)
    if decided is not None:
        return decided
    if not conditions.range_holds(request.headers, info, now_ms):
        return await _get(reader, kind, request, None, now_ms)
    return _unsatisfiable(info.size)


def _decided(
    kind: "ObjectKind", request: Request, info: ObjectInfo, now_ms: int
) -> Response | None:
    """412 or 304 where a condition says so."""
    status = conditions.failed(request.headers, info, now_ms)
    if status is None:
        return None
    if status == conditions.NOT_MODIFIED:
        return Response(304, _validators(kind, info))
    return problem_response(PRECONDITION_FAILED)


def _validators(kind: "ObjectKind", info: ObjectInfo) -> dict[str, str]:
    return {
        "etag": f'"{info.etag}"',
        "last-modified": http_date(info.uploaded_at),
        "cache-control": kind.cache_control,
        "accept-ranges": "bytes",
        "x-content-type-options": "nosniff",
    }


def _whole(kind: "ObjectKind", info: ObjectInfo) -> dict[str, str]:
    headers = _validators(kind, info)
    headers["content-type"] = kind.content_type
    headers["content-length"] = str(info.size)
    if kind.content_type == HTML:
        headers["content-security-policy"] = PAGE_POLICY
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
