"""Claiming, seeing and removing hostnames, and an operator's word instead of a proof."""

import asyncio

from functions.core import hostname_claims
from functions.core.hostname_records import Claim
from functions.core.hostname_runs import run_hostnames
from functions.core.repositories import create_repository
from tests.contracts.object_store import run
from tests.functions.core.hostnames.world import NAME, HostnameWorld
from tests.functions.core.world import OPERATOR, pointers, refusal


def test_a_repeat_gives_the_claim_that_is_there(world: HostnameWorld) -> None:
    async def story() -> None:
        owner = await world.owner()
        made = await asyncio.gather(*(world.claim(owner) for _ in range(5)))
        assert len({claim.id for claim in made}) == 1
        assert len(str(made[0].challenge_token)) == 43
        assert await world.history(made[0].id) == ["created"]

    run(story())


def test_a_claim_for_another_location_or_certificate_is_refused(world: HostnameWorld) -> None:
    async def story() -> None:
        owner = await world.owner()
        claim = await world.claim(owner)
        before = await world.snapshot()
        problem = await refusal(world.claim(owner, certificate="txt"))
        assert (problem.slug, problem.members["hostname_id"]) == ("hostname-exists", claim.id)
        other = await world.owner()
        problem = await refusal(world.claim((owner[0], other[1])))
        assert pointers(problem) == ["/location_id"]
        assert await world.snapshot() != before  # the other owner, and nothing else
        assert len(await world.rows("SELECT id FROM hostname")) == 1

    run(story())


def test_several_hostnames_lead_to_one_location(world: HostnameWorld) -> None:
    async def story() -> None:
        owner = await world.owner()
        for name in ("apt.example.com", "packages.example.com"):
            claim = await world.active(owner, name)
            assert claim.location_id == owner[1]
            assert await world.served(name) == owner[0].subject_id

    run(story())


def test_a_removed_hostname_is_served_no_more_and_given_back(world: HostnameWorld) -> None:
    async def story() -> None:
        owner = await world.owner()
        claim = await world.active(owner)
        for _ in range(2):
            await hostname_claims.remove_claim(world.records, world.clock, owner[0], claim.id)
        assert await world.served() is None
        assert await world.history(claim.id) == [
            "created", "proven", "active", "removed",
        ]  # fmt: skip
        tags = [row["tag"] for row in await world.rows("SELECT tag FROM cache_purge")]
        assert tags == [f"host:{NAME}"]
        await run_hostnames(world.hostname_deps)
        assert world.authority.hostnames == {}
        # Asked for again it is another claim, which the old challenge does not prove.
        again = await world.claim(owner)
        assert again.id != claim.id
        await world.look()
        assert (await world.now(again)).state == "awaiting_dns"

    run(story())


def test_another_tenants_hostname_is_not_found(world: HostnameWorld) -> None:
    async def story() -> None:
        claim = await world.claim(await world.owner())
        stranger, _ = await world.owner()
        for work in (
            hostname_claims.get_claim(world.records, stranger, claim.id),
            hostname_claims.remove_claim(world.records, world.clock, stranger, claim.id),
            hostname_claims.request_look(world.records, world.clock, stranger, claim.id),
        ):
            assert (await refusal(work)).status == 404
        assert (await hostname_claims.get_claim(world.records, OPERATOR, claim.id)) == claim
        assert (await world.now(claim)).state == "requested"

    run(story())


def test_a_look_can_be_asked_for_every_few_seconds(world: HostnameWorld) -> None:
    async def story() -> None:
        owner = await world.owner()
        claim = await world.claim(owner)

        async def ask() -> Claim:
            return await hostname_claims.request_look(
                world.records, world.clock, owner[0], claim.id
            )

        assert (await ask()).due_at == world.clock.now_ms()
        await run_hostnames(world.hostname_deps)
        problem = await refusal(ask())
        assert (problem.status, problem.members["retry_after_seconds"]) == (429, 5)
        world.clock.advance(seconds=5)
        assert (await ask()).due_at == world.clock.now_ms()
        assert (await run_hostnames(world.hostname_deps)).looked == 1

    run(story())


def test_a_tenant_has_so_many_claims_that_wait_for_their_proof(world: HostnameWorld) -> None:
    async def story() -> None:
        owner = await world.owner()
        for number in range(hostname_claims.MOST_UNPROVEN):
            await world.claim(owner, f"h{number}.example.com")
        assert (await refusal(world.claim(owner))).slug == "too-many-claims"
        assert (await world.claim(await world.owner())).state == "requested"

    run(story())


def test_an_operator_who_vouches_proves_the_tenants_own_claim(world: HostnameWorld) -> None:
    async def story() -> None:
        owner = await world.owner()
        claim = await world.claim(owner)
        await world.look()
        made = await create_repository(
            world.records, world.clock, world.entropy, world.repository_settings,
            str(owner[0].subject_id), NAME, "stable",
        )  # fmt: skip
        assert made.location_id == owner[1]
        found = await world.now(claim)
        assert (found.state, found.is_vouched, found.due_at) == ("active", True, None)
        assert await world.served() == owner[0].subject_id
        await world.look()
        assert (await world.now(claim)) == found
        assert world.authority.calls == []

    run(story())


def test_a_vouched_hostname_is_shown_without_a_challenge_and_can_be_removed(
    world: HostnameWorld,
) -> None:
    async def story() -> None:
        caller, _ = await world.owner()
        await create_repository(
            world.records, world.clock, world.entropy, world.repository_settings,
            str(caller.subject_id), NAME, "stable",
        )  # fmt: skip
        (claim,) = await hostname_claims.list_claims(world.records, tenant_id=caller.subject_id)
        assert claim.is_vouched
        await hostname_claims.remove_claim(world.records, world.clock, caller, claim.id)
        assert await world.served() is None
        assert (await run_hostnames(world.hostname_deps)).looked == 0
        assert await hostname_claims.list_claims(world.records) == []
        removed = await hostname_claims.list_claims(world.records, state="removed")
        assert [one.id for one in removed] == [claim.id]

    run(story())
