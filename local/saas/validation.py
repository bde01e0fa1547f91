"""How a custom hostname gets on: its own status and that of its certificate, each from what the DNS
says. Pure: evidence and time are given.

Rules, from developers.cloudflare.com/cloudflare-for-platforms/cloudflare-for-saas:

1. A hostname turns active when it leads to the zone, or its owner was proven by a text in the DNS
   or by a page (domain-support/hostname-validation/pre-validation).
2. One that led here and no longer does is moved, and deleted seven days later. Only a new
   validation (PATCH) brings it back (reference: hostname-validation/validation-status).
3. A certificate is initializing, then pending_validation, pending_issuance, pending_deployment and
   active. By `http` it is validated where the hostname leads here or the page is there, by `txt`
   where `_acme-challenge` has the text or is delegated. CAA records that forbid the authority stop
   it.
4. Nobody waits for a validation for longer than seven days.
"""

from dataclasses import dataclass
from typing import Any, cast

Item = dict[str, Any]

DAY = 86_400
MOVED_SECONDS = 7 * DAY
VALIDATION_SECONDS = 7 * DAY
NOT_HERE = "custom hostname does not CNAME to this zone."
BLOCKED = "custom hostname is blocked; its validation was refused by policy."
_NEXT = {
    "initializing": "pending_validation",
    "pending_validation": "pending_issuance",
    "pending_issuance": "pending_deployment",
    "pending_deployment": "active",
}


@dataclass(frozen=True, slots=True)
class Evidence:
    points_here: bool = False
    is_owned: bool = False
    """By the text or the page of the pre-validation."""
    is_controlled: bool = False
    """By what the certificate's method asks for."""
    forbidden: str = ""
    """What the CAA records say against it."""
    is_blocked: bool = False


def certificate(identifier: str, token: str) -> Item:
    """The progress of a certificate that was just asked for."""
    return {
        "id": identifier,
        "token": token,
        "status": "initializing",
        "since": None,
        "errors": [],
    }


def advanced(item: Item, seen: Evidence, now: float, stage_seconds: float) -> Item | None:
    """The hostname as it is at `now` (seconds since 1970); None: it is deleted. Each stage of a
    certificate takes `stage_seconds`."""
    changed = item | _hostname(item, seen, now)
    if changed["status"] == "moved" and now - changed["_movedAt"] >= MOVED_SECONDS:
        return None
    progress = cast("Item | None", changed.get("_ssl"))
    if progress is not None and not seen.is_blocked:
        changed["_ssl"] = _certificate(progress, seen, now, stage_seconds)
    return changed


def _hostname(item: Item, seen: Evidence, now: float) -> Item:
    status = item["status"]
    if seen.is_blocked:
        return {"status": "blocked", "verificationErrors": [BLOCKED]}
    if status == "moved":
        return {}
    if status == "active" and item.get("_pointed") and not seen.points_here:
        return {"status": "moved", "_movedAt": now, "verificationErrors": [NOT_HERE]}
    if seen.points_here or seen.is_owned or status == "active":
        pointed = bool(item.get("_pointed")) or seen.points_here
        return {"status": "active", "_pointed": pointed, "verificationErrors": []}
    return {"status": "pending", "verificationErrors": [NOT_HERE]}


def _certificate(progress: Item, seen: Evidence, now: float, stage_seconds: float) -> Item:
    changed = progress | {"since": now if progress["since"] is None else progress["since"]}
    while changed["status"] in _NEXT:
        changed["errors"] = _errors(changed["status"], seen)
        waited = now - changed["since"]
        if changed["status"] == "pending_validation":
            if waited >= VALIDATION_SECONDS:
                return changed | {"status": "validation_timed_out"}
            if changed["errors"] or not seen.is_controlled:
                return changed
        if waited < stage_seconds:
            return changed
        # A validation waits for its owner, for how long nobody knows; others take their time.
        waiting = changed["status"] == "pending_validation"
        following = now if waiting else changed["since"] + stage_seconds
        changed |= {"status": _NEXT[changed["status"]], "since": following}
    return changed


def _errors(status: str, seen: Evidence) -> list[str]:
    return [seen.forbidden] if status == "pending_validation" and seen.forbidden else []
