"""Tenants and their repositories through the api."""

import pytest

from tests.functions.entrypoints.world import BUCKETS, ROOT_KEY, World, assert_problem

pytestmark = pytest.mark.anyio

PATH = "/v1/repositories"


def a_repository(tenant_id: str, **changes: str) -> dict[str, str]:
    return {
        "tenant_id": tenant_id,
        "hostname": "apt.example.org",
        "distribution": "stable",
    } | changes


async def test_a_repository_gets_a_generated_prefix_in_the_default_bucket(world: World) -> None:
    tenant = await world.made("/v1/tenants", {"name": "T"})
    answer = await world.call("POST", PATH, a_repository(tenant["tenant_id"]), key=ROOT_KEY)
    assert answer.status_code == 201
    repository = answer.json()["repository"]
    assert repository["hostname"] == "apt.example.org"
    assert repository["distribution"] == "stable"
    assert repository["s3_bucket"] == BUCKETS[0]
    assert repository["s3_prefix"] == f"{repository['location_id']}/"


async def test_another_distribution_of_the_same_hostname_shares_the_location(world: World) -> None:
    tenant_id = (await world.made("/v1/tenants", {"name": "T"}))["tenant_id"]
    first = (await world.made(PATH, a_repository(tenant_id)))["repository"]
    second = (await world.made(PATH, a_repository(tenant_id, distribution="testing")))["repository"]
    assert second["location_id"] == first["location_id"]
    before = await world.dump()
    again = await world.call("POST", PATH, a_repository(tenant_id), key=ROOT_KEY)
    assert_problem(again, 409)
    assert await world.dump() == before


async def test_another_tenants_hostname_or_location_is_a_conflict(world: World) -> None:
    first = await world.made("/v1/tenants", {"name": "T"})
    other = (await world.made("/v1/tenants", {"name": "U"}))["tenant_id"]
    made = (await world.made(PATH, a_repository(first["tenant_id"])))["repository"]
    before = await world.dump()
    taken = a_repository(other, distribution="testing")
    assert_problem(await world.call("POST", PATH, taken, key=ROOT_KEY), 409)
    foreign = a_repository(
        other,
        hostname="apt.example.net",
        s3_bucket=made["s3_bucket"],
        s3_prefix=made["s3_prefix"],
    )
    assert_problem(await world.call("POST", PATH, foreign, key=ROOT_KEY), 409)
    assert await world.dump() == before
