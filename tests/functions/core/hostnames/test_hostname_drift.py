"""What Cloudflare has and we do not, and the other way round, is found and only told."""

from functions.core import hostname_claims
from functions.core.hostname_drift import compare, last_drift
from functions.core.repositories import create_repository
from functions.ports.hostname_authority import CustomHostnamePage, RateLimitedError
from tests.contracts.object_store import run
from tests.functions.core.hostnames.world import NAME, HostnameWorld

DAY = 86_400


async def vouch(world: HostnameWorld, tenant_id: str | None, name: str) -> None:
    await create_repository(
        world.records, world.clock, world.entropy, world.repository_settings, str(tenant_id),
        name, "stable",
    )  # fmt: skip


def test_drift_is_found_both_ways_and_nothing_is_changed(world: HostnameWorld) -> None:
    async def story() -> None:
        owner = await world.owner()
        await world.active(owner)
        removed = await world.active(owner, "removed.example.com")
        await hostname_claims.remove_claim(world.records, world.clock, owner[0], removed.id)
        for number in range(3):
            await world.authority.create(f"by-hand{number}.example.com", "http")
        await vouch(world, owner[0].subject_id, "declared.example.com")
        await world.authority.create("declared.example.com", "http")
        await vouch(world, owner[0].subject_id, "forgotten.example.com")
        before = dict(world.authority.hostnames)
        report = await compare(world.hostname_deps)
        assert report.errors == ()
        drift = await last_drift(world.records)
        assert drift == report.drift
        assert drift is not None
        assert drift.custom_hostnames == 6
        assert drift.unknown_here == tuple(f"by-hand{n}.example.com" for n in range(3))
        assert drift.missing_there == ("forgotten.example.com",)
        assert world.authority.hostnames == before

    run(story())


def test_it_goes_on_where_it_stopped_and_begins_again_after_a_day(world: HostnameWorld) -> None:
    async def story() -> None:
        for number in range(120):
            world.authority.most = 200
            await world.authority.create(f"h{number}.example.com", "http")
        compared: list[int] = []
        while await last_drift(world.records) is None:
            report = await compare(world.hostname_deps, steps=1)
            assert report.drift is not None
            compared.append(report.drift.custom_hostnames)
        assert compared == [50, 100, 120, 120]
        assert (await compare(world.hostname_deps)).drift is None
        world.clock.advance(seconds=DAY)
        assert (await compare(world.hostname_deps)).drift is not None

    run(story())


def test_it_waits_where_the_accounts_rate_is_used_up(world: HostnameWorld) -> None:
    class Limited(type(world.authority)):
        async def list_page(self, cursor: str | None = None) -> CustomHostnamePage:
            raise RateLimitedError("too many", 60)

    async def story() -> None:
        report = await compare(world.deps_with(world.resolver, Limited()))
        assert report.errors == ("too many",)
        assert (await compare(world.hostname_deps)).drift is None
        claim = await world.claim(await world.owner(), NAME)
        assert (await world.look(seconds=0)).retry_after_seconds == 60
        assert (await world.now(claim)).state == "requested"
        world.clock.advance(seconds=60)
        assert (await compare(world.hostname_deps)).drift is not None

    run(story())
