"""Hostnames of tenants: their grammar, and which ones are never a tenant's.

A name is kept as A-labels (RFC 5890) in lower case, without a final dot.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import cast

from functions.ports.records import Records, Row, Statement

MAX_CHARACTERS = 253
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_SPEAKING = rf"(?!(?!xn)..--){_LABEL.pattern}"
GRAMMAR = rf"(?:{_SPEAKING}\.)+(?!(?:[0-9]+|0x[0-9a-f]*)$){_SPEAKING}"
"""Every rule of `complaint` in one pattern, but for the length in all and the platform's names."""


@dataclass(frozen=True, slots=True)
class Hostname:
    id: str
    name: str
    tenant_id: str
    location_id: str


def complaint(name: object, platform_zone: str, platform_hosts: Collection[str] = ()) -> str | None:
    """Why `name` cannot be a tenant's hostname; None where it can."""
    if not isinstance(name, str) or not name:
        return "must be a hostname"
    labels = name.split(".")
    if not name.isascii():
        return "must be written in ASCII: an internationalised name as its A-labels ('xn--...')"
    if name != name.lower() or name.endswith("."):
        return "must be in lower case and without a final dot"
    if "*" in name:
        return "must not be a wildcard"
    if len(name) > MAX_CHARACTERS or any(_LABEL.fullmatch(label) is None for label in labels):
        return "must be labels of 1 to 63 letters, digits and inner hyphens, joined by dots"
    if len(labels) < 2:
        return "must have at least two labels"
    # No top-level domain is numeric (RFC 3696 2), which also refuses every spelling of an IPv4
    # address.
    if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", labels[-1]):
        return "must not be an IP address"
    if any(label[2:4] == "--" and not label.startswith("xn--") for label in labels):
        return "must not have a label with '--' in third place, other than an A-label"
    owned = {platform_zone.lower(), *(host.lower() for host in platform_hosts)}
    if any(name == own or name.endswith("." + own) for own in owned if own):
        return "belongs to the platform itself; choose a name of the tenant's own domain"
    return None


async def find_proven(records: Records, name: str) -> Hostname | None:
    rows = await records.fetch(
        Statement(
            "SELECT * FROM hostname WHERE name = ?"
            " AND proven_at IS NOT NULL AND deleted_at IS NULL",
            (name,),
        )
    )
    return _hostname_of(rows[0]) if rows else None


def _hostname_of(row: Row) -> Hostname:
    return Hostname(
        id=cast("str", row["id"]),
        name=cast("str", row["name"]),
        tenant_id=cast("str", row["tenant_id"]),
        location_id=cast("str", row["location_id"]),
    )
