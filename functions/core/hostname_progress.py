"""What one look makes of a claim: our own word from the DNS first, then the authority's."""

from dataclasses import replace

from functions.core import hostnames
from functions.core.hostname_attaching import attach, detach
from functions.core.hostname_looks import Look
from functions.core.hostname_records import Seen
from functions.core.hostname_states import (
    MOVED_MS,
    UNPROVEN_MS,
    Signals,
    State,
    certificate_class,
    hostname_class,
    is_provable,
    proven_state,
    wants_refresh,
)
from functions.core.hostname_wants import first_wants, further_wants, look_at, trusts_addresses
from functions.ports.hostname_authority import CustomHostname
from functions.ports.records import ConflictError, Value


async def go_on(look: Look) -> None:
    """Raises: LeaseLostError, ConflictError where another was faster; the authority's errors."""
    if look.claim.deleted_at is not None:
        await detach(look)
        return
    if look.claim.proven_at is None and not await _prove(look):
        return
    await _follow(look)


async def _look_at_dns(look: Look, hostname_status: str | None) -> Seen:
    claim, deps = look.claim, look.deps
    wants = first_wants(claim, deps.cname_target)
    trusts = trusts_addresses(hostname_status, is_apex=claim.is_apex)
    return Seen(await look_at(deps.resolver, wants, trusts_addresses=trusts))


async def _prove(look: Look) -> bool:
    """Whether the claim is proven now. Only what was found in the DNS proves it, and only where no
    other claim of the name is proven: the table refuses a second one."""
    claim, now = look.claim, look.now
    if claim.deadline_at is not None and claim.deadline_at <= now:
        await look.remove("expired")
        return False
    seen = await _look_at_dns(look, claim.hostname_status)
    signals = Signals(claim.state, seen.state_of("ownership"), seen.state_of("routing"))
    if is_provable(signals):
        columns: dict[str, Value] = {"proven_at": now, "deadline_at": None, "checked_at": now}
        try:
            await look.enter("validating", "proven", columns, seen=seen, forgets=True)
        except ConflictError:
            if await hostnames.find_proven(look.deps.records, claim.name) is None:
                raise
            seen = replace(seen, trouble="taken")
        else:
            return True
    if claim.state == "requested":
        columns = {"checked_at": now, "due_at": look.next_look("awaiting_dns", now)}
        await look.enter("awaiting_dns", "looked", columns, seen=seen)
    else:
        due_at = look.next_look(claim.state, claim.since)
        await look.end(due_at=due_at, seen=seen, checked_at=now, failures=0)
    return False


async def _follow(look: Look) -> None:
    """A proven claim: its custom hostname is looked at, or made."""
    custom = None
    if look.claim.authority_id is not None:
        custom = await look.deps.authority.get(look.claim.authority_id)
    seen = await _look_at_dns(look, None if custom is None else custom.hostname_status)
    if custom is None:
        match seen.state_of("ownership"):
            case "missing" | "wrong":
                await _lose(look, seen)
                return
            case "unknown":
                due_at = look.next_look("validating", look.claim.since)
                await look.end(due_at=due_at, seen=seen)
                return
            case "ok":
                custom = await attach(look)
    await _settle(look, custom, seen)


async def _lose(look: Look, seen: Seen) -> None:
    """The authority has lost it and the DNS no longer proves it: as if it were asked for anew."""
    now = look.now
    columns: dict[str, Value] = {
        "proven_at": None,
        "authority_id": None,
        "asked_at": None,
        "hostname_status": None,
        "certificate_status": None,
        "checked_at": now,
        "deadline_at": now + UNPROVEN_MS,
        "due_at": look.next_look("awaiting_dns", now),
    }
    await look.enter("awaiting_dns", "lost", columns, seen=seen, forgets=True)


async def _settle(look: Look, custom: CustomHostname, seen: Seen) -> None:
    signals = _signals(look.claim.state, custom, seen)
    if _begins_to_fail(look, custom.certificate_status):
        await look.tell_of_certificate(custom.certificate_status or "")
    claim = look.claim
    if wants_refresh(signals, claim.refreshed_at, claim.refreshes, look.now):
        await look.note(refreshed_at=look.now, refreshes=claim.refreshes + 1)
        custom = await look.deps.authority.refresh(custom.id, claim.certificate)
        signals = _signals(claim.state, custom, seen)
    state, now = proven_state(signals), look.now
    seen = await _with_validations(look, custom, seen)
    troubled = (
        signals.hostname == "moved"
        or signals.certificate == "failed"
        or signals.routing in ("missing", "wrong")
    )
    since = claim.since if state == claim.state else now
    due_at = look.next_look(state, since, troubled=troubled)
    columns: dict[str, Value] = {
        "hostname_status": custom.hostname_status,
        "certificate_status": custom.certificate_status,
        "checked_at": now,
        "failures": 0,
        **_of_state(look, state, signals),
    }
    if state == claim.state:
        await look.end(due_at=due_at, seen=seen, **columns)
    else:
        await look.enter(state, state, {**columns, "due_at": due_at}, seen=seen, forgets=True)


def _begins_to_fail(look: Look, certificate_status: str | None) -> bool:
    """Whether the certificate's trouble is news: not while validations are begun anew for it."""
    was = certificate_class(look.claim.certificate_status)
    is_new = was != "failed" and look.claim.refreshes == 0
    return is_new and certificate_class(certificate_status) == "failed"


def _signals(state: State, custom: CustomHostname, seen: Seen) -> Signals:
    return Signals(
        state,
        seen.state_of("ownership"),
        seen.state_of("routing"),
        hostname_class(custom.hostname_status),
        certificate_class(custom.certificate_status),
    )


def _of_state(look: Look, state: State, signals: Signals) -> dict[str, Value]:
    """What else is written with a state. Validations are counted until the certificate serves."""
    if state == "active":
        active_at = look.claim.active_at
        columns: dict[str, Value] = {"active_at": look.now if active_at is None else active_at}
        if signals.certificate == "serving":
            columns |= {"refreshed_at": None, "refreshes": 0}
        return columns
    if state == "moved":
        return {"proven_at": None, "deadline_at": look.now + MOVED_MS}
    return {}


async def _with_validations(look: Look, custom: CustomHostname, seen: Seen) -> Seen:
    """With the authority's own records and texts."""
    delegation = None
    if look.claim.certificate == "txt":
        delegation = await look.deps.authority.delegation()
    wants = further_wants(look.claim, custom, delegation)
    further = await look_at(look.deps.resolver, wants, trusts_addresses=False)
    return Seen(seen.records + further, custom.http_tokens, custom.errors)
