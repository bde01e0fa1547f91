"""Serving one object. What every header means stands in the table of tests/edge; here is what no
table shows: what the store is asked, and what becomes of the bodies that it opened.
"""

import json
from typing import TYPE_CHECKING

import pytest

from functions.adapters.local.clock import FixedClock
from functions.adapters.local.object_store import BytesBody, MemoryObjectStore
from functions.core import http
from functions.core.catalog import Icon, PackageObject, RepositoryFile
from functions.core.http import Request, Response, respond, respond_to_other_method
from functions.core.problems import not_found
from functions.core.times import http_date
from functions.ports.object_store import ByteRange, ObjectInfo, ObjectStoreError, StoredObject
from tests.contracts.object_store import run

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

FILE = RepositoryFile("l1", "l1/", "dists/stable/InRelease")
DIGITS = b"0123456789"
ETAG = '"781e5e245d69b566979b86e28d23f2c7"'
STORED = 1_790_000_000_000
NOW = STORED + 60_000


class WatchedBody(BytesBody):
    discarded = False

    async def discard(self) -> None:
        self.discarded = True
        await super().discard()


class Store(MemoryObjectStore):
    """Remembers what it was asked and the bodies that it opened; `before_get` happens just before a
    get."""

    def __init__(self) -> None:
        super().__init__(FixedClock(STORED))
        self.calls: list[str] = []
        self.opened: list[WatchedBody] = []
        self.before_get: Callable[[], Awaitable[None]] | None = None

    async def replace(self, content: bytes, key: str = FILE.key) -> None:
        await self.put(key, content, length=len(content), content_type="x/y", create_only=False)

    async def head(self, key: str) -> ObjectInfo | None:
        self.calls.append("head")
        return await super().head(key)

    async def get(
        self,
        key: str,
        byte_range: ByteRange | None = None,
        *,
        unless_etags: frozenset[str] | None = None,
    ) -> StoredObject | ObjectInfo | None:
        self.calls.append("get")
        if self.before_get is not None:
            await self.before_get()
        found = await super().get(key, byte_range, unless_etags=unless_etags)
        if not isinstance(found, StoredObject):
            return found
        content = b"".join([chunk async for chunk in found.body])
        self.opened.append(WatchedBody(content))
        return StoredObject(found.info, self.opened[-1], found.offset, found.length)


async def body_of(response: Response) -> bytes:
    if response.body is None or isinstance(response.body, bytes):
        return response.body or b""
    return b"".join([chunk async for chunk in response.body])


def asked(
    headers: "Mapping[str, str] | None" = None, now_ms: int = NOW
) -> tuple[Response, bytes, Store]:
    async def scenario() -> tuple[Response, bytes, Store]:
        store = Store()
        await store.replace(DIGITS)
        response = await respond(store, FILE, Request("GET", headers or {}), now_ms)
        return response, await body_of(response), store

    return run(scenario())


def test_a_plain_get_has_the_whole_object_and_its_headers() -> None:
    response, body, store = asked()
    assert (response.status, body, store.calls) == (200, DIGITS, ["get"])
    assert response.headers == {
        "content-type": "text/plain; charset=utf-8",
        "content-length": "10",
        "cache-control": "public, max-age=30, stale-if-error=86400, no-transform",
        "etag": ETAG,
        "last-modified": http_date(STORED),
        "accept-ranges": "bytes",
        "x-content-type-options": "nosniff",
    }


def test_a_known_etag_is_told_to_the_store_which_then_sends_nothing() -> None:
    response, _, store = asked({"if-none-match": f'"a", W/{ETAG}'})
    assert (response.status, store.calls, store.opened) == (304, ["get"], [])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"if-none-match": "*"}, 304),
        ({"if-modified-since": http_date(STORED)}, 304),
        ({"if-match": '"other"'}, 412),
        ({"if-unmodified-since": http_date(STORED - 1000), "range": "bytes=0-1"}, 412),
    ],
)
def test_a_body_that_a_condition_keeps_back_is_discarded(
    headers: dict[str, str], status: int
) -> None:
    response, _, store = asked(headers)
    assert (response.status, store.calls) == (status, ["get"])
    assert [body.discarded for body in store.opened] == [True]


def test_a_part_of_another_object_is_discarded_and_the_whole_taken() -> None:
    response, body, store = asked({"range": "bytes=2-4", "if-range": '"other"'})
    assert (response.status, body, store.calls) == (200, DIGITS, ["get", "get"])
    assert [opened.discarded for opened in store.opened] == [True, False]


def test_a_date_holds_for_a_range_only_when_its_second_is_over() -> None:
    named = {"range": "bytes=2-4", "if-range": http_date(STORED)}
    for later, status in ((0, 200), (999, 200), (1000, 206)):
        assert asked(named, STORED + later)[0].status == status


def test_conditions_and_body_are_of_one_object_though_another_comes() -> None:
    async def scenario() -> None:
        for condition in ({"if-match": ETAG}, {"range": "bytes=2-4", "if-range": ETAG}):
            store = Store()
            await store.replace(DIGITS)

            async def meanwhile(store: Store = store) -> None:
                store.before_get = None
                await store.replace(b"abc")

            store.before_get = meanwhile
            response = await respond(store, FILE, Request("GET", condition), NOW)
            body = await body_of(response)
            if "if-match" in condition:
                assert response.status == 412
                assert b"abc" not in body
            else:
                assert (response.status, body) == (200, b"abc")
                assert response.headers["etag"] != ETAG

    run(scenario())


def test_an_object_that_vanishes_between_two_looks_is_not_found() -> None:
    class Vanishing(Store):
        async def head(self, key: str) -> ObjectInfo | None:
            await self.delete(key)
            return await super().head(key)

    async def scenario() -> None:
        store = Vanishing()
        await store.replace(DIGITS)
        asked = Request("GET", {"range": "bytes=99-", "if-match": "*"})
        assert (await respond(store, FILE, asked, NOW)).status == 404

    run(scenario())


def test_a_store_that_keeps_back_what_was_not_named_has_failed() -> None:
    class Confused(Store):
        async def get(self, key: str, *_: object, **__: object) -> ObjectInfo | None:
            return await self.head(key)

    async def scenario() -> None:
        store = Confused()
        await store.replace(DIGITS)
        with pytest.raises(ObjectStoreError, match="no body"):
            await respond(store, FILE, Request("GET"), NOW)

    run(scenario())


def test_the_type_and_cache_rule_are_the_kinds_not_the_stores() -> None:
    async def scenario() -> None:
        kind = PackageObject("d", "org.example", 1)
        store = Store()
        await store.put(kind.key, b"zip", length=3, content_type="text/html", cache_control="x")
        response = await respond(store, kind, Request("GET"), NOW)
        assert response.headers["cache-control"] == "public, max-age=86400, immutable"
        assert response.headers["content-type"] == "application/zip"

    run(scenario())


def test_another_method_is_refused_or_is_a_preflight() -> None:
    for kind in (None, FILE, PackageObject("d", "a.b", 1)):
        assert respond_to_other_method(kind, "OPTIONS").headers["allow"] == "GET, HEAD"
    assert respond_to_other_method(Icon("a.b", 64), "OPTIONS").status == 204
    assert respond_to_other_method(Icon("a.b", 64), "POST").status == 405


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
