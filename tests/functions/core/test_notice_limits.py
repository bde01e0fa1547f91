"""What a run of deliveries is limited to, and what of them is kept."""

import asyncio
from typing import cast

import pytest

from functions.core import webhook_calls
from functions.core.notice_deliveries import LEASE_MS, list_deliveries
from functions.core.notice_runs import (
    KEPT_MS,
    NoticeReport,
    run_notices,
)
from functions.core.webhook_calls import MAX_ANSWER_BYTES
from functions.ports.fetch import FetchRequest
from functions.ports.records import Statement
from tests.contracts.object_store import run
from tests.functions.core.notice_world import ALERT_URL, URL, NoticeWorld
from tests.functions.core.receivers import (
    Receivers,
    Said,
    is_away,
)


def test_a_run_is_bounded_and_the_next_goes_on(site: NoticeWorld) -> None:
    async def scenario() -> None:
        caller = await site.tenant(None)
        for _ in range(5):
            await site.happen(caller)
            site.world.clock.advance(milliseconds=1)
        report = await site.run(batch=2)
        assert (report.delivered, report.retry_after_seconds) == (2, 0)
        assert (await site.run(batch=2)).delivered == 2
        assert await site.run(batch=2) == NoticeReport(1, 0, 0, 0)
        told = site.receivers.ids(ALERT_URL)
        assert told == sorted(told)

    run(scenario())


def test_no_call_begins_when_a_runs_time_is_up(site: NoticeWorld) -> None:
    async def scenario() -> None:
        site.alert = None
        caller = await site.tenant()
        for _ in range(5):
            await site.happen(caller)

        def slow(_: FetchRequest) -> Said:
            site.world.clock.advance(seconds=25)
            return Said()

        site.receivers.behaviour[URL] = slow
        assert (await site.run()).delivered == 3
        assert (await site.run()).delivered == 2

    run(scenario())


def test_two_runs_at_once_send_each_notice_once(site: NoticeWorld) -> None:
    async def scenario() -> None:
        for number in range(3):
            caller = await site.tenant(f"https://h{number}.example.com/")
            for _ in range(3):
                await site.happen(caller)
        await asyncio.gather(*(site.run() for _ in range(3)))
        calls = [(call.url, call.headers["webhook-id"]) for call in site.receivers.calls]
        assert len(calls) == len(set(calls)) == 18

    run(scenario())


def test_an_answer_that_comes_when_the_lease_is_over_changes_nothing(site: NoticeWorld) -> None:
    async def scenario() -> None:
        site.alert = None
        caller = await site.tenant()
        await site.happen(caller)

        class Late(Receivers):
            async def __call__(self, request: FetchRequest) -> Said:
                site.world.clock.advance(milliseconds=LEASE_MS)
                await site.run()
                return Said(500)

        await run_notices(site.deps(fetch=Late()))
        (delivery,) = await site.shown(caller)
        assert (delivery.state, delivery.attempts) == ("delivered", 2)

    run(scenario())


def test_a_receiver_that_never_answers_is_left_after_a_time_limit(
    site: NoticeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hanging(Receivers):
        async def __call__(self, request: FetchRequest) -> Said:
            await asyncio.Event().wait()
            raise AssertionError("nobody sets it")

    async def scenario() -> None:
        monkeypatch.setattr(webhook_calls, "TIMEOUT_SECONDS", 0.01)
        caller = await site.tenant()
        await site.happen(caller)
        await run_notices(site.deps(fetch=Hanging()))
        (delivery,) = await site.shown(caller)
        assert (delivery.state, delivery.status) == ("waiting", None)
        assert "no answer within" in (delivery.problem or "")

    run(scenario())


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        (b"", "answered 500"),
        (b"down\nfor\x00 \xff maintenance", "answered 500: down for maintenance"),
        (b"x" * 5000, "answered 500: " + "x" * MAX_ANSWER_BYTES),
        ("é".encode() * 5000, "answered 500: " + "é" * (MAX_ANSWER_BYTES // 2)),
    ],
)
def test_of_an_answers_body_its_beginning_is_kept_for_people(
    site: NoticeWorld, content: bytes, kept: str
) -> None:
    async def scenario() -> None:
        caller = await site.tenant()
        await site.happen(caller)
        said = Said(500, content=content)
        site.receivers.behaviour[URL] = lambda _: said
        await site.run()
        (delivery,) = await site.shown(caller)
        assert delivery.problem == kept
        assert said.is_closed
        assert said.read < MAX_ANSWER_BYTES + 200

    run(scenario())


def test_a_body_that_breaks_off_leaves_the_status(site: NoticeWorld) -> None:
    async def scenario() -> None:
        caller = await site.tenant()
        await site.happen(caller)
        site.receivers.behaviour[URL] = lambda _: Said(502, content=b"par", breaks_off=True)
        await site.run()
        (delivery,) = await site.shown(caller)
        assert delivery.problem == "answered 502"

    run(scenario())


def test_of_what_was_taken_no_body_is_read(site: NoticeWorld) -> None:
    async def scenario() -> None:
        caller = await site.tenant()
        await site.happen(caller)
        said = Said(200, content=b"x" * 5000)
        site.receivers.behaviour[URL] = lambda _: said
        await site.run()
        assert (said.read, said.is_closed) == (0, True)

    run(scenario())


def test_notices_are_kept_for_thirty_days_and_go_in_bounded_parts(site: NoticeWorld) -> None:
    async def scenario() -> None:
        caller = await site.tenant()
        for _ in range(60):
            await site.happen(caller)
        for _ in range(3):
            await site.run()
        site.world.clock.advance(milliseconds=KEPT_MS)
        assert (await site.run()).deleted == 0
        await site.happen(caller)
        site.world.clock.advance(milliseconds=1)
        assert [(await site.run()).deleted for _ in range(3)] == [50, 10, 0]
        assert len(await site.world.rows("SELECT * FROM notice")) == 1
        assert await site.states() == ["delivered"]

    run(scenario())


def test_a_notice_that_still_waits_is_kept_however_old_it_is(site: NoticeWorld) -> None:
    async def scenario() -> None:
        caller = await site.tenant()
        await site.happen(caller)
        site.receivers.behaviour[URL] = is_away
        site.world.clock.advance(milliseconds=2 * KEPT_MS)
        later = Statement(
            "UPDATE notice_delivery SET due_at = ?", (site.world.clock.now_ms() + 1000,)
        )
        await site.world.records.batch([later])
        assert (await site.run()).deleted == 0
        site.world.clock.advance(seconds=1)
        report = await site.run()
        assert (report.ended, report.deleted) == (1, 1)

    run(scenario())


def test_deliveries_are_listed_page_by_page_the_newest_first(site: NoticeWorld) -> None:
    async def scenario() -> None:
        caller = await site.tenant()
        made: list[str] = []
        for _ in range(3):
            made.append(await site.happen(caller))
            site.world.clock.advance(milliseconds=1)
        tenant_id = cast("str", caller.subject_id)
        first = await list_deliveries(site.world.records, caller, tenant_id, limit=2)
        rest = await list_deliveries(
            site.world.records, caller, tenant_id, before=first[-1].notice_id, limit=2
        )
        assert [one.notice_id for one in (*first, *rest)] == made[::-1]

    run(scenario())
