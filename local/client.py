"""Starts, stops and asks the local cloud's daemon; what the `stowage` command and the tests use."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import httpx

from local.home import CloudError, CloudHome, folder_is_held

__all__ = ["Cloud", "CloudError"]

_POLL_SECONDS = 0.05
_LOG_LINES = 30
_PROJECT = Path(__file__).resolve().parent.parent

Json = dict[str, Any]


class Cloud:
    """The local cloud of one cloud folder.

    Every method raises `CloudError` with a message for people when the daemon does not answer or
    refuses.
    """

    def __init__(
        self,
        home: Path | str,
        *,
        faults: bool = False,
        data_centres: int = 1,
        plan: str = "free",
    ) -> None:
        """For tests, and from the next `start` on: `faults` opens the fault face, `data_centres` is
        how many run the Workers (`local.application.DATA_CENTRES`), `plan` is the zone's, which
        limits purges (`local.purges.PLANS`)."""
        self.home = CloudHome(home)
        self.faults = faults
        self._options = ["--data-centres", str(data_centres), "--plan", plan]
        self._log_start = 0

    def start(self, timeout: float = 30.0) -> None:
        """Starts the daemon in a session of its own and waits until it answers. Does nothing when
        it runs.

        The Workers are not running yet: `settle` brings them up.
        """
        self.home.ensure()
        if self.is_running():
            return
        command = [sys.executable, "-m", "local.daemon", "--home", str(self.home.root)]
        command += self._options
        if self.faults:
            command.append("--faults")
        self._log_start = (
            self.home.daemon_log.stat().st_size if self.home.daemon_log.exists() else 0
        )
        pid = self._spawn(command)
        deadline = time.monotonic() + timeout
        while not self.is_running():
            if _is_finished(pid):
                raise CloudError(f"The local cloud ended at once.\n{self._log_tail()}")
            if time.monotonic() > deadline:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
                raise CloudError(
                    f"The local cloud did not answer within {timeout:.0f} s.\n{self._log_tail()}"
                )
            time.sleep(_POLL_SECONDS)

    def stop(self, timeout: float = 20.0) -> None:
        """Ends the daemon with all its processes. Data stays. Does nothing when it does not run."""
        pid = self._pid()
        if pid is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + timeout
        while self._pid() is not None:
            if time.monotonic() > deadline:
                raise CloudError(
                    f"The local cloud (process {pid}) did not end within {timeout:.0f} s. "
                    f"End it with `kill -9 {pid}`; its log is {self.home.daemon_log}."
                )
            time.sleep(_POLL_SECONDS)

    def is_running(self) -> bool:
        """Whether the daemon of this folder answers."""
        if self._pid() is None:
            return False
        try:
            return bool(self._call("GET", "/_local/health", timeout=5.0).get("ready"))
        except CloudError:
            return False

    def status(self) -> Json:
        """Processes, ports, URLs, resources, queues, Workers with their versions, last settling,
        memory.

        When the daemon does not run, `{"running": False, ...}` with what the folder tells.
        """
        if not self.is_running():
            known = self.home.ports_file.exists()
            return {
                "running": False,
                "home": str(self.home.root),
                "urls": self.home.urls() if known else {},
            }
        return self._call("GET", "/_local/status")

    def urls(self) -> dict[str, str]:
        """Base URLs by the names of the ports: `rest`, `edge`, `api`, `cdn`, `s3`, `storage` ..."""
        return self.home.urls()

    def settle(
        self,
        entry_hosts: Mapping[str, str] | None = None,
        timeout: float = 180.0,
    ) -> Json:
        """Brings what runs to what is deployed and warms all Workers; quick when nothing changed.

        `entry_hosts` (`{"api": host, "cdn": host}`) are the hosts that the ports `api` and `cdn`
        stand for; they are
        remembered.

        Raises:
            CloudError: a Worker does not boot; the message holds its traceback.
        """
        body: Json = {"entry_hosts": dict(entry_hosts)} if entry_hosts else {}
        return self._call("POST", "/_local/settle", body, timeout)

    def run_storage(
        self, servers: Iterable[str], binary: Path | str, timeout: float = 120.0
    ) -> list[Json]:
        """Runs exactly these S3 servers (`minio`, `b2`) with this executable of versitygw, and
        remembers them for restarts of the daemon; none: the servers end, their data stays.

        Gives `[{server, url, pid, deaths, problem}]` as soon as they answer.
        """
        body: Json = {"servers": list(servers), "binary": str(binary)}
        return cast("list[Json]", self._call("POST", "/_local/storage", body, timeout)["storage"])

    def trigger_cron(self, worker: str | None = None, timeout: float = 120.0) -> list[Json]:
        """Runs the schedules of a Worker (of all Workers that have one) once, now: `[{worker, cron,
        outcome}]`."""
        body: Json = {"worker": worker} if worker else {}
        return cast("list[Json]", self._call("POST", "/_local/trigger", body, timeout)["runs"])

    def queues(self) -> list[Json]:
        """`[{queue, visible, delayed, in_flight, consumer, dead_letter_queue}]`."""
        return cast("list[Json]", self._call("GET", "/_local/queues")["queues"])

    def add_fault(
        self,
        *,
        worker: str,
        binding: str,
        method: str,
        nth: int = 1,
        action: str = "fail",
        count: int = 1,
    ) -> Json:
        """Plans a fault: the nth call (from now, counted from 1) of a binding's method, and the
        `count - 1` after it.

        Actions: `fail`, `fail_after`, `drop`, `repeat`, `hold`. `*` as worker, binding or method
        means any.
        """
        return self._call(
            "POST",
            "/_faults",
            {
                "worker": worker,
                "binding": binding,
                "method": method,
                "nth": nth,
                "action": action,
                "count": count,
            },
        )

    def list_faults(self) -> Json:
        """`{"faults": planned ones with what they met, "held": calls that wait, "calls":
        counts}`."""
        return self._call("GET", "/_faults")

    def clear_faults(self) -> None:
        """Forgets all planned faults and lets held calls go on."""
        self._call("DELETE", "/_faults")

    def release_faults(self) -> None:
        """Lets the held calls go on."""
        self._call("POST", "/_faults/release")

    def dns(self) -> Json:
        """`{"records": [{name, type, value, ttl}], "faults": [{name, kind, resolver}]}`."""
        return self._call("GET", "/_dns/records")

    def set_dns(self, name: str, kind: str, *values: str) -> None:
        """The records of this name and type are exactly these from now on."""
        body: Json = {"name": name, "type": kind, "values": list(values)}
        self._call("PUT", "/_dns/records", body)

    def delete_dns(self, name: str, kind: str | None = None) -> None:
        """All records of a name, or those of one type; none there is a success."""
        query = {"name": name} | ({"type": kind} if kind else {})
        self._call("DELETE", f"/_dns/records?{urlencode(query)}")

    def plan_dns_fault(self, name: str, kind: str, resolver: int | None = None) -> None:
        """What resolver 1 or 2, or everybody, says of a name: `nxdomain`, `servfail`, `timeout`, or
        `stale` (what is true now, whatever changes)."""
        self._call("PUT", "/_dns/faults", {"name": name, "kind": kind, "resolver": resolver})

    def clear_dns_faults(self, name: str | None = None) -> None:
        """Those of one name, or all."""
        self._call("DELETE", "/_dns/faults" + (f"?{urlencode({'name': name})}" if name else ""))

    def simulate_hostnames(self, **changes: Any) -> Json:
        """Sets fields of `local.saas.simulation.Simulation`, such as `stage_seconds`, and gives
        all."""
        return self._call("PATCH", "/_hostnames", changes)

    def _call(
        self, method: str, path: str, body: Json | None = None, timeout: float = 30.0
    ) -> Json:
        headers = {"x-stowage-control": self.home.credentials().control_secret}
        url = self.home.urls()["rest"] + path
        try:
            with httpx.Client(trust_env=False, timeout=timeout) as client:
                response = client.request(method, url, json=body, headers=headers)
        except httpx.HTTPError as error:
            raise CloudError(
                f"The local cloud in {self.home.root} does not answer "
                f"({error or type(error).__name__}). `stowage up` starts it; its log is "
                f"{self.home.daemon_log}."
            ) from error
        if response.is_success:
            return cast("Json", response.json()) if response.content else {}
        raise CloudError(_reason(response))

    def _spawn(self, command: list[str]) -> int:
        """Starts a process in a session of its own that writes to the daemon's log."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        environment = os.environ | {"PYTHONPATH": str(_PROJECT), "PYTHONUNBUFFERED": "1"}
        return os.posix_spawn(
            command[0],
            command,
            environment,
            setsid=True,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(self.home.daemon_log), flags, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
        )

    def _pid(self) -> int | None:
        """The process that holds the folder, if it lives."""
        if not folder_is_held(self.home):
            # Whatever process has the number now is not ours to signal.
            return None
        with contextlib.suppress(OSError, ValueError):
            pid = int(self.home.pid_file.read_text())
            os.kill(pid, 0)
            return None if _is_finished(pid) else pid
        return None

    def _log_tail(self) -> str:
        with contextlib.suppress(OSError):
            with self.home.daemon_log.open("rb") as log:
                # What earlier runs wrote explains nothing.
                log.seek(self._log_start)
                lines = log.read().decode(errors="replace").splitlines()[-_LOG_LINES:]
            return f"The end of {self.home.daemon_log}:\n" + "\n".join(lines)
        return f"{self.home.daemon_log} cannot be read."


def _is_finished(pid: int) -> bool:
    """A process that ended and whose parent (we, in tests) has not asked for its exit code."""
    with contextlib.suppress(ChildProcessError):
        done, _ = os.waitpid(pid, os.WNOHANG)
        return done == pid
    return False


def _reason(response: httpx.Response) -> str:
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return str(cast("Json", response.json())["error"])
    return f"The local cloud answered {response.status_code}: {response.text[:500]}"
