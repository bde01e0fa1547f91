"""Delivering the notices that are due.

1. Each delivery stands for itself: one that fails holds up no other notice, so a receiver may see
   them out of order (each says when it happened). Those of one receiver are sent one after another,
   different receivers at once.
2. A delivery is claimed before it is sent, by compare-and-set on its `due_at`: two runs at once do
   not send the same, and a run that is killed leaves it to a later one. So a receiver is told at
   least once, under the same id each time.
3. A receiver that fails is not called again in the same run: what else is due to it is put off as
   well, as no attempt and by its own delay. So one that is dead costs a run one time limit, however
   much waits for it, and a notice that is never taken stands before no other for long.
"""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from functions.core import notice_deliveries as deliveries
from functions.core.backoff import backoff
from functions.core.notice_deliveries import Due
from functions.core.platform import DAY_MS, HOUR_MS
from functions.core.webhook_calls import Answer, Receiver, call

if TYPE_CHECKING:
    from collections.abc import Sequence

    from functions.ports.clock import Clock
    from functions.ports.entropy import Entropy
    from functions.ports.fetch import Fetch
    from functions.ports.records import Records, Statement

FIRST_RETRY_MS = 10_000
RETRY_FACTOR = 4
LONGEST_RETRY_MS = 6 * HOUR_MS
GIVE_UP_MS = 3 * DAY_MS
"""After this a notice is not news any more; Standard Webhooks' own example ends there, too."""
KEPT_MS = 30 * DAY_MS
"""How long a notice can be looked up."""
RUN_MS = 60_000
"""No call begins later in a run."""
CALLS_AT_ONCE = 4
"""A Worker has six connections that wait for an answer
(developers.cloudflare.com/workers/platform/limits)."""


@dataclass(frozen=True, slots=True)
class NoticeDeps:
    records: "Records"
    fetch: "Fetch"
    clock: "Clock"
    entropy: "Entropy"
    alert: Receiver | None = None
    """The operator's webhook."""


@dataclass(frozen=True, slots=True)
class NoticeReport:
    delivered: int
    put_off: int
    """Tried and to be tried again, or due to a receiver that failed."""
    ended: int
    """Given up or skipped."""
    deleted: int
    """Notices past their retention."""
    retry_after_seconds: int | None = None
    """When there will be something to do again; None: nothing waits."""
    errors: tuple[str, ...] = ()
    """What was given up; one line each, for the log."""


@dataclass(slots=True)
class _Run:
    deps: NoticeDeps
    ends_at: int
    at_once: asyncio.Semaphore
    delivered: int = 0
    put_off: int = 0
    ended: int = 0
    errors: list[str] = field(default_factory=list[str])

    @property
    def now(self) -> int:
        return self.deps.clock.now_ms()


async def run_notices(deps: NoticeDeps, *, batch: int = 50) -> NoticeReport:
    """Sends at most `batch` deliveries that are due; what is left over waits for the next run. Can
    be run twice at once.

    Raises: RecordsError.
    """
    now = deps.clock.now_ms()
    run = _Run(deps, now + RUN_MS, asyncio.Semaphore(CALLS_AT_ONCE))
    groups: dict[str | None, list[Due]] = {}
    for delivery in await deliveries.due_deliveries(deps.records, now, batch):
        groups.setdefault(delivery.tenant_id, []).append(delivery)
    outcomes = await asyncio.gather(
        *(_tell(run, group) for group in groups.values()), return_exceptions=True
    )
    for outcome in outcomes:
        if outcome is not None:
            raise outcome
    deleted = await deliveries.delete_old(deps.records, run.now - KEPT_MS)
    due_at = await deliveries.next_due(deps.records)
    wait = None if due_at is None else max(0, -(-(due_at - run.now) // 1000))
    return NoticeReport(run.delivered, run.put_off, run.ended, deleted, wait, tuple(run.errors))


async def _tell(run: _Run, group: "Sequence[Due]") -> None:
    """All of one receiver's, up to the first that fails."""
    async with run.at_once:
        for number, delivery in enumerate(group):
            receiver = _receiver(run, delivery)
            if receiver is None:
                await _skip(run, delivery)
            elif run.now >= run.ends_at or not await _deliver(
                run, receiver, delivery, group[number + 1 :]
            ):
                return


def _receiver(run: _Run, delivery: Due) -> Receiver | None:
    if delivery.destination == "operator":
        return run.deps.alert
    webhook = delivery.webhook
    if webhook is None or webhook.switched_off_at is not None:
        return None
    return Receiver(webhook.url, webhook.secrets(run.now))


async def _skip(run: _Run, delivery: Due) -> None:
    why = "there is no webhook, or it is switched off"
    await run.deps.records.batch([deliveries.settled(delivery, "skipped", None, why)])
    run.ended += 1


async def _deliver(run: _Run, receiver: Receiver, delivery: Due, behind: "Sequence[Due]") -> bool:
    """Whether the receiver is fit for the next."""
    records = run.deps.records
    claimed = await deliveries.claim(records, delivery, run.now)
    if claimed is None:
        return True
    body = claimed.body.encode()
    answer = await call(run.deps.fetch, receiver, claimed.notice_id, body, run.now)
    if answer.is_taken:
        await records.batch([deliveries.settled(claimed, "delivered", answer.status, None)])
        run.delivered += 1
    elif answer.is_gone:
        statements = [_given_up(run, claimed, answer)]
        if claimed.webhook is not None:
            statements.append(deliveries.switched_off(claimed.webhook, run.now))
        await records.batch(statements)
    else:
        await records.batch([_later(run, one, answer) for one in (claimed, *behind)])
    return answer.is_taken


def _later(run: _Run, delivery: Due, answer: Answer) -> "Statement":
    now, ends_at = run.now, delivery.created_at + GIVE_UP_MS
    if now >= ends_at:
        return _given_up(run, delivery, answer)
    run.put_off += 1
    wait = max(_delay_ms(run, delivery.attempts), answer.retry_after_seconds * 1000)
    until = min(now + min(wait, LONGEST_RETRY_MS), ends_at)
    return deliveries.put_off(delivery, until, answer.status, answer.problem)


def _given_up(run: _Run, delivery: Due, answer: Answer) -> "Statement":
    run.ended += 1
    whom = "the operator" if delivery.tenant_id is None else f"tenant {delivery.tenant_id}"
    run.errors.append(f"notice {delivery.notice_id} to {whom} is given up: {answer.problem}")
    return deliveries.settled(delivery, "failed", answer.status, answer.problem)


def _delay_ms(run: _Run, attempts: int) -> int:
    """Behind so many attempts; between half of it and all of it, so that receivers which failed
    together are not called together."""
    whole = backoff(FIRST_RETRY_MS, LONGEST_RETRY_MS, attempts, RETRY_FACTOR)
    chance = int.from_bytes(run.deps.entropy.token_bytes(4)) / 2**32
    return whole // 2 + int(whole // 2 * chance)
