"""Links by which tenants manage their hostnames: who makes them, what they open, when they end."""

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from functions.ports.records import Statement
from tests.functions.entrypoints.world import API_URL, ROOT_KEY, World, assert_problem

pytestmark = pytest.mark.anyio

OPEN_TO_LINKS = {
    "GET /v1/tenant",
    "GET /v1/locations",
    "POST /v1/hostnames",
    "GET /v1/hostnames",
    "GET /v1/hostnames/{hostname_id}",
    "DELETE /v1/hostnames/{hostname_id}",
    "POST /v1/hostnames/{hostname_id}/check",
}
"""With what a link may do; every other endpoint takes its token for no key at all."""

SPOILT: list[Callable[[str], str]] = [
    lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
    lambda token: token + "A",
    lambda token: token.replace(".l1.", ".l2."),
    lambda token: re.sub(r"\.(\d+)\.", lambda m: f".{int(m[1]) + 60_000}.", token),
    lambda token: re.sub(r"\.([0-9a-f])", lambda m: ".e" if m[1] != "e" else ".d", token, count=1),
    lambda token: "stl.",
    lambda token: token.replace("stl.", "stl.."),
]


class Tenants:
    """Two tenants, the first with a repository and a link."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def make(self) -> "Tenants":
        world = self.world
        self.own = await world.made("/v1/tenants", {"name": "Acme"})
        self.other = await world.made("/v1/tenants", {"name": "Other"})
        self.id: str = self.own["tenant_id"]
        self.path = f"/v1/tenants/{self.id}/links"
        for tenant, name in ((self.own, "apt.acme.example"), (self.other, "apt.other.example")):
            await world.made(
                "/v1/repositories",
                {"tenant_id": tenant["tenant_id"], "hostname": name, "distribution": "stable"},
            )
        self.link = await world.made(self.path, {"expires_in_seconds": 3600})
        self.token = self.link["url"].partition("#")[2]
        return self

    async def get(self, path: str, token: str | None = None) -> httpx.Response:
        return await self.world.call("GET", path, key=token or self.token)


@pytest.fixture
async def tenants(world: World) -> Tenants:
    return await Tenants(world).make()


async def test_a_link_carries_its_token_where_no_server_sees_it(tenants: Tenants) -> None:
    assert re.fullmatch(rf"{API_URL}/hostnames/#stl\.[\w.-]+", tenants.link["url"])
    assert tenants.link["expires_at"] == "2026-09-21T15:13:20.000Z"
    assert set(tenants.link) == {"id", "url", "expires_at"}


async def test_a_link_shows_its_tenant_and_what_belongs_to_it(tenants: Tenants) -> None:
    answer = (await tenants.get("/v1/tenant")).json()
    assert answer["tenant"]["name"] == "Acme"
    assert answer["link_expires_at"] == tenants.link["expires_at"]
    (location,) = (await tenants.get("/v1/locations")).json()["locations"]
    assert location["distributions"] == ["stable"]
    assert location["hostnames"] == ["apt.acme.example"]
    assert location["tenant_id"] == tenants.id
    assert "s3_bucket" not in location


async def test_a_tenants_key_sees_the_same_and_no_end(tenants: Tenants) -> None:
    answer = (await tenants.get("/v1/tenant", tenants.own["key"])).json()
    assert (answer["tenant"]["name"], answer["link_expires_at"]) == ("Acme", None)
    by_key = await tenants.get("/v1/locations", tenants.own["key"])
    assert by_key.json() == (await tenants.get("/v1/locations")).json()


async def test_a_link_opens_hostnames_and_nothing_else(tenants: Tenants) -> None:
    world = tenants.world
    before = await world.dump()
    document: dict[str, Any] = (await world.call("GET", "/openapi.json")).json()
    tried: set[str] = set()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            endpoint = f"{method.upper()} {path}"
            if "security" not in operation or endpoint in OPEN_TO_LINKS:
                continue
            tried.add(endpoint)
            filled = path.replace("{tenant_id}", tenants.id).replace(
                "{link_id}", tenants.link["id"]
            )
            answer = await world.call(method.upper(), filled, key=tenants.token)
            assert_problem(answer, 401, "unauthorized")
    assert "POST /v1/tenants/{tenant_id}/links" in tried
    assert len(tried) > 30
    assert await world.dump() == before


async def test_a_link_shows_nothing_of_another_tenant(tenants: Tenants) -> None:
    path = f"/v1/locations?tenant_id={tenants.other['tenant_id']}"
    assert_problem(await tenants.get(path), 404, "not-found")
    assert_problem(await tenants.get(path, tenants.own["key"]), 404, "not-found")
    assert len((await tenants.get(path, ROOT_KEY)).json()["locations"]) == 1


async def test_a_link_does_with_hostnames_what_the_tenant_may(
    world: World, tenants: Tenants
) -> None:
    (location,) = (await tenants.get("/v1/locations")).json()["locations"]
    body = {"name": "deb.example.com", "location_id": location["id"]}
    made = (await world.made("/v1/hostnames", body, tenants.token))["hostname"]
    assert made["tenant_id"] == tenants.id
    path = f"/v1/hostnames/{made['id']}"
    listed = (await tenants.get("/v1/hostnames")).json()["hostnames"]
    assert made["id"] in {one["id"] for one in listed}
    assert {one["tenant_id"] for one in listed} == {tenants.id}
    assert (await tenants.get(path)).json()["hostname"] == made
    assert (await world.call("POST", f"{path}/check", key=tenants.token)).status_code == 202
    assert (await world.call("DELETE", path, key=tenants.token)).status_code == 204
    events = await world.records.fetch(
        Statement("SELECT actor FROM event WHERE subject_id = ?", (made["id"],))
    )
    assert {event["actor"] for event in events} == {f"link:{tenants.link['id']}"}


async def test_a_link_finds_no_hostname_of_another_tenant(world: World, tenants: Tenants) -> None:
    (location,) = (await tenants.get("/v1/locations", tenants.other["key"])).json()["locations"]
    body = {"name": "deb.example.com", "location_id": location["id"]}
    made = (await world.made("/v1/hostnames", body, tenants.other["key"]))["hostname"]
    path = f"/v1/hostnames/{made['id']}"
    before = await world.dump()
    for method, found in (("GET", path), ("DELETE", path), ("POST", f"{path}/check")):
        assert_problem(await world.call(method, found, key=tenants.token), 404, "not-found")
    assert_problem(await world.call("POST", "/v1/hostnames", body, key=tenants.token), 422)
    assert await world.dump() == before


async def test_operators_name_the_tenant_and_developers_have_no_locations(
    world: World, tenants: Tenants
) -> None:
    assert_problem(await tenants.get("/v1/locations", ROOT_KEY), 422, "invalid-request")
    assert_problem(await tenants.get("/v1/tenant", ROOT_KEY), 404, "not-found")
    developer = await world.developer()
    assert_problem(await tenants.get("/v1/locations", developer), 403, "forbidden")


async def test_an_expired_link_says_so(world: World, tenants: Tenants) -> None:
    world.clock.advance(seconds=3599)
    assert (await tenants.get("/v1/tenant")).status_code == 200
    world.clock.advance(seconds=1)
    assert_problem(await tenants.get("/v1/tenant"), 401, "link-expired")


async def test_a_revoked_link_says_so_and_stays_revoked(world: World, tenants: Tenants) -> None:
    path = f"{tenants.path}/{tenants.link['id']}"
    assert (await world.call("DELETE", path, key=tenants.own["key"])).status_code == 204
    assert_problem(await tenants.get("/v1/tenant"), 401, "link-revoked")
    (listed,) = (await tenants.get(tenants.path, ROOT_KEY)).json()["links"]
    assert listed["revoked_at"] is not None
    world.clock.advance(seconds=60)
    assert (await world.call("DELETE", path, key=ROOT_KEY)).status_code == 204
    assert (await tenants.get(tenants.path, ROOT_KEY)).json()["links"] == [listed]


@pytest.mark.parametrize("spoil", SPOILT)
async def test_a_token_that_is_not_ours_opens_nothing(
    tenants: Tenants, spoil: Callable[[str], str]
) -> None:
    token = spoil(tenants.token)
    assert token != tenants.token
    assert_problem(await tenants.get("/v1/tenant", token), 401, "unauthorized")


async def test_a_tenant_makes_links_for_itself_only(world: World, tenants: Tenants) -> None:
    made = await world.made(tenants.path, {}, tenants.own["key"])
    assert made["expires_at"] == "2026-09-28T14:13:20.000Z"
    other = f"/v1/tenants/{tenants.other['tenant_id']}/links"
    before = await world.dump()
    nothing: dict[str, int] = {}
    for method, path, body in (
        ("POST", other, nothing),
        ("GET", other, None),
        ("DELETE", f"{other}/{tenants.link['id']}", None),
    ):
        assert_problem(await world.call(method, path, body, key=tenants.own["key"]), 404)
    assert_problem(await world.call("POST", tenants.path, {}, key=await world.developer()), 403)
    unknown = f"/v1/tenants/{tenants.link['id']}/links"
    assert_problem(await world.call("POST", unknown, {}, key=ROOT_KEY), 404)
    strange = f"{other}/{tenants.link['id']}"
    assert_problem(await world.call("DELETE", strange, key=ROOT_KEY), 404)
    after = await world.dump()
    assert after["tenant_link"] == before["tenant_link"]


@pytest.mark.parametrize("seconds", [0, 59, 90 * 86_400 + 1, "3600"])
async def test_a_link_lives_a_minute_to_ninety_days(
    world: World, tenants: Tenants, seconds: object
) -> None:
    answer = await world.call("POST", tenants.path, {"expires_in_seconds": seconds}, key=ROOT_KEY)
    assert_problem(answer, 422, "invalid-request")


async def test_links_are_listed_without_their_secrets(tenants: Tenants) -> None:
    answer = await tenants.get(tenants.path, tenants.own["key"])
    (listed,) = answer.json()["links"]
    assert set(listed) == {"id", "created_at", "expires_at", "revoked_at"}
    assert tenants.token.rpartition(".")[2] not in answer.text
    dump = await tenants.world.dump()
    assert tenants.token.rpartition(".")[2] not in repr(dump)
