"""Two ways of doing the same, timed in turns, so that whatever else the machine does meets both.

Seconds say little on a shared machine; the ratio of two that ran side by side does.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Comparison:
    what: str
    ours: str
    peer: str
    our_seconds: tuple[float, ...]
    peer_seconds: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """The peer's median time by ours: above 1, ours is the faster one."""
        return statistics.median(self.peer_seconds) / statistics.median(self.our_seconds)


def compare(
    what: str, ours: tuple[str, Work], peer: tuple[str, Work], *, rounds: int = 7, times: int = 1
) -> Comparison:
    """`rounds` turns of each, after one of each that does not count; a turn does the work `times`
    times."""
    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        for seconds, (_, work) in zip(taken, (ours, peer), strict=True):
            begun = time.perf_counter()
            for _ in range(times):
                work()
            if number:
                seconds.append((time.perf_counter() - begun) / times)
    return Comparison(what, ours[0], peer[0], tuple(taken[0]), tuple(taken[1]))


def show(comparisons: list[Comparison]) -> None:
    """A table with the ratio of each."""
    table = Table("what", "ours", "peer", "peer / ours")
    for one in comparisons:
        table.add_row(
            one.what,
            f"{one.ours}: {_duration(statistics.median(one.our_seconds))}",
            f"{one.peer}: {_duration(statistics.median(one.peer_seconds))}",
            f"{one.ratio:.2f}",
        )
    Console().print(table)


def _duration(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.2f} {unit}"
    return f"{seconds * 1e9:.0f} ns"
