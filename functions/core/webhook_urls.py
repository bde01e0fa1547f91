"""Where a tenant may have notices sent.

The platform's own requests are never to reach what is not meant for the public: a Worker reaches no
private network in any case, and what is refused here keeps it so elsewhere, and keeps notices out
of the platform itself.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from functions.core import hostnames

MAX_CHARACTERS = 2048
_CHARACTERS = re.compile(r"[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=%-]+")
"""Of RFC 3986, without '#': a fragment is never sent."""
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_PRIVATE = frozenset({"localhost", "local", "internal"})
"""Top-level domains that lead nowhere on the public network (RFC 6761, 6762, ICANN)."""


@dataclass(frozen=True, slots=True)
class WebhookRules:
    platform_zone: str
    platform_hosts: Sequence[str]
    """Further names of the platform's own, outside of its zone."""
    loopback: bool = False
    """Whether `http://` to this machine is fine; only in the local cloud, where it is the only
    network that tests may use."""


def complaint(url: object, rules: WebhookRules) -> str | None:
    """Why `url` cannot be a tenant's webhook; None where it can."""
    if not isinstance(url, str) or not url:
        return "must be a URL"
    if len(url) > MAX_CHARACTERS:
        return f"must have at most {MAX_CHARACTERS} characters"
    if _CHARACTERS.fullmatch(url) is None:
        return "must be a URL in ASCII, percent-encoded, without spaces and without a '#'"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "must be a URL whose host and port can be read"
    if "@" in parts.netloc:
        return "must hold no user name and no password; put what identifies you into the path"
    if port == 0:
        return "must have a port from 1 to 65535"
    if rules.loopback and parts.scheme in ("http", "https") and parts.hostname in _LOOPBACK:
        return None
    return _public(parts, rules)


def _public(parts: SplitResult, rules: WebhookRules) -> str | None:
    if parts.scheme != "https":
        return "must begin with 'https://': what it is told is nobody else's to read"
    host = parts.hostname or ""
    if ":" in host:
        return "its host must not be an IP address"
    wrong = hostnames.complaint(host, rules.platform_zone, rules.platform_hosts)
    if wrong is not None:
        return f"its host {wrong}"
    if host.rpartition(".")[2] in _PRIVATE:
        return "its host must be one of the public network"
    return None
