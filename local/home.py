"""The cloud folder: where the local cloud keeps its world, data, keys, ports and logs."""

import contextlib
import fcntl
import json
import os
import random
import secrets
import socket
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

from local import credentials
from local.credentials import Credentials

SOCKET_NAMES = ("edge", "api", "cdn", "s3", "admin")
"""The ports that the deployed workerd listens on."""
STORAGE_PORTS = {"minio": "storage", "b2": "storage_b2"}
"""Where clients reach an S3 server, by its name: its proxy listens there."""
STORAGE_REGIONS = {"minio": "us-east-1", "b2": "us-west-004"}
"""What each S3 server calls its only region; signatures name it."""
STORAGE_ORIGIN_PORTS = {"minio": "storage_origin", "b2": "storage_b2_origin"}
"""Where an S3 server itself listens, for its proxy and for the daemon only."""
PORT_NAMES = (
    "rest",
    "dns",
    *SOCKET_NAMES,
    *STORAGE_PORTS.values(),
    *STORAGE_ORIGIN_PORTS.values(),
)
# Below the range from which systems give out ports for outgoing connections (Linux: 32768 on).
_PORT_RANGE = range(20_000, 32_000)
_PORT_ATTEMPTS = 2_000


class CloudError(Exception):
    """A failure of the local cloud; the message says what happened, why and what to do."""


class CloudHome:
    """One cloud folder. Only `ensure` writes; everything else says where things are."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root).expanduser().resolve()
        self.world = self.root / "world.json"
        self.blobs = self.root / "blobs"
        self.packs = self.root / "packs"
        self.dns = self.root / "dns.json"
        self.queues = self.root / "queues.sqlite"
        self.data_points = self.root / "data-points.duckdb"
        self.data = self.root / "data"
        self.transfers = self.root / "transfers"
        self.logs = self.root / "logs"
        self.daemon_log = self.logs / "daemon.log"
        self.workerd_log = self.logs / "workerd.log"
        self.storage_log = self.logs / "storage.log"
        self.storage_file = self.root / "storage.json"
        self.storage_proxy_file = self.root / "storage-proxy.capnp"
        self.storage_data = self.data / "s3"
        self.pid_file = self.root / "daemon.pid"
        self.lock_file = self.root / "daemon.lock"
        self.ports_file = self.root / "ports.json"
        self.credentials_file = self.root / "credentials.json"
        self.passphrase_file = self.root / "passphrase"
        self.state = self.root / "state"
        self.pulumi_home = self.root / "pulumi"

    def ensure(self) -> None:
        """Makes the folder (mode 0700) and what is missing in it; what exists stays. Safe to
        repeat."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.root.chmod(0o700)
        for folder in (self.blobs, self.packs, self.data, self.logs, self.state, self.pulumi_home):
            folder.mkdir(exist_ok=True)
        if not self.passphrase_file.exists():
            write_private(self.passphrase_file, secrets.token_urlsafe(32))
        # A folder of an earlier version gets what it lacks; what it has stays.
        known = self._known(self.credentials_file)
        _keep(self.credentials_file, known, credentials.completed(known))
        ports = self._known(self.ports_file)
        _keep(self.ports_file, ports, ports | choose_ports(ports))

    def credentials(self) -> Credentials:
        """The generated credentials.

        Raises:
            CloudError: the folder was not made ready, or the file is damaged.
        """
        found = self._read(self.credentials_file)
        try:
            return credentials.parse(found)
        except (KeyError, TypeError, AttributeError) as error:
            raise CloudError(f"{self.credentials_file} lacks {error}; {_ADD}") from error

    def ports(self) -> dict[str, int]:
        """The ports of 127.0.0.1 chosen for this folder, by name (PORT_NAMES).

        Raises:
            CloudError: the folder was not made ready, or the file is damaged.
        """
        found = self._read(self.ports_file)
        wrong = [name for name in PORT_NAMES if not isinstance(found.get(name), int)]
        if wrong:
            raise CloudError(f"{self.ports_file} lacks the port of {', '.join(wrong)}; {_ADD}")
        return {name: cast("int", found[name]) for name in PORT_NAMES}

    def urls(self) -> dict[str, str]:
        """Base URLs by the names of the ports, without a trailing slash."""
        return {name: f"http://127.0.0.1:{port}" for name, port in self.ports().items()}

    def _known(self, path: Path) -> dict[str, object]:
        return self._read(path) if path.exists() else {}

    def _read(self, path: Path) -> dict[str, object]:
        try:
            return cast("dict[str, object]", json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError as error:
            raise CloudError(
                f"{path} does not exist, so {self.root} is no cloud folder yet. "
                "Run `stowage up` first."
            ) from error
        except ValueError as error:
            raise CloudError(f"{path} is damaged ({error}); {_BEGIN_AGAIN}") from error


_BEGIN_AGAIN = "restore it, or begin again with an empty cloud: `make clean-cloud`, then `make up`."
_ADD = "`stowage up` adds what is missing."


def choose_ports(known: Mapping[str, object]) -> dict[str, int]:
    """One free port of 127.0.0.1 for each name without one, all different.

    Raises:
        CloudError: there are not enough.
    """
    missing = [name for name in PORT_NAMES if name not in known]
    picked: list[int] = []
    with contextlib.ExitStack() as held:
        for _ in range(_PORT_ATTEMPTS):
            if len(picked) == len(missing):
                return dict(zip(missing, picked, strict=True))
            candidate = random.choice(_PORT_RANGE)  # noqa: S311 (no secret)
            probe = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", candidate))
                if candidate not in known.values():
                    picked.append(candidate)
    raise CloudError(
        f"No {len(missing)} free ports were found between {_PORT_RANGE.start} and "
        f"{_PORT_RANGE.stop} on 127.0.0.1. End some of the programs that listen there."
    )


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this port of 127.0.0.1 now."""
    with socket.socket() as probe:
        # As servers do: connections that wait out their end do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def folder_is_held(home: CloudHome) -> bool:
    """Whether a daemon runs on this folder; it holds the lock for as long as it lives."""
    try:
        with home.lock_file.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def refuse_taken_ports(home: CloudHome, names: Iterable[str]) -> None:
    """Raises:
    CloudError: a foreign process listens on one of these ports of the folder.
    """
    ports = home.ports()
    for name in names:
        if not port_is_free(ports[name]):
            raise CloudError(
                f"Port {ports[name]} ({name}) on 127.0.0.1 is taken by another program. End it, or "
                f"delete {home.ports_file} while the local cloud is stopped (`stowage down`), so "
                "that other ports are chosen; then run `stowage up`."
            )


def _keep(path: Path, known: Mapping[str, object], now: Mapping[str, object]) -> None:
    if now != known:
        write_private(path, json.dumps(now, indent=2) + "\n")


def write_private(path: Path, text: str) -> None:
    """Replaces a file (mode 0600) as a whole: a reader, or a kill in the middle, sees the old or
    the new content."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
