"""Locations: where in which bucket a tenant's repositories lie, and which location a new repository
gets.

No two tenants' locations overlap: a prefix is `''` or exactly `{location_id}/`, and a bucket with a
`''`-location holds no other one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from functions.core import events
from functions.core.ids import is_id
from functions.core.problems import FieldError, conflict, invalid
from functions.ports.records import Records, Row, Statement


@dataclass(frozen=True, slots=True)
class Location:
    id: str
    tenant_id: str
    s3_bucket: str
    s3_prefix: str
    """`''` or exactly `{id}/`."""
    generation: int | None
    """None: served plainly, whatever its maintainers write."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What an operator asked for; None is "the control plane's choice"."""

    tenant_id: str
    s3_bucket: str | None
    s3_prefix: str | None


async def find_location(records: Records, location_id: str) -> Location | None:
    rows = await records.fetch(
        Statement("SELECT * FROM location WHERE id = ? AND deleted_at IS NULL", (location_id,))
    )
    return location_of(rows[0]) if rows else None


async def choose(
    records: Records, wish: Wish, buckets: Sequence[str], new_id: str, *, multi_tenant: bool
) -> tuple[Location, bool]:
    """The location for a hostname that has none yet, and whether it is new and to be inserted. The
    wished bucket is one of `buckets`.

    Raises: ProblemError 409 `location-taken`, `bucket-occupied`; 422 for a prefix that is not
    allowed.
    """
    if wish.s3_prefix:
        return await _existing(records, wish, wish.s3_bucket or buckets[0]), False
    if multi_tenant:
        if wish.s3_prefix is not None:
            detail = "must not be empty while the platform serves several tenants; leave it out"
            raise invalid([FieldError("/s3_prefix", detail)])
        return await _new_prefix(records, wish, buckets, new_id), True
    return await _whole_bucket(records, wish, wish.s3_bucket or buckets[0], new_id)


async def _existing(records: Records, wish: Wish, bucket: str) -> Location:
    rows: Sequence[Row] = []
    if is_id((wish.s3_prefix or "").removesuffix("/")):
        rows = await records.fetch(
            Statement(
                "SELECT * FROM location"
                " WHERE s3_bucket = ? AND s3_prefix = ? AND deleted_at IS NULL",
                (bucket, wish.s3_prefix),
            )
        )
    if not rows:
        detail = (
            f"must be that of an existing location of the tenant in bucket '{bucket}'; "
            f"leave it out for a new location"
        )
        raise invalid([FieldError("/s3_prefix", detail)])
    location = location_of(rows[0])
    if location.tenant_id != wish.tenant_id:
        raise _taken()
    return location


async def _new_prefix(
    records: Records, wish: Wish, buckets: Sequence[str], new_id: str
) -> Location:
    candidates = buckets if wish.s3_bucket is None else [wish.s3_bucket]
    for bucket in candidates:
        if not await _find_whole(records, bucket):
            return Location(new_id, wish.tenant_id, bucket, f"{new_id}/", None)
    names = ", ".join(f"'{bucket}'" for bucket in candidates)
    raise conflict(
        "bucket-occupied",
        f"Bucket {names} belongs wholly to one location with an empty prefix, so there is no "
        f"room for a location beside "
        "it. Declare another bucket in 'repositoryBuckets' and deploy.",
    )


async def _whole_bucket(
    records: Records, wish: Wish, bucket: str, new_id: str
) -> tuple[Location, bool]:
    row = await _find_whole(records, bucket)
    if row is not None:
        if row["deleted_at"] is not None:
            raise conflict(
                "bucket-occupied",
                f"Bucket '{bucket}' belonged wholly to a location that was deleted; its objects "
                "may still lie there. Name another declared bucket.",
            )
        whole = location_of(row)
        if whole.tenant_id != wish.tenant_id:
            raise _taken()
        return whole, False
    occupied = await records.fetch(
        Statement("SELECT id FROM location WHERE s3_bucket = ? LIMIT 1", (bucket,))
    )
    if occupied:
        raise conflict(
            "bucket-occupied",
            f"Bucket '{bucket}' holds locations with prefixes, so no location can take all of "
            f"it. Name another declared "
            "bucket, or turn 'multiTenant' on.",
        )
    return Location(new_id, wish.tenant_id, bucket, "", None), True


async def _find_whole(records: Records, bucket: str) -> Row | None:
    # Deleted ones count: their objects may still lie there.
    rows = await records.fetch(
        Statement("SELECT * FROM location WHERE s3_bucket = ? AND s3_prefix = ''", (bucket,))
    )
    return rows[0] if rows else None


_INSERT_WHOLE = (
    "INSERT INTO location (id, tenant_id, s3_bucket, s3_prefix, created_at, revision) VALUES"
    " (CASE WHEN NOT EXISTS (SELECT 1 FROM location WHERE s3_bucket = ?) THEN ? END,"
    " ?, ?, ?, ?, 1)"
)
_INSERT_PREFIX = (
    "INSERT INTO location (id, tenant_id, s3_bucket, s3_prefix, created_at, revision) VALUES"
    " (CASE WHEN NOT EXISTS (SELECT 1 FROM location WHERE s3_bucket = ? AND s3_prefix = '')"
    " THEN ? END, ?, ?, ?, ?, 1)"
)


def insertion(location: Location, actor: str, now: int) -> list[Statement]:
    """Writes the new location and its event. The id is NULL, which aborts the batch, where another
    request has made the bucket one that this location cannot share."""
    return [
        Statement(
            _INSERT_PREFIX if location.s3_prefix else _INSERT_WHOLE,
            (
                location.s3_bucket,
                location.id,
                location.tenant_id,
                location.s3_bucket,
                location.s3_prefix,
                now,
            ),
        ),
        events.created(location.id, "location", actor, "active", now),
    ]


def location_of(row: Row) -> Location:
    return Location(
        id=cast("str", row["id"]),
        tenant_id=cast("str", row["tenant_id"]),
        s3_bucket=cast("str", row["s3_bucket"]),
        s3_prefix=cast("str", row["s3_prefix"]),
        generation=cast("int | None", row["generation"]),
    )


def _taken() -> Exception:
    return conflict("location-taken", "The bucket and prefix belong to another tenant's location.")
