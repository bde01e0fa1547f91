"""The cdn host's packages and assets. Ranges and conditions: tests/edge."""

import pytest

from tests.functions.entrypoints.edge import CDN, HOST, Edge, content
from tests.functions.entrypoints.packages import a_package
from tests.functions.entrypoints.world import World

pytestmark = pytest.mark.anyio


async def test_a_package_is_served_to_a_good_token(edge: Edge) -> None:
    path = await edge.download()
    answer = await edge.ask(path, CDN)
    assert answer.status == 200
    assert await content(answer) == a_package()
    assert answer.headers["cache-control"] == "public, max-age=86400, immutable"
    assert "cache-tag" not in answer.headers
    head = await edge.ask(path, CDN, method="HEAD")
    assert (head.status, head.body) == (200, None)
    assert head.headers == answer.headers


async def test_a_package_is_served_to_no_other_token(edge: Edge, world: World) -> None:
    path = await edge.download()
    bare, _, query = path.partition("?")
    parameters = query.split("&")
    wrong = [
        bare,
        path[:-4] + "AAAA",
        f"{path}&v=1",
        f"{path}&x=1",
        f"{bare}?{'&'.join(parameters[1:])}",
        path.replace("/1/package", "/2/package"),
        path.replace("key=d1", "key=d2"),
        path.replace("expires=", "expires=1"),
    ]
    for refused in wrong:
        answer = await edge.ask(refused, CDN)
        assert answer.status in (403, 404), refused
        assert answer.headers["content-type"] == "application/problem+json"
    world.clock.advance(seconds=3601)
    assert (await edge.ask(path, CDN)).status == 403


async def test_packages_are_found_on_no_other_host(edge: Edge) -> None:
    await edge.repository(Release=b"one")
    path = await edge.download()
    for host in (HOST, "api.stowage.test", "stowage.test", "unknown.example"):
        assert (await edge.ask(path, host)).status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/temp/x/package.mosis",
        "/packages/",
        "/packages/a/b/1/manifest.json",
        "/assets/org.example.app/other.png",
        "/Release",
        "/backups/x",
    ],
)
async def test_the_cdn_host_serves_nothing_else(edge: Edge, path: str) -> None:
    await edge.download()
    assert (await edge.ask(path, CDN)).status == 404


async def test_assets_are_public(edge: Edge, world: World) -> None:
    await world.assets.put(
        "assets/org.example.app/icon-32.png", b"png", length=3, content_type="image/png"
    )
    answer = await edge.ask("/assets/org.example.app/icon-32.png", CDN)
    assert answer.status == 200
    assert answer.headers["content-type"] == "image/png"
