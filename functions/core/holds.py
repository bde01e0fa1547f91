"""Jobs that wait because a service asked for it: kept in the database, so that the next run, in
another isolate, waits too."""

from typing import cast

from functions.ports.records import Records, Statement


async def seconds_left(records: Records, name: str, now: int) -> int:
    """Until the job may call its service again; 0 or less: it may."""
    rows = await records.fetch(
        Statement("SELECT not_before FROM job_cursor WHERE name = ?", (name,))
    )
    return -(-(cast("int", rows[0]["not_before"]) - now) // 1000) if rows else 0


def until(name: str, moment: int) -> Statement:
    return Statement(
        "INSERT INTO job_cursor (name, not_before, revision) VALUES (?, ?, 1)"
        " ON CONFLICT (name) DO UPDATE SET not_before = excluded.not_before,"
        " revision = job_cursor.revision + 1",
        (name, moment),
    )
