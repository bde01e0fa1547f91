"""Sending the purges that were asked for.

1. A row is claimed before its tag is sent: `due_at` moves on, so that two runs at once do not send
   the same, and a run that is killed leaves it to a later one.
2. A row goes away only if it is still as it was claimed. Asking again in between changes it, so
   what was cached behind the call goes, too.
3. The plan's rate is everybody's: where it is used up, no run sends anything before the time that
   the answer names.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from functions.core import holds
from functions.core.backoff import backoff
from functions.core.purges import Purge, purge_of
from functions.ports.cache_purger import CachePurgerError, PurgeLimitError
from functions.ports.records import Records, Statement

if TYPE_CHECKING:
    from functions.ports.cache_purger import CachePurger
    from functions.ports.clock import Clock

NAME = "purges"
CLAIM_MS = 60_000
FIRST_RETRY_MS = 5_000
LONGEST_RETRY_MS = 600_000
ALONE_FROM = 3
"""After this many attempts a tag is sent by itself, so that one that is refused for ever does not
take the others with it."""


@dataclass(frozen=True, slots=True)
class PurgeReport:
    purged: int
    retry_after_seconds: int | None = None
    """When there will be something to do again, as far as is known; None: nothing is left."""
    error: str | None = None


async def run_purges(
    records: Records, purger: "CachePurger", clock: "Clock", *, calls: int = 10
) -> PurgeReport:
    """Sends what is due, in at most `calls` calls; ends at the first that fails. Can be run twice
    at once.

    Raises: RecordsError.
    """
    purged = 0
    wait = await holds.seconds_left(records, NAME, clock.now_ms())
    if wait > 0:
        return PurgeReport(purged, wait)
    for _ in range(calls):
        claimed = await _claim(records, clock.now_ms(), purger.most_tags)
        if not claimed:
            break
        try:
            await purger.purge([purge.tag for purge in claimed])
        except PurgeLimitError as error:
            until = clock.now_ms() + error.retry_after_seconds * 1000
            await _put_off(records, claimed, until, str(error), hold=True)
            return PurgeReport(purged, error.retry_after_seconds, str(error))
        except CachePurgerError as error:
            delay = backoff(FIRST_RETRY_MS, LONGEST_RETRY_MS, claimed[0].attempts)
            await _put_off(records, claimed, clock.now_ms() + delay, str(error), hold=False)
            return PurgeReport(purged, -(-delay // 1000), str(error))
        await records.batch([_while_unchanged("DELETE FROM cache_purge", (), p) for p in claimed])
        purged += len(claimed)
    return PurgeReport(purged, await _next(records, clock.now_ms()))


async def _next(records: Records, now: int) -> int | None:
    rows = await records.fetch(Statement("SELECT MIN(due_at) AS due_at FROM cache_purge"))
    due_at = cast("int | None", rows[0]["due_at"])
    return None if due_at is None else max(0, -(-(due_at - now) // 1000))


async def _claim(records: Records, now: int, most: int) -> list[Purge]:
    rows = await records.fetch(
        Statement(
            "SELECT * FROM cache_purge WHERE due_at <= ? ORDER BY due_at LIMIT ?", (now, most)
        )
    )
    found = [purge_of(row) for row in rows]
    if found and found[0].attempts >= ALONE_FROM:
        found = found[:1]
    else:
        found = [purge for purge in found if purge.attempts < ALONE_FROM]
    if not found:
        return []
    claim = "UPDATE cache_purge SET due_at = ?, attempts = attempts + 1"
    changed = await records.batch(
        [_while_unchanged(claim, (now + CLAIM_MS,), purge) for purge in found]
    )
    return [
        Purge(purge.tag, purge.requested_at, now + CLAIM_MS, purge.attempts + 1, purge.problem)
        for purge, count in zip(found, changed, strict=True)
        if count == 1
    ]


async def _put_off(
    records: Records, claimed: Sequence[Purge], until: int, problem: str, *, hold: bool
) -> None:
    # What the plan did not let through was no attempt.
    back = ", attempts = attempts - 1" if hold else ""
    later = f"UPDATE cache_purge SET due_at = ?, problem = ?{back}"  # noqa: S608
    statements = [_while_unchanged(later, (until, problem), purge) for purge in claimed]
    if hold:
        statements.append(holds.until(NAME, until))
    await records.batch(statements)


def _while_unchanged(sql: str, parameters: tuple[int | str, ...], purge: Purge) -> Statement:
    """A request that came since has set both to times of its own, which are no claim's."""
    where = " WHERE tag = ? AND requested_at = ? AND due_at = ?"
    return Statement(sql + where, (*parameters, purge.tag, purge.requested_at, purge.due_at))
