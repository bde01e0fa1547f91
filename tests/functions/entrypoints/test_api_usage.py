"""Usage through the api: for owners and operators, and for nobody else."""

from typing import Any

import pytest

from functions.core.platform import DAY_MS
from functions.entrypoints.job_schedule import tick
from functions.ports.usage import UsageQueryError
from tests.functions.entrypoints.edge import Edge
from tests.functions.entrypoints.world import ROOT_KEY, World, assert_problem

pytestmark = pytest.mark.anyio

APP = "org.example.app"


async def counted(world: World, kind: str, **row: object) -> None:
    """What Analytics Engine has of today and yesterday, summed up by a run of the schedule."""
    today = world.clock.now_ms() // DAY_MS * DAY_MS
    answers: dict[str, list[Any]] = {"version": [], "location": []}
    answers[kind] = [row | {"day": (today - day * DAY_MS) // 1000} for day in (0, 1)]
    world.queries.answers += [[{"dataset": "usage_test"}], *answers.values()]
    await tick(world.jobs())


async def downloaded(edge: Edge, world: World) -> str:
    """The version of an app of which there were two days with four downloads each."""
    await edge.download()
    answer = await world.call("GET", f"/v1/apps/{APP}/download")
    version_id: str = answer.json()["version_id"]
    await counted(world, "version", version_id=version_id, downloads="4", sent_bytes=9.0)
    return version_id


async def test_a_developer_sees_the_downloads_of_each_day_and_version(
    edge: Edge, world: World
) -> None:
    version_id = await downloaded(edge, world)
    found = (await world.call("GET", f"/v1/apps/{APP}/usage", key=ROOT_KEY)).json()
    assert (found["downloads"], found["sent_bytes"]) == (8, 18)
    assert [day["downloads"] for day in found["days"]] == [4, 4]
    assert found["days"][0]["day"].endswith("T00:00:00.000Z")
    (version,) = found["versions"]
    assert (version["version_id"], version["downloads"]) == (version_id, 8)
    today = (await world.call("GET", f"/v1/apps/{APP}/usage?days=1", key=ROOT_KEY)).json()
    assert today["downloads"] == 4


async def test_only_its_developer_and_operators_see_an_apps_usage(edge: Edge, world: World) -> None:
    owner = await world.developer("org.example.mine")
    tenant = (await world.made("/v1/tenants", {"name": "T"}))["key"]
    other = await world.developer("org.example.other")
    path = "/v1/apps/org.example.mine/usage"
    for key in (owner, ROOT_KEY):
        found = (await world.call("GET", path, key=key)).json()
        assert (found["downloads"], found["days"], found["versions"]) == (0, [], [])
    for key in (other, tenant):
        assert_problem(await world.call("GET", path, key=key), 404)
    assert_problem(await world.call("GET", path), 401)


async def test_a_tenant_sees_the_requests_of_its_repository_and_of_no_other(
    edge: Edge, world: World
) -> None:
    tenant = await world.made("/v1/tenants", {"name": "T"})
    body = {"tenant_id": tenant["tenant_id"], "hostname": "apt.t.example", "distribution": "x"}
    made = (await world.made("/v1/repositories", body))["repository"]
    numbers = {"sent_bytes": 7.0, "client_errors": "1", "server_errors": "0", "hits": "3"}
    await counted(world, "location", location_id=made["location_id"], requests="4", **numbers)
    path = f"/v1/repositories/{made['id']}/usage"
    for key in (tenant["key"], ROOT_KEY):
        found = (await world.call("GET", path, key=key)).json()
        assert (found["requests"], found["sent_bytes"]) == (8, 14)
        assert [day["hit_ratio"] for day in found["days"]] == [0.75, 0.75]
        assert found["days"][0]["client_errors"] == 1
    other = (await world.made("/v1/tenants", {"name": "U"}))["key"]
    developer = await world.developer()
    for key in (other, developer):
        assert_problem(await world.call("GET", path, key=key), 404)
    for unknown in ("x", made["location_id"]):
        answer = await world.call("GET", f"/v1/repositories/{unknown}/usage", key=ROOT_KEY)
        assert_problem(answer, 404)


@pytest.mark.parametrize("days", ["0", "367", "-1", "many", "1e2"])
async def test_a_period_that_cannot_be_is_refused(edge: Edge, world: World, days: str) -> None:
    await world.developer()
    answer = await world.call("GET", f"/v1/apps/{APP}/usage?days={days}", key=ROOT_KEY)
    assert_problem(answer, 422)


async def test_an_analytics_outage_is_logged_and_holds_up_nothing_of_the_schedule(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.queries.answers += [UsageQueryError("the query was not answered")]
    with caplog.at_level("INFO"):
        await tick(world.jobs())
    assert "schedule: usage: the query was not answered" in caplog.text
    assert "schedule: backups: " in caplog.text
