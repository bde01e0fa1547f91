"""An S3-compatible server of the local cloud: versitygw as a child of the daemon, with a data
folder of its own, and the users that the Workers are.

Its own port is private: clients reach it through its proxy (`storage_proxy.py`).
"""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

from local.b2_buckets import B2Buckets
from local.credentials import ROLES, ROOT
from local.guarded_process import GuardedProcess, Launch
from local.home import STORAGE_ORIGIN_PORTS, STORAGE_PORTS, STORAGE_REGIONS, CloudError, CloudHome
from local.storage_admin import StorageAdmin

B2 = "b2"


HEALTH = "/_health"
"""No bucket's name holds an underscore."""

_START_SECONDS = 30.0
_POLL_SECONDS = 0.05
_LOG_LINES = 15

Json = dict[str, Any]


class StorageServer:
    """One server by its name: `minio` or `b2`."""

    def __init__(self, home: CloudHome, name: str, binary: Path) -> None:
        self.name = name
        self.binary = binary
        self._folder = home.storage_data / name
        self._log_file = home.storage_log
        self._address = f"127.0.0.1:{home.ports()[STORAGE_ORIGIN_PORTS[name]]}"
        self._public_url = home.urls()[STORAGE_PORTS[name]]
        self._keys = home.credentials().storage[name]
        url = f"http://{self._address}"
        self._admin = StorageAdmin(name, url, STORAGE_REGIONS[name], self._keys[ROOT])
        self._process = GuardedProcess(f"the S3 server of storage {name}")
        self.b2_buckets: B2Buckets | None = None
        """Only of the server that plays B2."""
        if name == B2:
            key_ids = [self._keys[role].access_key_id for role in ROLES]
            self.b2_buckets = B2Buckets(self._folder / "lifecycle", self._admin, key_ids)

    async def start(self) -> None:
        """Starts it and resolves when it answers and has its users. Repeating it is fine.

        Raises:
            CloudError: the executable is missing, or the server does not come up.
        """
        if not os.access(self.binary, os.X_OK):
            raise CloudError(
                f"The S3 server of storage {self.name} cannot be started: there is no executable "
                f"{self.binary} any more. `stowage up` builds it again."
            )
        for folder in ("objects", "users", "versions"):
            (self._folder / folder).mkdir(parents=True, exist_ok=True)
        self._process.start(self._launch())
        await self._wait()
        for role in ROLES:
            await self._admin.make_user(self._keys[role], "user")

    async def stop(self) -> None:
        await self._process.stop()

    def describe(self) -> Json:
        """`{server, url, pid, deaths}`; no pid: it is not running."""
        return {
            "server": self.name,
            "url": self._public_url,
            "pid": self._process.pid,
            "deaths": self._process.deaths,
        }

    def _launch(self) -> Launch:
        data = self._folder / "objects"
        options = [
            "--port",
            self._address,
            "--region",
            STORAGE_REGIONS[self.name],
            "--health",
            HEALTH,
        ]
        users = ["--iam-dir", str(self._folder / "users")]
        backend = ["posix"]
        if self.b2_buckets is not None:
            backend += ["--versioning-dir", str(self._folder / "versions")]
        if not _keeps_attributes(data):
            backend += ["--sidecar", str(self._folder / "attributes")]
        command = [str(self.binary), *options, *users, "--keep-alive", "--quiet", *backend]
        root = self._keys[ROOT]
        # Not arguments: those are visible to every user of the machine.
        environment = {
            "ROOT_ACCESS_KEY": root.access_key_id,
            "ROOT_SECRET_KEY": root.secret_access_key,
        }
        return Launch([*command, str(data)], self._log_file, environment)

    async def _wait(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not await self._admin.is_healthy(HEALTH):
            if self._process.deaths > 1 or time.monotonic() > deadline:
                raise CloudError(
                    f"The S3 server of storage {self.name} does not come up; the end of its log "
                    f"{self._log_file}:\n{_tail(self._log_file)}"
                )
            await asyncio.sleep(_POLL_SECONDS)


def _keeps_attributes(folder: Path) -> bool:
    """Whether the file system keeps extended attributes of users; else they go to files beside."""
    try:
        os.setxattr(folder, "user.stowage", b"1")
        os.removexattr(folder, "user.stowage")
    except (OSError, AttributeError):
        # AttributeError: Python knows them on Linux only.
        return False
    return True


def _tail(log_file: Path) -> str:
    try:
        return "\n".join(log_file.read_text(errors="replace").splitlines()[-_LOG_LINES:])
    except OSError as error:
        return str(error)
