"""Rows of `job_cursor`: how far a job of many steps has come, and what it found the last time.

Each step is written by compare-and-set on the row's revision, so of two that overlap one is lost
and nothing is counted twice.
"""

from dataclasses import dataclass
from typing import cast

from functions.ports.records import ConflictError, Records, Statement


@dataclass(frozen=True, slots=True)
class JobCursor:
    under_way: str | None
    """What the last step wrote, of a job that goes on."""
    report: str | None
    """What the last step of a job that came to its end wrote."""
    revision: int
    """0: there is no row yet."""


async def read_cursor(records: Records, name: str) -> JobCursor:
    rows = await records.fetch(Statement("SELECT * FROM job_cursor WHERE name = ?", (name,)))
    if not rows:
        return JobCursor(None, None, 0)
    row = rows[0]
    return JobCursor(
        cast("str | None", row["cursor"]),
        cast("str | None", row["report"]),
        cast("int", row["revision"]),
    )


async def write_cursor(
    records: Records, name: str, revision: int, text: str, *, is_over: bool, not_before: int = 0
) -> bool:
    """Whether the row still had the revision and now holds this text: as what is under way or, at
    the end, as the report. `not_before` is when the job may begin again (`core.holds`)."""
    cursor, report = (None, text) if is_over else (text, None)
    if revision == 0:
        statement = Statement(
            "INSERT INTO job_cursor (name, cursor, report, not_before, revision)"
            " VALUES (?, ?, ?, ?, 1)",
            (name, cursor, report, not_before),
        )
    else:
        statement = Statement(
            "UPDATE job_cursor SET cursor = ?, report = COALESCE(?, report), not_before = ?,"
            " revision = revision + 1 WHERE name = ? AND revision = ?",
            (cursor, report, not_before, name, revision),
        )
    try:
        changed = await records.batch([statement])
    except ConflictError:
        return False
    return list(changed) == [1]
