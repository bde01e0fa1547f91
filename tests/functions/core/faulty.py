"""Ports that fail at one chosen call, before its effect or behind it, with their own errors."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import cast


@dataclass(frozen=True)
class Fault:
    call: int
    """1: the next call of any port."""
    after: bool
    """The effect happens, and the caller never learns it."""


class Faults:
    """Counts the calls of all ports that it wraps."""

    def __init__(self) -> None:
        self._fault: Fault | None = None
        self._calls = 0

    def arm(self, fault: Fault | None) -> None:
        self._fault, self._calls = fault, 0

    def wrap(self, port: object, error: Callable[[], Exception]) -> object:
        return _Wrapped(port, self, error)

    async def call(
        self, work: Callable[[], Awaitable[object]], error: Callable[[], Exception]
    ) -> object:
        self._calls += 1
        fault = self._fault
        if fault is None or fault.call != self._calls:
            return await work()
        if fault.after:
            await work()
        raise error()


class _Wrapped:
    def __init__(self, port: object, faults: Faults, error: Callable[[], Exception]) -> None:
        self._port = port
        self._faults = faults
        self._error = error

    def __getattr__(self, name: str) -> object:
        member = getattr(self._port, name)
        if not callable(member):
            return member

        def call(*args: object, **kwargs: object) -> Awaitable[object]:
            return self._faults.call(
                lambda: cast("Awaitable[object]", member(*args, **kwargs)), self._error
            )

        return call
