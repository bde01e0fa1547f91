"""A rate limiter in memory: so many requests in each period, which begins anew for all keys at
once."""

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functions.ports.clock import Clock


class MemoryRateLimiter:
    def __init__(self, clock: "Clock", limit: int, period_seconds: int = 60) -> None:
        self._clock = clock
        self._limit = limit
        self._period_seconds = period_seconds
        self._period = -1
        self._counts: Counter[str] = Counter()

    @property
    def period_seconds(self) -> int:
        return self._period_seconds

    async def allow(self, key: str) -> bool:
        period = self._clock.now_ms() // (self._period_seconds * 1000)
        if period != self._period:
            self._period = period
            self._counts.clear()
        self._counts[key] += 1
        return self._counts[key] <= self._limit
