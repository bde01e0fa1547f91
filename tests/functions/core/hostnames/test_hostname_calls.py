"""What is asked of Cloudflare about hostnames, how often, and what is made of its answers."""

from itertools import pairwise

import pytest

from functions.core import hostname_claims
from functions.core.hostname_documents import explanation
from functions.core.hostname_runs import run_hostnames
from functions.ports.hostname_authority import (
    CertificateMethod,
    CustomHostname,
    RateLimitedError,
    RefusedError,
    UnavailableError,
)
from tests.contracts.object_store import run
from tests.functions.core.hostnames.world import NAME, HostnameWorld


def test_a_certificate_that_timed_out_is_tried_again_ever_more_rarely(world: HostnameWorld) -> None:
    async def story() -> None:
        claim = await world.claim(await world.owner())
        world.set_challenge(claim)
        world.point_here()
        await world.look()
        refreshed: list[int] = []
        for minute in range(5 * 24 * 60):
            if minute % 20:
                continue
            world.authority.set(NAME, "active", "validation_timed_out")
            before = len(world.authority.calls)
            await world.look(seconds=20 * 60)
            refreshed += [minute // 60] * (len(world.authority.calls) - before)
        assert refreshed[0] == 0
        gaps = [later - earlier for earlier, later in pairwise(refreshed)]
        assert gaps[:4] == sorted(gaps[:4])
        assert 5 <= len(refreshed) <= 10
        assert (await world.now(claim)).state == "validating"

    run(story())


def test_a_certificate_that_fails_later_leaves_the_hostname_served(world: HostnameWorld) -> None:
    async def story() -> None:
        claim = await world.active(await world.owner())
        world.authority.set(NAME, "active", "pending_validation")
        await world.look()
        assert "is being renewed" in explanation(await world.now(claim))
        world.authority.set(NAME, "active", "expired")
        await world.look()
        assert (await world.now(claim)).state == "active"
        assert world.authority.calls[-1] == f"refresh {NAME} by http"

    run(story())


def test_a_status_that_nobody_knows_is_kept_and_shown(world: HostnameWorld) -> None:
    async def story() -> None:
        claim = await world.claim(await world.owner())
        world.set_challenge(claim)
        await world.look()
        world.authority.set(NAME, "under_a_new_name", "also_new")
        await world.look()
        found = await world.now(claim)
        assert (found.state, found.hostname_status) == ("validating", "under_a_new_name")
        assert "under_a_new_name" in explanation(found)

    run(story())


def test_a_custom_hostname_that_was_there_is_used_and_never_deleted(world: HostnameWorld) -> None:
    async def story() -> None:
        declared = await world.authority.create(NAME, "http")
        world.authority.calls.clear()
        owner = await world.owner()
        claim = await world.active(owner)
        assert (claim.authority_id, claim.asked_at) == (declared.id, None)
        await hostname_claims.remove_claim(world.records, world.clock, owner[0], claim.id)
        await world.look()
        assert (await world.now(claim)).due_at is None
        assert list(world.authority.hostnames) == [declared.id]
        assert world.authority.calls == []

    run(story())


def test_no_call_is_made_before_the_time_that_a_429_names(world: HostnameWorld) -> None:
    class Limited(type(world.authority)):
        async def find(self, name: str) -> CustomHostname | None:
            self.calls.append("find")
            raise RateLimitedError("too many", 600)

    async def story() -> None:
        for number in range(3):
            claim = await world.claim(await world.owner(), f"h{number}.example.com")
            world.set_challenge(claim)
        limited = Limited()
        deps = world.deps_with(world.resolver, limited)
        assert (await run_hostnames(deps)).retry_after_seconds == 600
        world.clock.advance(seconds=599)
        report = await run_hostnames(deps)
        assert (report.looked, report.retry_after_seconds) == (0, 1)
        assert limited.calls == ["find"]
        world.clock.advance(seconds=1)
        await run_hostnames(world.hostname_deps)
        assert sorted(world.authority.calls) == [f"create h{n}.example.com" for n in range(3)]

    run(story())


def test_nothing_is_asked_for_where_the_quota_is_used_up(world: HostnameWorld) -> None:
    async def story() -> None:
        world.authority.most = 0
        claim = await world.claim(await world.owner())
        world.set_challenge(claim)
        report = await world.look()
        assert world.authority.calls == []
        found = await world.now(claim)
        assert (found.state, found.seen.trouble) == ("validating", "quota")
        assert "operator has been told" in explanation(found)
        assert "all 0 custom hostnames" in report.errors[0]
        world.authority.most = 1
        await world.look()
        assert world.authority.calls == [f"create {NAME}"]

    run(story())


@pytest.mark.parametrize("error", [RefusedError("no such zone"), UnavailableError("away")])
def test_a_call_that_fails_is_told_and_tried_again(world: HostnameWorld, error: Exception) -> None:
    class Failing(type(world.authority)):
        async def create(self, name: str, method: CertificateMethod) -> CustomHostname:
            raise error

    async def story() -> None:
        claim = await world.claim(await world.owner())
        world.set_challenge(claim)
        report = await run_hostnames(world.deps_with(world.resolver, Failing()))
        assert str(error) in report.errors[0]
        found = await world.now(claim)
        assert found.due_at is not None
        assert found.due_at > world.clock.now_ms()
        assert str(error) not in explanation(found)
        await world.look()
        assert (await world.now(claim)).authority_id is not None

    run(story())
