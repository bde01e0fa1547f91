"""Publications as rows: what is being prepared, what was published, and which generation of a
location is current.

The rules:
1. Readers see what `location.generation` names. It only ever moves in a batch that is guarded by
   the location's revision, and only to a publication that is not being swept.
2. While the objects of a swept generation are being deleted, its location begins no publication;
   while one is being prepared, no sweep begins there. So no by-hash file goes that a publication
   has just been told is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

from functions.core import cache_tags, events, purges
from functions.core.problems import not_found
from functions.ports.records import Records, Row, Statement

State: TypeAlias = Literal["preparing", "published", "abandoned", "swept"]


@dataclass(frozen=True, slots=True)
class Publication:
    id: str
    location_id: str
    number: int
    state: State
    base_generation: int | None
    files_sha256: str
    file_count: int
    bytes: int
    created_by: str
    created_at: int
    published_at: int | None
    due_at: int | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What a location shows."""

    generation: int | None
    revision: int


async def standing(records: Records, location_id: str) -> Standing:
    """Raises: ProblemError 404 where the location was deleted meanwhile."""
    rows = await records.fetch(
        Statement(
            "SELECT generation, revision FROM location WHERE id = ? AND deleted_at IS NULL",
            (location_id,),
        )
    )
    if not rows:
        raise not_found("repository")
    return Standing(cast("int | None", rows[0]["generation"]), cast("int", rows[0]["revision"]))


async def find_publication(
    records: Records, location_id: str, publication_id: str
) -> Publication | None:
    return await _one(records, "id = ?", location_id, publication_id)


async def find_generation(records: Records, location_id: str, number: int) -> Publication | None:
    return await _one(records, "number = ?", location_id, number)


async def find_unfinished(
    records: Records, location_id: str, files_sha256: str, base: int | None
) -> Publication | None:
    """What an earlier attempt at the same publish left."""
    rows = await records.fetch(
        Statement(
            "SELECT * FROM publication WHERE location_id = ? AND state = 'preparing'"
            " AND files_sha256 = ? ORDER BY number DESC",
            (location_id, files_sha256),
        )
    )
    found = (publication_of(row) for row in rows)
    return next((one for one in found if one.base_generation == base), None)


async def list_publications(
    records: Records, location_id: str, *, before: int | None = None, limit: int = 100
) -> Sequence[Publication]:
    """The newest first, from before the number `before`."""
    rows = await records.fetch(
        Statement(
            "SELECT * FROM publication WHERE location_id = ? AND number < ?"
            " ORDER BY number DESC LIMIT ?",
            (location_id, 2**53 if before is None else before, limit),
        )
    )
    return [publication_of(row) for row in rows]


async def is_swept_now(records: Records, location_id: str) -> bool:
    """Whether objects of a swept generation are still to be deleted."""
    rows = await records.fetch(
        Statement(
            "SELECT id FROM publication WHERE location_id = ? AND state = 'swept'"
            " AND due_at IS NOT NULL LIMIT 1",
            (location_id,),
        )
    )
    return bool(rows)


def insertion(publication: Publication) -> Statement:
    """Takes the next number of the location, whatever that of `publication` is. The number is NULL,
    which aborts the batch, while a generation of the location is being swept."""
    one = publication
    columns = (
        "id, location_id, number, state, base_generation, files_sha256, file_count, bytes,"
        " created_by, created_at, due_at"
    )
    number = (
        "(SELECT CASE WHEN NOT EXISTS (SELECT 1 FROM publication WHERE location_id = ?"
        " AND state = 'swept' AND due_at IS NOT NULL)"
        " THEN COALESCE(MAX(number), 0) + 1 END FROM publication WHERE location_id = ?)"
    )
    return Statement(
        f"INSERT INTO publication ({columns}) VALUES"  # noqa: S608
        f" (?, ?, {number}, 'preparing', ?, ?, ?, ?, ?, ?, ?)",
        (
            *(one.id, one.location_id, one.location_id, one.location_id, one.base_generation),
            *(one.files_sha256, one.file_count, one.bytes, one.created_by, one.created_at),
            one.due_at,
        ),
    )


async def postpone(records: Records, publication_id: str, due_at: int) -> bool:
    """Puts off when it counts as abandoned; False where it is no longer being prepared."""
    changed = await records.batch(
        [
            Statement(
                "UPDATE publication SET due_at = ? WHERE id = ? AND state = 'preparing'",
                (due_at, publication_id),
            )
        ]
    )
    return list(changed) == [1]


def switch(
    seen: Standing, target: Publication, actor: str, now: int, grace_ms: int
) -> list[Statement]:
    """Makes `target` what readers see, in place of what they saw at `seen`, which falls due. The
    batch is aborted where the location has changed since, or the target is no longer what it
    was."""
    location_id, old = target.location_id, seen.generation
    is_new = target.state == "preparing"
    change = events.Transition(
        "location",
        location_id,
        seen.revision,
        actor,
        "published" if is_new else "rolled-back",
        _named(old),
        _named(target.number),
        now,
        events.Guard(
            "EXISTS (SELECT 1 FROM publication WHERE publication.id = ? AND state = ?)",
            (target.id, target.state),
        ),
    )
    tags = [cache_tags.hosts_of(location_id)]
    if old is not None:
        tags.append(cache_tags.generation(location_id, old))
    return [
        change.event(),
        change.update({"generation": target.number}),
        Statement(
            "UPDATE publication SET state = 'published', due_at = NULL,"
            " published_at = COALESCE(published_at, ?) WHERE id = ?",
            (now, target.id),
        ),
        Statement(
            "UPDATE publication SET due_at = ? WHERE location_id = ? AND number = ?"
            " AND state = 'published'",
            (now + grace_ms, location_id, old),
        ),
        *purges.purge_statements(tags, now),
    ]


def publication_of(row: Row) -> Publication:
    return Publication(
        id=cast("str", row["id"]),
        location_id=cast("str", row["location_id"]),
        number=cast("int", row["number"]),
        state=cast("State", row["state"]),
        base_generation=cast("int | None", row["base_generation"]),
        files_sha256=cast("str", row["files_sha256"]),
        file_count=cast("int", row["file_count"]),
        bytes=cast("int", row["bytes"]),
        created_by=cast("str", row["created_by"]),
        created_at=cast("int", row["created_at"]),
        published_at=cast("int | None", row["published_at"]),
        due_at=cast("int | None", row["due_at"]),
    )


def _named(generation: int | None) -> str:
    return "plain" if generation is None else f"generation {generation}"


async def _one(
    records: Records, condition: str, location_id: str, value: str | int
) -> Publication | None:
    rows = await records.fetch(
        Statement(
            f"SELECT * FROM publication WHERE location_id = ? AND {condition}",  # noqa: S608
            (location_id, value),
        )
    )
    return publication_of(rows[0]) if rows else None
