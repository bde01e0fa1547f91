"""A tenant's webhook on the whole platform: the api takes it, the jobs call it until it takes what
it is told."""

import json
from typing import Any

from functions.ports.fetch import FetchRequest
from tests.contracts.webhook_receiver import Receiver, Sent, receiving
from tests.e2e.stack import Stack
from tests.e2e.test_states import until
from tests.functions.core.receivers import is_signed_by


def is_signed(sent: Sent, secret: str) -> bool:
    return is_signed_by(FetchRequest("POST", sent.path, sent.headers, sent.body), secret)


def the_delivery(stack: Stack, tenant: dict[str, Any]) -> dict[str, Any]:
    path = f"/v1/tenants/{tenant['tenant_id']}/webhook/deliveries"
    (delivery,) = stack.api("GET", path, key=tenant["key"]).json()["deliveries"]
    return delivery


def test_a_notice_arrives_signed_after_two_failures(stack: Stack) -> None:
    tenant = stack.made("/v1/tenants", {"name": "Acme"})
    tenant_id = tenant["tenant_id"]
    with receiving() as receiver:
        receiver.statuses, receiver.content = [500, 503], b"not now"
        secret = set_by_the_tenant(stack, tenant, receiver)
        notice_id = stack.read("webhook", "test", tenant_id)["notice_id"]
        for status in (500, 503):
            until(
                lambda status=status: the_delivery(stack, tenant)["status"] == status,
                f"it was answered {status}",
                seconds=60,
            )
            assert the_delivery(stack, tenant)["problem"] == f"answered {status}: not now"
            # Its delay is over.
            stack.query("UPDATE notice_delivery SET due_at = 1 WHERE notice_id = ?", notice_id)
            stack.run("trigger", "cron")
        until(lambda: the_delivery(stack, tenant)["state"] == "delivered", "it is delivered")
        assert the_delivery(stack, tenant)["attempts"] == 3
        assert [sent.headers["webhook-id"] for sent in receiver.sent] == [notice_id] * 3
        assert len({sent.body for sent in receiver.sent}) == 1
        assert all(is_signed(sent, secret) for sent in receiver.sent)
        assert json.loads(receiver.sent[0].body)["type"] == "webhook.test"
    stack.run("webhook", "remove", tenant_id)
    gone = stack.api("GET", f"/v1/tenants/{tenant_id}/webhook", key=tenant["key"])
    assert gone.status_code == 404


def set_by_the_tenant(stack: Stack, tenant: dict[str, Any], receiver: Receiver) -> str:
    path = f"/v1/tenants/{tenant['tenant_id']}/webhook"
    refused = stack.api("PUT", path, {"url": "http://10.0.0.1/hook"}, key=tenant["key"])
    assert refused.status_code == 422, refused.text
    answer = stack.api("PUT", path, {"url": f"{receiver.base_url}/hook"}, key=tenant["key"])
    assert answer.status_code == 200, answer.text
    return answer.json()["secret"]
