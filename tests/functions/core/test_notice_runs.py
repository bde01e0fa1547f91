"""Deliveries: signed, bounded, tried again, given up, and shown."""

from typing import cast

import pytest

from functions.core import webhook_calls, webhooks
from functions.core.notice_runs import (
    FIRST_RETRY_MS,
    GIVE_UP_MS,
    LONGEST_RETRY_MS,
    NoticeReport,
    run_notices,
)
from functions.ports.fetch import FetchRequest
from tests.contracts.object_store import run
from tests.functions.core.notice_world import ALERT_SECRET, ALERT_URL, URL, NoticeWorld
from tests.functions.core.receivers import (
    Receivers,
    Said,
    is_away,
    is_signed_by,
    refuses,
    takes,
)


def test_a_notice_is_signed_with_the_tenants_secret_at_the_time_of_the_attempt(
    site: NoticeWorld,
) -> None:
    async def scenario() -> None:
        caller, other = await site.tenant(), await site.tenant("https://other.example.com/")
        await site.happen(caller)
        site.world.clock.advance(seconds=30)
        report = await site.run()
        assert report == NoticeReport(2, 0, 0, 0)
        (sent,) = [call for call in site.receivers.calls if call.url == URL]
        assert is_signed_by(sent, await site.secret(caller))
        assert not is_signed_by(sent, await site.secret(other))
        assert sent.headers["webhook-timestamp"] == str(site.world.clock.now_ms() // 1000)
        assert sent.headers["content-type"] == "application/json"
        assert sent.method == "POST"
        assert (await site.run()).delivered == 0
        (delivery,) = await site.shown(caller)
        assert (delivery.state, delivery.attempts, delivery.status) == ("delivered", 1, 204)

    run(scenario())


def test_while_a_secret_is_rotated_either_verifies(site: NoticeWorld) -> None:
    async def scenario() -> None:
        caller = await site.tenant()
        before = await site.secret(caller)
        world = site.world
        await webhooks.rotate_secret(
            world.records, world.clock, world.entropy, caller, cast("str", caller.subject_id)
        )
        await site.happen(caller)
        await site.run()
        (sent,) = [call for call in site.receivers.calls if call.url == URL]
        assert is_signed_by(sent, await site.secret(caller))
        assert is_signed_by(sent, before)
        world.clock.advance(milliseconds=webhooks.OVERLAP_MS)
        await site.happen(caller)
        await site.run()
        *_, sent = [call for call in site.receivers.calls if call.url == URL]
        assert is_signed_by(sent, await site.secret(caller))
        assert not is_signed_by(sent, before)

    run(scenario())


def test_the_operators_webhook_gets_the_secret_as_from_cloudflare_and_a_signature(
    site: NoticeWorld,
) -> None:
    async def scenario() -> None:
        await site.happen(None)
        await site.run()
        (sent,) = site.receivers.calls
        assert sent.url == ALERT_URL
        assert sent.headers["cf-webhook-auth"] == ALERT_SECRET
        assert sent.headers["webhook-signature"].startswith("v1,")
        assert ALERT_SECRET not in repr(sent)

    run(scenario())


def test_without_an_operators_webhook_its_notices_are_skipped(site: NoticeWorld) -> None:
    async def scenario() -> None:
        site.alert = None
        await site.happen(None)
        assert await site.run() == NoticeReport(0, 0, 1, 0)
        assert await site.states("operator") == ["skipped"]
        site.alert = webhook_calls.alert_receiver(ALERT_URL, None)
        await site.happen(None)
        await site.run()
        (sent,) = site.receivers.calls
        assert {"cf-webhook-auth", "webhook-signature"}.isdisjoint(sent.headers)

    run(scenario())


@pytest.mark.parametrize("behaviour", [is_away, *(refuses(s) for s in (302, 400, 404, 429, 500))])
def test_a_failure_is_tried_again_under_the_same_id_until_it_is_taken(
    site: NoticeWorld, behaviour: object
) -> None:
    async def scenario() -> None:
        caller = await site.tenant()
        notice_id = await site.happen(caller)
        site.receivers.behaviour[URL] = behaviour  # pyright: ignore[reportArgumentType]
        assert (await site.run()).put_off == 1
        (delivery,) = await site.shown(caller)
        assert (delivery.state, delivery.attempts) == ("waiting", 1)
        assert delivery.problem
        site.receivers.behaviour[URL] = takes
        await site.run_until_idle()
        assert site.receivers.ids(URL) == [notice_id] * 2
        (delivery,) = await site.shown(caller)
        assert (delivery.state, delivery.attempts, delivery.problem) == ("delivered", 2, None)
        assert len({call.headers["webhook-timestamp"] for call in site.receivers.calls}) == 2

    run(scenario())


def test_the_delays_grow_with_jitter_up_to_a_bound_and_end_after_three_days(
    site: NoticeWorld,
) -> None:
    async def scenario() -> None:
        site.alert = None
        caller = await site.tenant()
        begun = site.world.clock.now_ms()
        await site.happen(caller)
        site.receivers.behaviour[URL] = refuses(500)
        delays: list[int] = []
        report = await site.run()
        while report.retry_after_seconds is not None:
            assert report.errors == ()
            delays.append(report.retry_after_seconds * 1000)
            site.world.clock.advance(milliseconds=delays[-1])
            report = await site.run()
        wanted = FIRST_RETRY_MS
        for delay in delays[:-1]:
            assert wanted // 2 <= delay <= wanted + 1000
            wanted = min(wanted * 4, LONGEST_RETRY_MS)
        assert len(set(delays[6:])) > 1
        assert begun + GIVE_UP_MS <= site.world.clock.now_ms() < begun + GIVE_UP_MS + 60_000
        (delivery,) = await site.shown(caller)
        assert (delivery.state, delivery.status, delivery.due_at) == ("failed", 500, None)
        assert delivery.problem == "answered 500: no"
        (error,) = report.errors
        assert delivery.notice_id in error
        assert URL not in error
        calls = len(site.receivers.calls)
        site.world.clock.advance(milliseconds=GIVE_UP_MS)
        await site.run()
        assert len(site.receivers.calls) == calls == delivery.attempts

    run(scenario())


def test_a_receiver_that_names_a_time_is_not_called_before_it(site: NoticeWorld) -> None:
    async def scenario() -> None:
        caller = await site.tenant()
        await site.happen(caller)
        site.receivers.behaviour[URL] = refuses(429, retry_after="120")
        assert (await site.run()).retry_after_seconds == 120
        site.world.clock.advance(seconds=120)
        site.receivers.behaviour[URL] = refuses(503, retry_after="99999999")
        assert (await site.run()).retry_after_seconds == LONGEST_RETRY_MS // 1000
        site.world.clock.advance(milliseconds=LONGEST_RETRY_MS)
        site.receivers.behaviour[URL] = refuses(503, retry_after="tomorrow")
        wait = (await site.run()).retry_after_seconds
        assert wait is not None
        assert wait <= FIRST_RETRY_MS * 16 // 1000

    run(scenario())


def test_a_receiver_that_is_gone_is_switched_off_and_told_nothing_more(site: NoticeWorld) -> None:
    async def scenario() -> None:
        caller = await site.tenant()
        for _ in range(3):
            await site.happen(caller)
        site.receivers.behaviour[URL] = refuses(410)
        await site.run_until_idle()
        assert len(site.receivers.ids(URL)) == 1
        assert sorted(await site.states()) == ["failed", "skipped", "skipped"]
        webhook = await webhooks.get_webhook(
            site.world.records, caller, cast("str", caller.subject_id)
        )
        assert webhook.switched_off_at is not None
        await site.happen(caller)
        assert len(await site.states()) == 3
        site.world.clock.advance(seconds=1)
        await site.set(caller)
        site.receivers.behaviour[URL] = takes
        await site.happen(caller)
        await site.run()
        assert (await site.states())[-1] == "delivered"

    run(scenario())


def test_a_410_to_what_was_set_anew_meanwhile_switches_nothing_off(site: NoticeWorld) -> None:
    async def scenario() -> None:
        caller = await site.tenant()
        await site.happen(caller)

        class Slow(Receivers):
            async def __call__(self, request: FetchRequest) -> Said:
                if request.url == URL:
                    site.world.clock.advance(seconds=1)
                    await site.set(caller, URL + "/new")
                    return Said(410)
                return await super().__call__(request)

        await run_notices(site.deps(fetch=Slow()))
        webhook = await webhooks.get_webhook(
            site.world.records, caller, cast("str", caller.subject_id)
        )
        assert webhook.switched_off_at is None

    run(scenario())


def test_what_waits_for_a_webhook_that_was_removed_is_skipped(site: NoticeWorld) -> None:
    async def scenario() -> None:
        caller = await site.tenant()
        await site.happen(caller)
        await webhooks.remove_webhook(
            site.world.records, site.world.clock, caller, cast("str", caller.subject_id)
        )
        await site.run()
        assert site.receivers.ids(URL) == []
        (delivery,) = await site.shown(caller)
        assert (delivery.state, delivery.attempts) == ("skipped", 0)

    run(scenario())


def test_a_dead_receiver_costs_a_run_one_call_and_holds_up_nobody_else(site: NoticeWorld) -> None:
    async def scenario() -> None:
        site.alert = None
        dead, sound = await site.tenant(), await site.tenant("https://sound.example.com/")
        for _ in range(5):
            await site.happen(dead)
        for _ in range(5):
            await site.happen(sound)
        site.receivers.behaviour[URL] = is_away
        report = await site.run()
        assert (report.delivered, report.put_off) == (5, 5)
        assert len(site.receivers.ids(URL)) == 1
        attempts = sorted(delivery.attempts for delivery in await site.shown(dead))
        assert attempts == [0, 0, 0, 0, 1]
        site.receivers.behaviour[URL] = takes
        await site.run_until_idle()
        assert await site.states() == ["delivered"] * 10

    run(scenario())


def test_a_notice_that_is_never_taken_stands_before_no_other(site: NoticeWorld) -> None:
    async def scenario() -> None:
        site.alert = None
        caller = await site.tenant()
        never = await site.happen(caller)
        site.receivers.behaviour[URL] = refuses(500)
        for _ in range(5):
            wait = (await site.run()).retry_after_seconds
            assert wait is not None
            site.world.clock.advance(seconds=wait)
        for _ in range(5):
            await site.happen(caller)

        def picky(request: FetchRequest) -> Said:
            return Said(500 if request.headers["webhook-id"] == never else 204)

        site.receivers.behaviour[URL] = picky
        for _ in range(3):
            await site.run()
            site.world.clock.advance(milliseconds=FIRST_RETRY_MS)
        assert sorted(await site.states()) == ["delivered"] * 5 + ["waiting"]

    run(scenario())


def test_a_receiver_that_stays_dead_ends_all_that_waited_for_it(site: NoticeWorld) -> None:
    async def scenario() -> None:
        site.alert = None
        caller = await site.tenant()
        for _ in range(20):
            await site.happen(caller)
        site.receivers.behaviour[URL] = is_away
        await site.run_until_idle(1000)
        assert await site.states() == ["failed"] * 20
        assert len(site.receivers.calls) < 20 * 20

    run(scenario())
