"""The clock of cron triggers, in UTC. A run that was missed is not made up for."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from cronsim import CronSim

from local.data_plane import DataPlaneError
from local.deployed import deployed_workers
from local.home import CloudError
from local.world import World

_REMEMBERED = 20
_MINUTE = timedelta(minutes=1)

Json = dict[str, Any]
RunSchedule = Callable[[str, str, int], Awaitable[Json]]
log = logging.getLogger(__name__)


class Schedules:
    """Runs the scheduled handlers of deployed Workers."""

    def __init__(
        self,
        world: World,
        run: RunSchedule,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._world = world
        self._run = run
        self._clock = clock
        self._running: set[asyncio.Task[Json]] = set()
        self._loop: asyncio.Task[None] | None = None
        self.recent: deque[Json] = deque(maxlen=_REMEMBERED)
        """The last runs: `{worker, cron, at, outcome, error?}`."""

    def start(self) -> None:
        self._loop = asyncio.create_task(self._tick())

    async def close(self) -> None:
        tasks: list[asyncio.Task[Any]] = [*self._running]
        if self._loop is not None:
            tasks.append(self._loop)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def due(self, minute: datetime) -> list[tuple[str, str]]:
        """(Worker, cron) of the schedules that name this minute; seconds are ignored."""
        minute = minute.replace(second=0, microsecond=0)
        return [(worker, cron) for worker, cron in self._all() if _matches(cron, minute)]

    async def trigger(self, worker: str | None) -> list[Json]:
        """Runs the schedules of one Worker, or of all, now and at once.

        Raises:
            CloudError: the Worker has no schedule.
        """
        chosen = [one for one in self._all() if worker is None or one[0] == worker]
        if not chosen:
            whose = f"The Worker {worker} has" if worker else "The deployed Workers have"
            raise CloudError(f"{whose} no cron trigger; `stowage status` lists the Workers.")
        return list(await asyncio.gather(*(self._fire(*one) for one in chosen)))

    def _all(self) -> list[tuple[str, str]]:
        deployed = {worker.name for worker in deployed_workers(self._world)}
        return [
            (trigger["scriptName"], schedule["cron"])
            for trigger in self._world.all("WorkersCronTrigger")
            if trigger["scriptName"] in deployed
            for schedule in trigger["schedules"]
        ]

    async def _tick(self) -> None:
        while True:
            now = self._clock()
            following = now.replace(second=0, microsecond=0) + _MINUTE
            await asyncio.sleep((following - now).total_seconds())
            # After a long sleep of the machine only the present minute counts.
            for worker, cron in self.due(self._clock()):
                task = asyncio.create_task(self._fire(worker, cron))
                self._running.add(task)
                task.add_done_callback(self._running.discard)

    async def _fire(self, worker: str, cron: str) -> Json:
        at = self._clock()
        entry: Json = {"worker": worker, "cron": cron, "at": at.isoformat()}
        try:
            result = await self._run(worker, cron, int(at.timestamp() * 1000))
            entry |= {"outcome": result.get("outcome")}
            if result.get("error"):
                entry["error"] = result["error"]
        except DataPlaneError as error:
            entry |= {"outcome": "unreachable", "error": str(error)}
        if entry["outcome"] != "ok":
            log.warning("cron %s of %s: %s", cron, worker, entry)
        self.recent.append(entry)
        return entry


def _matches(cron: str, minute: datetime) -> bool:
    with contextlib.suppress(StopIteration):
        return next(CronSim(cron, minute - _MINUTE)) == minute
    return False
