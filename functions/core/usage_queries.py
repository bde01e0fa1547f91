"""What the jobs ask of the data points, as SQL of Analytics Engine, and its answers as values.

Every sum counts a point as often as its sampling says. Days are UTC.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from functions.core.ids import is_id
from functions.core.platform import DAY_MS
from functions.core.usage import NONE, SCHEMA, column
from functions.ports.usage import UsageRow

MOST_ROWS = 10_000
"""Of one answer: what a run takes in, and what a Worker can hold."""
TABLES = "SHOW TABLES FORMAT JSON"
_MOST = 2.0**63 - 1024
"""What the database holds."""
_DAY = "toUnixTimestamp(toStartOfInterval(timestamp, INTERVAL '1' DAY))"


@dataclass(frozen=True, slots=True)
class VersionDay:
    """A version's downloads of one day."""

    version_id: str
    day: int
    """Its first millisecond."""
    downloads: int
    """GETs that were given the package from its first byte on, with 200 or 206. HEAD, resumptions
    and the other parts of a parallel download are none."""
    sent_bytes: int
    """To all GETs, resumptions too."""


@dataclass(frozen=True, slots=True)
class LocationDay:
    """A location's requests of one day, on all its hostnames."""

    location_id: str
    day: int
    requests: int
    sent_bytes: int
    client_errors: int
    """Answers of 400 to 499."""
    server_errors: int
    """Answers of 500 and above."""
    hits: int
    """Answers from the edge's cache, stale ones too."""


def has_dataset(tables: Iterable[UsageRow], dataset: str) -> bool:
    """Whether an answer to TABLES lists it: a dataset is made by its first point."""
    return any(dataset in row.values() for row in tables)


def downloads(dataset: str, since: int, until: int) -> str:
    """Of all versions, by day; the most downloaded first."""
    version, part, sent = column("version_id"), column("part"), column("bytes")
    return (
        f"SELECT {version} AS version_id, {_DAY} AS day,"  # noqa: S608
        f" SUM(if({part} = 'start', _sample_interval, 0)) AS downloads,"
        f" SUM(_sample_interval * {sent}) AS sent_bytes"
        f" FROM {dataset} WHERE {_written(since, until)}"
        f" AND {column('kind')} = 'package' AND {version} <> '{NONE}'"
        f" AND {column('method')} = 'GET'"
        f" GROUP BY version_id, day ORDER BY downloads DESC, version_id, day"
        f" LIMIT {MOST_ROWS} FORMAT JSON"
    )


def locations(dataset: str, since: int, until: int) -> str:
    """Of all locations, by day; the busiest first."""
    location, status, cache = column("location_id"), column("status"), column("cache")
    counted = {
        "client_errors": f"{status} >= 400 AND {status} < 500",
        "server_errors": f"{status} >= 500",
        "hits": f"{cache} = 'hit' OR {cache} = 'stale'",
    }
    sums = "".join(
        f" SUM(if({condition}, _sample_interval, 0)) AS {name},"
        for name, condition in counted.items()
    )
    return (
        f"SELECT {location} AS location_id, {_DAY} AS day,{sums}"  # noqa: S608
        f" SUM(_sample_interval) AS requests,"
        f" SUM(_sample_interval * {column('bytes')}) AS sent_bytes"
        f" FROM {dataset} WHERE {_written(since, until)} AND {location} <> '{NONE}'"
        f" GROUP BY location_id, day ORDER BY requests DESC, location_id, day"
        f" LIMIT {MOST_ROWS} FORMAT JSON"
    )


def version_days(rows: Iterable[UsageRow]) -> list[VersionDay]:
    """What cannot be of ours is left out: anybody with the account's rights can write to a
    dataset.

    Raises: ValueError where a number is none.
    """
    return [
        VersionDay(id_, _day(row), _count(row, "downloads"), _count(row, "sent_bytes"))
        for row in rows
        if is_id(id_ := str(row.get("version_id")))
    ]


def location_days(rows: Iterable[UsageRow]) -> list[LocationDay]:
    """As `version_days`."""
    return [
        LocationDay(
            id_,
            _day(row),
            _count(row, "requests"),
            _count(row, "sent_bytes"),
            _count(row, "client_errors"),
            _count(row, "server_errors"),
            _count(row, "hits"),
        )
        for row in rows
        if is_id(id_ := str(row.get("location_id")))
    ]


def _written(since: int, until: int) -> str:
    """`since` and `until` in milliseconds; `until` is not included."""
    return (
        f"timestamp >= toDateTime({since // 1000}) AND timestamp < toDateTime({until // 1000})"
        f" AND {column('schema')} = '{SCHEMA}'"
    )


def _day(row: UsageRow) -> int:
    return _count(row, "day") * 1000 // DAY_MS * DAY_MS


def _count(row: UsageRow, name: str) -> int:
    """A large integer comes as text, a sum of doubles as a float."""
    text = str(row.get(name))
    if text.isdecimal():
        return int(text)
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= _MOST:
        raise ValueError(f"the answer's {name} is no count: {text[:40]}")
    return round(number)
