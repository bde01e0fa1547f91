"""`stowage webhook`: what it asks, prints and exits with."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from tests.cli import loopback
from tests.cli.fakes import document

TENANT_KEY, OPERATOR_KEY = "stw_tenant", "stw_operator"
PATH = "/v1/tenants/t-1/webhook"
WEBHOOK: dict[str, Any] = {
    "tenant_id": "t-1",
    "url": "https://hooks.example.com/a",
    "switched_off_at": None,
    "previous_secret_until": "2026-01-02T00:00:00.000Z",
    "created_at": "2026-01-01T00:00:00.000Z",
    "changed_at": "2026-01-01T00:00:00.000Z",
}
DELIVERY: dict[str, Any] = {
    "notice_id": "n-1",
    "kind": "hostname.active",
    "subject": "h-1",
    "state": "waiting",
    "attempts": 2,
    "created_at": "2026-01-01T00:00:00.000Z",
    "attempted_at": "2026-01-01T00:00:00.000Z",
    "due_at": "2026-01-01T00:01:00.000Z",
    "status": None,
    "problem": "no answer within 15 s",
}


@dataclass
class Platform:
    calls: list[str] = field(default_factory=list[str])
    bodies: list[Any] = field(default_factory=list[Any])
    keys: list[str] = field(default_factory=list[str])
    secret: str | None = "whsec_of-a-test"
    url: str = ""

    def answer(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, Any]:
        self.calls.append(f"{method} {path}")
        self.bodies.append(json.loads(body) if body else None)
        self.keys.append(headers["authorization"].removeprefix("Bearer "))
        if path.endswith("/test"):
            return 202, {"notice_id": "n-1"}
        if "/deliveries" in path:
            is_last = path.endswith("?before=n-1")
            return 200, {"deliveries": [DELIVERY], "next": None if is_last else "n-1"}
        if method == "GET":
            return 200, {"webhook": WEBHOOK}
        return 200, {"webhook": WEBHOOK, "secret": self.secret}

    def call(self, *arguments: str, key: str = TENANT_KEY) -> Result:
        environment = {"STOWAGE_KEY": key, "STOWAGE_OPERATOR_KEY": OPERATOR_KEY}
        return CliRunner().invoke(
            app, ["webhook", *arguments, "--api-url", self.url], env=environment
        )


@pytest.fixture
def platform() -> Iterator[Platform]:
    platform = Platform()
    with loopback.served(platform.answer) as platform.url:
        yield platform


@pytest.mark.parametrize(
    ("arguments", "call", "body", "said"),
    [
        (["set", "t-1", WEBHOOK["url"]], f"PUT {PATH}", {"url": WEBHOOK["url"]}, "whsec_of-a-test"),
        (["show", "t-1"], f"GET {PATH}", None, "https://hooks.example.com/a"),
        (["rotate", "t-1"], f"POST {PATH}/rotate", None, "whsec_of-a-test"),
        (["test", "t-1"], f"POST {PATH}/test", None, "Notice n-1 is on its way."),
        (["deliveries", "t-1"], f"GET {PATH}/deliveries", None, "no answer within"),
        (["remove", "t-1"], f"DELETE {PATH}", None, "Tenant t-1 has no webhook."),
    ],
)
def test_each_command_is_one_call_with_the_tenants_key_or_the_operators(
    platform: Platform, arguments: list[str], call: str, body: object, said: str
) -> None:
    as_tenant = platform.call(*arguments)
    as_operator = platform.call(*arguments, "--json", key="")
    assert (as_tenant.exit_code, as_operator.exit_code) == (0, 0), as_tenant.output
    assert said in as_tenant.stdout
    assert platform.calls == [call] * 2
    assert platform.bodies == [body] * 2
    assert platform.keys == [TENANT_KEY, OPERATOR_KEY]
    assert document(as_operator.stdout) is not None


def test_a_secret_that_is_not_new_is_not_shown(platform: Platform) -> None:
    platform.secret = None
    result = platform.call("set", "t-1", WEBHOOK["url"])
    assert result.exit_code == 0
    assert f"Notices of tenant t-1 go to {WEBHOOK['url']}." in result.stdout
    assert "None" not in result.output


def test_all_deliveries_are_read_page_by_page(platform: Platform) -> None:
    result = platform.call("deliveries", "t-1", "--all", "--json")
    assert document(result.stdout)["deliveries"] == [DELIVERY, DELIVERY]
    assert platform.calls == [f"GET {PATH}/deliveries", f"GET {PATH}/deliveries?before=n-1"]


def test_without_a_tenant_the_operators_own_webhook_is_looked_into(platform: Platform) -> None:
    result = platform.call("deliveries")
    assert "hostname.active" in result.stdout
    assert platform.calls == ["GET /v1/alert-webhook/deliveries"]
    assert platform.keys == [OPERATOR_KEY]


def test_a_tenants_id_cannot_lead_to_another_address(platform: Platform) -> None:
    platform.call("show", "../developers")
    assert platform.calls == ["GET /v1/tenants/..%2Fdevelopers/webhook"]
