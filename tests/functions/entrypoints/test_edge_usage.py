"""The data point of each request to the edge."""

import pytest

from functions.core.usage import BLOBS, DOUBLES
from functions.entrypoints.http_edge.data_plane import EdgeRequest
from functions.ports.usage import DataPoint
from tests.functions.entrypoints.edge import CDN, HOST, Edge
from tests.functions.entrypoints.packages import a_package
from tests.functions.entrypoints.world import World

pytestmark = pytest.mark.anyio


def read(point: DataPoint) -> dict[str, str | float]:
    return dict(zip(BLOBS, point.blobs, strict=True)) | dict(
        zip(DOUBLES, point.doubles, strict=True)
    )


def last(edge: Edge) -> dict[str, str | float]:
    return read(edge.usage.points[-1])


async def test_a_download_is_one_point_with_its_version_and_what_was_sent(edge: Edge) -> None:
    path = await edge.download()
    await edge.ask(path, CDN)
    found = last(edge)
    assert len(edge.usage.points) == 1
    assert (found["kind"], found["app_id"], found["host"]) == ("package", "org.example.app", CDN)
    assert len(str(found["version_id"])) == 36
    assert (found["status"], found["status_class"], found["part"]) == (200, "2xx", "start")
    assert found["bytes"] == len(a_package())
    assert edge.usage.points[0].index == "org.example.app"


async def test_the_cache_state_is_that_of_the_answer(edge: Edge) -> None:
    made = await edge.repository(Release=b"one")
    for headers, method, state in (
        ({"range": "bytes=0-1"}, "GET", "bypass"),
        ({}, "HEAD", "bypass"),
        ({}, "GET", "miss"),
        ({}, "GET", "hit"),
        ({"range": "bytes=1-1"}, "GET", "hit"),
        ({}, "HEAD", "hit"),
    ):
        await edge.ask("/Release", method=method, **headers)
        assert last(edge)["cache"] == state, (headers, method)
    assert last(edge)["location_id"] == made["location_id"]
    edge.world.clock.advance(seconds=31)
    await edge.ask("/Release")
    assert last(edge)["cache"] == "miss"


async def test_a_range_in_the_middle_is_no_start_and_counts_what_it_sends(edge: Edge) -> None:
    await edge.repository(Release=b"one")
    await edge.ask("/Release", range="bytes=1-2")
    assert (last(edge)["part"], last(edge)["bytes"], last(edge)["status"]) == ("rest", 2, 206)


async def test_what_is_not_there_is_counted_for_its_location(edge: Edge) -> None:
    made = await edge.repository()
    for path, kind, status in (("/nothing", "repository", 404), ("/a%2fb", "refused", 400)):
        await edge.ask(path)
        found = last(edge)
        assert (found["kind"], found["status"]) == (kind, status)
        assert (found["host"], found["location_id"]) == (HOST, made["location_id"])


@pytest.mark.parametrize("host", ["unknown.example", "x" * 300, "api.stowage.test", ""])
async def test_a_host_that_is_unknown_is_not_noted(edge: Edge, host: str) -> None:
    await edge.ask("/secret-path?token=s3cret", host)
    found = last(edge)
    assert (found["kind"], found["host"], found["location_id"]) == ("refused", "-", "-")
    assert "s3cret" not in repr(edge.usage.points)
    assert "secret-path" not in repr(edge.usage.points)


async def test_neither_addresses_nor_tokens_are_noted(edge: Edge) -> None:
    path = await edge.download()
    headers = {"cf-connecting-ip": "192.0.2.7", "authorization": "Bearer s3cret"}
    raw_path, _, query = path.partition("?")
    await edge.serve(EdgeRequest("GET", CDN, raw_path, query, headers, "AMS"))
    assert last(edge)["colo"] == "AMS"
    for secret in ("192.0.2.7", "s3cret", query, raw_path):
        assert secret not in repr(edge.usage.points)


async def test_an_outage_is_noted_as_what_the_client_got(edge: Edge) -> None:
    edge.records.broken = True
    await edge.ask("/Release")
    assert (last(edge)["status"], last(edge)["kind"]) == (503, "refused")


async def test_another_method_is_one_point(edge: Edge, world: World) -> None:
    await edge.ask("/assets/org.example.app/icon-32.png", CDN, method="OPTIONS")
    assert (last(edge)["kind"], last(edge)["status"]) == ("asset", 204)
    await edge.ask("/", method="DELETE")
    assert (last(edge)["method"], last(edge)["status"]) == ("other", 405)
