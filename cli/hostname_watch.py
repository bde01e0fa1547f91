"""Hostnames as they change: a table that is drawn over itself on a terminal, else a line for each
change."""

import time
from collections.abc import Callable, Sequence
from typing import ClassVar, cast

from rich.live import Live
from rich.table import Table

from cli.console import Terminal
from cli.failures import Failure
from cli.platform_api import Document, ProblemFailure

FIRST_SECONDS = 2.0
MOST_SECONDS = 15.0
GROWTH = 1.3
"""Looks become rarer while nothing changes."""
_FAILURES = 5
"""So many looks in a row may fail before the watch does."""
_ENDS = frozenset({"blocked", "removed"})
"""From these no hostname becomes active by itself."""
_STYLES = {"active": "green", "moved": "red", "blocked": "red", "removed": "red"}


class NotActive(Failure):
    """A watched hostname will not become active by itself."""

    exit_code: ClassVar[int] = 4


class NotYet(Failure):
    """The time is over, and not all watched hostnames are active."""

    exit_code: ClassVar[int] = 5


def watch(
    terminal: Terminal, look: Callable[[], list[Document]], timeout: int | None
) -> list[Document]:
    """Until all hostnames are active; their last state. `timeout` is in seconds, None: without end.

    Raises:
        NotActive: all that are not active are blocked or removed.
        NotYet: the time is over.
        Failure: the API did not answer several times in a row.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    found = look()
    if not terminal.has_live_result:
        return _watched(found, look, deadline, Lines(terminal).show)
    with Live(console=terminal.result_console, auto_refresh=False) as live:
        return _watched(found, look, deadline, lambda now: live.update(table(now), refresh=True))


class Lines:
    """For pipes and logs: one line for each change, also with `--json`, then among the progress."""

    def __init__(self, terminal: Terminal) -> None:
        self._write = terminal.say if terminal.as_json else terminal.result
        self._shown: dict[object, str] = {}

    def show(self, hostnames: Sequence[Document]) -> None:
        for hostname in hostnames:
            line = f"{hostname['name']}: {hostname['state']}. {hostname['explanation']}"
            if self._shown.get(hostname["id"]) != line:
                self._shown[hostname["id"]] = line
                self._write(line)


def table(hostnames: Sequence[Document]) -> Table:
    drawn = Table("hostname", "state", "certificate", "records", "what goes on", expand=True)
    for hostname in hostnames:
        state = str(hostname["state"])
        drawn.add_row(
            str(hostname["unicode_name"]),
            state,
            str(hostname["certificate_status"] or "-"),
            records(hostname),
            str(hostname["explanation"]),
            style=_STYLES.get(state, "yellow"),
        )
    return drawn


def records(hostname: Document) -> str:
    """How many of the required records are found: `1/2`."""
    listed = cast("list[Document]", hostname["records"])
    required = [record for record in listed if record["required"]]
    good = sum(record["state"] == "ok" for record in required)
    return f"{good}/{len(required)}"


def _watched(
    found: list[Document],
    look: Callable[[], list[Document]],
    deadline: float | None,
    show: Callable[[Sequence[Document]], None],
) -> list[Document]:
    wait = FIRST_SECONDS
    while True:
        show(found)
        waiting = [one for one in found if one["state"] != "active"]
        if not waiting:
            return found
        names = ", ".join(f"{one['name']} ({one['state']})" for one in waiting)
        if all(one["state"] in _ENDS for one in waiting):
            raise NotActive(
                f"Not active, and will not become so by themselves: {names}. `stowage hostnames "
                "show NAME` says more."
            )
        left = wait if deadline is None else deadline - time.monotonic()
        if left <= 0:
            raise NotYet(f"The time is over, and not all hostnames are active: {names}.")
        time.sleep(min(wait, left))
        now = _looked(look)
        wait = FIRST_SECONDS if _states(now) != _states(found) else min(wait * GROWTH, MOST_SECONDS)
        found = now


def _looked(look: Callable[[], list[Document]]) -> list[Document]:
    for attempt in range(_FAILURES):
        try:
            return look()
        except Failure as failure:
            if attempt == _FAILURES - 1 or not _may_pass(failure):
                raise
            time.sleep(_pause(failure))
    raise AssertionError("unreachable: the last attempt returns or raises")


def _may_pass(failure: Failure) -> bool:
    """Refusals stay refusals; being too fast, and failures of the platform, pass."""
    if not isinstance(failure, ProblemFailure):
        return True
    return failure.status == 429 or failure.status >= 500


def _pause(failure: Failure) -> float:
    asked = (
        failure.document.get("retry_after_seconds") if isinstance(failure, ProblemFailure) else 0
    )
    return float(asked) if isinstance(asked, int | float) and asked > 0 else FIRST_SECONDS


def _states(hostnames: Sequence[Document]) -> list[object]:
    return [(one["id"], one["state"], one["explanation"]) for one in hostnames]
