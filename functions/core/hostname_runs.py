"""The jobs' looks at hostnames that are due, and what becomes of failures.

1. A claim is leased before anything is asked for it, and every write holds the lease: two runs at
   once do not work on the same, and what a killed run has left a later one takes up.
2. What is begun at the authority is written down before (`asked_at`, `refreshed_at`), so that a run
   that is killed behind the call neither begins it twice nor forgets whose it is.
3. Where the account's rate is used up, no run calls before the time that the answer names.
"""

from dataclasses import dataclass, field, replace

from functions.core import holds
from functions.core.hostname_looks import HostnameDeps, LeaseLostError, Look
from functions.core.hostname_progress import go_on
from functions.core.hostname_records import Seen, Trouble, due_claims, leased
from functions.core.hostname_states import after_failure
from functions.core.platform import HOUR_MS
from functions.ports.hostname_authority import (
    HostnameAuthorityError,
    QuotaExhaustedError,
    RateLimitedError,
    RefusedError,
)
from functions.ports.records import ConflictError

NAME = "hostnames"
MOST_FAILURES = 3
"""Of one run: behind so many calls that nobody answered it leaves the rest to the next."""
RUN_MS = 60_000
MOST_HOLD_SECONDS = 3600


@dataclass(slots=True)
class HostnameReport:
    looked: int = 0
    changed: list[str] = field(default_factory=list[str])
    """`name: state -> state`"""
    errors: list[str] = field(default_factory=list[str])
    """What an operator should know; one line each, for the log."""
    retry_after_seconds: int | None = None
    """The account's rate is used up until then."""

    def __str__(self) -> str:
        wait = "" if self.retry_after_seconds is None else f", held {self.retry_after_seconds} s"
        return f"{self.looked} looked at; {'; '.join(self.changed) or 'none changed'}{wait}"


async def run_hostnames(deps: HostnameDeps, *, most: int = 50) -> HostnameReport:
    """Looks at up to `most` that are due, and begins none when a minute is over: a tenant's slow
    name servers hold up nobody for longer. Can be run twice at once.

    Raises: RecordsError.
    """
    report = HostnameReport()
    wait = await holds.seconds_left(deps.records, NAME, deps.clock.now_ms())
    if wait > 0:
        report.retry_after_seconds = wait
        return report
    failures, ends_at = 0, deps.clock.now_ms() + RUN_MS
    for due in await due_claims(deps.records, deps.clock.now_ms(), most):
        claim = await leased(deps.records, due, deps.clock.now_ms())
        if claim is None:
            continue
        look = Look(deps, claim)
        try:
            failures += await _look(look, report)
        except (LeaseLostError, ConflictError):
            continue
        finally:
            report.looked += 1
            if look.claim.state != due.state:
                report.changed.append(f"{due.name}: {due.state} -> {look.claim.state}")
        is_over = deps.clock.now_ms() >= ends_at
        if is_over or report.retry_after_seconds is not None or failures >= MOST_FAILURES:
            break
    return report


async def _look(look: Look, report: HostnameReport) -> int:
    """1 where the authority did not answer, else 0."""
    try:
        await go_on(look)
    except RateLimitedError as error:
        seconds = min(error.retry_after_seconds, MOST_HOLD_SECONDS)
        until = look.now + seconds * 1000
        report.retry_after_seconds = seconds
        await look.deps.records.batch([holds.until(NAME, until)])
        await look.end(due_at=until)
    except QuotaExhaustedError as error:
        report.errors.append(f"{look.claim.name}: {error}")
        await look.end(due_at=look.now + HOUR_MS, seen=_troubled(look, "quota"), asked_at=None)
    except RefusedError as error:
        report.errors.append(f"{look.claim.name}: {error}")
        seen = replace(_troubled(look, "refused"), errors=(str(error),))
        await look.end(due_at=look.now + HOUR_MS, seen=seen)
    except HostnameAuthorityError as error:
        report.errors.append(f"{look.claim.name}: {error}")
        failures = look.claim.failures + 1
        await look.end(
            due_at=after_failure(failures, look.now, look.deps.jitter()),
            seen=_troubled(look, "unavailable"),
            failures=failures,
        )
        return 1
    return 0


def _troubled(look: Look, trouble: Trouble) -> Seen:
    return replace(look.claim.seen, trouble=trouble)
