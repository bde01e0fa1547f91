"""Pulumi's locks in a file backend: JSON files naming the process that holds the stack.

A killed engine leaves its lock behind. One whose process on this host is dead is removed; one of a
living process, or of another host, is never touched.
"""

import json
import os
import socket
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import cast

from cli.project import NAME

_CLOCK_SLACK_SECONDS = 2.0
"""/proc gives the start of a process in ticks since boot, so two clocks are compared."""


@dataclass(frozen=True, slots=True)
class StateLock:
    """A lock file. `pid` is None when the file cannot be understood."""

    path: Path
    pid: int | None
    hostname: str
    taken_at: datetime | None

    def is_dead(self) -> bool:
        """Whether its process surely does not run any more: it is one of this host, and gone or
        another by now."""
        if self.pid is None or self.hostname != socket.gethostname():
            return False
        if not _runs(self.pid):
            return True
        started = _started_at(self.pid)
        if started is None or self.taken_at is None:
            return False
        return started > self.taken_at.timestamp() + _CLOCK_SLACK_SECONDS

    def __str__(self) -> str:
        since = f" since {self.taken_at:%Y-%m-%d %H:%M:%S} UTC" if self.taken_at else ""
        return f"process {self.pid or 'unknown'} on {self.hostname or 'an unknown host'}{since}"


def locks(state: Path, stack: str) -> list[StateLock]:
    """The locks on a stack, oldest name first."""
    folder = state / ".pulumi" / "locks" / "organization" / NAME / stack
    return [_read(path) for path in sorted(folder.glob("*.json"))]


def remove_dead(state: Path, stack: str) -> tuple[list[StateLock], list[StateLock]]:
    """Removes the locks of dead processes. Gives the removed ones and those that stay."""
    removed: list[StateLock] = []
    kept: list[StateLock] = []
    for lock in locks(state, stack):
        if lock.is_dead():
            lock.path.unlink(missing_ok=True)
            lock.path.with_name(lock.path.name + ".attrs").unlink(missing_ok=True)
            removed.append(lock)
        else:
            kept.append(lock)
    return removed, kept


def _read(path: Path) -> StateLock:
    try:
        content = cast("dict[str, object]", json.loads(path.read_text(encoding="utf-8")))
        taken = _time(str(content.get("timestamp", "")))
        return StateLock(path, int(str(content["pid"])), str(content.get("hostname", "")), taken)
    except (OSError, ValueError, KeyError, TypeError):
        return StateLock(path, None, "", None)


def _time(text: str) -> datetime | None:
    try:
        # Go writes nanoseconds, of which Python takes the first six digits.
        head, dot, tail = text.partition(".")
        if not dot:
            return datetime.fromisoformat(text)
        digits = len(tail) - len(tail.lstrip("0123456789"))
        return datetime.fromisoformat(f"{head}.{tail[:digits][:6].ljust(6, '0')}{tail[digits:]}")
    except ValueError:
        return None


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    fields = _stat(pid)
    # A zombie has ended; only its parent has not asked yet.
    return not fields or fields[0] not in {"Z", "X"}


def _started_at(pid: int) -> float | None:
    """Seconds since 1970, or None where there is no /proc."""
    fields = _stat(pid)
    try:
        lines = Path("/proc/stat").read_text(encoding="ascii").splitlines()
        boot = next(float(line.split()[1]) for line in lines if line.startswith("btime "))
        return boot + float(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, StopIteration, IndexError, ValueError):
        return None


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on: the name before them may hold spaces and
    brackets."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()
