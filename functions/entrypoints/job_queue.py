"""Batches of messages for the jobs, neutral of any queue: each message is settled by itself, so
that one that fails never holds up the others.

Messages of all kinds share one queue. `kind` tells them apart: `purge`, `reconcile`, `backup`,
`hostnames` and `notices` name nothing and only have the jobs look at their tables at once,
`app-images` names the app whose images they look at; a message without a kind is an upload to
validate. What is lost of the former six, the schedule makes up for.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

from functions.core import (
    app_image_calls,
    app_image_settling,
    backup_records,
    hostname_claims,
    notices,
    purges,
    reconcile_report,
)
from functions.core.app_image_objects import ImageDeps
from functions.core.backups import BackupDeps, BackupReport, run_backups
from functions.core.generation_sweep import SweepDeps, SweepReport, sweep_generations
from functions.core.hostname_looks import HostnameDeps
from functions.core.hostname_runs import HostnameReport, run_hostnames
from functions.core.notice_runs import NoticeDeps, NoticeReport, run_notices
from functions.core.purge_runs import PurgeReport, run_purges
from functions.core.reconcile import ReconcileDeps, reconcile
from functions.core.usage_runs import UsageDeps
from functions.core.validation import (
    Outcome,
    ValidationDeps,
    mark_dead_letter,
    validate_upload,
)

if TYPE_CHECKING:
    from functions.core.app_image_settling import Report as SettlingReport
    from functions.core.reconcile_report import Walk
    from functions.ports.cache_purger import CachePurger
    from functions.ports.images import ImageProcessor
    from functions.ports.multipart_store import MultipartStore
    from functions.ports.object_store import ObjectStore
    from functions.ports.queue import Queue

log = logging.getLogger("stowage.jobs")

FIRST_RETRY_SECONDS = 5
LONGEST_RETRY_SECONDS = 600
RECONCILE_PAGES = 10
"""Of one invocation: about a thousand objects, or five hundred versions."""
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
    upload_parts: "MultipartStore"
    """The uploads bucket of the active storage."""
    assets: "ObjectStore"
    queue: "Queue"
    purger: "CachePurger"
    processor: "ImageProcessor"
    backups: BackupDeps
    notices: NoticeDeps
    hostnames: HostnameDeps
    usage: UsageDeps
    sweeping: SweepDeps
    parted: "tuple[MultipartStore, ...]" = ()
    """Further buckets whose unfinished uploads in parts are ours to abort."""

    def handler(self, queue: str) -> Handler:
        """Dead letters are told apart by the name of their queue."""
        return self.give_up if queue.endswith(DEAD_LETTERS) else self.work

    async def work(self, message: Mapping[str, object]) -> Outcome:
        """On a message of any kind."""
        match message.get("kind"):
            case None:
                return await self.validate(message)
            case purges.KIND:
                return await self._purge_on_call()
            case reconcile_report.KIND:
                return await self._reconcile_on_call()
            case backup_records.KIND:
                return await self._back_up_on_call()
            case notices.KIND:
                return await self._notify_on_call()
            case hostname_claims.KIND:
                return await self._look_on_call()
            case app_image_calls.KIND:
                return await self._settle_on_call(message)
            case kind:
                return Outcome("settled", None, f"no message has the kind {kind!r}")

    async def validate(self, message: Mapping[str, object]) -> Outcome:
        return await validate_upload(self.validation, message)

    async def give_up(self, message: Mapping[str, object]) -> Outcome:
        """The version is marked before its message is acknowledged."""
        deps = self.validation
        return await mark_dead_letter(deps.records, deps.clock, message, deps.limits.retention)

    async def purge(self) -> PurgeReport:
        deps = self.validation
        return await run_purges(deps.records, self.purger, deps.clock)

    async def reconcile(self) -> "Walk | None":
        """A bounded part of it, and a message for the next."""
        deps = self.validation
        walk = await reconcile(
            ReconcileDeps(
                deps.records,
                {"uploads": deps.uploads, "packages": deps.packages, "assets": self.assets},
                deps.clock,
            ),
            pages=RECONCILE_PAGES,
        )
        if walk is not None and walk.finished_at is None:
            await reconcile_report.announce(self.queue)
        return walk

    async def sweep_generations(self) -> SweepReport:
        return await sweep_generations(self.sweeping)

    async def back_up(self) -> BackupReport:
        return await run_backups(self.backups)

    async def _back_up_on_call(self) -> Outcome:
        report = await self.back_up()
        for error in report.errors:
            log.error("%s", error)
        return Outcome("settled", None, f"backup: {report.made or 'none made'}")

    async def notify(self) -> NoticeReport:
        return await run_notices(self.notices)

    async def _notify_on_call(self) -> Outcome:
        """The message comes again while something is due within its longest delay; what is due
        later is the schedule's."""
        report = await self.notify()
        for error in report.errors:
            log.error("%s", error)
        detail = f"{report.delivered} notices delivered"
        seconds = report.retry_after_seconds
        if seconds is None or seconds > LONGEST_RETRY_SECONDS:
            return Outcome("settled", None, detail)
        return Outcome("busy", None, detail, retry_after_seconds=seconds)

    async def look_at_hostnames(self) -> HostnameReport:
        return await run_hostnames(self.hostnames)

    async def _look_on_call(self) -> Outcome:
        report = await self.look_at_hostnames()
        for error in report.errors:
            log.error("hostnames: %s", error)
        if report.changed:
            await purges.announce(self.queue)
        return Outcome("settled", None, f"hostnames: {report}")

    async def settle_images(self) -> "SettlingReport":
        return await app_image_settling.settle_due(self._images, self.validation.packages)

    @property
    def _images(self) -> ImageDeps:
        deps = self.validation
        return ImageDeps(
            deps.records, self.assets, self.processor, self.queue, deps.clock, deps.entropy
        )

    async def _settle_on_call(self, message: Mapping[str, object]) -> Outcome:
        app_id = message.get("app_id")
        if not isinstance(app_id, str):
            return Outcome("settled", None, "the message names no app")
        await app_image_settling.settle(self._images, self.validation.packages, app_id)
        return Outcome("settled", None, f"images of {app_id}")

    async def _purge_on_call(self) -> Outcome:
        """The message comes again for what could not be purged now, and for what was asked for a
        moment ago."""
        report = await self.purge()
        detail = f"{report.purged} tags purged" + (f"; {report.error}" if report.error else "")
        if report.retry_after_seconds is None:
            return Outcome("settled", None, detail)
        seconds = min(report.retry_after_seconds, LONGEST_RETRY_SECONDS)
        return Outcome("busy", None, detail, retry_after_seconds=seconds)

    async def _reconcile_on_call(self) -> Outcome:
        walk = await self.reconcile()
        where = "nothing to do" if walk is None else f"at {walk.phase}"
        return Outcome("settled", None, f"reconciliation: {where}")


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
