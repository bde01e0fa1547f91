"""Kills what is tested at a chosen call of a port."""

from collections.abc import Awaitable, Callable
from typing import cast


class KilledError(BaseException):
    """Not an `Exception`: no clean-up of the process is to run."""


class Fuse:
    """Counts the calls of all ports and dies at one of them."""

    def __init__(self, at: int | None, *, after: bool) -> None:
        self.calls = 0
        self._at = at
        self._after = after
        self._dead = False

    def wrap(self, port: object) -> object:
        return Wrapped(port, self)

    async def pass_through(self, call: Callable[[], Awaitable[object]]) -> object:
        if self._dead:
            raise KilledError
        self.calls += 1
        if self.calls == self._at:
            self._dead = True
            if self._after:
                await call()
            raise KilledError
        return await call()


class Wrapped:
    def __init__(self, port: object, fuse: Fuse) -> None:
        self._port = port
        self._fuse = fuse

    def __getattr__(self, name: str) -> object:
        member = getattr(self._port, name)
        if not callable(member):
            return member

        def call(*args: object, **kwargs: object) -> Awaitable[object]:
            return self._fuse.pass_through(
                lambda: cast("Awaitable[object]", member(*args, **kwargs))
            )

        return call
