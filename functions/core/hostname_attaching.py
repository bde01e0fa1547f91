"""A proven claim's custom hostname at the authority: found, created, taken over, deleted.

The claim says first that it sets out to create one (`asked_at`). So one that is there although no
claim ever set out to was made by somebody else: it is used, and never deleted. One that another
claim of ours created is taken over with the duty to delete it.
"""

from typing import TYPE_CHECKING

from functions.core.hostname_looks import Look
from functions.core.hostname_records import LEASE_MS
from functions.ports.hostname_authority import (
    ConflictingHostnameError,
    QuotaExhaustedError,
    RateLimitedError,
    RefusedError,
    UnavailableError,
)
from functions.ports.records import Statement

if TYPE_CHECKING:
    from functions.ports.hostname_authority import CustomHostname


async def attach(look: Look) -> "CustomHostname":
    """The custom hostname of a claim that has none, or has lost its own. The caller has found the
    challenge in the DNS.

    Raises: LeaseLostError and the authority's errors, QuotaExhaustedError before it is asked.
    """
    authority = look.deps.authority
    if look.claim.authority_id is not None:
        await look.note(
            authority_id=None, asked_at=None, hostname_status=None, certificate_status=None
        )
    existing = await authority.find(look.claim.name)
    if existing is not None:
        await _take(look, existing)
        return existing
    if look.claim.asked_at is None:
        quota = await authority.quota()
        if quota.is_used_up:
            raise QuotaExhaustedError(f"all {quota.most} custom hostnames of the plan are used")
        await look.note(asked_at=look.now)
    created = await _create(look)
    await look.note(authority_id=created.id)
    return created


async def detach(look: Look) -> None:
    """What the authority has of a removed claim goes, unless it is not ours or another claim's
    by now.

    Raises: LeaseLostError and the authority's errors.
    """
    authority, claim = look.deps.authority, look.claim
    if claim.asked_at is not None:
        hostname_id = claim.authority_id
        if hostname_id is None:
            # Killed behind the call that created it.
            found = await authority.find(claim.name)
            hostname_id = None if found is None else found.id
            if found is None and look.now < claim.asked_at + LEASE_MS:
                # That call may still be on its way, and what it makes is ours to delete.
                await look.note(due_at=claim.asked_at + LEASE_MS)
                return
        if hostname_id is not None and not await _is_of_another(look, hostname_id):
            await authority.delete(hostname_id)
    await look.note(authority_id=None, asked_at=None, due_at=None)


async def _take(look: Look, existing: "CustomHostname") -> None:
    asked_at = look.claim.asked_at
    if asked_at is None and await _was_created_by_us(look, existing.id):
        asked_at = look.now
    await look.note(authority_id=existing.id, asked_at=asked_at)


async def _create(look: Look) -> "CustomHostname":
    authority, claim = look.deps.authority, look.claim
    try:
        return await authority.create(claim.name, claim.certificate)
    except ConflictingHostnameError as error:
        # Another run of ours was faster, or a call whose answer was lost took effect.
        existing = await authority.find(claim.name)
        if existing is None:
            raise UnavailableError(f"{claim.name}: {error}, but it is not found") from error
        return existing
    except (RateLimitedError, RefusedError):
        # Nothing was made, so what somebody else makes there later is not ours to delete.
        await look.note(asked_at=None)
        raise


async def _was_created_by_us(look: Look, hostname_id: str) -> bool:
    rows = await look.deps.records.fetch(
        Statement(
            "SELECT id FROM hostname WHERE authority_id = ? AND asked_at IS NOT NULL LIMIT 1",
            (hostname_id,),
        )
    )
    return bool(rows)


async def _is_of_another(look: Look, hostname_id: str) -> bool:
    rows = await look.deps.records.fetch(
        Statement(
            "SELECT id FROM hostname WHERE authority_id = ? AND id <> ? AND deleted_at IS NULL"
            " LIMIT 1",
            (hostname_id, look.claim.id),
        )
    )
    return bool(rows)
