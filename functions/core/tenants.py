"""Tenants: who owns repositories and hostnames."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from functions.core import access, events, fields
from functions.core.ids import new_id
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
