"""A URL that is still valid is refused once its version was pulled, whatever the cache holds."""

import json

import pytest

from functions.core.denials import REFRESH_MS
from tests.functions.entrypoints.edge import CDN, Edge, content
from tests.functions.entrypoints.packages import a_package
from tests.functions.entrypoints.world import ROOT_KEY, World

pytestmark = pytest.mark.anyio


async def change(world: World, action: str) -> None:
    listed = await world.call("GET", "/v1/apps/org.example.app/versions", key=ROOT_KEY)
    path = f"/v1/versions/{listed.json()['versions'][0]['id']}/{action}"
    body = {"reason": "Broken."} if action == "pull" else None
    assert (await world.call("POST", path, body, key=ROOT_KEY)).status_code == 200


async def test_a_valid_url_on_a_warm_cache_gives_410_after_the_refresh(
    edge: Edge, world: World
) -> None:
    path = await edge.download()
    for _ in range(2):
        answer = await edge.ask(path, CDN)
        assert (answer.status, await content(answer)) == (200, a_package())
    await change(world, "pull")
    world.clock.advance(milliseconds=REFRESH_MS)
    for method in ("GET", "HEAD"):
        answer = await edge.ask(path, CDN, method=method)
        assert answer.status == 410
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["cache-control"] == "no-store"
    problem = json.loads(await content(await edge.ask(path, CDN)))
    assert problem["type"] == "urn:stowage:problem:version-pulled"
    ranged = await edge.ask(path, CDN, range="bytes=0-3")
    assert ranged.status == 410

    await change(world, "restore")
    world.clock.advance(milliseconds=REFRESH_MS)
    answer = await edge.ask(path, CDN)
    assert (answer.status, await content(answer)) == (200, a_package())


async def test_only_the_bearer_of_a_good_token_learns_of_a_pull(edge: Edge, world: World) -> None:
    path = await edge.download()
    await change(world, "pull")
    assert (await edge.ask(path, CDN)).status == 410
    assert (await edge.ask(path[:-4] + "AAAA", CDN)).status == 403


async def test_other_requests_ask_nothing_of_the_list(edge: Edge, world: World) -> None:
    await edge.download()
    before = edge.records.queries
    await edge.ask("/assets/org.example.app/icon-32.png", CDN)
    await edge.ask("/packages/x", CDN)
    assert edge.records.queries == before
