"""Each message of a batch is settled by itself."""

from collections.abc import Mapping

import pytest

from functions.core.validation import Outcome
from functions.entrypoints.job_queue import LONGEST_RETRY_SECONDS, consume
from tests.functions.entrypoints.deliveries import MemoryDelivery
from tests.functions.entrypoints.packages import a_package, announced
from tests.functions.entrypoints.world import World

pytestmark = pytest.mark.anyio


async def by_name(message: Mapping[str, object]) -> Outcome:
    match message["do"]:
        case "fail":
            raise RuntimeError("inside")
        case "busy":
            return Outcome("busy", "v", retry_after_seconds=7)
        case _:
            return Outcome("draft", "v")


async def test_a_message_that_fails_holds_up_no_other() -> None:
    batch = [MemoryDelivery({"do": what}) for what in ("work", "fail", "busy", "work")]
    await consume(batch, by_name)
    assert [delivery.settled for delivery in batch] == ["ack", "retry in 5", "retry in 7", "ack"]


async def test_the_delay_grows_with_each_attempt_up_to_a_bound() -> None:
    delays: list[str | None] = []
    for attempts in (1, 2, 3, 99):
        delivery = MemoryDelivery({"do": "fail"}, attempts=attempts)
        await consume([delivery], by_name)
        delays.append(delivery.settled)
    assert delays == [
        "retry in 5",
        "retry in 10",
        "retry in 20",
        f"retry in {LONGEST_RETRY_SECONDS}",
    ]


@pytest.mark.parametrize("body", [None, 5, "text", [], ValueError("no JSON")])
async def test_a_message_that_can_never_be_worked_on_is_dropped_with_a_word(
    body: object, caplog: pytest.LogCaptureFixture
) -> None:
    delivery = MemoryDelivery(body)
    after = MemoryDelivery({"do": "work"})
    await consume([delivery, after], by_name)
    assert (delivery.settled, after.settled) == ("ack", "ack")
    assert "message-1 is dropped" in caplog.text


@pytest.mark.parametrize(
    "body", [{}, {"version_id": "x", "upload_id": "y"}, {"version_id": 5}, {"version_id": None}]
)
@pytest.mark.parametrize("queue", ["stack-validate-package", "stack-validate-package-dead"])
async def test_a_message_that_names_nothing_is_acknowledged(
    world: World, queue: str, body: dict[str, object]
) -> None:
    delivery = MemoryDelivery(body)
    await consume([delivery], world.jobs().handler(queue))
    assert delivery.settled == "ack"


async def a_validating_version(world: World, key: str) -> str:
    created = await world.made("/v1/apps/org.example.app/versions", announced(a_package()), key)
    await world.uploaded(created, a_package())
    version_id: str = created["version"]["id"]
    await world.call("POST", f"/v1/versions/{version_id}/complete", key=key)
    return version_id


async def test_a_message_delivered_twice_is_worked_on_once(world: World) -> None:
    key = await world.developer()
    await a_validating_version(world, key)
    (message,) = world.queue.take()
    handler = world.jobs().handler("stack-validate-package")
    await consume([MemoryDelivery(message.body)], handler)
    before = await world.dump()
    again = MemoryDelivery(message.body)
    await consume([again], handler)
    assert again.settled == "ack"
    assert await world.dump() == before


async def test_a_dead_letter_marks_its_version_before_it_is_acknowledged(world: World) -> None:
    key = await world.developer()
    version_id = await a_validating_version(world, key)
    (message,) = world.queue.take()
    delivery = MemoryDelivery(message.body)
    await consume([delivery], world.jobs().handler("stack-validate-package-dead"))
    assert delivery.settled == "ack"
    version = (await world.call("GET", f"/v1/versions/{version_id}", key=key)).json()["version"]
    assert version["status"] == "failed"
    assert version["problems"]


async def test_a_dead_letter_that_cannot_be_marked_is_not_acknowledged(world: World) -> None:
    key = await world.developer()
    await a_validating_version(world, key)
    (message,) = world.queue.take()
    handler = world.jobs().handler("stack-validate-package-dead")
    world.records.close()
    delivery = MemoryDelivery(message.body)
    await consume([delivery], handler)
    assert delivery.settled == "retry in 5"
