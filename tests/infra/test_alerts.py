from typing import Any

from infra.cloudflare.alerts import Alerts, AlertsArgs, UsageAlertArgs
from tests.infra.engine import Engine, is_secret

USAGE = UsageAlertArgs(product="worker_requests", limit=10_000_000)


def some_alerts(engine: Engine, **changes: Any) -> Engine:
    values: dict[str, Any] = {
        "account_id": "7a" * 16,
        "names_prefix": "stowage-dev",
        "webhook_url": "https://hooks.example.com/a",
        "webhook_secret": "hush-hush",
        "usage": USAGE,
    }
    return engine.run(lambda: Alerts("alerts", AlertsArgs(**(values | changes))))


def test_the_address_and_the_secret_of_the_webhook_are_secrets(engine: Engine) -> None:
    webhook = some_alerts(engine).one("NotificationPolicyWebhooks")
    assert is_secret(webhook.raw["url"])
    assert is_secret(webhook.raw["secret"])
    assert webhook.inputs["url"] == "https://hooks.example.com/a"


def test_a_webhook_needs_no_secret(engine: Engine) -> None:
    webhook = some_alerts(engine, webhook_secret=None).one("NotificationPolicyWebhooks")
    assert "secret" not in webhook.inputs


def test_certificates_of_hostnames_are_watched(engine: Engine) -> None:
    policy = some_alerts(engine).one("NotificationPolicy", "alerts-certificates").inputs
    assert policy["alertType"] == "custom_ssl_certificate_event_type"
    assert policy["enabled"] is True


def test_a_usage_alert_pairs_product_and_limit_as_text(engine: Engine) -> None:
    policy = some_alerts(engine).one("NotificationPolicy", "alerts-usage").inputs
    assert policy["alertType"] == "billing_usage_alert"
    assert policy["filters"] == {"products": ["worker_requests"], "limits": ["10000000"]}


def test_without_a_limit_usage_is_not_watched(engine: Engine) -> None:
    policies = some_alerts(engine, usage=None).of("NotificationPolicy")
    assert [policy.name for policy in policies] == ["alerts-certificates"]


def test_every_policy_has_a_description_and_one_mechanism(engine: Engine) -> None:
    policies = some_alerts(engine).of("NotificationPolicy")
    assert len(policies) == 2
    for policy in policies:
        assert policy.inputs["description"]
        assert policy.inputs["mechanisms"] == {"webhooks": [{"id": "alerts-webhook-id"}]}
