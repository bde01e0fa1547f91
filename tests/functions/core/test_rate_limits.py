import asyncio

import pytest

from functions.adapters.local.clock import FixedClock
from functions.adapters.local.rate_limiter import MemoryRateLimiter
from functions.core import rate_limits
from functions.core.problems import ProblemError


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("203.0.113.7", "203.0.113.7"),
        (" 203.0.113.7 ", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("", "unknown"),
        (None, "unknown"),
        ("nonsense", "unknown"),
    ],
)
def test_addresses_of_one_site_count_as_one(address: str | None, key: str) -> None:
    assert rate_limits.address_key(address) == key


def test_one_too_many_is_told_when_to_come_again() -> None:
    limiter = MemoryRateLimiter(FixedClock(), 1)

    async def twice() -> None:
        await rate_limits.count(limiter, "key")
        await rate_limits.count(limiter, "key")

    with pytest.raises(ProblemError) as caught:
        asyncio.run(twice())
    problem = caught.value.problem
    assert (problem.status, problem.slug) == (429, "too-many-requests")
    assert problem.members == {"retry_after_seconds": 60}
