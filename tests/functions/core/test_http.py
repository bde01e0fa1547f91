import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.adapters.local.clock import FixedClock
from functions.adapters.local.object_store import MemoryObjectStore
from functions.core import http
from functions.core.catalog import Icon, PackageObject, RepositoryFile
from functions.core.http import Request, Response, parse_etags, parse_range, respond
from functions.core.problems import not_found
from functions.core.times import http_date
from functions.ports.object_store import ByteRange, ObjectInfo, StoredObject
from tests.contracts.object_store import run

FILE = RepositoryFile("l1", "l1/", "dists/stable/InRelease")
DIGITS = b"0123456789"
ETAG = '"781e5e245d69b566979b86e28d23f2c7"'
NOW = 1_790_000_000_000


class Store(MemoryObjectStore):
    """Counts what the bucket was asked."""

    calls: tuple[str, ...] = ()

    async def head(self, key: str) -> ObjectInfo | None:
        self.calls += ("head",)
        return await super().head(key)

    async def get(
        self,
        key: str,
        byte_range: ByteRange | None = None,
        *,
        unless_etags: frozenset[str] | None = None,
    ) -> StoredObject | ObjectInfo | None:
        self.calls += ("get",)
        return await super().get(key, byte_range, unless_etags=unless_etags)


def asked(method: str = "GET", **headers: str) -> tuple[Response, bytes, tuple[str, ...]]:
    async def scenario() -> tuple[Response, bytes, tuple[str, ...]]:
        store = Store(FixedClock(NOW))
        await store.put(FILE.key, DIGITS, length=10, content_type="x/y")
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        response = await respond(store, FILE, Request(method, named))
        return response, await body_of(response), store.calls

    return run(scenario())


async def body_of(response: Response) -> bytes:
    if response.body is None or isinstance(response.body, bytes):
        return response.body or b""
    return b"".join([chunk async for chunk in response.body])


def test_a_plain_get_has_the_whole_object_and_its_headers() -> None:
    response, body, calls = asked()
    assert (response.status, body, calls) == (200, DIGITS, ("get",))
    assert response.headers == {
        "content-type": "text/plain; charset=utf-8",
        "content-length": "10",
        "cache-control": "public, max-age=30, stale-if-error=86400",
        "etag": ETAG,
        "last-modified": http_date(NOW),
        "accept-ranges": "bytes",
        "x-content-type-options": "nosniff",
        "cache-tag": "location:l1",
    }


@pytest.mark.parametrize(
    "headers", [{}, {"range": "bytes=0-1"}, {"if_none_match": '"other"'}, {"if_range": ETAG}]
)
def test_head_has_the_headers_of_get_and_reads_nothing(headers: dict[str, str]) -> None:
    response, body, calls = asked("HEAD", **headers)
    assert (response.status, response.body, body, calls) == (200, None, b"", ("head",))
    assert response.headers == asked()[0].headers


@pytest.mark.parametrize(
    ("header", "content", "content_range"),
    [
        ("bytes=0-0", b"0", "bytes 0-0/10"),
        ("bytes=2-4", b"234", "bytes 2-4/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=7-99", b"789", "bytes 7-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=-99", DIGITS, "bytes 0-9/10"),
        (" Bytes = 1-2 ", b"12", "bytes 1-2/10"),
    ],
)
def test_a_single_range_is_answered_with_a_part(
    header: str, content: bytes, content_range: str
) -> None:
    response, body, calls = asked(range=header)
    assert (response.status, body, calls) == (206, content, ("get",))
    assert response.headers["content-range"] == content_range
    assert response.headers["content-length"] == str(len(content))
    assert response.headers["etag"] == ETAG


@pytest.mark.parametrize(
    "header",
    ["bytes=0-1,3-4", "bytes=5-2", "bytes=-", "bytes=a-b", "lines=1-2", "bytes 1-2", "", "bytes=1",
     "bytes=\u0661-\u0662", "bytes=1-2;", f"bytes={'9' * 40}-"],
)  # fmt: skip
def test_any_other_range_is_answered_with_the_whole(header: str) -> None:
    response, body, _ = asked(range=header)
    assert (response.status, body) == (200, DIGITS)


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=99-100", "bytes=-0", f"bytes={'9' * 18}-"])
def test_a_range_outside_tells_the_size(header: str) -> None:
    response, body, _ = asked(range=header)
    assert (response.status, response.headers["content-range"]) == (416, "bytes */10")
    assert json.loads(body)["type"] == "urn:stowage:problem:range-not-satisfiable"
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("header", "calls"),
    [
        (ETAG, ("get",)),
        (f"W/{ETAG}", ("get",)),
        (f'"a", {ETAG} ,W/"b"', ("get",)),
        ("*", ("head",)),
    ],
)
def test_a_known_etag_gets_no_body(header: str, calls: tuple[str, ...]) -> None:
    for extra in ({}, {"range": "bytes=0-1"}, {"if_modified_since": http_date(0)}):
        response, body, seen = asked(if_none_match=header, **extra)
        assert (response.status, response.body, body, seen) == (304, None, b"", calls)
        assert response.headers["etag"] == ETAG
        assert response.headers["cache-control"].startswith("public")
        assert "content-length" not in response.headers
    assert asked("HEAD", if_none_match=header)[0].status == 304


@pytest.mark.parametrize("header", ['"other"', "other", "", ",", '"a" "b"', '"unclosed', "W/x"])
def test_an_unknown_or_malformed_etag_gets_the_object(header: str) -> None:
    response, body, _ = asked(if_none_match=header)
    assert (response.status, body) == (200, DIGITS)


@pytest.mark.parametrize(("offset", "status"), [(-1, 200), (0, 304), (1, 304)])
def test_a_date_decides_by_whole_seconds(offset: int, status: int) -> None:
    response, _, calls = asked(if_modified_since=http_date(NOW + offset * 1000))
    assert response.status == status
    assert calls == (("head",) if status == 304 else ("head", "get"))


@pytest.mark.parametrize("header", ["yesterday", "", "Sat, 99 Foo 2026 99:99:99 GMT", "\x00"])
def test_a_malformed_date_decides_nothing(header: str) -> None:
    assert asked(if_modified_since=header)[0].status == 200


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        (ETAG, 206),
        (http_date(NOW), 206),
        (f"W/{ETAG}", 200),
        ('"other"', 200),
        (http_date(NOW + 1000), 200),
    ],
)
def test_a_range_holds_only_for_the_object_that_it_began_with(condition: str, status: int) -> None:
    response, body, _ = asked(range="bytes=2-4", if_range=condition)
    assert response.status == status
    assert body == (b"234" if status == 206 else DIGITS)


class Replaced(Store):
    """Another object lies there as soon as the head was answered."""

    other = b"abcdefghijkl"

    async def head(self, key: str) -> ObjectInfo | None:
        info = await super().head(key)
        other, self.other = self.other, b""
        if other:
            await self.put(key, other, length=len(other), content_type="x/y", create_only=False)
        return info


def asked_while_replaced(other: bytes, **headers: str) -> tuple[Response, bytes]:
    async def scenario() -> tuple[Response, bytes]:
        store = Replaced(FixedClock(NOW))
        store.other = other
        await store.put(FILE.key, DIGITS, length=10, content_type="x/y")
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        response = await respond(store, FILE, Request("GET", named))
        return response, await body_of(response)

    return run(scenario())


@pytest.mark.parametrize("condition", [ETAG, http_date(NOW)])
@pytest.mark.parametrize("other", [b"abcdefghij", b"abcdefghijkl", b"a"])
def test_no_part_of_another_object_is_given_though_it_came_meanwhile(
    condition: str, other: bytes
) -> None:
    response, body = asked_while_replaced(other, range="bytes=2-4", if_range=condition)
    assert (response.status, body) == (200, other)
    assert response.headers["content-length"] == str(len(other))
    assert response.headers["etag"] != ETAG


def test_an_object_that_came_meanwhile_does_not_pass_for_the_expected_one() -> None:
    for extra in ({}, {"if_none_match": '"cf8af13b08ed36b4cf2d68b1b4aff44c"'}):
        response, body = asked_while_replaced(b"abc", if_match=ETAG, **extra)
        assert response.status == 412
        assert b"abc" not in body


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"if_match": ETAG}, 200),
        ({"if_match": f'"a", {ETAG}'}, 200),
        ({"if_match": "*"}, 200),
        ({"if_match": '"other"'}, 412),
        ({"if_match": f"W/{ETAG}"}, 412),
        ({"if_match": "nonsense"}, 412),
        ({"if_match": ETAG, "if_unmodified_since": http_date(0)}, 200),
        ({"if_unmodified_since": http_date(NOW)}, 200),
        ({"if_unmodified_since": http_date(NOW + 1000)}, 200),
        ({"if_unmodified_since": http_date(NOW - 1000)}, 412),
        ({"if_unmodified_since": "yesterday"}, 200),
        ({"if_match": ETAG, "if_none_match": ETAG}, 304),
        ({"if_match": '"other"', "if_none_match": ETAG}, 412),
        ({"if_unmodified_since": http_date(0), "if_modified_since": http_date(NOW)}, 412),
        ({"if_unmodified_since": http_date(NOW), "if_modified_since": http_date(NOW)}, 304),
        ({"if_match": ETAG, "range": "bytes=2-4"}, 206),
        ({"if_match": '"other"', "range": "bytes=99-"}, 412),
    ],
)
def test_an_object_that_is_not_the_expected_one_is_refused(
    headers: dict[str, str], status: int
) -> None:
    response, body, _ = asked(**headers)
    assert response.status == status
    assert body == b"" if status == 304 else body
    if status == 412:
        assert json.loads(body)["type"] == "urn:stowage:problem:precondition-failed"
        assert response.headers["cache-control"] == "no-store"
    if "range" not in headers:
        assert asked("HEAD", **headers)[0].status == status


def test_a_date_counts_by_whole_seconds_for_an_unmodified_object() -> None:
    async def scenario() -> None:
        store = MemoryObjectStore(FixedClock(NOW + 999))
        await store.put(FILE.key, DIGITS, length=10, content_type="x/y")
        response = await respond(
            store, FILE, Request("GET", {"if-unmodified-since": http_date(NOW)})
        )
        assert response.status == 200

    run(scenario())


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "get"])
def test_other_methods_touch_nothing(method: str) -> None:
    response, body, calls = asked(method)
    assert (response.status, response.headers["allow"], calls) == (405, "GET, HEAD", ())
    assert json.loads(body)["status"] == 405


@pytest.mark.parametrize(
    "headers", [{}, {"if-none-match": "*"}, {"range": "bytes=0-1"}, {"if-match": "*"}]
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_missing_object_is_a_problem_that_is_not_cached(
    method: str, headers: dict[str, str]
) -> None:
    async def scenario() -> None:
        store = MemoryObjectStore(FixedClock())
        response = await respond(store, Icon("a.b", 64), Request(method, headers))
        assert response.status == 404
        assert response.headers["content-type"] == "application/problem+json"
        assert response.headers["cache-control"] == "no-store"
        body = await body_of(response)
        assert (body == b"") == (method == "HEAD")

    run(scenario())


def test_a_package_is_served_as_immutable() -> None:
    async def scenario() -> None:
        kind = PackageObject("d", "org.example", 1)
        store = MemoryObjectStore(FixedClock())
        await store.put(kind.key, b"zip", length=3, content_type="text/html")
        response = await respond(store, kind, Request("GET"))
        assert response.headers["cache-control"] == "public, max-age=86400, immutable"
        assert response.headers["content-type"] == "application/zip"
        assert response.headers["cache-tag"] == "version:org.example/1,app:org.example"

    run(scenario())


def test_a_problem_becomes_a_document() -> None:
    response = http.problem_response(not_found("app").problem, "/v1/apps/x")
    assert isinstance(response.body, bytes)
    assert json.loads(response.body) == {
        "type": "urn:stowage:problem:not-found",
        "title": "Not found",
        "status": 404,
        "detail": "There is no such app.",
        "instance": "/v1/apps/x",
    }
    assert response.headers["content-length"] == str(len(response.body))


@given(st.text(max_size=30))
def test_no_header_crashes_the_parsers(text: str) -> None:
    for header in (text, f"bytes={text}", f'"{text}"', f'W/"{text}", "x"'):
        parse_range(header)
        parse_etags(header)


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_ranges_are_read_exactly(first: int, length: int) -> None:
    assert parse_range(f"bytes={first}-{first + length}") == ByteRange(first, length + 1)
