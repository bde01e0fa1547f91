"""`/v1/tenants/{tenant_id}/webhook`: where a tenant has its notices sent; for its own key and for
operators"""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Response, status

from functions.core import notice_deliveries, notices, webhooks
from functions.core.notice_deliveries import DeliveryState
from functions.entrypoints.http_api.access import AnyCaller, Operator, Platform
from functions.entrypoints.http_api.json_body import JsonRoute
from functions.entrypoints.http_api.problem_answers import documented
from functions.entrypoints.http_api.values import Answer, Body, Time

router = APIRouter(tags=["webhooks"], route_class=JsonRoute)

PATH = "/v1/tenants/{tenant_id}/webhook"
PAGE = 100


class WebhookGiven(Body):
    url: str
    """`https://`, a host name of the public network, no user name."""


class Webhook(Answer):
    tenant_id: str
    url: str
    switched_off_at: Time | None
    """When its receiver answered 410; it is told nothing until it is set again."""
    previous_secret_until: Time | None
    """Until when notices carry a signature of the secret before, too."""
    created_at: Time
    changed_at: Time


class OneWebhook(Answer):
    webhook: Webhook


class WebhookWithSecret(Answer):
    webhook: Webhook
    secret: str | None
    """`whsec_...`, where it is new; it cannot be had again."""


class RequestedTest(Answer):
    notice_id: str
    """What the receiver is given as `webhook-id`."""


class Delivery(Answer):
    notice_id: str
    kind: str
    subject: str
    """The id of what the notice is about."""
    state: DeliveryState
    attempts: int
    created_at: Time
    attempted_at: Time | None
    due_at: Time | None
    """When it is tried again."""
    status: int | None
    """What the last attempt was answered; null: no answer came."""
    problem: str | None
    """Why the last attempt failed, with how the answer began."""


class DeliveryList(Answer):
    deliveries: list[Delivery]
    next: str | None
    """Give it as `before` to get the next page; None on the last one."""


@router.put(
    PATH,
    summary="Set a tenant's webhook, or switch it on again",
    responses=documented(401, 403, 404, 409, 422),
)
async def put_webhook(
    caller: AnyCaller, services: Platform, tenant_id: str, body: WebhookGiven
) -> WebhookWithSecret:
    """Another URL gets another secret; the same URL keeps the one it has."""
    webhook, secret = await webhooks.set_webhook(
        services.records,
        services.clock,
        services.entropy,
        services.webhook_rules,
        caller,
        tenant_id,
        body.url,
    )
    return WebhookWithSecret(webhook=_webhook(webhook), secret=secret)


@router.get(PATH, summary="A tenant's webhook", responses=documented(401, 403, 404))
async def get_webhook(caller: AnyCaller, services: Platform, tenant_id: str) -> OneWebhook:
    found = await webhooks.get_webhook(services.records, caller, tenant_id)
    return OneWebhook(webhook=_webhook(found))


@router.delete(
    PATH,
    status_code=status.HTTP_204_NO_CONTENT,
    response_class=Response,
    summary="Remove a tenant's webhook",
    responses=documented(401, 403, 404, 409),
)
async def delete_webhook(caller: AnyCaller, services: Platform, tenant_id: str) -> None:
    await webhooks.remove_webhook(services.records, services.clock, caller, tenant_id)


@router.post(
    f"{PATH}/rotate",
    summary="Give a tenant's webhook a new secret",
    responses=documented(401, 403, 404, 409),
)
async def post_rotate(caller: AnyCaller, services: Platform, tenant_id: str) -> WebhookWithSecret:
    """For a day notices carry a signature of the secret before, too."""
    webhook = await webhooks.rotate_secret(
        services.records, services.clock, services.entropy, caller, tenant_id
    )
    return WebhookWithSecret(webhook=_webhook(webhook), secret=webhook.secret)


@router.post(
    f"{PATH}/test",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Send a test notice to a tenant's webhook",
    responses=documented(401, 403, 404, 409),
)
async def post_test(caller: AnyCaller, services: Platform, tenant_id: str) -> RequestedTest:
    """One that is still on its way is answered again."""
    notice_id = await webhooks.request_test(
        services.records, services.clock, services.entropy, caller, tenant_id
    )
    await notices.announce(services.queue)
    return RequestedTest(notice_id=notice_id)


@router.get(
    f"{PATH}/deliveries",
    summary="What was sent to a tenant's webhook, the newest first",
    responses=documented(401, 403, 404, 422),
)
async def get_deliveries(
    caller: AnyCaller,
    services: Platform,
    tenant_id: str,
    before: Annotated[str | None, Query(max_length=64)] = None,
) -> DeliveryList:
    page = await notice_deliveries.list_deliveries(
        services.records, caller, tenant_id, before=before, limit=PAGE
    )
    return _list(page)


@router.get(
    "/v1/alert-webhook/deliveries",
    summary="What was sent to the operator's own webhook, the newest first",
    responses=documented(401, 403, 404, 422),
)
async def get_alert_deliveries(
    _: Operator, services: Platform, before: Annotated[str | None, Query(max_length=64)] = None
) -> DeliveryList:
    return _list(
        await notice_deliveries.list_alert_deliveries(services.records, before=before, limit=PAGE)
    )


def _list(page: Sequence[notice_deliveries.Delivery]) -> DeliveryList:
    more = len(page) == PAGE
    return DeliveryList(
        deliveries=[_delivery(one) for one in page], next=page[-1].notice_id if more else None
    )


def _webhook(of: webhooks.Webhook) -> Webhook:
    return Webhook(
        tenant_id=of.tenant_id,
        url=of.url,
        switched_off_at=of.switched_off_at,
        previous_secret_until=of.previous_until,
        created_at=of.created_at,
        changed_at=of.changed_at,
    )


def _delivery(of: notice_deliveries.Delivery) -> Delivery:
    return Delivery(
        notice_id=of.notice_id,
        kind=of.kind,
        subject=of.subject,
        state=of.state,
        attempts=of.attempts,
        created_at=of.created_at,
        attempted_at=of.attempted_at,
        due_at=of.due_at,
        status=of.status,
        problem=of.problem,
    )
