"""The local cloud's daemon: `python -m local.daemon --home DIR`.

One process for one cloud folder. It ends on SIGTERM or SIGINT with everything it started.
"""

import argparse
import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import IO

import uvicorn

from local.application import DATA_CENTRES, LocalCloud
from local.home import PORT_NAMES, CloudError, CloudHome, refuse_taken_ports
from local.purges import PLANS

_GRACE_SECONDS = 3
_LOCK_ATTEMPTS = 20
_LOCK_PAUSE_SECONDS = 0.025
_PORT_ATTEMPTS = 20
_PORT_PAUSE_SECONDS = 0.25


@contextlib.contextmanager
def only_daemon(home: CloudHome) -> Generator[None]:
    """Holds the folder; the system lets go of it however the process ends.

    Raises:
        CloudError: another daemon holds it.
    """
    with home.lock_file.open("w") as lock:
        if not _locked(lock):
            pid = home.pid_file.read_text().strip() if home.pid_file.exists() else "unknown"
            raise CloudError(
                f"The local cloud in {home.root} runs already (process {pid}). "
                "`stowage down` stops it."
            )
        home.pid_file.write_text(f"{os.getpid()}\n")
        try:
            yield
        finally:
            home.pid_file.unlink(missing_ok=True)


def _locked(lock: IO[str]) -> bool:
    """Takes the lock; a client that looks whether it is held holds it for a moment."""
    for _ in range(_LOCK_ATTEMPTS):
        with contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(_LOCK_PAUSE_SECONDS)
    return False


def _check_ports(home: CloudHome) -> None:
    """All of them, before anything is deployed: with one taken, half a cloud would look healthy.

    workerd ends a moment after a daemon that was killed, so a taken port is looked at again.
    """
    for _ in range(_PORT_ATTEMPTS - 1):
        try:
            return refuse_taken_ports(home, PORT_NAMES)
        except CloudError:
            time.sleep(_PORT_PAUSE_SECONDS)
    return refuse_taken_ports(home, PORT_NAMES)


def serve(home: CloudHome, *, faults: bool, data_centres: int, plan: str) -> None:
    """Runs until a signal ends it.

    Raises:
        CloudError: the folder is held, damaged, or its port is taken.
    """
    home.ensure()
    # Nobody's folder is held by a process that outlives its caller.
    os.chdir(home.root)
    with only_daemon(home):
        _check_ports(home)
        port = home.ports()["rest"]
        cloud = LocalCloud(home, faults=faults, data_centres=data_centres, plan=plan)
        config = uvicorn.Config(
            cloud.application(),
            host="127.0.0.1",
            port=port,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        # After its own orderly end the server raises the signal again; what follows must still run.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _end_orderly)
        asyncio.run(uvicorn.Server(config).serve())


def _end_orderly(_number: int, _frame: object) -> None:
    """The server has seen the signal already."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.daemon", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="the cloud folder")
    parser.add_argument("--faults", action="store_true", help="open the fault face (tests only)")
    parser.add_argument(
        "--data-centres",
        type=int,
        choices=range(1, len(DATA_CENTRES) + 1),
        default=1,
        help="how many data centres run the Workers, each with a cache of its own",
    )
    parser.add_argument(
        "--plan", choices=PLANS, default="free", help="the zone's plan, which limits purges"
    )
    arguments = parser.parse_args()
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # One line for each request would bury the rest.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        serve(
            CloudHome(arguments.home),
            faults=arguments.faults,
            data_centres=arguments.data_centres,
            plan=arguments.plan,
        )
    except CloudError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
