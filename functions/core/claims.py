"""Which rows claim an object of a bucket: the question behind every orphan.

A claim counts before the object is there: an upload's row is written before its URL exists, and a
version's `object_key` before its package is promoted. So an object that no row claims belongs to
nobody, and nobody is about to claim it, unless the row came between two questions; `is_claimed`
asks again for one object, right before something is done to it.
"""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, cast

from functions.core.app_image_objects import claimed_assets
from functions.core.catalog import PackageObject, parse_public
from functions.core.version_records import find_occupant
from functions.ports.records import Records, Statement

if TYPE_CHECKING:
    from functions.core.reconcile_report import Bucket

MOST_KEYS = 90
"""A D1 statement takes at most 100 parameters (developers.cloudflare.com/d1/platform/limits)."""

_CLAIMED = {
    "uploads": "SELECT object_key AS claimed FROM upload WHERE deleted_at IS NULL"
    " AND object_key IN",
    # A removal that is under way still has objects to delete.
    "packages": "SELECT object_key AS claimed FROM version"
    " WHERE (deleted_at IS NULL OR due_at IS NOT NULL) AND object_key IN",
}


async def unclaimed(records: Records, bucket: "Bucket", keys: Sequence[str]) -> set[str]:
    """Those of at most `MOST_KEYS` keys that no row claims."""
    if bucket == "assets":
        return set(keys) - await claimed_assets(records, keys)
    claims = {key: _claim(bucket, key) for key in keys}
    wanted = {claim for claim in claims.values() if claim is not None}
    found = await _claimed(records, bucket, wanted) if wanted else set[str]()
    return {key for key, claim in claims.items() if claim is None or claim not in found}


async def is_claimed(records: Records, bucket: "Bucket", key: str) -> bool:
    """Whether a row claims the object, or will: a version that is still uploaded or validated has
    no `object_key` yet, but its package would come to lie here."""
    if not await unclaimed(records, bucket, [key]):
        return True
    package = parse_public(_claim(bucket, key) or "") if bucket == "packages" else None
    if not isinstance(package, PackageObject):
        return False
    occupant = await find_occupant(records, package.app_id, package.version_code)
    return occupant is not None and occupant.object_key is None


def _claim(bucket: "Bucket", key: str) -> str | None:
    """What a row must name to claim the object; None where no row of ours can."""
    if bucket == "uploads":
        return key
    # Whatever lies in a version's folder is the version's.
    package = key.rpartition("/")[0] + "/package.mosis"
    return package if isinstance(parse_public(package), PackageObject) else None


async def _claimed(records: Records, bucket: "Bucket", wanted: Collection[str]) -> set[str]:
    marks = ", ".join("?" for _ in wanted)
    rows = await records.fetch(Statement(f"{_CLAIMED[bucket]} ({marks})", tuple(sorted(wanted))))
    return {cast("str", row["claimed"]) for row in rows}
