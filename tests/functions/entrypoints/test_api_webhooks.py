"""`/v1/tenants/{id}/webhook`, and the jobs that deliver to it."""

from typing import Any

import pytest

from functions.core.notices import notice_statements
from functions.core.webhook_calls import alert_receiver
from functions.entrypoints.job_queue import LONGEST_RETRY_SECONDS, consume
from functions.entrypoints.job_schedule import tick
from functions.ports.queue import QueueError
from tests.functions.core.receivers import is_signed_by, refuses, takes, told
from tests.functions.entrypoints.deliveries import MemoryDelivery
from tests.functions.entrypoints.world import ROOT_KEY, World, assert_problem

pytestmark = pytest.mark.anyio

URL = "https://hooks.example.com/a"
NOTICE_ID = "019ce0b8-1111-7222-8333-444455556666"
ENDPOINTS = [
    ("PUT", "", {"url": URL}),
    ("GET", "", None),
    ("DELETE", "", None),
    ("POST", "/rotate", None),
    ("POST", "/test", None),
    ("GET", "/deliveries", None),
]


class Tenant:
    def __init__(self, world: World, made: dict[str, Any]) -> None:
        self.world, self.id, self.key = world, made["tenant_id"], made["key"]

    async def call(self, method: str, path: str = "", body: object = None, key: str = "") -> Any:
        path = f"/v1/tenants/{self.id}/webhook{path}"
        return await self.world.call(method, path, body, key=key or self.key)

    async def put(self, url: str = URL) -> dict[str, Any]:
        answer = await self.call("PUT", "", {"url": url})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def deliveries(self) -> list[dict[str, Any]]:
        return (await self.call("GET", "/deliveries")).json()["deliveries"]


@pytest.fixture
async def tenant(world: World) -> Tenant:
    return Tenant(world, await world.made("/v1/tenants", {"name": "T"}))


async def delivered(world: World, attempts: int = 1) -> str | None:
    """What becomes of the message that the api sent."""
    (message,) = world.queue.take()
    assert message.body == {"kind": "notices"}
    delivery = MemoryDelivery(message.body, attempts=attempts)
    await consume([delivery], world.jobs().handler("stack-validate-package"))
    return delivery.settled


async def test_the_secret_is_shown_when_it_is_made_and_never_again(
    world: World, tenant: Tenant
) -> None:
    made = await tenant.put()
    assert made["secret"].startswith("whsec_")
    shown = await tenant.call("GET")
    assert shown.json()["webhook"] == made["webhook"]
    assert set(made["webhook"]) == {
        "tenant_id", "url", "switched_off_at", "previous_secret_until", "created_at", "changed_at",
    }  # fmt: skip
    assert (await tenant.put())["secret"] is None
    rotated = (await tenant.call("POST", "/rotate")).json()
    assert rotated["secret"] not in (None, made["secret"])
    assert rotated["webhook"]["previous_secret_until"] == "2026-09-22T14:13:20.000Z"
    for path in ("", "/deliveries"):
        assert "whsec_" not in (await tenant.call("GET", path)).text
    operator = await tenant.call("GET", key=ROOT_KEY)
    assert operator.json() == (await tenant.call("GET")).json()


async def test_a_test_notice_arrives_signed(world: World, tenant: Tenant) -> None:
    secret = (await tenant.put())["secret"]
    answer = await tenant.call("POST", "/test")
    assert answer.status_code == 202
    assert await delivered(world) == "ack"
    (sent,) = world.receivers.calls
    assert is_signed_by(sent, secret)
    assert told(sent)["type"] == "webhook.test"
    (delivery,) = await tenant.deliveries()
    assert delivery["notice_id"] == sent.headers["webhook-id"] == answer.json()["notice_id"]
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 1)


async def test_the_message_comes_again_for_what_is_due_soon_and_not_for_what_is_due_late(
    world: World, tenant: Tenant
) -> None:
    await tenant.put()
    await tenant.call("POST", "/test")
    world.receivers.behaviour[URL] = refuses(500)
    settled = await delivered(world)
    assert settled is not None
    assert settled.startswith("retry in ")
    assert 5 <= int(settled.removeprefix("retry in ")) <= 10
    world.clock.advance(seconds=10)
    world.receivers.behaviour[URL] = refuses(503, retry_after=str(LONGEST_RETRY_SECONDS + 1))
    await tenant.call("POST", "/test")
    assert await delivered(world, attempts=2) == "ack"
    world.receivers.behaviour[URL] = takes
    world.clock.advance(seconds=LONGEST_RETRY_SECONDS + 1)
    await tick(world.jobs())
    assert [one["state"] for one in await tenant.deliveries()] == ["delivered"]


async def test_a_message_that_is_lost_is_made_up_for_by_the_schedule(
    world: World, tenant: Tenant
) -> None:
    class Away:
        async def send(self, message: object, *, delay_seconds: int = 0) -> None:
            raise QueueError("the queue is away")

    await tenant.put()
    world.change(queue=Away())
    assert (await tenant.call("POST", "/test")).status_code == 202
    await tick(world.jobs())
    assert [one["state"] for one in await tenant.deliveries()] == ["delivered"]


async def test_what_is_given_up_is_said_in_the_log_without_the_url(
    world: World, tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    await tenant.put()
    world.alert = alert_receiver("https://alerts.example.com/secret-path", "hush-hush-hush")
    now = world.clock.now_ms()
    await world.records.batch(
        notice_statements("hostname.moved", tenant.id, "h", {}, now, lambda: NOTICE_ID)
    )
    for url in (URL, world.alert.url):
        world.receivers.behaviour[url] = refuses(410)
    await tick(world.jobs())
    assert f"notice {NOTICE_ID} to the operator is given up: answered 410" in caplog.text
    assert f"notice {NOTICE_ID} to tenant {tenant.id} is given up" in caplog.text
    assert "secret-path" not in caplog.text
    alerts = await world.call("GET", "/v1/alert-webhook/deliveries", key=ROOT_KEY)
    (alert,) = alerts.json()["deliveries"]
    assert (alert["kind"], alert["state"], alert["status"]) == ("hostname.moved", "failed", 410)
    assert "hush-hush" not in caplog.text
    assert (await tenant.call("GET")).json()["webhook"]["switched_off_at"] is not None


async def test_a_dead_letter_of_a_call_is_acknowledged(world: World) -> None:
    delivery = MemoryDelivery({"kind": "notices"})
    await consume([delivery], world.jobs().handler("stack-validate-package-dead"))
    assert delivery.settled == "ack"


async def test_a_webhook_is_removed_twice_as_once(world: World, tenant: Tenant) -> None:
    await tenant.put()
    for _ in range(2):
        answer = await tenant.call("DELETE")
        assert (answer.status_code, answer.content) == (204, b"")
    for method, path, _ in ENDPOINTS[1:]:
        if method != "DELETE" and path != "/deliveries":
            assert_problem(await tenant.call(method, path), 404, "not-found")


@pytest.mark.parametrize(
    "url", ["http://hooks.example.com/", "https://10.0.0.1/", "https://api.stowage.test/", "", "x"]
)
async def test_a_url_that_may_not_be_called_is_refused_and_writes_nothing(
    world: World, tenant: Tenant, url: str
) -> None:
    before = await world.dump()
    problem = assert_problem(await tenant.call("PUT", "", {"url": url}), 422, "invalid-request")
    assert [error["pointer"] for error in problem["errors"]] == ["/url"]
    assert await world.dump() == before


@pytest.mark.parametrize(("method", "path", "body"), ENDPOINTS)
async def test_nobody_else_reaches_a_tenants_webhook(
    world: World, tenant: Tenant, method: str, path: str, body: object
) -> None:
    await tenant.put("https://hooks.example.com/b")
    stranger = (await world.made("/v1/tenants", {"name": "Eve"}))["key"]
    developer = await world.developer()
    before = await world.dump()
    assert_problem(await tenant.call(method, path, body, stranger), 404, "not-found")
    assert_problem(await tenant.call(method, path, body, developer), 403, "forbidden")
    assert_problem(await tenant.call(method, path, body, "stw_x"), 401, "unauthorized")
    unknown = f"/v1/tenants/x/webhook{path}"
    assert_problem(await world.call(method, unknown, body, key=ROOT_KEY), 404, "not-found")
    assert await world.dump() == before
