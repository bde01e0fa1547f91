"""Names of everything that is made, and the grammars that names follow. Pure: no Pulumi, no reading
of anything.

Physical names come from here and from nowhere else, so that two resources never share one and a
name that a provider would refuse half-way through a deployment is refused before it begins.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

# R2: 3 to 63 lower-case letters, digits and hyphens, with a letter or digit at both ends.
# https://developers.cloudflare.com/r2/buckets/create-buckets/
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")

# Queues and Workers allow more; the narrowest grammar serves for all so that one prefix fits
# everywhere.
MAX_NAME_LENGTH = 63

# One DNS label as an A-label: RFC 1123 section 2.1, lengths of RFC 1035 section 2.3.4.
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
MAX_HOSTNAME_LENGTH = 253

PLATFORM_BUCKETS = ("uploads", "packages", "assets", "backups")
WORKERS = ("edge", "api", "jobs")
VALIDATE_QUEUE = "validate-package"


def bucket_name_problem(name: str) -> str | None:
    """Why R2 would refuse this bucket name, or None."""
    if not _BUCKET.fullmatch(name):
        return (
            f"{name!r} is not a name that R2 takes: 3 to {MAX_NAME_LENGTH} lower-case letters, "
            "digits and hyphens, with a letter or digit at both ends"
        )
    return None


def hostname_problem(name: str) -> str | None:
    """Why this is not a fully qualified host name in lower-case A-labels, or None."""
    if _is_address(name):
        return f"{name!r} is an address, not a host name"
    if len(name) > MAX_HOSTNAME_LENGTH:
        return f"{name!r} is longer than {MAX_HOSTNAME_LENGTH} characters"
    labels = name.split(".")
    if len(labels) < 2:
        return f"{name!r} has a single label; a full name is needed, like cdn.example.com"
    wrong = [label for label in labels if not _LABEL.fullmatch(label)]
    if wrong:
        return (
            f"{name!r} is not a host name: {wrong[0]!r} is not a label of lower-case letters, "
            "digits and inner hyphens (write international names as xn-- labels, and no wildcard)"
        )
    if labels[-1].isdigit():
        return f"{name!r} is not a host name: its last label is a number"
    return None


def is_loopback(url: str) -> bool:
    """Whether the URL stays on this machine."""
    return urlsplit(url).hostname in {"127.0.0.1", "::1", "localhost"}


def is_within(name: str, zone: str) -> bool:
    """Whether the name is the zone or lies under it."""
    return name == zone or name.endswith("." + zone)


def duplicates(names: Iterable[str]) -> list[str]:
    """The names that occur more than once, in the order in which they are first repeated."""
    seen: set[str] = set()
    repeated: dict[str, None] = {}
    for name in names:
        if name in seen:
            repeated[name] = None
        seen.add(name)
    return list(repeated)


def _is_address(name: str) -> bool:
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Names:
    """Physical names of one stack; all begin with the stack's prefix."""

    prefix: str

    def bucket(self, role: str) -> str:
        """The bucket of a role: one of PLATFORM_BUCKETS or a declared repository bucket."""
        return f"{self.prefix}-{role}"

    def worker(self, role: str) -> str:
        return f"{self.prefix}-{role}"

    @property
    def database(self) -> str:
        return self.prefix

    @property
    def validate_queue(self) -> str:
        return f"{self.prefix}-{VALIDATE_QUEUE}"

    @property
    def dead_letter_queue(self) -> str:
        return f"{self.prefix}-{VALIDATE_QUEUE}-dead"

    @property
    def usage_dataset(self) -> str:
        """Stands in SQL as it is, so it has underscores for hyphens, which no prefix has, and does
        not begin with the digit that a prefix may begin with."""
        return "usage_" + self.prefix.replace("-", "_")

    def token(self, role: str) -> str:
        return f"{self.prefix}-{role}"

    def rate_limit(self, role: str) -> str:
        """A positive integer, unique in the account, by which Cloudflare tells counters apart:
        https://developers.cloudflare.com/workers/runtime-apis/bindings/rate-limit/"""
        digest = hashlib.sha256(f"{self.prefix}-{role}".encode()).digest()
        return str(1 + int.from_bytes(digest[:4], "big") % (2**31 - 1))

    def alert(self, role: str) -> str:
        return f"{self.prefix}-{role}"

    def longest(self, repositories: Iterable[str]) -> str:
        """The longest name that will be made; a prefix is too long when this one is."""
        made = [self.bucket(role) for role in (*PLATFORM_BUCKETS, *repositories)]
        made += [self.worker(role) for role in WORKERS]
        made += [self.validate_queue, self.dead_letter_queue]
        return max(made, key=len)
