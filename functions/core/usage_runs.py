"""Summing up the edge's data points into days, by schedule.

Each run writes today and yesterday anew, so a run may be missed, killed or run twice at once, and a
point that comes late is still counted. Days before stay as they are.
"""

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, field, fields
from typing import TYPE_CHECKING, TypeVar

from functions.core import usage_queries
from functions.core.platform import DAY_MS
from functions.core.usage_queries import LocationDay, VersionDay
from functions.ports.records import Records, Statement
from functions.ports.usage import UsageQueryError

if TYPE_CHECKING:
    from functions.ports.clock import Clock
    from functions.ports.usage import UsageQueries, UsageRow

MOST_PARAMETERS = 100
"""Of one statement (developers.cloudflare.com/d1/platform/limits)."""
STATEMENTS = 50
"""In one batch."""

Day = TypeVar("Day", VersionDay, LocationDay)


@dataclass(frozen=True, slots=True)
class UsageDeps:
    records: Records
    queries: "UsageQueries"
    dataset: str
    clock: "Clock"


@dataclass(frozen=True, slots=True)
class UsageReport:
    versions: int
    """Days of versions that were read."""
    locations: int
    """Days of locations that were read."""
    errors: tuple[str, ...] = ()
    """What failed and is left to the next run; one line each, for the log."""


@dataclass(slots=True)
class _Run:
    deps: UsageDeps
    since: int
    until: int
    errors: list[str] = field(default_factory=list[str])


async def sum_up(deps: UsageDeps) -> UsageReport:
    """Both kinds, each by itself: one that fails does not hold up the other. Nothing is read while
    there is no dataset, which the first request to the edge makes.

    Raises: RecordsError.
    """
    today = deps.clock.now_ms() // DAY_MS * DAY_MS
    run = _Run(deps, today - DAY_MS, today + DAY_MS)
    try:
        tables = await deps.queries.query(usage_queries.TABLES)
    except UsageQueryError as error:
        return UsageReport(0, 0, (str(error),))
    if not usage_queries.has_dataset(tables, deps.dataset):
        return UsageReport(0, 0)
    versions = await _days(run, usage_queries.downloads, usage_queries.version_days)
    await _write(run, "download_count", "version", versions)
    locations = await _days(run, usage_queries.locations, usage_queries.location_days)
    await _write(run, "location_usage", "location", locations)
    return UsageReport(len(versions), len(locations), tuple(run.errors))


async def _days(
    run: _Run,
    sql: Callable[[str, int, int], str],
    read: "Callable[[Sequence[UsageRow]], list[Day]]",
) -> list[Day]:
    try:
        rows = await run.deps.queries.query(sql(run.deps.dataset, run.since, run.until))
        found = read(rows)
    except (UsageQueryError, ValueError) as error:
        run.errors.append(str(error))
        return []
    if len(rows) >= usage_queries.MOST_ROWS:
        run.errors.append(
            f"there are more than {usage_queries.MOST_ROWS} rows; those with the least are not"
            " counted"
        )
    return found


async def _write(run: _Run, table: str, owner: str, days: "Sequence[Day]") -> None:
    """Rows of owners that the database does not know (it was restored) are left out, and those that
    hold the same already are not written."""
    if not days:
        return
    key, *columns = (one.name for one in fields(days[0]))
    each = MOST_PARAMETERS // (1 + len(columns))
    statements = [
        _statement(table, owner, key, columns, days[start : start + each])
        for start in range(0, len(days), each)
    ]
    for start in range(0, len(statements), STATEMENTS):
        await run.deps.records.batch(statements[start : start + STATEMENTS])


def _statement(
    table: str, owner: str, key: str, columns: "Sequence[str]", days: "Sequence[Day]"
) -> Statement:
    # Names of the columns of VALUES on which SQLite and PostgreSQL agree. Without the casts
    # PostgreSQL takes parameters there for text.
    values = f"(CAST(? AS TEXT){', CAST(? AS BIGINT)' * len(columns)})"
    given = ", ".join([values] * len(days))
    picked = ", ".join(f"given.column{number + 2}" for number in range(len(columns)))
    counts = [name for name in columns if name != "day"]
    changed = " OR ".join(f"{table}.{name} <> excluded.{name}" for name in counts)
    return Statement(
        f"INSERT INTO {table} ({key}, {', '.join(columns)})"  # noqa: S608
        f" SELECT {owner}.id, {picked} FROM (VALUES {given}) AS given"
        f" JOIN {owner} ON {owner}.id = given.column1 WHERE given.column2 >= 0"
        f" ON CONFLICT ({key}, day) DO UPDATE SET"
        f" {', '.join(f'{name} = excluded.{name}' for name in counts)} WHERE {changed}",
        tuple(value for day in days for value in astuple(day)),
    )
