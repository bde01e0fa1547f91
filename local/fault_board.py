"""Planned faults of bindings, for tests; what a Worker's calls shall meet."""

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import Any

ACTIONS = ("fail", "fail_after", "drop", "repeat", "hold")
_ANY = "*"

Json = dict[str, Any]
Call = tuple[str, str, str]
"""Worker, binding, method."""


@dataclass(slots=True)
class Fault:
    """What the nth matching call (from 1), and the `count - 1` after it, shall meet."""

    id: int
    worker: str
    binding: str
    method: str
    nth: int
    action: str
    count: int
    seen: int = 0
    released: bool = False

    def matches(self, call: Call) -> bool:
        wanted = (self.worker, self.binding, self.method)
        return all(one in (_ANY, other) for one, other in zip(wanted, call, strict=True))

    def describe(self) -> Json:
        return {
            "id": self.id,
            "worker": self.worker,
            "binding": self.binding,
            "method": self.method,
            "nth": self.nth,
            "action": self.action,
            "count": self.count,
            "seen": self.seen,
            "met": max(0, min(self.seen - self.nth + 1, self.count)),
        }


class FaultBoard:
    """Counts calls and says what happens to each."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._ids = itertools.count(1)
        self._calls: Counter[Call] = Counter()
        self._held: Counter[Call] = Counter()

    def plan(self, request: Json) -> Json:
        """Adds a fault: `{worker, binding, method, nth?, action, count?}`.

        Raises:
            ValueError: a field is missing or wrong.
        """
        missing = [
            name for name in ("worker", "binding", "method", "action") if name not in request
        ]
        if missing:
            raise ValueError(f"a fault needs {', '.join(missing)}")
        nth, count = request.get("nth", 1), request.get("count", 1)
        if request["action"] not in ACTIONS:
            raise ValueError(f"action is one of {', '.join(ACTIONS)}, not {request['action']!r}")
        if not (isinstance(nth, int) and isinstance(count, int) and nth >= 1 and count >= 1):
            raise ValueError("nth and count are whole numbers from 1 on")
        fault = Fault(
            next(self._ids),
            str(request["worker"]),
            str(request["binding"]),
            str(request["method"]),
            nth,
            str(request["action"]),
            count,
        )
        self._faults.append(fault)
        return fault.describe()

    def next(self, call: Call, held: bool) -> str:
        """What a call meets: `none` or an action. A held call asks again, with `held`."""
        if held:
            waiting = any(
                fault.action == "hold" and not fault.released and fault.matches(call)
                for fault in self._faults
            )
            if not waiting:
                self._held.pop(call, None)
            return "hold" if waiting else "none"
        self._calls[call] += 1
        met = "none"
        for fault in self._faults:
            if not fault.matches(call):
                continue
            fault.seen += 1
            reached = fault.nth <= fault.seen < fault.nth + fault.count
            if reached and not fault.released and met == "none":
                met = fault.action
        if met == "hold":
            self._held[call] += 1
        return met

    def describe(self) -> Json:
        return {
            "faults": [fault.describe() for fault in self._faults],
            "held": [_named(call, number) for call, number in self._held.items()],
            "calls": [_named(call, number) for call, number in sorted(self._calls.items())],
        }

    def release(self) -> None:
        """Lets held calls go on; the faults that held them hold nothing more."""
        for fault in self._faults:
            if fault.action == "hold":
                fault.released = True

    def clear(self) -> None:
        """Forgets faults and counts; held calls go on."""
        self._faults.clear()
        self._calls.clear()


def _named(call: Call, number: int) -> Json:
    return {"worker": call[0], "binding": call[1], "method": call[2], "count": number}
