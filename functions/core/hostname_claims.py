"""What tenants and operators do with hostnames: claim, see, have looked at, remove.

A claim proves nothing by itself: claims of several tenants for one name stand beside each other
until one of them is proven (`hostname_runs`).
"""

import base64
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from functions.core import (
    cache_tags,
    events,
    fields,
    hostname_notices,
    hostnames,
    locations,
    purges,
)
from functions.core.hostname_records import Claim, claim_of, find_claim, find_claim_of
from functions.core.hostname_states import UNPROVEN_MS, State
from functions.core.ids import is_id, new_id
from functions.core.platform import ATTEMPTS
from functions.core.problems import busy, conflict, not_found
from functions.core.rate_limits import too_many_requests
from functions.ports.queue import QueueError
from functions.ports.records import ConflictError, Records, Statement, Value

if TYPE_CHECKING:
    from functions.core.access import Caller
    from functions.ports.clock import Clock
    from functions.ports.entropy import Entropy
    from functions.ports.hostname_authority import CertificateMethod
    from functions.ports.queue import Queue

KIND = "hostnames"
"""Of the message that has the jobs look at due hostnames; it names none, because the rows do."""
TOKEN_BYTES = 32
MOST_UNPROVEN = 100
"""Claims of one tenant that wait for their proof: each costs a look now and then."""
CHECK_MS = 5_000
"""How long after a look another may be asked for."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A hostname that is claimed; its name has passed `hostnames.complaint`."""

    tenant_id: str
    name: str
    location_id: str
    certificate: "CertificateMethod"
    is_apex: bool


async def announce(queue: "Queue") -> None:
    """Call the jobs; where the message is lost, the schedule looks at what is due."""
    with suppress(QueueError):
        await queue.send({"kind": KIND})


async def claim_hostname(
    records: Records, clock: "Clock", entropy: "Entropy", wanted: Wanted, *, actor: str
) -> tuple[Claim, bool]:
    """The claim and whether it is new: a repeat gives the one that is there. Each new claim has a
    challenge of its own, so an earlier one's record in the DNS proves nothing for it.

    Raises: ProblemError 422 for a location that is not the tenant's; 409 `hostname-taken` where
    another tenant has proven the name, `hostname-exists` where the tenant's own claim of it is for
    another location or another kind of certificate, `too-many-claims`.
    """
    await _check(records, wanted)
    for _ in range(ATTEMPTS):
        known = await find_claim_of(records, wanted.tenant_id, wanted.name)
        if known is not None:
            return _repeated(known, wanted), False
        proven = await hostnames.find_proven(records, wanted.name)
        if proven is not None:
            raise conflict("hostname-taken", "The hostname is in use on the platform already.")
        await _check_count(records, wanted.tenant_id)
        claim_id = new_id(clock, entropy)
        token = base64.urlsafe_b64encode(entropy.token_bytes(TOKEN_BYTES)).rstrip(b"=").decode()
        try:
            await records.batch(_insertion(claim_id, token, wanted, actor, clock.now_ms()))
        except ConflictError:
            continue
        return await _existing(records, claim_id), True
    raise busy()


async def get_claim(records: Records, caller: "Caller", claim_id: str) -> Claim:
    """A removed one too.

    Raises: ProblemError 404 also for another tenant's.
    """
    claim = await find_claim(records, claim_id) if is_id(claim_id) else None
    if claim is None or (caller.role != "operator" and caller.subject_id != claim.tenant_id):
        raise not_found("hostname")
    return claim


async def list_claims(
    records: Records,
    *,
    tenant_id: str | None = None,
    location_id: str | None = None,
    state: State | None = None,
    after: str | None = None,
    limit: int = 100,
) -> Sequence[Claim]:
    """In order of their ids (their time of creation), from behind the id `after`; removed ones
    only where their state is asked for."""
    where, parameters = ["id > ?"], list[Value]([after or ""])
    for column, value in (("tenant_id", tenant_id), ("location_id", location_id), ("state", state)):
        if value is not None:
            where.append(f"{column} = ?")
            parameters.append(value)
    if state != "removed":
        where.append("deleted_at IS NULL")
    rows = await records.fetch(
        Statement(
            f"SELECT * FROM hostname WHERE {' AND '.join(where)} ORDER BY id LIMIT ?",  # noqa: S608
            (*parameters, limit),
        )
    )
    return [claim_of(row) for row in rows]


async def request_look(records: Records, clock: "Clock", caller: "Caller", claim_id: str) -> Claim:
    """Has the jobs look at it in their next run. For one that an operator vouched for, and for a
    removed one, there is nothing to look at.

    Raises: ProblemError 404; 429 where it was looked at a moment ago.
    """
    claim = await get_claim(records, caller, claim_id)
    now = clock.now_ms()
    if claim.due_at is None or claim.due_at <= now or claim.deleted_at is not None:
        return claim
    if claim.checked_at is not None and now - claim.checked_at < CHECK_MS:
        seconds = -(-(CHECK_MS - (now - claim.checked_at)) // 1000)
        raise too_many_requests(seconds, "The hostname was looked at a moment ago.")
    await records.batch(
        [
            Statement(
                "UPDATE hostname SET due_at = ? WHERE id = ? AND due_at = ?",
                (now, claim.id, claim.due_at),
            )
        ]
    )
    return await _existing(records, claim.id)


async def remove_claim(records: Records, clock: "Clock", caller: "Caller", claim_id: str) -> None:
    """It is served no more as soon as the edge asks again, within 30 s. What the authority holds is
    deleted by the jobs. Repeating it does nothing.

    Raises: ProblemError 404, 409 `busy`.
    """
    for _ in range(ATTEMPTS):
        claim = await get_claim(records, caller, claim_id)
        if claim.deleted_at is not None:
            return
        try:
            await records.batch(removal(claim, caller.actor, "removed", clock.now_ms()))
        except ConflictError:
            continue
        return
    raise busy()


def removal(
    claim: Claim, actor: str, reason: str, now: int, *, lease: int | None = None
) -> list[Statement]:
    """Also asks for the purge of where the edge thinks that it leads."""
    is_known_there = claim.authority_id is not None or claim.asked_at is not None
    columns: dict[str, Value] = {
        "deleted_at": now,
        "deadline_at": None,
        "due_at": now if is_known_there else None,
    }
    return [
        *claim.change(actor, reason, "removed", now, columns, lease=lease),
        *hostname_notices.change_notices(claim, reason, "removed", now),
        *purges.purge_statements([cache_tags.host(claim.name)], now),
    ]


def vouching(claim: Claim, actor: str, now: int) -> list[Statement]:
    """An operator says that an unproven claim's name is the tenant's; from here on it is theirs to
    look after."""
    columns: dict[str, Value] = {
        "proven_at": now,
        "challenge_token": None,
        "due_at": None,
        "deadline_at": None,
    }
    return claim.change(actor, "vouched", "active", now, columns)


async def _check(records: Records, wanted: Wanted) -> None:
    found = fields.Collector()
    location = None
    if is_id(wanted.location_id):
        location = await locations.find_location(records, wanted.location_id)
    if location is None or location.tenant_id != wanted.tenant_id:
        found.add("/location_id", "must be the id of a location of the tenant")
    found.check()


async def _check_count(records: Records, tenant_id: str) -> None:
    rows = await records.fetch(
        Statement(
            "SELECT COUNT(*) AS open FROM hostname"
            " WHERE tenant_id = ? AND proven_at IS NULL AND deleted_at IS NULL",
            (tenant_id,),
        )
    )
    if cast("int", rows[0]["open"]) >= MOST_UNPROVEN:
        raise conflict(
            "too-many-claims",
            f"{MOST_UNPROVEN} hostnames of the tenant wait for their proof already. Prove or "
            "remove some of them first.",
        )


def _repeated(known: Claim, wanted: Wanted) -> Claim:
    same_certificate = known.is_vouched or known.certificate == wanted.certificate
    if known.location_id == wanted.location_id and same_certificate:
        return known
    raise conflict(
        "hostname-exists",
        "The tenant has this hostname already, for another location or with another kind of "
        "certificate. Remove it first.",
        hostname_id=known.id,
    )


def _insertion(claim_id: str, token: str, wanted: Wanted, actor: str, now: int) -> list[Statement]:
    return [
        Statement(
            "INSERT INTO hostname (id, name, tenant_id, location_id, state, challenge_token,"
            " certificate, is_apex, due_at, deadline_at, since, created_at, revision)"
            " VALUES (?, ?, ?, ?, 'requested', ?, ?, ?, ?, ?, ?, ?, 1)",
            (
                claim_id,
                wanted.name,
                wanted.tenant_id,
                wanted.location_id,
                token,
                wanted.certificate,
                int(wanted.is_apex),
                now,
                now + UNPROVEN_MS,
                now,
                now,
            ),
        ),
        events.created(claim_id, "hostname", actor, "requested", now),
    ]


async def _existing(records: Records, claim_id: str) -> Claim:
    claim = await find_claim(records, claim_id)
    if claim is None:
        raise not_found("hostname")
    return claim
