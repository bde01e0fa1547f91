"""`/v1/hostnames`, and the jobs that look at what is asked for there."""

from typing import Any

import pytest

from functions.entrypoints.job_queue import consume
from functions.entrypoints.job_schedule import tick
from tests.functions.entrypoints.deliveries import MemoryDelivery
from tests.functions.entrypoints.world import CNAME_TARGET, ROOT_KEY, World, assert_problem

pytestmark = pytest.mark.anyio

NAME = "apt.example.com"


class Tenant:
    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.number = number
        self.id = self.key = self.location_id = ""

    async def begin(self) -> "Tenant":
        made = await self.world.made("/v1/tenants", {"name": "Tess"})
        self.id, self.key = made["tenant_id"], made["key"]
        repository = await self.world.made(
            "/v1/repositories",
            {
                "tenant_id": self.id,
                "hostname": f"first.t{self.number}.example",
                "distribution": "stable",
            },
        )
        self.location_id = repository["repository"]["location_id"]
        return self

    async def post(self, name: str = NAME, **changes: Any) -> Any:
        body = {"name": name, "location_id": self.location_id, **changes}
        return await self.world.call("POST", "/v1/hostnames", body, key=self.key)

    async def claimed(self, name: str = NAME, **changes: Any) -> dict[str, Any]:
        answer = await self.post(name, **changes)
        assert answer.status_code == 201, answer.text
        return answer.json()["hostname"]

    async def shown(self, path: str) -> Any:
        answer = await self.world.call("GET", f"/v1/hostnames{path}", key=self.key)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
async def tenant(world: World) -> Tenant:
    return await Tenant(world, 1).begin()


@pytest.fixture
async def other(world: World) -> Tenant:
    return await Tenant(world, 2).begin()


def set_records(world: World, hostname: dict[str, Any]) -> None:
    for record in hostname["records"]:
        world.resolver.set(record["name"], record["type"], record["value"])


async def delivered(world: World) -> list[dict[str, Any]]:
    """Every waiting message once."""
    bodies: list[dict[str, Any]] = []
    for message in world.queue.take():
        delivery = MemoryDelivery(message.body)
        await consume([delivery], world.jobs().handler("stack-validate-package"))
        bodies.append(dict(message.body))
    return bodies


async def test_a_tenant_claims_sets_its_records_and_is_active(world: World, tenant: Tenant) -> None:
    hostname = await tenant.claimed()
    assert hostname["state"] == "requested"
    assert hostname["tenant_id"] == tenant.id
    ownership, routing = hostname["records"]
    assert (ownership["type"], ownership["name"]) == ("TXT", f"_stowage-challenge.{NAME}")
    assert ownership["value"].startswith("stowage-challenge=")
    assert (routing["name"], routing["value"]) == (NAME, CNAME_TARGET)
    assert [one["state"] for one in hostname["records"]] == ["unknown", "unknown"]
    assert [one["required"] for one in hostname["records"]] == [True, True]

    assert await delivered(world) == [{"kind": "hostnames"}]
    hostname = (await tenant.shown(f"/{hostname['id']}"))["hostname"]
    assert hostname["state"] == "awaiting_dns"
    assert [one["state"] for one in hostname["records"]] == ["missing", "missing"]

    set_records(world, hostname)
    world.clock.advance(seconds=60)
    await tick(world.jobs())
    world.authority.set(NAME, "active")
    world.clock.advance(seconds=60)
    asked = await world.call("POST", f"/v1/hostnames/{hostname['id']}/check", key=tenant.key)
    assert asked.status_code == 202
    await delivered(world)
    hostname = (await tenant.shown(f"/{hostname['id']}"))["hostname"]
    assert hostname["state"] == "active"
    assert hostname["hostname_status"] == hostname["certificate_status"] == "active"
    assert hostname["explanation"] == "It is served; there is nothing to do."
    assert hostname["http_tokens"][0]["purpose"] == "pre_validation"
    assert hostname["records"][2]["purpose"] == "pre_validation"


async def test_a_repeat_is_answered_with_the_same_claim(tenant: Tenant) -> None:
    first = await tenant.claimed()
    again = await tenant.post()
    assert again.status_code == 200
    assert again.json()["hostname"] == first


async def test_an_internationalised_name_is_kept_as_its_a_labels(tenant: Tenant) -> None:
    hostname = await tenant.claimed("Bücher.EXAMPLE.com.")
    assert hostname["name"] == "xn--bcher-kva.example.com"
    assert hostname["unicode_name"] == "bücher.example.com"
    assert (await tenant.post("xn--bcher-kva.example.com")).status_code == 200


async def test_a_domain_itself_is_warned_of(tenant: Tenant) -> None:
    assert "ALIAS" in (await tenant.claimed("example.co.uk"))["warnings"][0]
    assert (await tenant.claimed("apt.example.co.uk"))["warnings"] == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("co.uk", "public suffix"),
        ("github.io", "public suffix"),
        ("com", "two labels"),
        ("*.example.com", "wildcard"),
        ("a.stowage.test", "platform"),
        ("cdn.stowage.test", "platform"),
        ("127.0.0.1", "IP address"),
        ("xn--zzzzzzzz.example", "A-label"),
        ("a\u2028b.example", "IDNA"),
        ("a_b.example.com", "labels"),
        ("", "hostname"),
    ],
)
async def test_every_other_name_is_refused_with_its_reason(
    world: World, tenant: Tenant, name: str, reason: str
) -> None:
    before = await world.dump()
    problem = assert_problem(await tenant.post(name), 422)
    (error,) = problem["errors"]
    assert error["pointer"] == "/name"
    assert reason in error["detail"]
    assert await world.dump() == before


async def test_a_proven_name_is_refused_without_a_hint_whose(
    world: World, tenant: Tenant, other: Tenant
) -> None:
    assert_problem(await other.post("first.t1.example"), 409, "hostname-taken")
    answer = await other.post("first.t1.example")
    assert tenant.id not in answer.text


async def test_tenants_see_their_own_and_operators_all(
    world: World, tenant: Tenant, other: Tenant
) -> None:
    ours = await tenant.claimed()
    world.clock.advance(milliseconds=1)
    theirs = await other.claimed()
    assert {one["tenant_id"] for one in (await tenant.shown(""))["hostnames"]} == {tenant.id}
    assert (await tenant.shown(f"?tenant_id={other.id}"))["hostnames"] == []
    for path, method in ((f"/{theirs['id']}", "GET"), (f"/{theirs['id']}", "DELETE"),
                         (f"/{theirs['id']}/check", "POST")):  # fmt: skip
        answer = await world.call(method, f"/v1/hostnames{path}", key=tenant.key)
        assert_problem(answer, 404, "not-found")
    answer = await world.call("GET", "/v1/hostnames?state=requested", key=ROOT_KEY)
    assert [one["id"] for one in answer.json()["hostnames"]] == [ours["id"], theirs["id"]]
    path = f"/v1/hostnames?tenant_id={other.id}&location_id={other.location_id}"
    answer = await world.call("GET", path, key=ROOT_KEY)
    assert len(answer.json()["hostnames"]) == 2


async def test_many_come_in_pages(world: World, tenant: Tenant) -> None:
    for number in range(4):
        world.clock.advance(milliseconds=1)
        await tenant.claimed(f"h{number}.example.com")
    found: list[str] = []
    cursor = ""
    while True:
        page = await tenant.shown(f"?limit=2{cursor}")
        found += [one["name"] for one in page["hostnames"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert found == ["first.t1.example", *(f"h{number}.example.com" for number in range(4))]


async def test_an_operator_claims_for_a_tenant_and_says_which(world: World, tenant: Tenant) -> None:
    body = {"name": NAME, "location_id": tenant.location_id}
    problem = assert_problem(await world.call("POST", "/v1/hostnames", body, key=ROOT_KEY), 422)
    assert problem["errors"][0]["pointer"] == "/tenant_id"
    body["tenant_id"] = tenant.id
    made = await world.made("/v1/hostnames", body)
    assert made["hostname"]["state"] == "requested"
    assert (await tenant.post(tenant_id="another")).status_code == 422


async def test_developers_and_strangers_have_no_hostnames(world: World) -> None:
    key = await world.developer()
    for method, path in (("GET", ""), ("GET", "/x"), ("DELETE", "/x"), ("POST", "/x/check")):
        assert_problem(await world.call(method, f"/v1/hostnames{path}", key=key), 403)
        assert_problem(await world.call(method, f"/v1/hostnames{path}"), 401)


async def test_a_removed_hostname_is_shown_as_removed_and_purged(
    world: World, tenant: Tenant
) -> None:
    hostname = await tenant.claimed()
    await delivered(world)
    for _ in range(2):
        answer = await world.call("DELETE", f"/v1/hostnames/{hostname['id']}", key=tenant.key)
        assert (answer.status_code, answer.content) == (204, b"")
    await delivered(world)
    assert world.purger.calls == [(f"host:{NAME}",)]
    assert (await tenant.shown(f"/{hostname['id']}"))["hostname"]["state"] == "removed"
    listed = (await tenant.shown(""))["hostnames"]
    assert [one["name"] for one in listed] == ["first.t1.example"]


async def test_operators_see_what_cloudflare_knows_differently(
    world: World, tenant: Tenant
) -> None:
    path = "/v1/hostnames/drift"
    assert (await world.call("GET", path, key=ROOT_KEY)).json() == {"drift": None}
    assert_problem(await world.call("GET", path, key=tenant.key), 404)
    await world.authority.create("by-hand.example.com", "http")
    await tick(world.jobs())
    drift = (await world.call("GET", path, key=ROOT_KEY)).json()["drift"]
    assert drift["unknown_here"] == ["by-hand.example.com"]
    assert drift["missing_there"] == ["first.t1.example"]


async def test_looks_that_are_asked_for_too_fast_are_refused(world: World, tenant: Tenant) -> None:
    hostname = await tenant.claimed()
    await delivered(world)
    answer = await world.call("POST", f"/v1/hostnames/{hostname['id']}/check", key=tenant.key)
    assert_problem(answer, 429, "too-many-requests")
    assert answer.headers["retry-after"] == "5"
