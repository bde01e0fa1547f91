"""Processes of the local cloud and their memory, from /proc where there is one."""

from pathlib import Path
from typing import Any

_PROC = Path("/proc")
_KILOBYTE = 1024

Json = dict[str, Any]


def process_tree(root: int) -> list[Json]:
    """`[{pid, name, rss_bytes}]` of a process and everything it started; only the process itself
    (without its memory) where the system has no /proc."""
    if not (_PROC / "self" / "status").exists():
        return [{"pid": root, "name": "daemon", "rss_bytes": None}]
    found = dict(_all())
    tree = [root]
    for pid in tree:
        tree += [one for one, status in found.items() if status.get("PPid") == str(pid)]
    return [
        {
            "pid": pid,
            "name": "daemon" if pid == root else found[pid].get("Name", "?"),
            "rss_bytes": int(found[pid].get("VmRSS", "0 kB").split()[0]) * _KILOBYTE,
        }
        for pid in tree
        if pid in found
    ]


def _all() -> list[tuple[int, dict[str, str]]]:
    processes: list[tuple[int, dict[str, str]]] = []
    for folder in _PROC.iterdir():
        if folder.name.isdigit():
            try:
                text = (folder / "status").read_text()
            except OSError:
                continue  # it has ended meanwhile
            pairs = (line.partition(":") for line in text.splitlines())
            processes.append((int(folder.name), {key: value.strip() for key, _, value in pairs}))
    return processes
