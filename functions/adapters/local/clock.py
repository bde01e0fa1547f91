"""The system's clock, and one that stands still until it is moved."""

import time


class SystemClock:
    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


class FixedClock:
    def __init__(self, now_ms: int = 1_790_000_000_000) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def advance(self, *, seconds: int = 0, milliseconds: int = 0) -> None:
        self._now_ms += seconds * 1000 + milliseconds
