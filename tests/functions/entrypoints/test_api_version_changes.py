"""Reject, pull, restore and rollback through the api, and the list of an app's versions."""

from typing import Any

import pytest

from functions.entrypoints.job_queue import consume
from tests.functions.entrypoints.deliveries import MemoryDelivery
from tests.functions.entrypoints.packages import a_package, announced
from tests.functions.entrypoints.world import ROOT_KEY, World, assert_problem

pytestmark = pytest.mark.anyio

VERSIONS = "/v1/apps/org.example.app/versions"
BECAUSE = {"reason": "It deletes its users' files."}


async def drafted(world: World, key: str, code: int = 1) -> str:
    """The path of a new draft."""
    data = a_package(code=code)
    created = await world.made(VERSIONS, announced(data, code), key)
    await world.uploaded(created, data)
    path = f"/v1/versions/{created['version']['id']}"
    await world.call("POST", f"{path}/complete", key=key)
    deliveries = [MemoryDelivery(message.body) for message in world.queue.take()]
    await consume(deliveries, world.jobs().work)
    return path


async def published(world: World, key: str, code: int = 1) -> str:
    path = await drafted(world, key, code)
    answer = await world.call("POST", f"{path}/publish", key=key)
    assert answer.json()["version"]["is_current"] is True
    return path


async def changed(world: World, path: str, key: str, body: object = None) -> dict[str, Any]:
    answer = await world.call("POST", path, body, key=key)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_version_is_pulled_purged_and_restored(world: World) -> None:
    key = await world.developer()
    path = await published(world, key)
    pulled = await changed(world, f"{path}/pull", key, BECAUSE)
    assert pulled["purge"] == "pending"
    version = pulled["version"]
    assert (version["status"], version["pulled_by"]) == ("pulled", "developer")
    assert version["withdrawn_because"] == BECAUSE["reason"]
    assert (version["is_current"], version["due_at"][:4]) == (False, "2027")
    assert_problem(await world.call("GET", "/v1/apps/org.example.app/download"), 404)

    (message,) = [one for one in world.queue.take() if one.body["kind"] == "purge"]
    world.clock.advance(seconds=message.delay_seconds)
    delivery = MemoryDelivery(message.body)
    await consume([delivery], world.jobs().handler("stack-validate-package"))
    assert delivery.settled == "ack"
    assert world.purger.calls == [("version:org.example.app/1",)]
    assert await changed(world, f"{path}/pull", key, BECAUSE) == {**pulled, "purge": "done"}

    restored = (await changed(world, f"{path}/restore", key))["version"]
    assert (restored["status"], restored["is_current"], restored["due_at"]) == (
        "published",
        True,
        None,
    )
    download = await world.call("GET", "/v1/apps/org.example.app/download")
    assert download.json()["version_id"] == restored["id"]


async def test_what_an_operator_pulled_its_developer_does_not_restore(world: World) -> None:
    key = await world.developer()
    path = await published(world, key)
    await changed(world, f"{path}/pull", ROOT_KEY, BECAUSE)
    assert_problem(await world.call("POST", f"{path}/restore", key=key), 403, "forbidden")
    restored = await changed(world, f"{path}/restore", ROOT_KEY)
    assert restored["version"]["status"] == "published"


async def test_an_old_version_is_made_current_again(world: World) -> None:
    key = await world.developer()
    first, second = await published(world, key, 1), await published(world, key, 2)
    for caller in (key, key, ROOT_KEY):
        back = (await changed(world, f"{first}/rollback", caller))["version"]
        assert (back["version_code"], back["is_current"], back["due_at"]) == (1, True, None)
    answer = await world.call("GET", "/v1/apps/org.example.app/download")
    assert answer.json()["version_code"] == 1
    old = (await world.call("GET", second, key=key)).json()["version"]
    assert (old["status"], old["is_current"]) == ("published", False)


async def test_an_operator_rejects_a_draft(world: World) -> None:
    key = await world.developer()
    path = await drafted(world, key)
    assert_problem(await world.call("POST", f"{path}/reject", BECAUSE, key=key), 403)
    rejected = (await changed(world, f"{path}/reject", ROOT_KEY, BECAUSE))["version"]
    assert (rejected["status"], rejected["withdrawn_because"]) == ("rejected", BECAUSE["reason"])
    refused = assert_problem(await world.call("POST", f"{path}/publish", key=key), 409)
    assert refused["version_status"] == "rejected"


@pytest.mark.parametrize("action", ["pull", "restore", "rollback"])
async def test_an_illegal_transition_says_what_the_state_is(world: World, action: str) -> None:
    key = await world.developer()
    path = await drafted(world, key)
    before = await world.dump()
    body = BECAUSE if action == "pull" else None
    answer = await world.call("POST", f"{path}/{action}", body, key=key)
    problem = assert_problem(answer, 409, "illegal-transition")
    assert (problem["version_status"], problem["is_current"]) == ("draft", False)
    assert problem["legal_from"] == (["pulled"] if action == "restore" else ["published"])
    assert await world.dump() == before


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 422), ({"reason": ""}, 422), ({"reason": "x" * 501}, 422), ({"reason": 5}, 422)],
)
async def test_a_pull_needs_a_reason(world: World, body: object, status: int) -> None:
    key = await world.developer()
    path = await published(world, key)
    before = await world.dump()
    problem = assert_problem(await world.call("POST", f"{path}/pull", body, key=key), status)
    assert [error["pointer"] for error in problem["errors"]] == ["/reason"]
    assert await world.dump() == before


async def test_the_versions_of_an_app_are_listed_newest_first_page_by_page(world: World) -> None:
    key = await world.developer()
    made: list[str] = []
    for code in range(1, 103):
        created = await world.made(VERSIONS, announced(a_package(code=code), code), key)
        made.insert(0, created["version"]["id"])
        world.clock.advance(milliseconds=1)
    first = (await world.call("GET", VERSIONS, key=key)).json()
    assert [version["id"] for version in first["versions"]] == made[:100]
    rest = (await world.call("GET", f"{VERSIONS}?after={first['next']}", key=ROOT_KEY)).json()
    assert [version["id"] for version in rest["versions"]] == made[100:]
    assert rest["next"] is None


async def test_versions_are_listed_for_their_developer_and_operators_only(world: World) -> None:
    await world.developer()
    stranger = await world.developer("org.example.other")
    assert_problem(await world.call("GET", VERSIONS, key=stranger), 404, "not-found")
    unknown = await world.call("GET", "/v1/apps/org.example.none/versions", key=ROOT_KEY)
    assert_problem(unknown, 404, "not-found")
    listed = await world.call("GET", VERSIONS, key=ROOT_KEY)
    assert listed.json() == {"versions": [], "next": None}
