"""`/v1/backups`, and the jobs that make what is asked for there."""

from typing import Any

import pytest

from functions.entrypoints.job_queue import consume
from functions.entrypoints.job_schedule import tick
from functions.ports.queue import QueueError
from functions.ports.records import Statement
from tests.functions.entrypoints.deliveries import MemoryDelivery
from tests.functions.entrypoints.world import ROOT_KEY, World, assert_problem

pytestmark = pytest.mark.anyio


async def asked(world: World) -> dict[str, Any]:
    answer = await world.call("POST", "/v1/backups", key=ROOT_KEY)
    assert answer.status_code == 202
    return answer.json()["backup"]


async def shown(world: World, path: str = "/v1/backups") -> Any:
    answer = await world.call("GET", path, key=ROOT_KEY)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_what_is_asked_for_is_made_by_the_message_that_follows(world: World) -> None:
    await world.developer()
    backup = await asked(world)
    assert (backup["status"], backup["reason"]) == ("requested", "request")
    assert backup["actor"] == "key:root"
    assert backup["started_at"] is None
    (message,) = world.queue.take()
    assert message.body == {"kind": "backup"}
    delivery = MemoryDelivery(message.body)
    await consume([delivery], world.jobs().handler("stack-validate-package"))
    assert delivery.settled == "ack"

    made = (await shown(world, f"/v1/backups/{backup['id']}"))["backup"]
    assert made["status"] == "complete"
    assert made["object_key"].endswith(f"{backup['id']}.sql.gz")
    assert made["row_count"] > 3
    info = await world.backups.head(made["object_key"])
    assert info is not None
    assert (info.size, info.sha256) == (made["size"], made["sha256"])
    assert (await shown(world))["backups"] == [made]


async def test_a_message_that_is_lost_is_made_up_for_by_the_schedule(world: World) -> None:
    class Away:
        async def send(self, message: object, *, delay_seconds: int = 0) -> None:
            raise QueueError("the queue is away")

    queue = world.queue
    world.change(queue=Away())
    backup = await asked(world)
    assert queue.take() == []
    await tick(world.jobs())
    assert (await shown(world, f"/v1/backups/{backup['id']}"))["backup"]["status"] == "complete"


async def test_a_message_without_a_request_makes_nothing(world: World) -> None:
    for queue in ("stack-validate-package", "stack-validate-package-dead"):
        delivery = MemoryDelivery({"kind": "backup"})
        await consume([delivery], world.jobs().handler(queue))
        assert delivery.settled == "ack"
    assert (await world.backups.list_objects("")).objects == ()


async def test_asking_twice_is_asking_once(world: World) -> None:
    first, second = await asked(world), await asked(world)
    assert first == second
    assert len((await shown(world))["backups"]) == 1


async def test_many_backups_come_in_pages_the_newest_first(world: World) -> None:
    ids = [f"00000000-0000-7000-8000-{number:012x}" for number in range(201)]
    await world.records.batch(
        [
            Statement(
                "INSERT INTO backup (id, status, reason, actor, requested_at, started_at,"
                " finished_at, problem) VALUES (?, 'failed', 'schedule', 'schedule', 0, 0, 1, 'x')",
                (one,),
            )
            for one in ids
        ]
    )
    found: list[str] = []
    path = "/v1/backups"
    while path:
        page = await shown(world, path)
        found += [one["id"] for one in page["backups"]]
        path = f"/v1/backups?before={page['next']}" if page["next"] else ""
    assert found == ids[::-1]


async def test_a_backup_that_does_not_exist_is_not_found(world: World) -> None:
    for backup_id in ("x", "00000000-0000-7000-8000-000000000000"):
        answer = await world.call("GET", f"/v1/backups/{backup_id}", key=ROOT_KEY)
        assert_problem(answer, 404, "not-found")
