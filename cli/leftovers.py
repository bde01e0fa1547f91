"""Plugins that a killed engine left running: Pulumi's policy packs and dynamic resources in Python.

The engine asks its plugins to end when it ends itself; after a kill nobody does. They are found by
/proc, so where that is missing nothing is ended.
"""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

PROC = Path("/proc")

_MODULES = frozenset({"pulumi.policy", "pulumi.dynamic"})
_PROGRAMS = ("pulumi-analyzer-", "pulumi-resource-")
"""One of them is in the command line of every plugin, as a word or as a program's name."""
_ENGINE = "pulumi"
_INIT = 1


def end(home: Path) -> int:
    """Ends (SIGTERM) the plugins of a cloud folder whose engine is gone, and what they started.
    Gives how many; repeating it is fine.

    A plugin of an engine that lives, of another folder or of another user is never touched.
    """
    ended = 0
    for pid in orphans(home):
        try:
            os.kill(pid, signal.SIGTERM)
        except (ProcessLookupError, PermissionError):
            continue
        ended += 1
    return ended


def end_and_say(home: Path, say: Callable[[str], None]) -> None:
    """The same, and a line about it if there were any."""
    ended = end(home)
    if ended:
        what = "process" if ended == 1 else "processes"
        say(f"Ended {ended} {what} that an interrupted or killed deployment had left running.")


def orphans(home: Path) -> list[int]:
    """The process ids of the plugins whose engine is gone."""
    parents = {pid: _parent(pid) for pid in _plugins(home)}
    return sorted(pid for pid in parents if _is_orphan(pid, parents))


def own_engines() -> list[int]:
    """The process ids of the engines that this process started and that run still."""
    return [pid for pid in _processes() if _parent(pid) == os.getpid() and _program(pid) == _ENGINE]


def _is_orphan(pid: int, parents: dict[int, int]) -> bool:
    """Whether no engine is above: a launch script is the parent of the interpreter it started."""
    parent = parents[pid]
    while parent in parents:
        parent = parents[parent]
    return parent == _INIT or _is_reaper(parent)


def _is_reaper(pid: int) -> bool:
    """Whether this process only took in what lost its parent, as a user's session manager does."""
    return _program(pid) == "systemd" and "--user" in _words(pid, "cmdline")


def _plugins(home: Path) -> Iterator[int]:
    belongs = f"STOWAGE_HOME={home}"
    for pid in _processes():
        if any(map(_is_plugin, _words(pid, "cmdline"))) and belongs in _words(pid, "environ"):
            yield pid


def _processes() -> list[int]:
    try:
        return [int(path.name) for path in PROC.iterdir() if path.name.isdigit()]
    except OSError:
        return []


def _program(pid: int) -> str:
    """The name of what runs; empty for a process that has ended."""
    words = _words(pid, "cmdline")
    return Path(words[0]).name if words else ""


def _is_plugin(word: str) -> bool:
    return word in _MODULES or Path(word).name.startswith(_PROGRAMS)


def _words(pid: int, what: str) -> list[str]:
    try:
        data = (PROC / str(pid) / what).read_bytes()
    except OSError:
        return []
    return data.decode("utf-8", "surrogateescape").rstrip("\0").split("\0")


def _parent(pid: int) -> int:
    """The parent's process id; 0 for a process that has ended meanwhile."""
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    # The name before the last bracket may hold anything.
    return int(text.rpartition(")")[2].split()[1])
