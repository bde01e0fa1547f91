"""Whether a request may go through the person's proxy, decided in one place."""

import httpx

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def may_use_proxy(url: str) -> bool:
    """A proxy is for the way out; it cannot reach this machine's own ports."""
    return httpx.URL(url).host not in _LOOPBACK
