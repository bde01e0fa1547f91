"""A PostgreSQL of the tests' own: in a temporary folder, on a unix socket, as an unprivileged user,
gone when it is left."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pg8000 import native

from functions.adapters.local.records import MIGRATIONS

SUPERUSER = "stowage"
DATABASE = "stowage"
UNPRIVILEGED = "postgres"
"""The server refuses to run as root; Debian's package brings this user."""
START_SECONDS = 60


@dataclass(frozen=True)
class Postgres:
    socket: Path

    def connect(self, database: str = DATABASE) -> native.Connection:
        return native.Connection(SUPERUSER, database=database, unix_sock=str(self.socket))

    def run(self, sql: str, database: str = DATABASE) -> list[tuple[object, ...]]:
        connection = self.connect(database)
        try:
            return [tuple(row) for row in connection.run(sql) or ()]
        finally:
            connection.close()

    def create(self, database: str) -> None:
        """A new database that has every migration of the checkout, as they stand, and no rows."""
        self.run(f'CREATE DATABASE "{database}"', "postgres")
        for migration in sorted(MIGRATIONS.glob("*.sql")):
            self.run(migration.read_text(encoding="utf-8"), database)

    def empty(self) -> None:
        names = [f'"{row[0]}"' for row in self.run(_TABLES)]
        self.run(f"TRUNCATE {', '.join(names)}")


_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"


@contextmanager
def running() -> Generator[Postgres]:
    # Not pytest's tmp_path: the server's user must reach it, and the path of a socket is short.
    with tempfile.TemporaryDirectory(prefix="stowage-postgres-") as name:
        folder = Path(name)
        run_as = _unprivileged(folder)
        data = folder / "data"
        options = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        _checked(
            [_binary("initdb"), f"--pgdata={data}", f"--username={SUPERUSER}", *options], run_as
        )
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [_binary("postgres"), "-D", str(data), "-k", name, "-c", "listen_addresses=", "-F"],
                stdout=log,
                stderr=log,
                cwd=folder,
                **run_as,
            )
        try:
            found = Postgres(folder / ".s.PGSQL.5432")
            _wait(server, found, folder / "log")
            found.create(DATABASE)
            yield found
        finally:
            # It ends the sessions and stops (postgresql.org/docs/current/server-shutdown.html).
            server.send_signal(signal.SIGINT)
            server.wait(timeout=START_SECONDS)


def _binary(name: str) -> str:
    """Debian keeps the server's programs out of PATH."""
    found = shutil.which(name)
    if found is None:
        installed = Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
        found = max(map(str, installed), default=None)
    assert found is not None, "PostgreSQL is missing: tools/test-packages installs it"
    return found


def _unprivileged(folder: Path) -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam(UNPRIVILEGED)
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _checked(command: list[str], run_as: dict[str, Any]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", **run_as)
    assert done.returncode == 0, done.stdout + done.stderr


def _wait(server: "subprocess.Popen[Any]", found: Postgres, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        assert server.poll() is None, log.read_text()
        try:
            found.run("SELECT 1", "postgres")
        except native.Error:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        else:
            return
