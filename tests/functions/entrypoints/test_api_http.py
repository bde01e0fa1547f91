"""What holds for every request to the api, whatever its endpoint."""

import logging
from collections.abc import AsyncIterator, Sequence

import httpx
import pytest

from functions.entrypoints.http_api.application import application
from functions.entrypoints.http_api.bodies import JSON
from functions.entrypoints.http_api.services import Services
from functions.ports.object_store import ObjectInfo, ObjectStoreError
from functions.ports.records import RecordsError, Row, Statement
from functions.setting_values import SettingsError
from tests.functions.entrypoints.packages import a_package, announced
from tests.functions.entrypoints.world import ROOT_KEY, World, assert_problem

pytestmark = pytest.mark.anyio


async def test_an_unknown_address_is_a_problem(world: World) -> None:
    problem = assert_problem(await world.call("GET", "/v2/nothing"), 404, "not-found")
    assert problem["instance"] == "/v2/nothing"
    assert_problem(await world.call("GET", "/v1/keys/"), 404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/v1/api-keys", "GET, HEAD, OPTIONS, POST"),
        ("GET", "/v1/developers", "OPTIONS, POST"),
        ("HEAD", "/v1/developers", "OPTIONS, POST"),
        ("TRACE", "/v1/versions/x", "GET, HEAD, OPTIONS"),
        ("POST", "/openapi.json", "GET, HEAD, OPTIONS"),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(
    world: World, method: str, path: str, allow: str
) -> None:
    answer = await world.call(method, path, key=ROOT_KEY)
    assert answer.status_code == 405
    assert answer.headers["allow"] == allow
    if method != "HEAD":
        assert_problem(answer, 405, "method-not-allowed")


async def test_options_answers_with_the_methods(world: World) -> None:
    answer = await world.call("OPTIONS", "/v1/api-keys")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"


async def test_head_has_the_headers_of_get_and_no_body(world: World) -> None:
    get = await world.call("GET", "/v1/keys")
    head = await world.call("HEAD", "/v1/keys")
    assert (head.status_code, head.content) == (200, b"")
    assert dict(head.headers) == dict(get.headers)


async def test_answers_are_neither_stored_nor_sniffed(world: World) -> None:
    for path in ("/v1/health", "/v1/keys", "/openapi.json", "/nothing", "/v1/api-keys"):
        answer = await world.call("GET", path)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_body_that_says_it_is_too_large_is_refused_unread(world: World) -> None:
    async def body() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    transport = httpx.ASGITransport(world.application)
    headers = {"content-length": str(JSON.max_bytes + 1), "content-type": "application/json"}
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        answer = await client.post("/v1/developers", content=body(), headers=headers)
    assert_problem(answer, 413, "content-too-large")


async def test_a_body_of_unsaid_size_is_refused_while_it_is_read(world: World) -> None:
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(1000):
            read += 1024
            yield b" " * 1024

    transport = httpx.ASGITransport(world.application)
    headers = {"content-type": "application/json"}
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        answer = await client.post("/v1/developers", content=body(), headers=headers)
    assert_problem(answer, 413, "content-too-large")
    assert read <= JSON.max_bytes + 2 * 1024


class BrokenRecords:
    def __init__(self, error: Exception) -> None:
        self._error = error

    async def fetch(self, statement: Statement) -> Sequence[Row]:
        raise self._error

    async def batch(self, statements: Sequence[Statement]) -> Sequence[int]:
        raise self._error


class BrokenReader:
    async def head(self, key: str) -> ObjectInfo | None:
        raise ObjectStoreError("s3cret inside")

    async def get(self, key: str, *_: object, **__: object) -> None:
        raise ObjectStoreError("s3cret inside")


async def test_a_failing_database_is_unavailable_for_now(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.change(records=BrokenRecords(RecordsError("s3cret inside")))
    answer = await world.call("POST", "/v1/developers", {"name": "Ada"}, key=ROOT_KEY)
    assert_problem(answer, 503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert "s3cret" not in answer.text
    assert "s3cret inside" in caplog.text


async def test_a_failing_bucket_is_unavailable_for_now(world: World) -> None:
    key = await world.developer()
    created = await world.made("/v1/apps/org.example.app/versions", announced(a_package()), key)
    world.change(uploads=BrokenReader())
    path = f"/v1/versions/{created['version']['id']}"
    assert_problem(await world.call("POST", f"{path}/complete", key=key), 503, "unavailable")
    found = await world.call("GET", path, key=key)
    assert found.json()["version"]["status"] == "uploading"


async def test_an_unexpected_failure_is_logged_and_shows_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    world.change(records=BrokenRecords(KeyError("s3cret inside")))
    answer = await world.call("POST", "/v1/developers", {"name": "Ada"}, key=ROOT_KEY)
    assert_problem(answer, 500, "internal-error")
    assert "s3cret" not in answer.text
    assert "s3cret inside" in caplog.text


async def test_health_needs_no_settings(world: World, caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> Services:
        raise SettingsError(["CDN_URL is missing or empty"])

    world.application = application(broken)
    answer = await world.call("GET", "/v1/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    failed = await world.call("GET", "/v1/keys")
    assert_problem(failed, 500, "internal-error")
    assert "CDN_URL is missing" in caplog.text
