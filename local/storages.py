"""Which S3 servers the daemon runs, remembered in the cloud folder so that a restart brings them
back."""

import asyncio
import json
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from local.b2_buckets import B2Buckets
from local.credentials import STORAGE_SERVERS
from local.home import CloudError, CloudHome, write_private
from local.storage_proxy import StorageProxy, firewall_rules
from local.storage_server import B2, StorageServer
from local.world import World

_PROXY = "proxy"

Json = dict[str, Any]
log = logging.getLogger(__name__)


class Storages:
    """The S3 servers and their proxy. One change at a time; the others wait for it."""

    def __init__(self, home: CloudHome, world: World) -> None:
        self._home = home
        self._world = world
        self._servers: dict[str, StorageServer] = {}
        self._proxy = StorageProxy(home)
        self._problems: dict[str, str] = {}
        self._lock = asyncio.Lock()
        self._resuming: asyncio.Task[None] | None = None

    def resume(self) -> None:
        """Brings back, in the background, what ran before; what goes wrong is logged and kept for
        `describe`."""
        if self._home.storage_file.exists():
            self._resuming = asyncio.create_task(self._resume())

    async def run(self, names: Iterable[str], binary: str) -> list[Json]:
        """Runs exactly these servers, and remembers them. Resolves when they answer.

        Raises:
            CloudError: there is no such server, or one does not come up; the others run.
        """
        wanted = sorted(set(names))
        unknown = [name for name in wanted if name not in STORAGE_SERVERS]
        if unknown:
            raise CloudError(
                f"The local cloud has no S3 server {', '.join(unknown)}; it has "
                f"{' and '.join(STORAGE_SERVERS)}."
            )
        async with self._lock:
            remembered = {"servers": wanted, "binary": binary}
            write_private(self._home.storage_file, json.dumps(remembered, indent=2) + "\n")
            await self._bring_to(wanted, Path(binary))
        if self._problems:
            raise CloudError("\n".join(self._problems.values()))
        return self.describe()

    async def follow(self) -> None:
        """Brings the proxy to the firewall rules of the world; what goes wrong is logged and kept
        for `describe`."""
        async with self._lock:
            await self._run_proxy()

    def b2_buckets(self) -> B2Buckets:
        """Raises:
        CloudError: the server that plays B2 does not run.
        """
        server = self._servers.get(B2)
        if server is None or server.b2_buckets is None:
            raise CloudError("The S3 server that plays B2 is not running.")
        return server.b2_buckets

    def describe(self) -> list[Json]:
        """`[{server, url, pid, deaths, problem}]` of what is wanted."""
        return [
            server.describe()
            | {"problem": self._problems.get(name) or self._problems.get(_PROXY, "")}
            for name, server in self._servers.items()
        ]

    async def close(self) -> None:
        if self._resuming:
            self._resuming.cancel()
            await asyncio.gather(self._resuming, return_exceptions=True)
        await self._proxy.close()
        await asyncio.gather(*(server.stop() for server in self._servers.values()))

    async def _resume(self) -> None:
        try:
            found = cast("Json", json.loads(self._home.storage_file.read_text(encoding="utf-8")))
            await self.run(cast("list[str]", found["servers"]), str(found["binary"]))
        except (CloudError, OSError, ValueError, KeyError, TypeError) as error:
            log.error("the S3 servers did not come back: %s", error)  # noqa: TRY400 (complete)

    async def _bring_to(self, wanted: list[str], binary: Path) -> None:
        self._problems.clear()
        for name in [one for one in self._servers if one not in wanted]:
            await self._servers.pop(name).stop()
        for name in wanted:
            await self._start(name, binary)
        await self._run_proxy()

    async def _run_proxy(self) -> None:
        self._problems.pop(_PROXY, None)
        try:
            await self._proxy.run(sorted(self._servers), firewall_rules(self._world))
        except CloudError as error:
            self._problems[_PROXY] = str(error)
            log.error("%s", error)  # noqa: TRY400 (the message is complete)

    async def _start(self, name: str, binary: Path) -> None:
        known = self._servers.get(name)
        if known is None or known.binary != binary:
            if known is not None:
                await known.stop()
            known = self._servers[name] = StorageServer(self._home, name, binary)
        try:
            await known.start()
        except CloudError as error:
            # It would only go on to fail; whoever mends the cause starts it again.
            await known.stop()
            self._problems[name] = str(error)
            log.error("%s", error)  # noqa: TRY400 (the message is complete)
