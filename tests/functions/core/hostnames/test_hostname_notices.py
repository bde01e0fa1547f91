"""What tenants and operators are told of hostnames."""

import json
from dataclasses import replace
from typing import cast

import pytest

from functions.core import hostname_claims
from functions.core.hostname_runs import run_hostnames
from functions.ports.records import Records, RecordsError, Statement
from tests.contracts.object_store import run
from tests.functions.core.faulty import Fault, Faults
from tests.functions.core.hostnames.world import HOUR, NAME, HostnameWorld

DAY = 24 * HOUR


async def told(world: HostnameWorld) -> list[str]:
    rows = await world.rows("SELECT kind FROM notice ORDER BY created_at, id")
    return [str(row["kind"]).removeprefix("hostname.") for row in rows]


async def last_payload(world: HostnameWorld) -> dict[str, object]:
    rows = await world.rows("SELECT payload FROM notice ORDER BY created_at DESC, id DESC LIMIT 1")
    return cast("dict[str, object]", json.loads(str(rows[0]["payload"])))


def test_each_change_that_is_news_is_told_once(world: HostnameWorld) -> None:
    async def story() -> None:
        owner = await world.owner()
        claim = await world.active(owner)
        assert await told(world) == ["active"]
        payload = await last_payload(world)
        assert (payload["subject"], payload["tenant_id"]) == (claim.id, owner[0].subject_id)
        assert payload["data"] == {
            "name": NAME,
            "location_id": owner[1],
            "state": "active",
            "previous_state": "validating",
            "reason": "active",
        }
        for _ in range(3):
            await world.look()
        world.resolver.set(NAME, "CNAME", "elsewhere.example")
        world.authority.set(NAME, "moved")
        for _ in range(3):
            await world.look()
        world.point_here()
        await world.look()
        for status in ("active", "blocked"):
            world.authority.set(NAME, status)
            await world.look()
        world.clock.advance(seconds=1)
        await hostname_claims.remove_claim(world.records, world.clock, owner[0], claim.id)
        await world.look()
        assert await told(world) == ["active", "moved", "active", "blocked", "removed"]

    run(story())


def test_a_claim_that_expires_is_told_to_be_removed_with_the_reason(world: HostnameWorld) -> None:
    async def story() -> None:
        await world.claim(await world.owner())
        await world.look(seconds=31 * DAY)
        assert await told(world) == ["removed"]
        assert cast("dict[str, object]", (await last_payload(world))["data"])["reason"] == "expired"

    run(story())


def test_a_certificate_that_is_given_up_is_told_once_until_it_served_again(
    world: HostnameWorld,
) -> None:
    async def story() -> None:
        claim = await world.active(await world.owner())
        for _ in range(3):
            world.authority.set(NAME, "active", "pending_validation")
            await world.look()
            world.authority.set(NAME, "active", "expired")
            await world.look()
        assert await told(world) == ["active", "certificate_failing"]
        data = (await last_payload(world))["data"]
        assert data == {
            "name": NAME,
            "location_id": claim.location_id,
            "state": "active",
            "certificate_status": "expired",
        }
        assert (await world.history(claim.id))[-1] == "certificate-failing"
        assert (await world.now(claim)).since == claim.since

    run(story())


@pytest.mark.parametrize("after", [False, True])
def test_a_database_that_fails_at_any_call_tells_what_happened_and_nothing_else(
    world: HostnameWorld, after: bool
) -> None:
    async def story() -> None:
        claim = await world.active(await world.owner())
        for call in range(1, 8):
            for status in ("blocked", "active"):
                world.authority.set(NAME, status)
                await failing_look(world, call, after=after)
                await world.look()
        rows = await world.rows(
            "SELECT to_state FROM event WHERE subject_id = ? AND from_state <> to_state"
            " ORDER BY seq",
            claim.id,
        )
        happened = [str(row["to_state"]) for row in rows]
        assert await told(world) == [state for state in happened if state in ("active", "blocked")]
        assert happened.count("blocked") == 7

    run(story())


async def failing_look(world: HostnameWorld, call: int, *, after: bool) -> None:
    faults = Faults()
    records = cast("Records", faults.wrap(world.records, lambda: RecordsError("cut off")))
    faults.arm(Fault(call, after))
    world.clock.advance(seconds=7 * HOUR)
    try:
        await run_hostnames(replace(world.hostname_deps, records=records))
    except RecordsError:
        await world.records.batch([Statement("UPDATE hostname SET due_at = 1")])
