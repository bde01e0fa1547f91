"""Tenants' hosts: which location they serve, and how little else. Paths and methods: tests/edge."""

from dataclasses import replace

import pytest

from functions.adapters.local.object_store import MemoryObjectStore
from functions.entrypoints.http_edge.data_plane import EdgeRequest
from functions.entrypoints.http_edge.host_memory import MOST_HOSTS, HostMemory
from functions.ports.object_store import ObjectReader, ObjectStoreError
from functions.ports.records import Statement
from tests.functions.entrypoints.edge import HOST, Edge, content
from tests.functions.entrypoints.world import World

pytestmark = pytest.mark.anyio


async def test_a_tenants_host_serves_its_own_location(edge: Edge) -> None:
    await edge.repository("apt.one.example", Release=b"one")
    await edge.repository("apt.two.example", Release=b"two")
    for host, expected in (("apt.one.example", b"one"), ("APT.two.example.:8080", b"two")):
        answer = await edge.ask("/Release", host)
        assert answer.status == 200
        assert await content(answer) == expected
        assert answer.headers["content-length"] == "3"
        assert answer.headers["accept-ranges"] == "bytes"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["etag"].startswith('"')


async def test_no_answer_names_a_location_a_bucket_or_a_prefix(edge: Edge) -> None:
    made = await edge.repository(Release=b"one")
    for path in ("/Release", "/nothing", "/a%2fb"):
        answer = await edge.ask(path)
        said = repr(answer.headers) + repr(await content(answer))
        for inside in (made["location_id"], made["s3_bucket"], made["tenant_id"]):
            assert inside not in said


@pytest.mark.parametrize(
    "host",
    ["unknown.example", "stowage.test", "api.stowage.test", "fallback.stowage.test", "", "[::1]"],
)
async def test_an_unknown_host_is_not_found_without_a_hint(edge: Edge, host: str) -> None:
    await edge.repository(Release=b"one")
    answer = await edge.ask("/Release", host)
    assert answer.status == 404
    assert answer.headers["cache-control"] == "public, max-age=5"


async def test_a_location_planted_by_sql_in_another_bucket_is_not_served(
    edge: Edge, world: World
) -> None:
    made = await edge.repository(Release=b"one")
    planted = "00000000-0000-7000-8000-000000000000"
    await world.records.batch(
        [
            Statement(
                "INSERT INTO location (id, tenant_id, s3_bucket, s3_prefix, created_at, revision)"
                " VALUES (?, ?, 'test-packages', '', 1, 1)",
                (planted, made["tenant_id"]),
            ),
            Statement("UPDATE hostname SET location_id = ?", (planted,)),
        ]
    )
    path = (await edge.download()).partition("?")[0]
    for asked in (path, "/Release"):
        assert (await edge.ask(asked)).status == 404


async def test_a_host_is_remembered_for_ten_seconds(edge: Edge, world: World) -> None:
    await edge.repository(Release=b"one")
    for _ in range(3):
        assert (await edge.ask("/Release")).status == 200
    assert edge.records.queries == 1
    world.clock.advance(seconds=10)
    await edge.ask("/Release")
    assert edge.records.queries == 2


async def test_an_unknown_host_is_remembered_too(edge: Edge) -> None:
    for _ in range(3):
        assert (await edge.ask("/", "unknown.example")).status == 404
    assert edge.records.queries == 1


def test_the_memory_of_hosts_is_bounded() -> None:
    memory = HostMemory()
    for number in range(MOST_HOSTS + 1):
        memory.remember(f"h{number}.example", None, 0)
    assert memory.recall("h0.example", 1) is None
    assert memory.recall("h1.example", 1) is not None


async def test_a_database_outage_is_unavailable_and_not_remembered(
    edge: Edge, caplog: pytest.LogCaptureFixture
) -> None:
    await edge.repository(Release=b"one")
    edge.records.broken = True
    answer = await edge.ask("/Release")
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0
    assert b"s3cret" not in await content(answer)
    assert "s3cret inside" in caplog.text
    edge.records.broken = False
    assert (await edge.ask("/Release")).status == 200


async def test_a_failing_bucket_is_unavailable(edge: Edge) -> None:
    class Broken(MemoryObjectStore):
        async def get(self, *_: object, **__: object) -> None:
            raise ObjectStoreError("s3cret inside")

    made = await edge.repository(Release=b"one")
    broken: dict[str, ObjectReader] = {made["s3_bucket"]: Broken(edge.world.clock)}
    plane = replace(edge.plane, repositories=broken)
    answer = await plane.serve(EdgeRequest("GET", HOST, "/Release", "", {}))
    assert answer.status == 503
