"""Tenants: who owns repositories and hostnames."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from functions.core import access, events, fields
from functions.core.ids import new_id
from functions.core.problems import not_found
from functions.ports.records import Records, Statement

if TYPE_CHECKING:
    from functions.ports.clock import Clock
    from functions.ports.entropy import Entropy


@dataclass(frozen=True, slots=True)
class Tenant:
    id: str
    name: str
    created_at: int


async def create_tenant(
    records: Records, clock: "Clock", entropy: "Entropy", name: str, *, actor: str = "operator"
) -> tuple[Tenant, str]:
    """A new tenant and the text of its first key. Names need not be unique: each call makes another
    tenant.

    Raises: ProblemError 422.
    """
    found = fields.Collector()
    found.name(name)
    found.check()
    now = clock.now_ms()
    tenant = Tenant(new_id(clock, entropy), name, now)
    key_id, secret = new_id(clock, entropy), entropy.token_bytes(access.SECRET_BYTES)
    await records.batch(
        [
            Statement(
                "INSERT INTO tenant (id, name, created_at, revision) VALUES (?, ?, ?, 1)",
                (tenant.id, name, now),
            ),
            events.created(tenant.id, "tenant", actor, "active", now),
            *access.key_statements(key_id, secret, "tenant", tenant.id, actor, now),
        ]
    )
    return tenant, access.format_key(key_id, secret)


async def own_tenant(records: Records, caller: access.Caller) -> Tenant:
    """The tenant that calls.

    Raises: ProblemError 404 for callers of other roles.
    """
    rows = await records.fetch(
        Statement(
            "SELECT * FROM tenant WHERE id = ? AND deleted_at IS NULL",
            (caller.subject_id if caller.role == "tenant" else None,),
        )
    )
    if not rows:
        raise not_found("tenant")
    row = rows[0]
    return Tenant(cast("str", row["id"]), cast("str", row["name"]), cast("int", row["created_at"]))


async def reach(records: Records, caller: access.Caller, tenant_id: str) -> int:
    """The revision of a tenant that is the caller's to change.

    Raises: ProblemError 404 for another tenant's key and for a tenant that is not there, 403 for a
    developer.
    """
    access.require_tenant(caller, tenant_id)
    rows = await records.fetch(
        Statement("SELECT revision FROM tenant WHERE id = ? AND deleted_at IS NULL", (tenant_id,))
    )
    if not rows:
        raise not_found("tenant")
    return cast("int", rows[0]["revision"])
