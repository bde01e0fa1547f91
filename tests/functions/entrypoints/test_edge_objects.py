"""The cdn host's packages and assets; ranges and conditions of every host."""

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


@pytest.mark.parametrize(
    ("asked", "status", "said", "got"),
    [
        ("bytes=0-2", 206, "bytes 0-2/10", b"012"),
        ("bytes=7-", 206, "bytes 7-9/10", b"789"),
        ("bytes=-3", 206, "bytes 7-9/10", b"789"),
        ("bytes=-99", 206, "bytes 0-9/10", b"0123456789"),
        ("bytes=8-99", 206, "bytes 8-9/10", b"89"),
        ("bytes=10-", 416, "bytes */10", None),
        ("bytes=-0", 416, "bytes */10", None),
        ("bytes=0-1,4-5", 200, None, b"0123456789"),
        ("lines=0-1", 200, None, b"0123456789"),
        ("bytes=5-1", 200, None, b"0123456789"),
    ],
)
async def test_single_ranges_are_served(
    edge: Edge, asked: str, status: int, said: str | None, got: bytes | None
) -> None:
    await edge.repository(data=b"0123456789")
    answer = await edge.ask("/data", range=asked)
    assert answer.status == status
    assert answer.headers.get("content-range") == said
    if got is not None:
        assert await content(answer) == got
        assert answer.headers["content-length"] == str(len(got))


async def test_what_has_not_changed_is_not_sent_again(edge: Edge) -> None:
    await edge.repository(data=b"0123456789")
    whole = await edge.ask("/data")
    etag = whole.headers["etag"]
    for condition in (etag, f'"x", W/{etag}', "*"):
        answer = await edge.ask("/data", if_none_match=condition)
        assert (answer.status, answer.body) == (304, None)
        assert answer.headers["etag"] == etag
    assert (await edge.ask("/data", if_none_match='"x"')).status == 200
