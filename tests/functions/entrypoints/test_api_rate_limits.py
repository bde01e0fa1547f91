"""One caller too eager holds up no other."""

import pytest

from functions.adapters.local.rate_limiter import MemoryRateLimiter
from tests.functions.entrypoints.world import ROOT_KEY, World, assert_problem

pytestmark = pytest.mark.anyio

DOWNLOAD = "/v1/apps/org.example.app/download"


def limited(world: World, *, address: int = 10_000, key: int = 10_000) -> None:
    world.change(
        address_limiter=MemoryRateLimiter(world.clock, address),
        key_limiter=MemoryRateLimiter(world.clock, key),
    )


async def test_anonymous_requests_of_one_address_are_limited(world: World) -> None:
    limited(world, address=2)
    for _ in range(2):
        assert_problem(await world.call("GET", DOWNLOAD), 404)
    refused = await world.call("GET", DOWNLOAD)
    problem = assert_problem(refused, 429, "too-many-requests")
    assert refused.headers["retry-after"] == str(problem["retry_after_seconds"]) == "60"
    world.clock.advance(seconds=60)
    assert_problem(await world.call("GET", DOWNLOAD), 404)


async def test_wrong_keys_count_for_their_address_and_not_for_the_key_they_name(
    world: World,
) -> None:
    limited(world, address=2, key=2)
    key = await world.developer()
    limited(world, address=2, key=2)
    wrong = key[:-4] + ("AAAA" if not key.endswith("AAAA") else "BBBB")
    for _ in range(2):
        assert_problem(await world.call("GET", "/v1/keys-of-nobody", key=wrong), 404)
        assert_problem(await world.call("POST", "/v1/apps", {}, key=wrong), 401)
    assert_problem(await world.call("POST", "/v1/apps", {}, key=wrong), 429, "too-many-requests")
    assert_problem(await world.call("POST", "/v1/apps", {}, key=key), 422)


async def test_each_key_has_its_own_limit(world: World) -> None:
    key = await world.developer()
    limited(world, key=2)
    for _ in range(2):
        assert_problem(await world.call("POST", "/v1/apps", {}, key=key), 422)
    refused = await world.call("POST", "/v1/apps", {}, key=key)
    assert_problem(refused, 429, "too-many-requests")
    assert refused.headers["retry-after"] == "60"
    made = await world.call("POST", "/v1/developers", {"name": "Bob"}, key=ROOT_KEY)
    assert made.status_code == 201


async def test_what_everybody_may_read_is_not_counted(world: World) -> None:
    limited(world, address=1, key=1)
    for _ in range(5):
        assert (await world.call("GET", "/v1/health")).status_code == 200
        assert (await world.call("GET", "/v1/keys")).status_code == 200
