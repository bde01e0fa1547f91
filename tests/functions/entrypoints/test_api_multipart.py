"""A package in parts through the api: what is offered, which URLs are given, what is refused."""

import hashlib
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from functions.core.part_plan import PART_BYTES
from functions.core.platform import Limits
from functions.core.stale_parts import STALE_UPLOAD_MS
from functions.core.storages import PROFILES
from functions.entrypoints.job_schedule import tick
from tests.functions.entrypoints.packages import a_package, announced
from tests.functions.entrypoints.world import ROOT_KEY, World, assert_problem

pytestmark = pytest.mark.anyio

VERSIONS = "/v1/apps/org.example.app/versions"
LARGE = announced(b"") | {"size": 250 * PART_BYTES - 1}
PACKAGE = a_package()


async def made(world: World, declared: dict[str, object]) -> tuple[str, dict[str, Any], str]:
    """The developer's key, the created version, and the address of its parts."""
    key = await world.developer()
    created = await world.made(VERSIONS, declared, key)
    return key, created, f"/v1/versions/{created['version']['id']}/multipart"


@pytest.fixture
def small(world: World) -> World:
    """Where every package may come in parts."""
    world.change(limits=Limits(multipart_threshold_bytes=1))
    return world


@pytest.fixture
def large(world: World) -> World:
    world.change(limits=Limits(max_package_bytes=5 * 1024**3))
    return world


def query_of(part: dict[str, Any]) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(str(part["url"])).query))


async def put_part(world: World, part: dict[str, Any], data: bytes) -> None:
    """What the storage does with a right PUT of a part."""
    key = urlsplit(str(part["url"])).path.removeprefix("/test-uploads/")
    query = query_of(part)
    number = int(query["partNumber"])
    await world.uploads.put_part(key, query["uploadId"], number, data, length=len(data))


async def test_parts_are_offered_beside_the_single_put(large: World) -> None:
    _, created, _ = await made(large, LARGE)
    upload = created["upload"]
    assert upload["multipart"] == {"part_size": PART_BYTES, "part_count": 250}
    assert upload["headers"]["content-length"] == str(LARGE["size"])


async def test_a_small_package_is_not_offered_parts(world: World) -> None:
    key, created, path = await made(world, announced(PACKAGE))
    assert created["upload"]["multipart"] is None
    refused = await world.call("POST", path, key=key)
    assert_problem(refused, 409, "multipart-not-offered")


async def test_urls_come_a_hundred_at_a_time_and_pin_each_parts_length(large: World) -> None:
    key, _, path = await made(large, LARGE)
    first = await large.call("POST", path, key=key)
    assert first.status_code == 201
    pages = [first.json()]
    while pages[-1]["next"] is not None:
        page = await large.call("POST", f"{path}?after={pages[-1]['next']}", key=key)
        assert page.status_code == 200
        pages.append(page.json())
    assert [len(page["parts"]) for page in pages] == [100, 100, 50]
    parts = [part for page in pages for part in page["parts"]]
    assert [part["number"] for part in parts] == list(range(1, 251))
    assert {part["size"] for part in parts[:-1]} == {PART_BYTES}
    last = parts[-1]
    assert last["size"] == PART_BYTES - 1
    assert (last["method"], last["headers"]) == ("PUT", {"content-length": str(PART_BYTES - 1)})
    assert len({query_of(part)["uploadId"] for part in parts}) == 1


async def test_a_package_goes_through_in_parts(small: World) -> None:
    key, created, path = await made(small, announced(PACKAGE))
    begun = (await small.call("POST", path, key=key)).json()
    assert (begun["part_count"], begun["received"], begun["next"]) == (1, [], None)
    await put_part(small, begun["parts"][0], PACKAGE)
    again = await small.call("POST", path, key=key)
    assert again.status_code == 200
    assert again.json()["parts"] == []
    received = [{"number": 1, "size": len(PACKAGE), "md5": None}]
    assert again.json()["received"] == received
    for reader in (key, ROOT_KEY):
        seen = (await small.call("GET", path, key=reader)).json()
        assert seen == {"part_size": PART_BYTES, "part_count": 1, "received": received}
    version = f"/v1/versions/{created['version']['id']}"
    completed = await small.call("POST", f"{version}/complete", key=key)
    assert completed.status_code == 202
    assert_problem(await small.call("POST", path, key=key), 409, "upload-over")
    (message,) = small.queue.take()
    assert (await small.jobs().work(message.body)).kind == "draft"


async def test_where_a_storage_gives_parts_their_md5_the_answer_tells_it(small: World) -> None:
    small.change(presign=replace(small.services.presign, profile=PROFILES["minio"]))
    key, _, path = await made(small, announced(PACKAGE))
    begun = (await small.call("POST", path, key=key)).json()
    await put_part(small, begun["parts"][0], PACKAGE)
    (received,) = (await small.call("GET", path, key=key)).json()["received"]
    assert received["md5"] == hashlib.md5(PACKAGE, usedforsecurity=False).hexdigest()


async def test_a_part_is_signed_again_by_its_number(small: World) -> None:
    key, _, path = await made(small, announced(PACKAGE))
    assert_problem(await small.call("POST", f"{path}/parts/1", key=key), 409, "multipart-not-begun")
    (part,) = (await small.call("POST", path, key=key)).json()["parts"]
    small.clock.advance(seconds=899)
    answer = await small.call("POST", f"{path}/parts/1", key=key)
    assert answer.status_code == 200
    fresh = answer.json()["part"]
    assert {**part, "url": "", "expires_at": ""} == {**fresh, "url": "", "expires_at": ""}
    assert fresh["expires_at"] > part["expires_at"]
    for number in ("0", "2", "x", "1e0", "-1", "99999", "9" * 30):
        refused = await small.call("POST", f"{path}/parts/{number}", key=key)
        assert_problem(refused, 404, "not-found")


@pytest.mark.parametrize("after", ["-1", "10001", "x", ""])
async def test_a_wrong_place_to_go_on_from_is_named(small: World, after: str) -> None:
    key, _, path = await made(small, announced(PACKAGE))
    before = await small.dump()
    refused = await small.call("POST", f"{path}?after={after}", key=key)
    problem = assert_problem(refused, 422, "invalid-request")
    assert [error["pointer"] for error in problem["errors"]] == ["?after"]
    assert await small.dump() == before


async def test_what_was_given_up_can_be_given_up_again_and_begun_anew(small: World) -> None:
    key, created, path = await made(small, announced(PACKAGE))
    await small.call("POST", path, key=key)
    for _ in range(2):
        assert (await small.call("DELETE", path, key=key)).status_code == 204
    assert_problem(await small.call("GET", path, key=key), 404, "not-found")
    version = f"/v1/versions/{created['version']['id']}"
    gone = await small.call("POST", f"{version}/complete", key=key)
    assert_problem(gone, 409, "multipart-gone")
    assert (await small.call("POST", path, key=key)).status_code == 201
    missing = await small.call("POST", f"{version}/complete", key=key)
    assert assert_problem(missing, 409, "upload-parts-missing")["missing"] == [1]


async def test_the_schedule_aborts_what_no_row_came_to_name(small: World) -> None:
    await small.uploads.create_multipart("temp/unnamed/package.mosis", content_type="x/y")
    small.clock.advance(milliseconds=STALE_UPLOAD_MS)
    await tick(small.jobs())
    assert await small.uploads.list_multiparts("") == ()
