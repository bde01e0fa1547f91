"""Notices of what happened, for whoever listens by webhook: the operator, and the tenant that it
concerns.

A notice is written in the same batch as the change that it tells of, so that neither is there
without the other; the jobs deliver it (`notice_runs`). Its id stays the same at every attempt:
a receiver that was told twice can tell.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, TypeAlias

from functions.core.times import rfc3339
from functions.ports.queue import QueueError
from functions.ports.records import Statement

if TYPE_CHECKING:
    from functions.ports.queue import Queue

NoticeKind: TypeAlias = Literal[
    "hostname.active",
    "hostname.moved",
    "hostname.certificate_failing",
    "hostname.blocked",
    "hostname.removed",
]

TEST = "webhook.test"
"""The kind of a notice that its receiver asked for, to see one arrive."""
KIND = "notices"
"""Of the message that has the jobs look for due deliveries; it names none, because the rows do."""


def notice_statements(
    kind: NoticeKind,
    tenant_id: str | None,
    subject: str,
    payload: Mapping[str, object],
    now: int,
    ids: Callable[[], str],
) -> list[Statement]:
    """Tell the operator, and the tenant if it has a webhook that is on when the batch is written.
    `subject` is the id of what it is about, `payload` what else there is to say (JSON values);
    `ids` makes new ids, of which one is taken.

    The statements stand behind the transition's event in its batch, so that a lost race takes
    them with it.
    """
    notice_id = ids()
    statements = [
        _notice(notice_id, kind, tenant_id, subject, payload, now),
        Statement(
            "INSERT INTO notice_delivery (notice_id, destination, state, attempts, due_at)"
            " VALUES (?, 'operator', 'waiting', 0, ?)",
            (notice_id, now),
        ),
    ]
    if tenant_id is not None:
        statements.append(_to_tenant(notice_id))
    return statements


def trial_statements(tenant_id: str, now: int, notice_id: str) -> list[Statement]:
    """A notice that tells nothing, for the tenant's webhook alone."""
    payload = {"message": "This webhook works."}
    return [
        _notice(notice_id, TEST, tenant_id, tenant_id, payload, now),
        _to_tenant(notice_id),
    ]


async def announce(queue: "Queue") -> None:
    """Call the jobs, behind the batch. A message that is lost costs no more than the time until
    the schedule runs."""
    with suppress(QueueError):
        await queue.send({"kind": KIND})


def _notice(
    notice_id: str,
    kind: str,
    tenant_id: str | None,
    subject: str,
    payload: Mapping[str, object],
    now: int,
) -> Statement:
    body = {
        "type": kind,
        "timestamp": rfc3339(now),
        "tenant_id": tenant_id,
        "subject": subject,
        "data": dict(payload),
    }
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Statement(
        "INSERT INTO notice (id, kind, tenant_id, subject, payload, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (notice_id, kind, tenant_id, subject, text, now),
    )


def _to_tenant(notice_id: str) -> Statement:
    """Whether there is a webhook is seen by the database itself, in the batch."""
    return Statement(
        "INSERT INTO notice_delivery (notice_id, destination, tenant_id, state, attempts, due_at)"
        " SELECT notice.id, 'tenant', webhook.tenant_id, 'waiting', 0, notice.created_at"
        " FROM notice JOIN webhook ON webhook.tenant_id = notice.tenant_id"
        " WHERE notice.id = ? AND webhook.switched_off_at IS NULL",
        (notice_id,),
    )
