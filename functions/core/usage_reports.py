"""Usage as its owners see it: the days that the jobs have summed up."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from functions.core import apps
from functions.core.platform import DAY_MS
from functions.core.problems import not_found
from functions.core.repositories import get_repository
from functions.core.usage_queries import LocationDay
from functions.ports.records import Records, Row, Statement

if TYPE_CHECKING:
    from functions.core.access import Caller
    from functions.ports.clock import Clock

USUAL_DAYS = 30
MOST_DAYS = 366
"""Of one report."""
_COUNTS = ("requests", "sent_bytes", "client_errors", "server_errors", "hits")


@dataclass(frozen=True, slots=True)
class DownloadDay:
    day: int
    """Its first millisecond, UTC."""
    downloads: int
    sent_bytes: int


@dataclass(frozen=True, slots=True)
class VersionUsage:
    version_id: str
    version_code: int
    version_name: str
    downloads: int
    sent_bytes: int


@dataclass(frozen=True, slots=True)
class AppUsage:
    """Of the versions that were downloaded, in days that had a download."""

    app_id: str
    since: int
    until: int
    """Not included."""
    days: Sequence[DownloadDay]
    versions: Sequence[VersionUsage]
    """The newest first."""


@dataclass(frozen=True, slots=True)
class RepositoryUsage:
    """Of the whole location, which may hold further repositories of the same tenant."""

    repository_id: str
    location_id: str
    since: int
    until: int
    """Not included."""
    days: Sequence[LocationDay]
    """Those that had a request."""


async def app_usage(
    records: Records, clock: "Clock", caller: "Caller", app_id: str, days: int
) -> AppUsage:
    """For the app's developer and for operators; the last `days` days, today among them.

    Raises: ProblemError 404.
    """
    since, until = _period(clock, days)
    app = await apps.visible_app(records, caller, app_id)
    rows = await records.fetch(
        Statement(
            "SELECT version.id AS id, version.version_code AS version_code,"
            " version.version_name AS version_name, download_count.day AS day,"
            " download_count.downloads AS downloads, download_count.sent_bytes AS sent_bytes"
            " FROM version JOIN download_count ON download_count.version_id = version.id"
            " WHERE version.app_id = ? AND download_count.day >= ? AND download_count.day < ?",
            (app.id, since, until),
        )
    )
    return AppUsage(
        app_id=app.id,
        since=since,
        until=until,
        days=[_download_day(found) for found in _grouped(rows, "day")],
        versions=[_version(found) for found in reversed(_grouped(rows, "version_code"))],
    )


async def repository_usage(
    records: Records, clock: "Clock", caller: "Caller", repository_id: str, days: int
) -> RepositoryUsage:
    """For the repository's tenant and for operators; the last `days` days, today among them.

    Raises: ProblemError 404 for everybody else.
    """
    since, until = _period(clock, days)
    location_id = await _location_of(records, caller, repository_id)
    rows = await records.fetch(
        Statement(
            f"SELECT location_id, day, {', '.join(_COUNTS)} FROM location_usage"  # noqa: S608
            " WHERE location_id = ? AND day >= ? AND day < ? ORDER BY day",
            (location_id, since, until),
        )
    )
    found = [
        LocationDay(
            location_id, cast("int", row["day"]), *(cast("int", row[name]) for name in _COUNTS)
        )
        for row in rows
    ]
    return RepositoryUsage(repository_id, location_id, since, until, found)


def _period(clock: "Clock", days: int) -> tuple[int, int]:
    until = clock.now_ms() // DAY_MS * DAY_MS + DAY_MS
    return until - days * DAY_MS, until


async def _location_of(records: Records, caller: "Caller", repository_id: str) -> str:
    if caller.role == "developer":
        raise not_found("repository")
    return (await get_repository(records, caller, repository_id)).location_id


def _grouped(rows: Iterable[Row], column: str) -> list[list[Row]]:
    """Those with the same number in one list, by that number."""
    groups: dict[int, list[Row]] = {}
    for row in rows:
        groups.setdefault(cast("int", row[column]), []).append(row)
    return [groups[number] for number in sorted(groups)]


def _download_day(rows: Sequence[Row]) -> DownloadDay:
    day = cast("int", rows[0]["day"])
    return DownloadDay(day, _sum(rows, "downloads"), _sum(rows, "sent_bytes"))


def _version(rows: Sequence[Row]) -> VersionUsage:
    first = rows[0]
    return VersionUsage(
        cast("str", first["id"]),
        cast("int", first["version_code"]),
        cast("str", first["version_name"]),
        _sum(rows, "downloads"),
        _sum(rows, "sent_bytes"),
    )


def _sum(rows: Iterable[Row], column: str) -> int:
    return sum(cast("int", row[column]) for row in rows)
