"""Deliveries of notices as rows: one for each notice and each who is told."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from functions.core import tenants
from functions.core.webhooks import Webhook, webhook_of
from functions.ports.records import Records, Row, Statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from functions.core.access import Caller

DeliveryState: TypeAlias = Literal["waiting", "delivered", "failed", "skipped"]
Destination: TypeAlias = Literal["operator", "tenant"]

LEASE_MS = 60_000
"""How long one attempt keeps others away: well past its time limit."""
KEPT_BATCH = 50
"""Rows that one statement names; D1 takes 100 parameters
(developers.cloudflare.com/d1/platform/limits)."""


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery whose time has come, with what is sent."""

    notice_id: str
    destination: Destination
    tenant_id: str | None
    """Whose webhook is told; None: the operator's."""
    attempts: int
    due_at: int
    created_at: int
    """Of the notice."""
    body: str
    webhook: Webhook | None
    """None: the tenant has none any more, or the operator is told."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One as people see it."""

    notice_id: str
    kind: str
    subject: str
    state: DeliveryState
    attempts: int
    created_at: int
    attempted_at: int | None
    due_at: int | None
    """When it is tried again."""
    status: int | None
    """What the last attempt was answered; None: nothing."""
    problem: str | None


async def due_deliveries(records: Records, now: int, limit: int) -> "list[Due]":
    """Those that wait longest first."""
    rows = await records.fetch(
        Statement(
            "SELECT webhook.*, notice.created_at AS notice_created_at, notice.payload AS payload,"
            " notice_delivery.notice_id AS notice_id, notice_delivery.destination AS destination,"
            " notice_delivery.attempts AS attempts, notice_delivery.due_at AS due_at,"
            " notice_delivery.tenant_id AS told_tenant_id"
            " FROM notice_delivery JOIN notice ON notice.id = notice_delivery.notice_id"
            " LEFT JOIN webhook ON webhook.tenant_id = notice_delivery.tenant_id"
            " WHERE notice_delivery.due_at <= ? ORDER BY notice_delivery.due_at LIMIT ?",
            (now, limit),
        )
    )
    return [_due_of(row) for row in rows]


async def next_due(records: Records) -> int | None:
    rows = await records.fetch(
        Statement("SELECT MIN(due_at) AS due_at FROM notice_delivery WHERE due_at IS NOT NULL")
    )
    return cast("int | None", rows[0]["due_at"])


async def list_deliveries(
    records: Records,
    caller: "Caller",
    tenant_id: str,
    *,
    before: str | None = None,
    limit: int = 100,
) -> "Sequence[Delivery]":
    """A tenant's, the newest first, also those of a webhook that is gone; `before` is the last
    notice's id of the page before.

    Raises: ProblemError 404, 403.
    """
    await tenants.reach(records, caller, tenant_id)
    return await _page(records, "notice_delivery.tenant_id = ?", tenant_id, before, limit)


async def list_alert_deliveries(
    records: Records, *, before: str | None = None, limit: int = 100
) -> "Sequence[Delivery]":
    """Those to the operator's webhook, likewise. The caller has checked that an operator asks."""
    return await _page(records, "notice_delivery.destination = ?", "operator", before, limit)


async def _page(
    records: Records, whose: str, who: str, before: str | None, limit: int
) -> "Sequence[Delivery]":
    rows = await records.fetch(
        Statement(
            "SELECT notice_delivery.*, notice.kind AS kind, notice.subject AS subject,"  # noqa: S608
            " notice.created_at AS created_at"
            " FROM notice_delivery JOIN notice ON notice.id = notice_delivery.notice_id"
            f" WHERE {whose} AND notice_delivery.notice_id < ?"
            " ORDER BY notice_delivery.notice_id DESC LIMIT ?",
            # After every id, which are hex digits and dashes.
            (who, before or "g", limit),
        )
    )
    return [_delivery_of(row) for row in rows]


async def claim(records: Records, delivery: Due, now: int) -> Due | None:
    """The delivery as it is ours for `LEASE_MS`; None where another run has it. A run that is
    killed leaves it to a later one, as an attempt that was made."""
    changed = await records.batch(
        [
            _while_unchanged(
                "UPDATE notice_delivery SET due_at = ?, attempts = attempts + 1, attempted_at = ?",
                (now + LEASE_MS, now),
                delivery,
            )
        ]
    )
    if list(changed) != [1]:
        return None
    return replace(delivery, attempts=delivery.attempts + 1, due_at=now + LEASE_MS)


def settled(
    delivery: Due, state: DeliveryState, status: int | None, problem: str | None
) -> Statement:
    """For good; nothing where another run has taken it over."""
    return _while_unchanged(
        "UPDATE notice_delivery SET state = ?, due_at = NULL, status = ?, problem = ?",
        (state, status, problem),
        delivery,
    )


def put_off(delivery: Due, until: int, status: int | None, problem: str | None) -> Statement:
    return _while_unchanged(
        "UPDATE notice_delivery SET due_at = ?, status = ?, problem = ?",
        (until, status, problem),
        delivery,
    )


def switched_off(webhook: Webhook, now: int) -> Statement:
    """Unless its tenant has changed it meanwhile."""
    return Statement(
        "UPDATE webhook SET switched_off_at = ? WHERE tenant_id = ? AND changed_at = ?",
        (now, webhook.tenant_id, webhook.changed_at),
    )


async def delete_old(records: Records, before: int, limit: int = KEPT_BATCH) -> int:
    """Deletes at most `limit` notices that were written before then and of which no delivery
    waits, with their deliveries; how many."""
    rows = await records.fetch(
        Statement(
            "SELECT id FROM notice WHERE created_at < ? AND NOT EXISTS (SELECT 1 FROM"
            " notice_delivery WHERE notice_delivery.notice_id = notice.id"
            " AND notice_delivery.state = 'waiting') ORDER BY created_at LIMIT ?",
            (before, limit),
        )
    )
    if not rows:
        return 0
    ids = tuple(row["id"] for row in rows)
    marks = ", ".join("?" for _ in ids)
    await records.batch(
        [
            Statement(f"DELETE FROM notice_delivery WHERE notice_id IN ({marks})", ids),  # noqa: S608
            Statement(f"DELETE FROM notice WHERE id IN ({marks})", ids),  # noqa: S608
        ]
    )
    return len(ids)


def _while_unchanged(sql: str, parameters: tuple[int | str | None, ...], of: Due) -> Statement:
    where = " WHERE notice_id = ? AND destination = ? AND due_at = ? AND attempts = ?"
    key = (of.notice_id, of.destination, of.due_at, of.attempts)
    return Statement(sql + where, (*parameters, *key))


def _due_of(row: Row) -> Due:
    return Due(
        notice_id=cast("str", row["notice_id"]),
        destination=cast("Destination", row["destination"]),
        tenant_id=cast("str | None", row["told_tenant_id"]),
        attempts=cast("int", row["attempts"]),
        due_at=cast("int", row["due_at"]),
        created_at=cast("int", row["notice_created_at"]),
        body=cast("str", row["payload"]),
        webhook=None if row["url"] is None else webhook_of(row),
    )


def _delivery_of(row: Row) -> Delivery:
    return Delivery(
        notice_id=cast("str", row["notice_id"]),
        kind=cast("str", row["kind"]),
        subject=cast("str", row["subject"]),
        state=cast("DeliveryState", row["state"]),
        attempts=cast("int", row["attempts"]),
        created_at=cast("int", row["created_at"]),
        attempted_at=cast("int | None", row["attempted_at"]),
        due_at=cast("int | None", row["due_at"]),
        status=cast("int | None", row["status"]),
        problem=cast("str | None", row["problem"]),
    )
