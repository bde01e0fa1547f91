"""One leased claim in the hands of the jobs: what a look has to work with, and how it writes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from functions.core import cache_tags, hostname_notices, purges
from functions.core.hostname_claims import removal
from functions.core.hostname_records import Claim, Seen, seen_text
from functions.core.hostname_states import State, next_look
from functions.ports.records import Records, Value

if TYPE_CHECKING:
    from functions.ports.clock import Clock
    from functions.ports.entropy import Entropy
    from functions.ports.hostname_authority import HostnameAuthority
    from functions.ports.name_resolver import NameResolver

ACTOR = "schedule"


@dataclass(frozen=True, slots=True)
class HostnameDeps:
    records: Records
    resolver: "NameResolver"
    authority: "HostnameAuthority"
    clock: "Clock"
    entropy: "Entropy"
    cname_target: str

    def jitter(self) -> float:
        """From 0 up to 1."""
        return int.from_bytes(self.entropy.token_bytes(4), "big") / 2**32


class LeaseLostError(Exception):
    """Another changed the claim meanwhile; the next look begins with what it has become."""


@dataclass(slots=True)
class Look:
    """Each write raises LeaseLostError where the lease is over, and writes nothing then."""

    deps: HostnameDeps
    claim: Claim
    """As the database has it: every write is followed here."""

    @property
    def now(self) -> int:
        return self.deps.clock.now_ms()

    @property
    def lease(self) -> int:
        return self.claim.due_at or 0

    async def note(self, **columns: Value) -> None:
        """Columns of the same names as the claim's members."""
        changed = await self.deps.records.batch([self.claim.note(columns, self.lease)])
        if list(changed) != [1]:
            raise LeaseLostError
        self.claim = replace(self.claim, **columns)  # pyright: ignore[reportArgumentType]

    async def end(self, *, due_at: int, seen: Seen | None = None, **columns: Value) -> None:
        """The claim stays in its state; the lease is given back."""
        self.claim = replace(self.claim, seen=seen or self.claim.seen)
        text = seen_text(self.claim.seen)
        changed = await self.deps.records.batch(
            [self.claim.note({"due_at": due_at, "seen": text, **columns}, self.lease)]
        )
        if list(changed) != [1]:
            raise LeaseLostError

    async def enter(
        self,
        state: State,
        reason: str,
        columns: Mapping[str, Value],
        *,
        seen: Seen,
        forgets: bool = False,
    ) -> None:
        """A transition. Without `due_at` among the columns the look goes on under its lease.
        `forgets`: the edge is to ask anew where the hostname leads.

        Raises also: ConflictError where another claim of the name is proven.
        """
        claim, now = self.claim, self.now
        written = {"seen": seen_text(seen), **columns}
        statements = claim.change(ACTOR, reason, state, now, written, lease=self.lease)
        statements += hostname_notices.change_notices(claim, reason, state, now)
        if forgets:
            statements += purges.purge_statements([cache_tags.host(claim.name)], now)
        await self.deps.records.batch(statements)
        since = claim.since if state == claim.state else now
        followed = replace(claim, state=state, since=since, seen=seen, revision=claim.revision + 1)
        self.claim = replace(followed, **columns)  # pyright: ignore[reportArgumentType]

    async def tell_of_certificate(self, status: str) -> None:
        """The authority has given it up: an event and a notice. The look goes on."""
        claim, now = self.claim, self.now
        written: dict[str, Value] = {"certificate_status": status}
        await self.deps.records.batch(
            [
                *claim.change(
                    ACTOR, "certificate-failing", claim.state, now, written, lease=self.lease
                ),
                *hostname_notices.certificate_notices(claim, status, now),
            ]
        )
        self.claim = replace(claim, certificate_status=status, revision=claim.revision + 1)

    async def remove(self, reason: str) -> None:
        await self.deps.records.batch(
            removal(self.claim, ACTOR, reason, self.now, lease=self.lease)
        )
        self.claim = replace(self.claim, state="removed")

    def next_look(self, state: State, since: int, *, troubled: bool = False) -> int:
        return next_look(state, since, self.now, self.deps.jitter(), troubled=troubled)
