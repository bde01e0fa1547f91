"""A program that runs for as long as the daemon wants it: started again when it ends by itself, and
ended with the daemon, however that ends."""

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_GUARD = 'exec 3<&0; (cat <&3 >/dev/null; kill -9 $$) >/dev/null 2>&1 & exec "$@" </dev/null 3<&-'
"""The program takes the shell's place; the watcher beside it reads a pipe that the daemon holds
open and that the system closes when the daemon is gone, even when it was killed."""
_PAUSES = (0.2, 1.0, 5.0, 30.0)
"""Seconds before each new start of a program that keeps ending; the last one is repeated."""
_STEADY_SECONDS = 60.0
"""Who ran for so long begins again with the shortest pause."""
_END_SECONDS = 8

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Launch:
    """How a program is started. Its environment holds nothing of the daemon's but PATH."""

    command: Sequence[str]
    log_file: Path
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


class GuardedProcess:
    """At most one process, in a process group of its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.deaths = 0
        """How often it ended by itself since it was started."""
        self._process: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process that runs now."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process and running else None

    def start(self, launch: Launch) -> None:
        """Begins to keep it running; does nothing when that has begun."""
        if self._keeping is None:
            self.deaths = 0
            self._keeping = asyncio.create_task(self._keep(launch))

    async def stop(self) -> None:
        """Ends it and everything it started."""
        keeping, self._keeping = self._keeping, None
        if keeping is None:
            return
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _END_SECONDS)
        _end_group(process.pid)
        await process.wait()

    async def _keep(self, launch: Launch) -> None:
        quick = 0
        while True:
            began = time.monotonic()
            try:
                reason = await self._run(launch)
            except OSError as error:
                reason = str(error)
            self.deaths += 1
            quick = 0 if time.monotonic() - began > _STEADY_SECONDS else quick + 1
            pause = _PAUSES[min(max(quick - 1, 0), len(_PAUSES) - 1)]
            log.error("%s ended by itself (%s); again in %.1f s", self.name, reason, pause)
            await asyncio.sleep(pause)

    async def _run(self, launch: Launch) -> str:
        """One life of the program; gives how it ended."""
        with launch.log_file.open("ab") as log_file:
            process = self._process = await asyncio.create_subprocess_exec(
                "/bin/sh",
                "-c",
                _GUARD,
                self.name,
                *launch.command,
                stdin=asyncio.subprocess.PIPE,
                stdout=log_file,
                stderr=log_file,
                env={"PATH": os.environ.get("PATH", os.defpath), **launch.environment},
                start_new_session=True,
            )
        log.info("%s started as process %d", self.name, process.pid)
        code = await process.wait()
        # What it started may have outlived it.
        _end_group(process.pid)
        return f"exit code {code}"


def _end_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
