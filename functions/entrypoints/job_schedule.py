"""What one tick of the schedule does. Each part is bounded and stands by itself: one that fails is
logged and holds up no other."""

import logging
from typing import TYPE_CHECKING

from functions.core.hostname_drift import compare
from functions.core.removal import sweep
from functions.core.schedule import run_schedule
from functions.core.stale_parts import abort_stale
from functions.core.usage_runs import sum_up

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from functions.entrypoints.job_queue import Jobs

log = logging.getLogger("stowage.jobs")


async def tick(jobs: "Jobs") -> None:
    """Never raises."""
    deps = jobs.validation
    retention = deps.limits.retention
    parts: Mapping[str, Callable[[], Awaitable[object]]] = {
        "uploads": lambda: run_schedule(
            deps.records, deps.uploads, jobs.upload_parts, jobs.queue, deps.clock, retention
        ),
        "parts": lambda: abort_stale(
            deps.records, (jobs.upload_parts, *jobs.parted), deps.clock, retention
        ),
        # These and the images before the purges and notices that they ask for.
        "hostnames": jobs.look_at_hostnames,
        "hostnames' drift": lambda: compare(jobs.hostnames),
        "images": jobs.settle_images,
        "purges": jobs.purge,
        "notices": jobs.notify,
        "retention": lambda: sweep(deps.records, deps.packages, deps.clock),
        "generations": jobs.sweep_generations,
        "reconciliation": jobs.reconcile,
        "usage": lambda: sum_up(jobs.usage),
        # Last: it may take minutes, in which the database answers nobody else.
        "backups": jobs.back_up,
    }
    for name, part in parts.items():
        try:
            report = await part()
        except Exception:
            log.exception("schedule: %s failed; the next run tries again", name)
            continue
        log.info("schedule: %s: %s", name, report)
        for error in getattr(report, "errors", ()):
            log.error("schedule: %s: %s", name, error)
