"""Batches of messages for the jobs, neutral of any queue: each message is settled by itself, so
that one that fails never holds up the others."""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, cast

from functions.core.validation import (
    Outcome,
    ValidationDeps,
    mark_dead_letter,
    validate_upload,
)

log = logging.getLogger("stowage.jobs")

FIRST_RETRY_SECONDS = 5
LONGEST_RETRY_SECONDS = 600
DEAD_LETTERS = "-dead"
"""How the name of a dead-letter queue ends."""


class Delivery(Protocol):
    """One delivery of a message. A message that is neither acknowledged nor retried would be taken
    as acknowledged, so exactly one of the two is called for each."""

    @property
    def id(self) -> str: ...

    @property
    def attempts(self) -> int:
        """1 at the first delivery."""
        ...

    def body(self) -> object:
        """As JSON values. Raises: ValueError where it cannot be read."""
        ...

    def ack(self) -> None: ...

    def retry(self, delay_seconds: int) -> None: ...


Handler = Callable[[Mapping[str, object]], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class Jobs:
    """What each of the two queues is for."""

    validation: ValidationDeps

    def handler(self, queue: str) -> Handler:
        """Dead letters are told apart by the name of their queue."""
        return self.give_up if queue.endswith(DEAD_LETTERS) else self.validate

    async def validate(self, message: Mapping[str, object]) -> Outcome:
        return await validate_upload(self.validation, message)

    async def give_up(self, message: Mapping[str, object]) -> Outcome:
        """The version is marked before its message is acknowledged."""
        return await mark_dead_letter(self.validation.records, self.validation.clock, message)


async def consume(deliveries: Iterable[Delivery], handle: Handler) -> None:
    """Never raises. A message that is no JSON object can never be worked on and is acknowledged at
    once; one whose handling fails is retried with a growing delay, until the queue gives it up."""
    for delivery in deliveries:
        try:
            message = delivery.body()
        except ValueError as error:
            log.error("message %s is dropped: %s", delivery.id, error)  # noqa: TRY400
            delivery.ack()
            continue
        if not isinstance(message, dict):
            log.error("message %s is dropped: its body is no JSON object", delivery.id)
            delivery.ack()
            continue
        await _work_on(delivery, cast("dict[str, object]", message), handle)


async def _work_on(delivery: Delivery, message: Mapping[str, object], handle: Handler) -> None:
    try:
        outcome = await handle(message)
    except Exception:
        delay = min(FIRST_RETRY_SECONDS * 2 ** (delivery.attempts - 1), LONGEST_RETRY_SECONDS)
        log.exception("message %s failed; again in %d s", delivery.id, delay)
        delivery.retry(delay)
        return
    log.info("message %s: %s %s", delivery.id, outcome.kind, outcome.detail)
    if outcome.kind == "busy":
        delivery.retry(outcome.retry_after_seconds)
    else:
        delivery.ack()
