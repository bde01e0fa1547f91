"""The child process that runs workerd: JSON lines over its stdin and stdout."""

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from local.home import CloudError

_MAIN = Path(__file__).resolve().parent / "workerd" / "main.mjs"
_APPLY_SECONDS = 120
_END_SECONDS = 8
_LINE_BYTES = 16 * 1024 * 1024

Json = dict[str, Any]
log = logging.getLogger(__name__)


def node_command() -> list[str]:
    """How the host is started.

    Raises:
        CloudError: there is no Node.js, or its packages are not installed.
    """
    node = shutil.which("node")
    if node is None:
        raise CloudError("The local cloud needs Node.js 20 or newer on PATH; install it.")
    if not (_MAIN.parent / "node_modules").is_dir():
        raise CloudError(f"{_MAIN.parent}/node_modules is missing; `make up` installs it.")
    return [node, str(_MAIN)]


class NodeHost:
    """One running host at most. It gets a process group of its own, so that all of it can be ended;
    it also ends by itself when the daemon is gone, because its stdin closes then."""

    def __init__(self, log_file: Path, command: Callable[[], Sequence[str]] = node_command) -> None:
        self._log_file = log_file
        self._command = command
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[Json]] = {}
        self._last_id = 0
        self.on_death: Callable[[], None] = lambda: None
        """Called when the host ended and was not told to."""

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self.is_alive else None

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def apply(self, config: Json) -> Json:
        """Brings workerd to a configuration, starting the host where none runs.

        Raises:
            CloudError: the host refused the configuration, or it ended.
        """
        if not self.is_alive:
            await self._start()
        return await self._call("apply", config)

    async def stop(self) -> None:
        """Ends the host and everything it started."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin:
            process.stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _END_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        if self._reading:
            await self._reading

    async def _start(self) -> None:
        with self._log_file.open("ab") as log_file:
            self._process = await asyncio.create_subprocess_exec(
                *self._command(),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log_file,
                limit=_LINE_BYTES,
                start_new_session=True,
            )
        log.info("workerd host started as process %d", self._process.pid)
        self._reading = asyncio.create_task(self._read(self._process))

    async def _call(self, method: str, params: Json) -> Json:
        process = self._process
        assert process is not None  # noqa: S101 (narrows the type: apply started it)
        assert process.stdin is not None  # noqa: S101 (a pipe)
        self._last_id += 1
        number = self._last_id
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        line = json.dumps({"id": number, "method": method, "params": params})
        try:
            process.stdin.write(line.encode() + b"\n")
            await process.stdin.drain()
            return await asyncio.wait_for(answer, _APPLY_SECONDS)
        except (OSError, TimeoutError) as error:
            raise CloudError(
                f"The workerd host did not answer {method} ({error or 'too slow'}). "
                f"Its log is {self._log_file}."
            ) from error
        finally:
            self._waiting.pop(number, None)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101 (a pipe)
        async for line in process.stdout:
            self._take(line)
        code = await process.wait()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(
                    CloudError(
                        f"The workerd host ended (exit code {code}). Its log is {self._log_file}."
                    )
                )
        if self._process is process:
            log.error("the workerd host ended by itself, exit code %s", code)
            # What it started may have outlived it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            self.on_death()

    def _take(self, line: bytes) -> None:
        try:
            message = cast("Json", json.loads(line))
        except ValueError:
            log.warning("the workerd host wrote a line that is no JSON: %r", line[:200])
            return
        answer = self._waiting.get(cast("int", message.get("id")))
        if answer is None or answer.done():
            return
        if "error" in message:
            answer.set_exception(CloudError(str(message["error"]["message"])))
        else:
            answer.set_result(cast("Json", message.get("result") or {}))
