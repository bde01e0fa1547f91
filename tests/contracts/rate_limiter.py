"""What every `RateLimiter` keeps, whatever counts behind it.

An adapter's suite is a subclass with the fixture `limiter`: `LIMIT` requests a period of 60 s.
"""

import asyncio
import uuid

from functions.ports.rate_limiter import RateLimiter

LIMIT = 5


def admitted(limiter: RateLimiter, key: str, requests: int) -> int:
    """How many of the requests were let in."""

    async def scenario() -> int:
        return sum([await limiter.allow(key) for _ in range(requests)])

    return asyncio.run(scenario())


class RateLimiterContract:
    def test_the_first_requests_are_let_in_and_the_others_are_not(
        self, limiter: RateLimiter
    ) -> None:
        # A period may end in between, and then up to twice as many are let in.
        assert LIMIT <= admitted(limiter, str(uuid.uuid4()), 4 * LIMIT) <= 2 * LIMIT

    def test_each_key_is_counted_by_itself(self, limiter: RateLimiter) -> None:
        admitted(limiter, str(uuid.uuid4()), 4 * LIMIT)
        assert admitted(limiter, str(uuid.uuid4()), LIMIT) == LIMIT

    def test_a_caller_can_be_told_when_to_come_again(self, limiter: RateLimiter) -> None:
        assert limiter.period_seconds == 60
