"""However a run ends and however receivers behave, no notice is lost and none is taken for another:
kills at every call of every port, and random histories."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.notice_deliveries import LEASE_MS
from functions.core.notice_runs import GIVE_UP_MS, run_notices
from functions.ports.records import Records, RecordsError
from tests.contracts.object_store import run
from tests.functions.core.faulty import Fault, Faults
from tests.functions.core.fuse import Fuse, KilledError
from tests.functions.core.notice_world import ALERT_URL, URL, NoticeWorld
from tests.functions.core.receivers import Behaviour, is_away, is_signed_by, refuses, takes

SOUND = "https://sound.example.com/"


async def a_site() -> tuple[NoticeWorld, list[str]]:
    """A receiver that answers 410, one that refuses once, and one that is sound; the ids of the
    notices, of which the operator is to see every one."""
    site = NoticeWorld()
    ids: list[str] = []
    for url in (URL, URL + "/gone", SOUND):
        caller = await site.tenant(url)
        ids += [await site.happen(caller), await site.happen(caller)]
    site.receivers.behaviour |= {URL: refuses(500), URL + "/gone": refuses(410)}
    return site, ids


async def killed_at(call: int, *, after: bool) -> bool:
    """Whether there was such a call. What the runs behind it make of it is checked here."""
    site, ids = await a_site()
    fuse = Fuse(call, after=after)
    deps = site.deps(
        cast("Records", fuse.wrap(site.world.records)), cast("Any", Killing(site, fuse))
    )
    with suppress(KilledError):
        await run_notices(deps)
    was_killed = fuse.calls >= call
    site.receivers.behaviour[URL] = takes
    site.world.clock.advance(milliseconds=LEASE_MS)
    await site.run_until_idle()
    assert set(site.receivers.ids(ALERT_URL)) == set(ids)
    assert await site.states("operator") == ["delivered"] * 6
    assert sorted(await site.states()) == ["delivered"] * 4 + ["failed", "skipped"]
    assert len(set(site.receivers.ids(SOUND))) == len(set(site.receivers.ids(URL))) == 2
    site.world.close()
    return was_killed


class Killing:
    """The receivers behind the fuse."""

    def __init__(self, site: NoticeWorld, fuse: Fuse) -> None:
        self._site, self._fuse = site, fuse

    async def __call__(self, request: Any) -> object:
        return await self._fuse.pass_through(lambda: self._site.receivers(request))


@pytest.mark.parametrize("after", [False, True])
def test_a_run_that_is_killed_at_any_call_loses_nothing(after: bool) -> None:
    async def scenario() -> int:
        call = 1
        while await killed_at(call, after=after):
            call += 1
        return call

    assert run(scenario()) > 20


@pytest.mark.parametrize("after", [False, True])
def test_a_database_that_fails_at_any_call_loses_nothing(after: bool) -> None:
    async def scenario() -> None:
        for call in range(1, 30):
            site, ids = await a_site()
            faults = Faults()
            records = cast("Records", faults.wrap(site.world.records, lambda: RecordsError("away")))
            faults.arm(Fault(call, after))
            try:
                await run_notices(site.deps(records))
            except RecordsError:
                site.world.clock.advance(milliseconds=LEASE_MS)
            site.receivers.behaviour[URL] = takes
            await site.run_until_idle()
            assert set(site.receivers.ids(ALERT_URL)) == set(ids)
            assert set(await site.states("operator")) == {"delivered"}
            site.world.close()

    run(scenario())


BEHAVIOURS: dict[str, Behaviour] = {
    "takes": takes,
    "away": is_away,
    "fails": refuses(500),
    "busy": refuses(429, retry_after="30"),
    "gone": refuses(410),
}
STEPS = st.one_of(
    st.tuples(st.just("behave"), st.integers(0, 1), st.sampled_from(sorted(BEHAVIOURS))),
    st.tuples(st.just("happen"), st.integers(0, 1)),
    st.tuples(st.just("wait"), st.integers(1, GIVE_UP_MS)),
    st.tuples(st.just("run"), st.integers(1, 4)),
    st.tuples(st.just("kill"), st.integers(1, 12), st.booleans()),
    st.tuples(st.just("set"), st.integers(0, 1)),
)


async def live(steps: Sequence[tuple[object, ...]]) -> None:
    site = NoticeWorld()
    site.alert = None
    urls = [URL, SOUND]
    callers = [await site.tenant(url) for url in urls]
    secrets = {url: await site.secret(caller) for url, caller in zip(urls, callers, strict=True)}
    for step in steps:
        match step:
            case ("behave", int(who), str(name)):
                site.receivers.behaviour[urls[who]] = BEHAVIOURS[name]
            case ("happen", int(who)):
                await site.happen(callers[who])
            case ("wait", int(milliseconds)):
                site.world.clock.advance(milliseconds=milliseconds)
            case ("run", int(batch)):
                await site.run(batch)
            case ("set", int(who)):
                site.world.clock.advance(milliseconds=1)
                await site.set(callers[who], urls[who])
            case ("kill", int(call), bool(after)):
                fuse = Fuse(call, after=after)
                records = cast("Records", fuse.wrap(site.world.records))
                with suppress(KilledError):
                    await run_notices(site.deps(records, cast("Any", Killing(site, fuse))))
            case _:
                raise AssertionError(step)
    await check(site, secrets)
    await site.run_until_idle(500)
    assert "waiting" not in await site.states()
    await check(site, secrets)
    site.world.close()


async def check(site: NoticeWorld, secrets: dict[str, str]) -> None:
    taken = {(call.url, call.headers["webhook-id"]) for call in site.receivers.taken}
    rows = await site.world.rows(
        "SELECT notice_delivery.*, notice.created_at AS created_at, notice.payload AS payload,"
        " webhook.url AS url FROM notice_delivery JOIN notice ON notice.id = notice_id"
        " JOIN webhook ON webhook.tenant_id = notice_delivery.tenant_id"
    )
    by_id = {str(row["notice_id"]): row for row in rows}
    for row in rows:
        key = (str(row["url"]), str(row["notice_id"]))
        if row["state"] == "delivered":
            assert key in taken
        if row["state"] == "failed":
            now, end = site.world.clock.now_ms(), cast("int", row["created_at"]) + GIVE_UP_MS
            assert row["status"] == 410 or now >= end
    for call in site.receivers.calls:
        row = by_id[call.headers["webhook-id"]]
        assert call.url == row["url"]
        assert is_signed_by(call, secrets[call.url])
        assert cast("bytes", call.body).decode() == row["payload"]


@given(st.lists(STEPS, max_size=25))
def test_every_notice_ends_and_what_is_delivered_was_taken(
    steps: list[tuple[object, ...]],
) -> None:
    run(live(steps))
