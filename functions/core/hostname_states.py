"""The life of a hostname that a tenant brings, as pure rules.

    requested -> awaiting_dns -> validating -> active -> moved | blocked -> removed

Rules:
1. Nothing is asked of the hostnames' authority (Cloudflare) before the tenant's own challenge was
   found in the DNS. That proof is kept until the hostname is moved, removed or lost there; while it
   lasts, a challenge that is taken away changes nothing, because the CNAME keeps saying the same.
2. `moved`: the authority no longer finds the hostname pointing here, and neither do we. The proof
   is dropped, so that a new owner of the domain can prove it; to come back, challenge and CNAME
   must both be found. After 7 days it is removed.
3. A claim that nobody proves within 30 days is removed.
4. Served is what is proven and validating or active (`serving`): where the authority sends a
   request here before the next look has told us so, there is no reason to refuse it.
5. A status of the authority that is not known here changes no state; it is kept and shown.
6. A validation is begun anew only where the authority has given up (a certificate that timed out or
   expired, a moved hostname that points here again), and ever more rarely.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from functions.core.backoff import backoff
from functions.core.platform import DAY_MS, HOUR_MS

State: TypeAlias = Literal[
    "requested", "awaiting_dns", "validating", "active", "moved", "blocked", "removed"
]
STATES: tuple[State, ...] = (
    "requested", "awaiting_dns", "validating", "active", "moved", "blocked", "removed",
)  # fmt: skip
RecordState: TypeAlias = Literal["missing", "wrong", "ok", "unknown"]

HostnameClass: TypeAlias = Literal["active", "pending", "moved", "blocked", "gone", "unknown"]
CertificateClass: TypeAlias = Literal["serving", "pending", "failed", "unknown"]

# developers.cloudflare.com/api/resources/custom_hostnames: `status` and `ssl.status`.
HOSTNAME_STATUSES: dict[str, HostnameClass] = {
    "active": "active",
    "active_redeploying": "active",
    "pending": "pending",
    "pending_migration": "pending",
    "pending_provisioned": "pending",
    "provisioned": "pending",
    "test_pending": "pending",
    "test_active": "pending",
    "test_active_apex": "pending",
    "test_failed": "pending",
    "moved": "moved",
    "blocked": "blocked",
    "pending_blocked": "blocked",
    "test_blocked": "blocked",
    "pending_deletion": "gone",
    "deleted": "gone",
}
CERTIFICATE_STATUSES: dict[str, CertificateClass] = {
    "active": "serving",
    "pending_expiration": "serving",
    "backup_issued": "serving",
    "initializing": "pending",
    "pending_validation": "pending",
    "pending_issuance": "pending",
    "pending_deployment": "pending",
    "pending_cleanup": "pending",
    "staging_deployment": "pending",
    "staging_active": "pending",
    "holding_deployment": "pending",
    "initializing_timed_out": "failed",
    "validation_timed_out": "failed",
    "issuance_timed_out": "failed",
    "deployment_timed_out": "failed",
    "expired": "failed",
    "deactivating": "failed",
    "inactive": "failed",
    "pending_deletion": "failed",
    "deletion_timed_out": "failed",
    "deleted": "failed",
}

MOVED_MS = 7 * DAY_MS
UNPROVEN_MS = 30 * DAY_MS
FIRST_REFRESH_MS = HOUR_MS
LONGEST_REFRESH_MS = DAY_MS
SOONEST_MS = 30_000
FIRST_FAILURE_MS = 60_000
JITTER = 0.15
"""Of a wait, to either side, so that hostnames of one hour do not stay together."""


def hostname_class(status: str | None) -> HostnameClass:
    """None: there is no custom hostname."""
    return "gone" if status is None else HOSTNAME_STATUSES.get(status, "unknown")


def certificate_class(status: str | None) -> CertificateClass:
    return "pending" if status is None else CERTIFICATE_STATUSES.get(status, "unknown")


@dataclass(frozen=True, slots=True)
class Signals:
    """What was seen of a claim at one moment."""

    state: State
    challenge: RecordState
    routing: RecordState
    hostname: HostnameClass = "gone"
    certificate: CertificateClass = "pending"


def is_provable(signals: Signals) -> bool:
    """Whether an unproven claim is proven by what was seen. A hostname that moved away must have
    come back too: its old challenge may still stand in a zone that has since moved."""
    if signals.challenge != "ok":
        return False
    return signals.state != "moved" or signals.routing == "ok"


def proven_state(signals: Signals) -> State:
    """The state of a proven claim whose custom hostname is there."""
    state = signals.state
    match signals.hostname:
        case "blocked":
            return "blocked"
        case "moved":
            return _moved_state(signals)
        case "active":
            return _attached_state(signals)
        case "pending":
            return "validating"
        case _:
            return state


def _moved_state(signals: Signals) -> State:
    if signals.routing in ("missing", "wrong"):
        return "moved"
    # It points here again, and the authority has not looked yet; or nobody knows.
    return "validating" if signals.routing == "ok" else signals.state


def _attached_state(signals: Signals) -> State:
    """Once it was active, a certificate that is being renewed leaves the old one in place."""
    if signals.certificate == "serving":
        return "active"
    if signals.state == "active" or signals.certificate == "unknown":
        return signals.state
    return "validating"


def wants_refresh(signals: Signals, refreshed_at: int | None, refreshes: int, now: int) -> bool:
    """Whether the validations are to be begun anew now."""
    given_up = signals.hostname == "moved" and signals.routing == "ok"
    if signals.hostname in ("active", "pending") and signals.certificate == "failed":
        given_up = True
    if not given_up:
        return False
    if refreshed_at is None:
        return True
    return now - refreshed_at >= backoff(FIRST_REFRESH_MS, LONGEST_REFRESH_MS, refreshes)


def next_look(state: State, since: int, now: int, jitter: float, *, troubled: bool = False) -> int:
    """When to look again. What is new is looked at often, and ever more rarely as it stays as it
    is. `jitter` is from 0 up to 1; `troubled`: it is served, and something of it will not last."""
    age = max(0, now - since)
    match state:
        case "requested":
            wait = SOONEST_MS
        case "awaiting_dns" | "validating":
            wait = min(max(age // 8, SOONEST_MS), HOUR_MS)
        case "moved":
            wait = HOUR_MS // 2
        case "active":
            wait = HOUR_MS if troubled else 6 * HOUR_MS
        case "blocked" | "removed":
            wait = 6 * HOUR_MS
    return now + _spread(wait, jitter)


def after_failure(failures: int, now: int, jitter: float) -> int:
    """When to look again behind so many looks in a row that nobody answered."""
    return now + _spread(backoff(FIRST_FAILURE_MS, HOUR_MS, failures), jitter)


def _spread(wait: int, jitter: float) -> int:
    return int(wait * (1 - JITTER + 2 * JITTER * jitter))
