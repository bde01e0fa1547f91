"""Purges of the edge's caches: asked for in the same batch as the change that makes them needed, so
that no crash loses one.

A tag has at most one row of `cache_purge`, however often it is asked for; a tag without a row is
purged.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from functions.ports.queue import QueueError
from functions.ports.records import Records, Row, Statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from functions.ports.queue import Queue

KIND = "purge"
"""Of the message that has the jobs look for due purges; it names none, because the rows do."""


@dataclass(frozen=True, slots=True)
class Purge:
    tag: str
    requested_at: int
    due_at: int
    attempts: int
    problem: str | None
    """Why the last attempt failed."""


def purge_statements(tags: Iterable[str], now: int, *, after_ms: int = 0) -> list[Statement]:
    """Ask for the purge of cache tags (`catalog` makes them), `after_ms` from now. Asking again
    begins anew: what was cached before this request goes, also where a purge is under way."""
    return [
        Statement(
            "INSERT INTO cache_purge (tag, requested_at, due_at, attempts) VALUES (?, ?, ?, 0)"
            " ON CONFLICT (tag) DO UPDATE SET requested_at = excluded.requested_at,"
            " due_at = excluded.due_at, attempts = 0, problem = NULL",
            (tag, now, now + after_ms),
        )
        for tag in sorted(set(tags))
    ]


async def announce(queue: "Queue", *, after_ms: int = 0) -> None:
    """Call the jobs, behind the batch that asked. A message that is lost costs no more than the
    time until the schedule runs."""
    with suppress(QueueError):
        await queue.send({"kind": KIND}, delay_seconds=-(-after_ms // 1000))


async def list_purges(
    records: Records, *, after: str | None = None, limit: int = 100
) -> "Sequence[Purge]":
    """What is not purged yet, in order of the tags, from behind the tag `after`."""
    rows = await records.fetch(
        Statement(
            "SELECT * FROM cache_purge WHERE tag > ? ORDER BY tag LIMIT ?", (after or "", limit)
        )
    )
    return [purge_of(row) for row in rows]


async def is_pending(records: Records, tags: Iterable[str]) -> bool:
    """Whether any of the tags is still to be purged."""
    wanted = sorted(set(tags))
    marks = ", ".join("?" for _ in wanted)
    rows = await records.fetch(
        Statement(f"SELECT tag FROM cache_purge WHERE tag IN ({marks}) LIMIT 1", tuple(wanted))  # noqa: S608
    )
    return bool(rows)


def purge_of(row: Row) -> Purge:
    return Purge(
        tag=cast("str", row["tag"]),
        requested_at=cast("int", row["requested_at"]),
        due_at=cast("int", row["due_at"]),
        attempts=cast("int", row["attempts"]),
        problem=cast("str | None", row["problem"]),
    )
