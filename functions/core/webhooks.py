"""Tenants' own webhooks: where a tenant has its notices sent, and the secret that signs them.

A tenant has one or none. Each change is an event of the tenant's, which also lets only one of two
changes at once win. The row itself goes with the webhook: its secret is nobody's to keep.
"""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from functions.core import events, fields, notices, tenants
from functions.core.ids import new_id
from functions.core.platform import ATTEMPTS, DAY_MS
from functions.core.problems import busy, conflict, not_found
from functions.core.webhook_signatures import new_secret
from functions.core.webhook_urls import WebhookRules, complaint
from functions.ports.records import ConflictError, Records, Row, Statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from functions.core.access import Caller
    from functions.ports.clock import Clock
    from functions.ports.entropy import Entropy

OVERLAP_MS = DAY_MS
"""How long a secret that was rotated away goes on to sign beside the new one."""

_Reason: TypeAlias = Literal["webhook-set", "webhook-rotated", "webhook-removed"]


@dataclass(frozen=True, slots=True)
class Webhook:
    tenant_id: str
    url: str
    secret: str = field(repr=False)
    previous_secret: str | None = field(repr=False)
    previous_until: int | None
    """Until when `previous_secret` signs too."""
    switched_off_at: int | None
    """When its receiver answered 410; setting it again switches it on."""
    created_at: int
    changed_at: int

    def secrets(self, now: int) -> tuple[str, ...]:
        """Those that sign now, the newest first."""
        if self.previous_secret is None or now >= (self.previous_until or 0):
            return (self.secret,)
        return (self.secret, self.previous_secret)


async def set_webhook(
    records: Records,
    clock: "Clock",
    entropy: "Entropy",
    rules: WebhookRules,
    caller: "Caller",
    tenant_id: str,
    url: str,
) -> tuple[Webhook, str | None]:
    """The tenant's webhook, and its secret where it has a new one: another URL is another receiver.
    The same URL again changes nothing, except that a webhook that was switched off is on.

    Raises: ProblemError 404, 403, 422, 409 `busy`.
    """
    found = fields.Collector()
    wrong = complaint(url, rules)
    if wrong is not None:
        found.add("/url", wrong)
    for _ in range(ATTEMPTS):
        revision = await tenants.reach(records, caller, tenant_id)
        found.check()
        known, now = await find_webhook(records, tenant_id), clock.now_ms()
        if known is not None and known.url == url and known.switched_off_at is None:
            return known, None
        if known is not None and known.url == url:
            wanted = replace(known, switched_off_at=None, changed_at=now)
        else:
            wanted = Webhook(tenant_id, url, new_secret(entropy), None, None, None, now, now)
        if await _change(records, caller, revision, "webhook-set", now, tenant_id, [_kept(wanted)]):
            is_new = known is None or known.secret != wanted.secret
            return wanted, wanted.secret if is_new else None
    raise busy()


async def rotate_secret(
    records: Records, clock: "Clock", entropy: "Entropy", caller: "Caller", tenant_id: str
) -> Webhook:
    """A new secret. The one before signs too for `OVERLAP_MS`; each call makes another.

    Raises: ProblemError 404, 403, 409 `busy`.
    """
    for _ in range(ATTEMPTS):
        revision = await tenants.reach(records, caller, tenant_id)
        known, now = await _known(records, tenant_id), clock.now_ms()
        wanted = replace(
            known,
            secret=new_secret(entropy),
            previous_secret=known.secret,
            previous_until=now + OVERLAP_MS,
            changed_at=now,
        )
        if await _change(
            records, caller, revision, "webhook-rotated", now, tenant_id, [_kept(wanted)]
        ):
            return wanted
    raise busy()


async def remove_webhook(
    records: Records, clock: "Clock", caller: "Caller", tenant_id: str
) -> None:
    """What still waits to be delivered is skipped. Repeating it does nothing.

    Raises: ProblemError 404 for the tenant, 403, 409 `busy`.
    """
    gone = Statement("DELETE FROM webhook WHERE tenant_id = ?", (tenant_id,))
    for _ in range(ATTEMPTS):
        revision = await tenants.reach(records, caller, tenant_id)
        if await find_webhook(records, tenant_id) is None:
            return
        now = clock.now_ms()
        if await _change(records, caller, revision, "webhook-removed", now, tenant_id, [gone]):
            return
    raise busy()


async def get_webhook(records: Records, caller: "Caller", tenant_id: str) -> Webhook:
    """Raises: ProblemError 404, 403."""
    await tenants.reach(records, caller, tenant_id)
    return await _known(records, tenant_id)


async def request_test(
    records: Records, clock: "Clock", entropy: "Entropy", caller: "Caller", tenant_id: str
) -> str:
    """The id of a notice that tells nothing and is on its way. One that waits already is that one:
    nobody makes the platform call a stranger's URL faster than it is answered.

    Raises: ProblemError 404, 403, 409 `webhook-switched-off`.
    """
    webhook = await get_webhook(records, caller, tenant_id)
    if webhook.switched_off_at is not None:
        raise conflict(
            "webhook-switched-off",
            "Its receiver answered 410, so it is told nothing. Set the webhook again to switch it "
            "on.",
        )
    waiting = await records.fetch(
        Statement(
            "SELECT notice.id AS id FROM notice_delivery"
            " JOIN notice ON notice.id = notice_delivery.notice_id"
            " WHERE notice_delivery.tenant_id = ? AND notice_delivery.state = 'waiting'"
            " AND notice.kind = ? LIMIT 1",
            (tenant_id, notices.TEST),
        )
    )
    if waiting:
        return cast("str", waiting[0]["id"])
    notice_id = new_id(clock, entropy)
    await records.batch(notices.trial_statements(tenant_id, clock.now_ms(), notice_id))
    return notice_id


async def find_webhook(records: Records, tenant_id: str) -> Webhook | None:
    rows = await records.fetch(Statement("SELECT * FROM webhook WHERE tenant_id = ?", (tenant_id,)))
    return webhook_of(rows[0]) if rows else None


async def _known(records: Records, tenant_id: str) -> Webhook:
    webhook = await find_webhook(records, tenant_id)
    if webhook is None:
        raise not_found("webhook")
    return webhook


async def _change(
    records: Records,
    caller: "Caller",
    revision: int,
    reason: _Reason,
    now: int,
    tenant_id: str,
    statements: "Sequence[Statement]",
) -> bool:
    """Whether it was written; not where the tenant was changed meanwhile."""
    alive = events.Guard("deleted_at IS NULL")
    step = events.Transition(
        "tenant", tenant_id, revision, caller.actor, reason, "active", "active", now, alive
    )
    try:
        await records.batch([step.event(), *statements, step.update({})])
    except ConflictError:
        return False
    return True


def _kept(webhook: Webhook) -> Statement:
    return Statement(
        "INSERT INTO webhook (tenant_id, url, secret, previous_secret, previous_until,"
        " switched_off_at, created_at, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (tenant_id) DO UPDATE SET url = excluded.url, secret = excluded.secret,"
        " previous_secret = excluded.previous_secret, previous_until = excluded.previous_until,"
        " switched_off_at = excluded.switched_off_at, created_at = excluded.created_at,"
        " changed_at = excluded.changed_at",
        (
            webhook.tenant_id,
            webhook.url,
            webhook.secret,
            webhook.previous_secret,
            webhook.previous_until,
            webhook.switched_off_at,
            webhook.created_at,
            webhook.changed_at,
        ),
    )


def webhook_of(row: Row) -> Webhook:
    return Webhook(
        tenant_id=cast("str", row["tenant_id"]),
        url=cast("str", row["url"]),
        secret=cast("str", row["secret"]),
        previous_secret=cast("str | None", row["previous_secret"]),
        previous_until=cast("int | None", row["previous_until"]),
        switched_off_at=cast("int | None", row["switched_off_at"]),
        created_at=cast("int", row["created_at"]),
        changed_at=cast("int", row["changed_at"]),
    )
