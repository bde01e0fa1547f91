"""What clients of the S3 servers speak to: one workerd of its own with a Worker in front of each
server (workerd/storage/).

It is not the workerd of the deployed Workers: that one ends and starts anew whenever a deployment
changes something, and with it every request in flight, the deployment's own to the S3 server among
them.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from local.guarded_process import GuardedProcess, Launch
from local.home import STORAGE_ORIGIN_PORTS, STORAGE_PORTS, CloudError, CloudHome, write_private
from local.provider.rule_expressions import Tree, parse
from local.provider.ruleset_kind import PHASE
from local.world import World

BEHIND_CLOUDFLARE = "minio"
"""The server whose endpoint is a name of the zone, so the zone's firewall rules hold for it."""

_WORKERD = Path(__file__).resolve().parent / "workerd"
_MODULES = _WORKERD / "storage"
_MAIN = "storage.mjs"
_COMPATIBILITY_DATE = "2026-09-15"
_START_SECONDS = 20.0
_POLL_SECONDS = 0.02

Json = dict[str, Any]


def firewall_rules(world: World) -> list[Json]:
    """`{description, tree}` of the zone's rules that block, in their order."""
    return [
        {"description": rule.get("description") or "", "tree": _tree(rule)}
        for ruleset in world.all("Ruleset")
        if ruleset["phase"] == PHASE
        for rule in cast("list[Json]", ruleset.get("rules") or [])
        if rule.get("enabled", True)
    ]


def _tree(rule: Json) -> Tree:
    return parse(str(rule["expression"]))


class StorageProxy:
    """Runs while any S3 server is wanted."""

    def __init__(self, home: CloudHome) -> None:
        self._home = home
        self._process = GuardedProcess("the proxy of the S3 servers")
        self._running = ""

    async def run(self, servers: Sequence[str], rules: Sequence[Json]) -> None:
        """Brings it to these servers and firewall rules; does nothing when it has them already. A
        change cuts requests in flight; no servers: it ends.

        Raises:
            CloudError: it does not come up.
        """
        wanted = self._configuration(servers, rules) if servers else ""
        if wanted == self._running:
            return
        await self._process.stop()
        self._running = ""
        if not servers:
            return
        # A private file, not an argument: the rules hold secrets.
        write_private(self._home.storage_proxy_file, wanted)
        command = [str(_executable()), "serve", str(self._home.storage_proxy_file)]
        self._process.start(Launch(command, self._home.storage_log))
        ports = self._home.ports()
        for server in servers:
            await self._wait(ports[STORAGE_PORTS[server]])
        self._running = wanted

    async def close(self) -> None:
        await self._process.stop()

    async def _wait(self, port: int) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            if self._process.deaths > 1 or time.monotonic() > deadline:
                await self._process.stop()
                raise CloudError(
                    f"The proxy of the S3 servers does not listen on port {port}; its log is "
                    f"{self._home.storage_log}. Is the port taken by another program?"
                )
            await asyncio.sleep(_POLL_SECONDS)

    def _configuration(self, servers: Sequence[str], rules: Sequence[Json]) -> str:
        """workerd's own text format; JSON's escapes of text are among Cap'n Proto's."""
        ports = self._home.ports()
        secret = self._home.credentials().control_secret
        services = [
            f'(name = "daemon", external = (address = "127.0.0.1:{ports["rest"]}", http = '
            f'(injectRequestHeaders = [(name = "x-stowage-control", value = {_text(secret)})])))'
        ]
        sockets: list[str] = []
        for server in servers:
            origin = ports[STORAGE_ORIGIN_PORTS[server]]
            own = [rule for rule in rules if server == BEHIND_CLOUDFLARE]
            services += [
                f'(name = "{server}-origin", external = (address = "127.0.0.1:{origin}", '
                "http = ()))",
                f'(name = "{server}", worker = {_worker(server, own)})',
            ]
            sockets.append(
                f'(name = "{server}", address = "127.0.0.1:{ports[STORAGE_PORTS[server]]}", '
                f'http = (), service = "{server}")'
            )
        return (
            'using Workerd = import "/workerd/workerd.capnp";\n'
            f"const config :Workerd.Config = (services = [{', '.join(services)}], "
            f"sockets = [{', '.join(sockets)}]);\n"
        )


def _worker(server: str, rules: Sequence[Json]) -> str:
    # The first module is the one that is started.
    files = sorted(_MODULES.glob("*.mjs"), key=lambda path: (path.name != _MAIN, path.name))
    modules = [
        f'(name = "{path.name}", esModule = {_text(path.read_text(encoding="utf-8"))})'
        for path in files
    ]
    bindings = [
        f'(name = "SERVER", text = "{server}")',
        f'(name = "RULES", json = {_text(json.dumps(list(rules)))})',
        f'(name = "ORIGIN", service = "{server}-origin")',
        '(name = "DAEMON", service = "daemon")',
    ]
    return (
        f"(modules = [{', '.join(modules)}], bindings = [{', '.join(bindings)}], "
        f'compatibilityDate = "{_COMPATIBILITY_DATE}", '
        'compatibilityFlags = ["no_nodejs_compat", "no_nodejs_compat_v2"])'
    )


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _executable() -> Path:
    """The workerd that npm installed for this machine.

    Raises:
        CloudError: there is none.
    """
    packages = _WORKERD / "node_modules" / "@cloudflare"
    for found in sorted(packages.glob("workerd-*/bin/workerd")):
        return found
    raise CloudError(f"{packages} holds no workerd; `make up` installs it.")
