"""What a tenant's hostnames may point at, as the tenant knows it: by distributions and names."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from functions.core.access import Caller
from functions.core.problems import FieldError, forbidden, invalid, not_found
from functions.ports.records import Records, Statement


@dataclass(frozen=True, slots=True)
class TenantPlace:
    """A location without what is the platform's own: where its objects lie."""

    id: str
    tenant_id: str
    created_at: int
    distributions: tuple[str, ...]
    hostnames: tuple[str, ...]
    """Those that are proven, as A-labels."""


async def list_places(
    records: Records,
    caller: Caller,
    tenant_id: str | None = None,
    *,
    after: str | None = None,
    limit: int = 100,
) -> Sequence[TenantPlace]:
    """The tenant's locations, the oldest first, from behind the id `after`. Operators name the
    tenant; a tenant may leave it out.

    Raises: ProblemError 403 for developers, 404 for another tenant's, 422 where an operator names
    nobody.
    """
    owner = _owner(caller, tenant_id)
    rows = await records.fetch(
        Statement(
            "SELECT id, created_at FROM location"
            " WHERE tenant_id = ? AND id > ? AND deleted_at IS NULL ORDER BY id LIMIT ?",
            (owner, after or "", limit),
        )
    )
    ids = tuple(cast("str", row["id"]) for row in rows)
    distributions = await _texts(
        records,
        "SELECT location_id, distribution AS text FROM debian_repository"
        " WHERE location_id IN ({}) AND deleted_at IS NULL ORDER BY distribution",
        ids,
    )
    names = await _texts(
        records,
        "SELECT location_id, name AS text FROM hostname WHERE location_id IN ({})"
        " AND proven_at IS NOT NULL AND deleted_at IS NULL ORDER BY name",
        ids,
    )
    return [
        TenantPlace(
            cast("str", row["id"]),
            owner,
            cast("int", row["created_at"]),
            tuple(distributions.get(cast("str", row["id"]), ())),
            tuple(names.get(cast("str", row["id"]), ())),
        )
        for row in rows
    ]


def _owner(caller: Caller, tenant_id: str | None) -> str:
    if caller.role == "developer":
        raise forbidden("Only tenants and operators have locations.")
    if caller.role == "tenant":
        if caller.subject_id is None or tenant_id not in (None, caller.subject_id):
            raise not_found("tenant")
        return caller.subject_id
    if tenant_id is None:
        raise invalid([FieldError("?tenant_id", "must be the id of a tenant")])
    return tenant_id


async def _texts(records: Records, sql: str, ids: tuple[str, ...]) -> dict[str, list[str]]:
    if not ids:
        return {}
    found: dict[str, list[str]] = {}
    marks = ", ".join("?" * len(ids))
    for row in await records.fetch(Statement(sql.format(marks), ids)):
        found.setdefault(cast("str", row["location_id"]), []).append(cast("str", row["text"]))
    return found
