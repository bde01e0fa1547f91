"""The life of a hostname, as the jobs' looks make it."""

import asyncio

import pytest

from functions.core import hostname_claims
from functions.core.hostname_documents import explanation, warnings
from functions.core.hostname_runs import run_hostnames
from functions.ports.name_resolver import DnsAnswer
from tests.contracts.object_store import run
from tests.functions.core.hostnames.world import HOUR, NAME, TARGET, HostnameWorld
from tests.functions.core.world import refusal

DAY = 24 * HOUR


def test_a_hostname_goes_from_request_to_active(world: HostnameWorld) -> None:
    async def story() -> None:
        owner = await world.owner()
        claim = await world.claim(owner)
        assert (claim.state, await world.served()) == ("requested", None)
        await world.look(seconds=0)
        assert (await world.now(claim)).state == "awaiting_dns"
        assert world.authority.hostnames == {}

        world.set_challenge(claim)
        world.point_here()
        await world.look()
        found = await world.now(claim)
        assert (found.state, found.hostname_status) == ("validating", "pending")
        assert found.proven_at is not None
        assert world.authority.calls == [f"create {NAME}"]

        world.authority.set(NAME, "active")
        report = await world.look()
        assert report.changed == [f"{NAME}: validating -> active"]
        found = await world.now(claim)
        assert (found.state, found.certificate_status) == ("active", "active")
        assert found.active_at == world.clock.now_ms()
        assert await world.served() == owner[0].subject_id
        assert await world.history(claim.id) == ["created", "looked", "proven", "active"]
        for _ in range(10):
            await world.look()
        assert world.authority.calls == [f"create {NAME}"]

    run(story())


def test_a_dangling_cname_gives_nothing_to_whoever_asks_first(world: HostnameWorld) -> None:
    async def story() -> None:
        victim, thief = await world.owner("Vera"), await world.owner("Theo")
        left = await world.active(victim)
        await hostname_claims.remove_claim(world.records, world.clock, victim[0], left.id)
        await world.look()
        # The CNAME still points here, and the victim's old challenge still stands.
        claim = await world.claim(thief)
        for _ in range(20):
            await world.look(seconds=DAY)
        assert (await world.now(claim)).state == "awaiting_dns"
        assert await world.served() is None
        assert world.authority.hostnames == {}
        assert world.authority.calls == [f"create {NAME}", f"delete {NAME}"]

    run(story())


def test_of_two_tenants_the_one_who_sets_its_challenge_has_the_name(world: HostnameWorld) -> None:
    async def story() -> None:
        first, second = await world.owner("One"), await world.owner("Two")
        theirs, ours = await world.claim(first), await world.claim(second)
        assert theirs.challenge_token != ours.challenge_token
        world.point_here()
        world.set_challenge(ours)
        await world.look()
        assert (await world.now(theirs)).state == "awaiting_dns"
        assert (await world.now(ours)).state == "validating"
        assert await world.served() == second[0].subject_id
        # The other's challenge comes too late.
        world.set_challenge(theirs)
        await world.look()
        late = await world.now(theirs)
        assert (late.state, late.seen.trouble, late.proven_at) == ("awaiting_dns", "taken", None)
        assert "in use on the platform" in explanation(late)
        assert world.authority.calls == [f"create {NAME}"]
        problem = await refusal(world.claim(await world.owner("Three")))
        assert problem.slug == "hostname-taken"
        assert str(second[0].subject_id) not in problem.detail

    run(story())


def test_two_runs_at_once_prove_one_of_two_proven_claims(world: HostnameWorld) -> None:
    async def story() -> None:
        claims = [await world.claim(await world.owner(name)) for name in ("One", "Two")]
        values = [f"stowage-challenge={claim.challenge_token}" for claim in claims]
        world.resolver.set(f"_stowage-challenge.{NAME}", "TXT", *values)
        await asyncio.gather(*(run_hostnames(world.hostname_deps) for _ in range(4)))
        rows = await world.rows("SELECT id FROM hostname WHERE proven_at IS NOT NULL")
        assert len(rows) == 1
        assert world.authority.calls == [f"create {NAME}"]

    run(story())


@pytest.mark.parametrize("outcome", ["disagree", "unavailable"])
def test_resolvers_that_disagree_count_as_not_yet(world: HostnameWorld, outcome: str) -> None:
    async def story() -> None:
        claim = await world.claim(await world.owner())
        value = f"stowage-challenge={claim.challenge_token}"
        answer = DnsAnswer(outcome, (value,))  # pyright: ignore[reportArgumentType]
        world.resolver.unclear[f"_stowage-challenge.{NAME}"] = answer
        await world.look()
        found = await world.now(claim)
        assert (found.state, found.proven_at) == ("awaiting_dns", None)
        assert "no clear answer" in explanation(found)
        assert world.authority.calls == []

    run(story())


def test_what_stands_in_a_records_place_is_shown(world: HostnameWorld) -> None:
    async def story() -> None:
        claim = await world.claim(await world.owner())
        world.resolver.set(f"_stowage-challenge.{NAME}", "TXT", "stowage-challenge=of-another")
        world.resolver.set(NAME, "CNAME", "lb.elsewhere.example")
        await world.look()
        challenge, routing = (await world.now(claim)).seen.records
        assert (challenge.state, challenge.found) == ("wrong", ("stowage-challenge=of-another",))
        assert (routing.state, routing.found) == ("wrong", ("lb.elsewhere.example",))
        # Over another CNAME it leads here all the same.
        world.resolver.set("lb.elsewhere.example", "CNAME", TARGET)
        world.resolver.set(f"_stowage-challenge.{NAME}", "TXT")
        await world.look()
        challenge, routing = (await world.now(claim)).seen.records
        assert (challenge.state, routing.state) == ("missing", "ok")
        # CNAMEs in a circle, and a bare address.
        world.resolver.set("lb.elsewhere.example", "CNAME", NAME)
        await world.look()
        assert (await world.now(claim)).seen.state_of("routing") == "wrong"
        world.resolver.set(NAME, "CNAME")
        world.resolver.set(NAME, "A", "192.0.2.1")
        await world.look()
        routing = (await world.now(claim)).seen.records[1]
        assert (routing.state, routing.found) == ("wrong", ("192.0.2.1",))

    run(story())


def test_at_the_top_of_a_domain_addresses_are_trusted_until_it_moves(world: HostnameWorld) -> None:
    async def story() -> None:
        claim = await world.claim(await world.owner(), "example.com", is_apex=True)
        world.set_challenge(claim)
        world.resolver.set("example.com", "A", "192.0.2.1")
        await world.look()
        found = await world.now(claim)
        assert (found.state, found.seen.state_of("routing")) == ("validating", "unknown")
        assert "ALIAS" in warnings(found)[0]
        world.authority.set("example.com", "moved")
        await world.look()
        assert (await world.now(claim)).state == "moved"

    run(story())


def test_a_hostname_that_moves_away_is_flagged_and_removed_after_seven_days(
    world: HostnameWorld,
) -> None:
    async def story() -> None:
        claim = await world.active(await world.owner())
        world.resolver.set(NAME, "CNAME", "elsewhere.example")
        await world.look()
        # Cloudflare has not seen it yet: it is served, and says what is wrong.
        found = await world.now(claim)
        assert (found.state, len(warnings(found))) == ("active", 1)
        world.authority.set(NAME, "moved")
        await world.look()
        found = await world.now(claim)
        assert (found.state, found.proven_at) == ("moved", None)
        assert found.deadline_at == world.clock.now_ms() + 7 * DAY * 1000
        assert await world.served() is None
        tags = [row["tag"] for row in await world.rows("SELECT tag FROM cache_purge")]
        assert tags == [f"host:{NAME}"]
        # The old challenge still stands, and does not bring it back by itself.
        await world.look(seconds=6 * DAY)
        assert (await world.now(claim)).state == "moved"
        await world.look(seconds=DAY)
        assert (await world.now(claim)).state == "removed"
        await world.look()
        assert world.authority.hostnames == {}
        assert (await world.now(claim)).due_at is None

    run(story())


def test_a_moved_hostname_comes_back_by_challenge_and_cname(world: HostnameWorld) -> None:
    async def story() -> None:
        claim = await world.active(await world.owner())
        world.resolver.set(NAME, "CNAME")
        world.authority.set(NAME, "moved")
        await world.look()
        world.point_here()
        world.resolver.set(f"_stowage-challenge.{NAME}", "TXT")
        await world.look()
        assert (await world.now(claim)).state == "moved"
        world.set_challenge(claim)
        await world.look()
        assert (await world.now(claim)).state == "validating"
        assert world.authority.calls == [f"create {NAME}", f"refresh {NAME} by http"]
        world.authority.set(NAME, "active")
        await world.look()
        assert (await world.now(claim)).state == "active"

    run(story())


def test_a_new_owner_proves_a_moved_hostname_and_keeps_its_custom_hostname(
    world: HostnameWorld,
) -> None:
    async def story() -> None:
        old = await world.active(await world.owner("Old"))
        world.resolver.set(NAME, "CNAME")
        world.authority.set(NAME, "moved")
        await world.look()
        heir = await world.owner("New")
        new = await world.claim(heir)
        world.set_challenge(new)
        world.point_here()
        await world.look()
        world.authority.set(NAME, "active")
        await world.look()
        assert (await world.now(new)).state == "active"
        await world.look(seconds=8 * DAY)
        await world.look()
        assert (await world.now(old)).state == "removed"
        assert (await world.now(old)).due_at is None
        assert len(world.authority.hostnames) == 1
        assert await world.served() == heir[0].subject_id

    run(story())


def test_a_blocked_hostname_is_not_served_until_it_is_not(world: HostnameWorld) -> None:
    async def story() -> None:
        claim = await world.active(await world.owner())
        world.authority.set(NAME, "blocked")
        await world.look()
        assert (await world.now(claim)).state == "blocked"
        assert await world.served() is None
        world.authority.set(NAME, "active")
        await world.look()
        assert (await world.now(claim)).state == "active"

    run(story())


def test_a_proven_hostname_outlives_its_challenge(world: HostnameWorld) -> None:
    async def story() -> None:
        claim = await world.active(await world.owner())
        world.resolver.set(f"_stowage-challenge.{NAME}", "TXT")
        await world.look()
        assert (await world.now(claim)).state == "active"

    run(story())


def test_what_cloudflare_lost_is_created_again_only_while_the_dns_proves_it(
    world: HostnameWorld,
) -> None:
    async def story() -> None:
        claim = await world.active(await world.owner())
        world.authority.hostnames.clear()
        await world.look()
        assert (await world.now(claim)).state == "validating"
        assert world.authority.calls == [f"create {NAME}"] * 2
        world.authority.hostnames.clear()
        world.resolver.set(f"_stowage-challenge.{NAME}", "TXT")
        await world.look()
        found = await world.now(claim)
        assert (found.state, found.proven_at, found.authority_id) == ("awaiting_dns", None, None)
        assert await world.served() is None
        assert len(world.authority.calls) == 2

    run(story())


def test_a_claim_that_nobody_proves_is_removed_after_thirty_days(world: HostnameWorld) -> None:
    async def story() -> None:
        claim = await world.claim(await world.owner())
        await world.look(seconds=29 * DAY)
        assert (await world.now(claim)).state == "awaiting_dns"
        await world.look(seconds=DAY)
        found = await world.now(claim)
        assert (found.state, found.due_at) == ("removed", None)
        assert await world.history(claim.id) == ["created", "looked", "expired"]

    run(story())


def test_a_run_looks_at_so_many_and_leaves_the_rest(world: HostnameWorld) -> None:
    async def story() -> None:
        owner = await world.owner()
        for number in range(5):
            await world.claim(owner, f"h{number}.example.com")
        reports = [await run_hostnames(world.hostname_deps, most=2) for _ in range(4)]
        assert [report.looked for report in reports] == [2, 2, 1, 0]

    run(story())


def test_a_certificate_by_txt_shows_its_delegation(world: HostnameWorld) -> None:
    async def story() -> None:
        claim = await world.claim(await world.owner(), certificate="txt")
        world.set_challenge(claim)
        await world.look()
        found = await world.now(claim)
        purposes = [one.purpose for one in found.seen.records]
        assert purposes == [
            "ownership", "routing", "delegated_certificate", "pre_validation", "certificate",
        ]  # fmt: skip
        delegated = found.seen.records[2]
        assert delegated.value == f"{NAME}.0123456789abcdef.dcv.example"
        assert "delegation" in warnings(found)[0]
        world.resolver.set(delegated.name, "CNAME", delegated.value)
        await world.look()
        found = await world.now(claim)
        assert found.seen.state_of("delegated_certificate") == "ok"
        assert warnings(found) == []

    run(story())
