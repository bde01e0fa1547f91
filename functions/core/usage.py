"""What is noted of one request of the public data plane, and its form as a data point.

The form is versioned: each point names the schema it was written by, and queries ask for one. A
member keeps its column for ever; a new one takes the next free column, and only a change of meaning
makes a new schema. Neither client addresses nor tokens nor paths are noted, and hosts only where
they are known: anybody can ask for any number of others.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from functions.ports.usage import DataPoint

SCHEMA = "1"
NONE = "-"
"""In place of what there is not. No member is ever empty, as a column that was not written is."""

BLOBS: tuple[str, ...] = (
    "schema",
    "kind",
    "host",
    "location_id",
    "app_id",
    "version_id",
    "method",
    "status_class",
    "cache",
    "latency",
    "colo",
    "part",
)
"""In the order of the columns `blob1`, `blob2`, ..."""
DOUBLES: tuple[str, ...] = ("bytes", "status", "latency_ms")
"""In the order of the columns `double1`, `double2`, ..."""

MOST_BLOBS = 20
MOST_DOUBLES = 20
MOST_BLOB_BYTES = 16_384
"""Of all blobs of a point together."""
MOST_INDEX_BYTES = 96
"""All four: developers.cloudflare.com/analytics/analytics-engine/limits."""

Kind: TypeAlias = Literal["package", "asset", "repository", "refused"]
"""`refused`: the request named nothing that there could be."""
CacheState: TypeAlias = Literal["hit", "stale", "miss", "bypass"]
"""`hit`: sent from the data centre's cache. `stale`: the same, because the store failed. `miss`:
the store was asked, and what it had was put into the cache. `bypass`: the cache had no part in it
(a range or HEAD of what was not there, an object too large for it, a refusal)."""
Part: TypeAlias = Literal["start", "rest", "none"]
"""What of an object a GET was given: from its first byte on, from a later one on, nothing of it."""

_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OTHER_METHOD = "other"
_LATENCIES = (10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000)
_COLO_LENGTH = 3


def column(name: str) -> str:
    """Where a member of BLOBS or DOUBLES stands."""
    if name in BLOBS:
        return f"blob{BLOBS.index(name) + 1}"
    return f"double{DOUBLES.index(name) + 1}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsagePoint:
    kind: Kind
    method: str
    status: int
    cache: CacheState
    part: Part
    sent_bytes: int
    """Of the body, as its head announced them; a connection that is cut takes less."""
    latency_ms: int
    """From the request to the answer's head."""
    host: str | None = None
    location_id: str | None = None
    app_id: str | None = None
    version_id: str | None = None
    colo: str | None = None
    """The data centre's three letters."""


def data_point(of: UsagePoint) -> DataPoint:
    """Within the limits for all that the platform itself can have named."""
    known = {
        "schema": SCHEMA,
        "kind": of.kind,
        "host": of.host or NONE,
        "location_id": of.location_id or NONE,
        "app_id": of.app_id or NONE,
        "version_id": of.version_id or NONE,
        "method": of.method if of.method in _METHODS else OTHER_METHOD,
        "status_class": f"{of.status // 100}xx",
        "cache": of.cache,
        "latency": latency_bucket(of.latency_ms),
        "colo": _colo(of.colo),
        "part": of.part,
    }
    numbers = {
        "bytes": float(of.sent_bytes),
        "status": float(of.status),
        "latency_ms": float(of.latency_ms),
    }
    # What busy locations and apps have is sampled; what the others have stays exact.
    index = of.location_id or of.app_id or NONE
    return DataPoint(
        # Of an app's id, whose grammar is ASCII and allows more, what fits.
        index[:MOST_INDEX_BYTES],
        tuple(known[name] for name in BLOBS),
        tuple(numbers[name] for name in DOUBLES),
    )


def latency_bucket(milliseconds: int) -> str:
    """`<10` to `<10000`, and `more`."""
    for limit in _LATENCIES:
        if milliseconds < limit:
            return f"<{limit}"
    return "more"


def _colo(name: str | None) -> str:
    fits = name is not None and len(name) == _COLO_LENGTH and name.isascii() and name.isalpha()
    return name.upper() if name is not None and fits else NONE
