"""Tenants with locations, a DNS and a hostnames' authority in memory, and the jobs that look."""

from dataclasses import dataclass, field
from typing import cast

from functions.adapters.local.hostname_authority import MemoryHostnameAuthority
from functions.adapters.local.name_resolver import MemoryNameResolver
from functions.core import hostname_claims
from functions.core.access import Caller
from functions.core.hostname_claims import Wanted
from functions.core.hostname_looks import HostnameDeps
from functions.core.hostname_records import Claim, find_claim
from functions.core.hostname_runs import HostnameReport, run_hostnames
from functions.core.hostname_wants import challenge_value
from functions.core.serving import resolve_host
from functions.ports.hostname_authority import CertificateMethod, HostnameAuthority
from functions.ports.name_resolver import NameResolver
from functions.ports.records import Statement
from tests.functions.core.world import BUCKETS, World

NAME = "apt.example.com"
TARGET = "fallback.stowage.test"
HOUR = 3600


@dataclass
class HostnameWorld(World):
    resolver: MemoryNameResolver = field(default_factory=MemoryNameResolver)
    authority: MemoryHostnameAuthority = field(default_factory=MemoryHostnameAuthority)

    @property
    def hostname_deps(self) -> HostnameDeps:
        return self.deps_with(self.resolver, self.authority)

    def deps_with(self, resolver: NameResolver, authority: HostnameAuthority) -> HostnameDeps:
        return HostnameDeps(self.records, resolver, authority, self.clock, self.entropy, TARGET)

    async def owner(self, name: str = "Tess") -> tuple[Caller, str]:
        """A tenant and the id of a location of its own."""
        caller = await self.tenant(name)
        location_id = f"00000000-0000-7000-8000-{self.entropy.token_bytes(6).hex()}"
        await self.records.batch(
            [
                Statement(
                    "INSERT INTO location (id, tenant_id, s3_bucket, s3_prefix, created_at,"
                    " revision) VALUES (?, ?, ?, ?, 0, 1)",
                    (location_id, caller.subject_id, BUCKETS[0], f"{location_id}/"),
                )
            ]
        )
        return caller, location_id

    async def claim(
        self,
        owner: tuple[Caller, str],
        name: str = NAME,
        certificate: CertificateMethod = "http",
        *,
        is_apex: bool = False,
    ) -> Claim:
        caller, location_id = owner
        wanted = Wanted(str(caller.subject_id), name, location_id, certificate, is_apex)
        claim, _ = await hostname_claims.claim_hostname(
            self.records, self.clock, self.entropy, wanted, actor=caller.actor
        )
        return claim

    def set_challenge(self, claim: Claim) -> None:
        value = challenge_value(cast("str", claim.challenge_token))
        self.resolver.set(f"_stowage-challenge.{claim.name}", "TXT", value)

    def point_here(self, name: str = NAME) -> None:
        self.resolver.set(name, "CNAME", TARGET)

    async def look(self, *, seconds: int = 7 * HOUR) -> HostnameReport:
        """Moves the clock on, so that whatever is not removed is due, and runs the jobs."""
        self.clock.advance(seconds=seconds)
        return await run_hostnames(self.hostname_deps)

    async def now(self, claim: Claim) -> Claim:
        found = await find_claim(self.records, claim.id)
        assert found is not None
        return found

    async def active(self, owner: tuple[Caller, str], name: str = NAME) -> Claim:
        claim = await self.claim(owner, name)
        self.set_challenge(claim)
        self.point_here(name)
        await self.look()
        self.authority.set(name, "active")
        await self.look()
        found = await self.now(claim)
        assert found.state == "active"
        return found

    async def served(self, name: str = NAME) -> str | None:
        """The tenant whose files the edge serves under the name."""
        location = await resolve_host(self.records, name, BUCKETS)
        return None if location is None else location.tenant_id
