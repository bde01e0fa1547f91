"""Whose requests are counted together, and the answer to one too many.

A request with a valid key counts for that key. Everything else counts for its address: anonymous
requests, and those whose key is not valid. The part of a key that names it is public, so a wrong
secret must not use up what its owner has.
"""

from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

from functions.core.problems import Problem, ProblemError

if TYPE_CHECKING:
    from functions.ports.rate_limiter import RateLimiter

SITE_BITS = 64
"""One site has a whole /64 of IPv6 (RFC 6177), so its addresses count as one."""
UNKNOWN = "unknown"


def address_key(address: str | None) -> str:
    """What an address counts as; text that is no address counts as one and the same."""
    try:
        known = ip_address((address or "").strip())
    except ValueError:
        return UNKNOWN
    if isinstance(known, IPv6Address):
        if known.ipv4_mapped is not None:
            return str(known.ipv4_mapped)
        return str(ip_network((known, SITE_BITS), strict=False))
    return str(known)


async def count(limiter: "RateLimiter", key: str) -> None:
    """Raises: ProblemError 429 `too-many-requests`, with the seconds to wait."""
    if not await limiter.allow(key):
        raise too_many_requests(limiter.period_seconds)


def too_many_requests(
    retry_after_seconds: int, detail: str = "Too many requests came at once."
) -> ProblemError:
    return ProblemError(
        Problem(
            "too-many-requests",
            "Too many requests",
            429,
            f"{detail} Try again after {retry_after_seconds} s.",
            {"retry_after_seconds": retry_after_seconds},
        )
    )
