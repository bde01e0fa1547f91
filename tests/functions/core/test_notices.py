"""Notices are written with what they tell of, or not at all."""

import pytest

from functions.core import events
from functions.core.notice_deliveries import list_deliveries
from functions.core.notices import announce, notice_statements
from functions.core.times import rfc3339
from functions.ports.queue import QueueError
from functions.ports.records import ConflictError, Statement
from tests.contracts.object_store import run
from tests.functions.core.notice_world import NoticeWorld
from tests.functions.core.receivers import told


async def counted(site: NoticeWorld) -> tuple[int, int]:
    notices = await site.world.rows("SELECT * FROM notice")
    deliveries = await site.world.rows("SELECT * FROM notice_delivery")
    return len(notices), len(deliveries)


def test_the_operator_and_the_tenant_are_told_the_same_once(site: NoticeWorld) -> None:
    async def scenario() -> None:
        caller, other = await site.tenant(), await site.tenant("https://other.example.com/")
        at = site.world.clock.now_ms()
        notice_id = await site.happen(caller, "hostname.moved", name="apt.example.com", é="ü")
        await site.run()
        first, second = site.receivers.calls
        assert told(first) == told(second) == {
            "type": "hostname.moved",
            "timestamp": rfc3339(at),
            "tenant_id": caller.subject_id,
            "subject": "hostname-1",
            "data": {"name": "apt.example.com", "é": "ü"},
        }  # fmt: skip
        assert first.body == second.body
        assert first.headers["webhook-id"] == second.headers["webhook-id"] == notice_id
        assert other.subject_id is not None
        assert await list_deliveries(site.world.records, other, other.subject_id) == []

    run(scenario())


def test_a_lost_race_takes_its_notice_with_it(site: NoticeWorld) -> None:
    async def scenario() -> None:
        caller = await site.tenant()
        now = site.world.clock.now_ms()
        tell = notice_statements("hostname.active", caller.subject_id, "h", {}, now, lambda: "n")
        assert caller.subject_id is not None
        lost = events.Transition(
            "tenant", caller.subject_id, 99, "test", "renamed", "active", "active", now
        )
        with pytest.raises(ConflictError):
            await site.world.records.batch([lost.event(), *tell])
        assert await counted(site) == (0, 0)
        assert [statement.sql[:6] for statement in tell] == ["INSERT"] * 3

    run(scenario())


@pytest.mark.parametrize("webhook", ["none", "switched off", "removed"])
def test_a_tenant_without_a_webhook_is_not_told(site: NoticeWorld, webhook: str) -> None:
    async def scenario() -> None:
        caller = await site.tenant(None if webhook == "none" else "https://hooks.example.com/")
        if webhook == "switched off":
            await site.world.records.batch([Statement("UPDATE webhook SET switched_off_at = 1")])
        elif webhook == "removed":
            await site.world.records.batch([Statement("DELETE FROM webhook")])
        await site.happen(caller)
        assert await counted(site) == (1, 1)
        assert await site.states("operator") == ["waiting"]

    run(scenario())


def test_what_concerns_no_tenant_is_the_operators(site: NoticeWorld) -> None:
    async def scenario() -> None:
        await site.tenant()
        await site.happen(None)
        assert await counted(site) == (1, 1)

    run(scenario())


def test_a_webhook_that_is_set_later_is_not_told_of_the_past(site: NoticeWorld) -> None:
    async def scenario() -> None:
        caller = await site.tenant(None)
        await site.happen(caller)
        await site.set(caller)
        await site.run()
        assert await site.states() == []

    run(scenario())


def test_a_call_that_is_lost_is_no_failure() -> None:
    class Away:
        async def send(self, message: object, *, delay_seconds: int = 0) -> None:
            raise QueueError("away")

    run(announce(Away()))
