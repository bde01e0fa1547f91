import asyncio

import pytest

from functions.adapters.local.clock import FixedClock
from functions.adapters.local.rate_limiter import MemoryRateLimiter
from tests.contracts.rate_limiter import LIMIT, RateLimiterContract, admitted


class TestMemoryRateLimiter(RateLimiterContract):
    @pytest.fixture
    def limiter(self) -> MemoryRateLimiter:
        return MemoryRateLimiter(FixedClock(), LIMIT)


def test_a_new_period_begins_anew() -> None:
    clock = FixedClock()
    limiter = MemoryRateLimiter(clock, LIMIT)
    assert admitted(limiter, "key", 2 * LIMIT) == LIMIT
    clock.advance(seconds=limiter.period_seconds)
    assert admitted(limiter, "key", 2 * LIMIT) == LIMIT
    assert not asyncio.run(limiter.allow("key"))
