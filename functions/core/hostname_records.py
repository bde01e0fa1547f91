"""Claims of hostnames as the database keeps them: reading, leasing and writing.

Whoever works on a claim first moves its `due_at` on (a lease), and every write behind that is made
only while the lease is the row's `due_at`, so of two that overlap one is lost, and a request to
look at once is not.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal, TypeAlias, cast

from functions.core import events
from functions.core.hostname_states import RecordState, State
from functions.ports.hostname_authority import CertificateMethod, HttpToken
from functions.ports.records import Records, Row, Statement, Value

LEASE_MS = 120_000
"""More than a look takes; a run that is killed delays the next by no more."""

Purpose: TypeAlias = Literal[
    "ownership", "routing", "certificate", "pre_validation", "delegated_certificate"
]
Trouble: TypeAlias = Literal["taken", "quota", "refused", "unavailable"]


@dataclass(frozen=True, slots=True)
class SeenRecord:
    """A DNS record to set, and what was found in its place."""

    type: Literal["TXT", "CNAME"]
    name: str
    value: str
    purpose: Purpose
    state: RecordState = "unknown"
    found: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """What the last look found."""

    records: tuple[SeenRecord, ...] = ()
    http_tokens: tuple[HttpToken, ...] = ()
    errors: tuple[str, ...] = ()
    """Texts of the authority."""
    trouble: Trouble | None = None
    """What keeps the claim from going on, besides the DNS. `taken`: the name is proven by another
    tenant. `quota`: the authority takes no more. `refused`: it did not want this one.
    `unavailable`: it, or a resolver, did not answer."""

    def state_of(self, purpose: Purpose) -> RecordState:
        """Of the first record for this purpose; unknown where there is none."""
        for one in self.records:
            if one.purpose == purpose:
                return one.state
        return "unknown"


NOTHING_SEEN = Seen()


@dataclass(frozen=True, slots=True)
class Claim:
    """A row of `hostname`."""

    id: str
    name: str
    tenant_id: str
    location_id: str
    state: State
    challenge_token: str | None
    """None: an operator vouched for it."""
    certificate: CertificateMethod
    is_apex: bool
    authority_id: str | None
    asked_at: int | None
    hostname_status: str | None
    certificate_status: str | None
    seen: Seen
    since: int
    created_at: int
    proven_at: int | None
    active_at: int | None
    checked_at: int | None
    due_at: int | None
    deadline_at: int | None
    failures: int
    refreshed_at: int | None
    refreshes: int
    deleted_at: int | None
    revision: int

    @property
    def is_vouched(self) -> bool:
        return self.challenge_token is None

    def change(
        self,
        actor: str,
        reason: str,
        to_state: State,
        now: int,
        columns: Mapping[str, Value],
        *,
        lease: int | None = None,
    ) -> list[Statement]:
        """A transition with its event; `lease` as `leased` gave it, None for a caller who has
        none."""
        guard = None if lease is None else events.Guard("due_at = ?", (lease,))
        step = events.Transition(
            "hostname", self.id, self.revision, actor, reason, self.state, to_state, now, guard
        )
        since = {} if to_state == self.state else {"since": now}
        return [step.event(), step.update({"state": to_state, **since, **columns})]

    def note(self, columns: Mapping[str, Value], lease: int) -> Statement:
        """What a look brings and no transition; changes nothing where the lease is over."""
        assignments = ", ".join(f"{column} = ?" for column in columns)
        return Statement(
            f"UPDATE hostname SET {assignments}"  # noqa: S608  (names of the program)
            " WHERE id = ? AND revision = ? AND due_at = ?",
            (*columns.values(), self.id, self.revision, lease),
        )


async def find_claim(records: Records, claim_id: str) -> Claim | None:
    """Removed ones too."""
    rows = await records.fetch(Statement("SELECT * FROM hostname WHERE id = ?", (claim_id,)))
    return claim_of(rows[0]) if rows else None


async def find_claim_of(records: Records, tenant_id: str, name: str) -> Claim | None:
    """The tenant's own claim of a name that is not removed; there is one at most."""
    rows = await records.fetch(
        Statement(
            "SELECT * FROM hostname WHERE tenant_id = ? AND name = ? AND deleted_at IS NULL",
            (tenant_id, name),
        )
    )
    return claim_of(rows[0]) if rows else None


async def due_claims(records: Records, now: int, limit: int) -> Sequence[Claim]:
    """The longest due first."""
    rows = await records.fetch(
        Statement("SELECT * FROM hostname WHERE due_at <= ? ORDER BY due_at LIMIT ?", (now, limit))
    )
    return [claim_of(row) for row in rows]


async def leased(records: Records, claim: Claim, now: int) -> Claim | None:
    """The claim with its lease as `due_at`; None where another was faster."""
    until = now + LEASE_MS
    changed = await records.batch(
        [
            Statement(
                "UPDATE hostname SET due_at = ? WHERE id = ? AND revision = ? AND due_at = ?",
                (until, claim.id, claim.revision, claim.due_at),
            )
        ]
    )
    return replace(claim, due_at=until) if list(changed) == [1] else None


def seen_text(seen: Seen) -> str:
    return json.dumps(asdict(seen), separators=(",", ":"))


def claim_of(row: Row) -> Claim:
    created_at = cast("int", row["created_at"])
    since = cast("int | None", row["since"])
    return Claim(
        id=cast("str", row["id"]),
        name=cast("str", row["name"]),
        tenant_id=cast("str", row["tenant_id"]),
        location_id=cast("str", row["location_id"]),
        state=cast("State", row["state"]),
        challenge_token=cast("str | None", row["challenge_token"]),
        certificate=cast("CertificateMethod", row["certificate"]),
        is_apex=row["is_apex"] == 1,
        authority_id=cast("str | None", row["authority_id"]),
        asked_at=cast("int | None", row["asked_at"]),
        hostname_status=cast("str | None", row["hostname_status"]),
        certificate_status=cast("str | None", row["certificate_status"]),
        seen=_seen(cast("str | None", row["seen"])),
        since=created_at if since is None else since,
        created_at=created_at,
        proven_at=cast("int | None", row["proven_at"]),
        active_at=cast("int | None", row["active_at"]),
        checked_at=cast("int | None", row["checked_at"]),
        due_at=cast("int | None", row["due_at"]),
        deadline_at=cast("int | None", row["deadline_at"]),
        failures=cast("int", row["failures"]),
        refreshed_at=cast("int | None", row["refreshed_at"]),
        refreshes=cast("int", row["refreshes"]),
        deleted_at=cast("int | None", row["deleted_at"]),
        revision=cast("int", row["revision"]),
    )


def _seen(text: str | None) -> Seen:
    """Nothing also for what another release wrote in another form: the next look writes it anew."""
    if text is None:
        return NOTHING_SEEN
    members = cast("dict[str, object]", json.loads(text))
    found = cast("list[dict[str, object]]", members.pop("records", []))
    tokens = cast("list[dict[str, str]]", members.pop("http_tokens", []))
    errors = cast("list[str]", members.pop("errors", []))
    try:
        return Seen(
            **members,  # pyright: ignore[reportArgumentType]  (written by `seen_text`)
            records=tuple(_record(one) for one in found),
            http_tokens=tuple(
                HttpToken(**token)  # pyright: ignore[reportArgumentType]
                for token in tokens
            ),
            errors=tuple(errors),
        )
    except (TypeError, KeyError):
        return NOTHING_SEEN


def _record(members: dict[str, object]) -> SeenRecord:
    found = cast("list[str]", members.pop("found"))
    return SeenRecord(**members, found=tuple(found))  # pyright: ignore[reportArgumentType]
