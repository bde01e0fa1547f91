"""Counting requests, so that one caller cannot use up what is there for all."""

from typing import Protocol


class RateLimiter(Protocol):
    @property
    def period_seconds(self) -> int:
        """After this a refused caller may come again."""
        ...

    async def allow(self, key: str) -> bool:
        """Counts one request of `key`; whether it is within the limit. Counts are approximate and
        may be those of one location only, so this is no accounting and no secret guard.

        Never raises: a limiter that fails lets everybody in.
        """
        ...
