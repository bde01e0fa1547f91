"""Brings what runs to what is deployed: reloads workerd when the world differs, warms the
Workers."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Protocol

from local.data_plane import DataPlaneError
from local.home import SOCKET_NAMES, CloudError, CloudHome, refuse_taken_ports
from local.node_host import NodeHost

# Time for whoever ran the engine to ask for the settling with more to say.
_LATER_SECONDS = 0.3
_RESTART_SECONDS = (0.2, 1.0, 5.0, 30.0)

Json = dict[str, Any]
log = logging.getLogger(__name__)


class Warming(Protocol):
    """The part of the data plane that settling needs."""

    async def warm(self, worker: str) -> None: ...


class Pausing(Protocol):
    """What must not deliver while workerd reloads."""

    async def pause(self) -> None: ...
    def resume(self) -> None: ...


class Settler:
    """Knows which configuration runs. One settling happens at a time; the others wait for it."""

    def __init__(
        self,
        home: CloudHome,
        node: NodeHost,
        data_plane: Warming,
        wanted: Callable[[], Json],
    ) -> None:
        self._home = home
        self._node = node
        self._data_plane = data_plane
        self._wanted = wanted
        self._lock = asyncio.Lock()
        self._applied: Json | None = None
        self._warm: set[str] = set()
        self._deaths = 0
        self._ending = False
        self._is_warming = False
        self._background: set[asyncio.Task[None]] = set()
        self.pausing: list[Pausing] = []
        self.last: Json | None = None
        """`{at, seconds, reloaded, error}` of the last settling."""
        node.on_death = self._died

    async def settle(self) -> Json:
        """Applies and warms; quick when nothing changed.

        Raises:
            CloudError: workerd refuses the configuration, or a Worker does not boot; the message
                holds the traceback of each such Worker.
        """
        self._supersede()
        return await self._settle(self._apply_and_warm)

    async def reach(self, *, bucket: str | None = None, database: str | None = None) -> None:
        """Makes sure that workerd runs and is bound to a bucket or database; reloads only if
        not."""
        if self._node.is_alive and self._applied is not None:
            bound = (bucket is None or bucket in self._applied["buckets"]) and (
                database is None or database in self._applied["databases"]
            )
            if bound:
                return
        await self._settle(self._apply)

    def is_up(self) -> bool:
        """Whether workerd runs what was applied last."""
        return self._node.is_alive and self._applied is not None

    def runs(self, worker: str) -> bool:
        """Whether a Worker is part of what was applied."""
        return any(one["name"] == worker for one in (self._applied or {}).get("workers", []))

    def is_warm(self, worker: str) -> bool:
        """Whether a Worker has booted since the last reload."""
        return worker in self._warm

    def settle_later(self) -> None:
        """Settles in the background; what goes wrong is logged and kept in `last`."""
        self._later(_LATER_SECONDS)

    async def close(self) -> None:
        self._ending = True
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)

    def _supersede(self) -> None:
        """Ends the warming in the background when what it warms is no longer wanted."""
        if self._is_warming and self._wanted() != self._applied:
            for task in self._background:
                task.cancel()

    async def _settle(self, work: Callable[[], Awaitable[bool]]) -> Json:
        async with self._lock:
            start = time.monotonic()
            self.last = {"at": datetime.now(UTC).isoformat(), "error": None}
            try:
                self.last["reloaded"] = await work()
            except CloudError as error:
                self.last["error"] = str(error)
                raise
            finally:
                self.last["seconds"] = round(time.monotonic() - start, 3)
            return self.last

    async def _apply_and_warm(self) -> bool:
        reloaded = await self._apply()
        names = [worker["name"] for worker in (self._applied or {}).get("workers", [])]
        cold = [name for name in names if name not in self._warm]
        self._is_warming = True
        try:
            results = await asyncio.gather(*(self._warm_one(name) for name in cold))
        finally:
            self._is_warming = False
        failures = [one for one in results if one]
        if failures:
            raise CloudError("\n\n".join(failures))
        self._deaths = 0
        return reloaded

    async def _warm_one(self, name: str) -> str:
        try:
            await self._data_plane.warm(name)
        except DataPlaneError as error:
            log.error("the Worker %s does not boot: %s", name, error)  # noqa: TRY400 (complete)
            return f"The Worker {name} does not boot:\n{error}"
        self._warm.add(name)
        return ""

    async def _apply(self) -> bool:
        config = self._wanted()
        if config == self._applied and self._node.is_alive:
            return False
        if not self._node.is_alive:
            refuse_taken_ports(self._home, SOCKET_NAMES)
        await asyncio.gather(*(one.pause() for one in self.pausing))
        try:
            self._warm.clear()
            # A failure leaves workerd stopped, so that the next settling starts anew.
            self._applied = None
            await self._node.apply(config)
            self._applied = config
        finally:
            for one in self.pausing:
                one.resume()
        return True

    def _died(self) -> None:
        self._applied = None
        self._warm.clear()
        if self._ending:
            return
        self._later(_RESTART_SECONDS[min(self._deaths, len(_RESTART_SECONDS) - 1)])
        self._deaths += 1

    def _later(self, seconds: float) -> None:
        task = asyncio.create_task(self._settle_after(seconds))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _settle_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        try:
            await self.settle()
        except CloudError as error:
            log.error("settling failed: %s", error)  # noqa: TRY400 (the message is complete)
