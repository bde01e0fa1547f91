"""DNS, custom hostnames, tokens and alerts, as Cloudflare's provider treats them."""

import hashlib
import json
from typing import Any

import pytest

from local.provider.account_kinds import READ_GROUP, WRITE_GROUP
from local.provider.kind import Refusal
from local.provider.property_values import SECRET, SIGNATURE, plain
from tests.local.provider_calls import ACCOUNT, ZONE, Calls, Made

RECORD: dict[str, Any] = {
    "zoneId": ZONE,
    "name": "api.stowage.test",
    "type": "AAAA",
    "content": "100::",
    "ttl": 1,
    "proxied": True,
}


def test_a_proxied_record_needs_ttl_1_at_its_creation_and_not_at_a_preview(calls: Calls) -> None:
    wrong = RECORD | {"ttl": 300}
    assert not calls.check("DnsRecord", **wrong)
    assert calls.preview("DnsRecord", **wrong)["ttl"] == 300
    with pytest.raises(Refusal, match="ttl must be set to 1"):
        calls.create("DnsRecord", **wrong)


def test_an_identical_record_is_refused(calls: Calls) -> None:
    made = calls.create("DnsRecord", **RECORD)
    assert len(made.id) == 32
    with pytest.raises(Refusal, match=r"identical record.*81058"):
        calls.create("DnsRecord", **RECORD)
    assert calls.diff(made, zoneId=ACCOUNT) == (["zoneId"], ["zoneId"])
    assert calls.update(made, comment="noted").outputs["comment"] == "noted"


def custom_hostname(calls: Calls, hostname: str = "shop.example", **ssl: Any) -> Made:
    return calls.create(
        "CustomHostname",
        zoneId=ZONE,
        hostname=hostname,
        ssl={"method": "http", "type": "dv", **ssl},
    )


def test_a_taken_hostname_is_refused(calls: Calls) -> None:
    custom_hostname(calls)
    with pytest.raises(Refusal, match=r"Duplicate custom hostname.*1406"):
        custom_hostname(calls)


def test_a_status_that_moved_by_itself_changes_nothing_in_the_plan(calls: Calls) -> None:
    made = custom_hostname(calls, wildcard=False)
    assert made.outputs["status"] == "pending"
    assert made.outputs["ssl"]["bundleMethod"] == "ubiquitous"
    item = calls.world.all("CustomHostname")[0]
    calls.world.put("CustomHostname", made.id, item | {"status": "active"})
    found = calls.read(made)
    assert found is not None
    assert found.outputs["status"] == "active"
    assert calls.plan(found, made.inputs) == ([], [])


def test_a_change_of_a_hostname_begins_its_validation_anew(calls: Calls) -> None:
    made = custom_hostname(calls, wildcard=False)
    before = calls.world.all("CustomHostname")[0]["_ssl"]
    calls.update(made, ssl={"method": "txt", "type": "dv", "wildcard": False})
    after = calls.world.all("CustomHostname")[0]["_ssl"]
    assert after["status"] == "initializing"
    assert after["token"] != before["token"]


def test_a_wildcard_that_was_not_said_differs_after_a_refresh(calls: Calls) -> None:
    made = custom_hostname(calls)
    found = calls.read(made)
    assert found is not None
    assert calls.plan(found, made.inputs) == (["ssl"], [])


def test_the_fallback_origin_has_the_zone_as_its_id(calls: Calls) -> None:
    made = calls.create("CustomHostnameFallbackOrigin", zoneId=ZONE, origin="fallback.a.test")
    assert made.id == ZONE
    assert calls.delete(made) == []
    assert calls.read(made) is None


def test_a_zone_setting_stays_when_it_is_deleted(calls: Calls) -> None:
    made = calls.create("ZoneSetting", zoneId=ZONE, settingId="min_tls_version", value="1.2")
    assert made.id == "min_tls_version"
    assert calls.delete(made)
    assert calls.read(made) is not None


def token(calls: Calls, group: str = WRITE_GROUP, bucket: str = "objects") -> Made:
    resources = json.dumps({f"com.cloudflare.edge.r2.bucket.{ACCOUNT}_default_{bucket}": "*"})
    policy = {"effect": "allow", "permissionGroups": [{"id": group}], "resources": resources}
    return calls.create("AccountToken", accountId=ACCOUNT, name="t", policies=[policy])


def test_a_tokens_value_is_secret_given_once_and_kept_by_the_state(calls: Calls) -> None:
    made = token(calls)
    assert made.outputs["value"][SIGNATURE] == SECRET
    value = plain(made.outputs["value"])
    assert value not in (calls.folder / "world.json").read_text()
    item = calls.world.all("AccountToken")[0]
    assert item["_secret"] == hashlib.sha256(value.encode()).hexdigest()
    for found in (calls.read(made), calls.update(made, name="renamed")):
        assert found is not None
        assert plain(found.outputs["value"]) == value
        assert found.outputs["value"][SIGNATURE] == SECRET


def test_a_permission_group_that_does_not_exist_is_refused(calls: Calls) -> None:
    with pytest.raises(Refusal, match="permission group"):
        token(calls, group="0" * 32)


def test_permission_groups_are_found_by_name_and_scope(calls: Calls) -> None:
    function = "cloudflare:index/x:getAccountApiTokenPermissionGroupsList"

    def found(**arguments: str) -> list[str]:
        answer = calls.serve("invoke", "", token=function, args={"accountId": ACCOUNT, **arguments})
        return [one["id"] for one in answer["result"]["results"]]

    assert found(name="Workers R2 Storage Bucket Item Read") == [READ_GROUP]
    assert found(scope="com.cloudflare.edge.r2.bucket") == [READ_GROUP, WRITE_GROUP]
    assert len(found()) > 2
    with pytest.raises(Refusal, match="getZone"):
        calls.serve("invoke", "", token="cloudflare:index/x:getZone", args={})


def webhook(calls: Calls) -> Made:
    return calls.create(
        "NotificationPolicyWebhooks",
        accountId=ACCOUNT,
        name="w",
        url="https://hooks.example",
        secret="hush",
    )


def test_a_webhooks_secret_is_marked_and_its_test_is_noted_as_skipped(calls: Calls) -> None:
    made = webhook(calls)
    assert made.outputs["secret"][SIGNATURE] == SECRET
    found = calls.read(made)
    assert found is not None
    assert plain(found.outputs["secret"]) == "hush"
    assert "skipped" in calls.world.all("NotificationPolicyWebhooks")[0]["_test"]


def test_a_policy_without_description_differs_after_a_refresh(calls: Calls) -> None:
    inputs: dict[str, Any] = {
        "accountId": ACCOUNT,
        "name": "p",
        "alertType": "custom_ssl_certificate_event_type",
        "mechanisms": {"webhooks": [{"id": webhook(calls).id}]},
    }
    silent = calls.create("NotificationPolicy", **inputs)
    told = calls.create("NotificationPolicy", **inputs, description="certificates")
    for made, changed in ((silent, ["description"]), (told, [])):
        found = calls.read(made)
        assert found is not None
        assert calls.plan(found, made.inputs) == (changed, [])


def test_a_policy_with_a_wrong_alert_type_or_destination_is_refused(calls: Calls) -> None:
    inputs: dict[str, Any] = {
        "accountId": ACCOUNT,
        "name": "p",
        "mechanisms": {"webhooks": [{"id": "0" * 32}]},
    }
    assert list(calls.check("NotificationPolicy", **inputs, alertType="r2_full")) == ["alertType"]
    with pytest.raises(Refusal, match="webhook destination"):
        calls.create("NotificationPolicy", **inputs, alertType="incident_alert")
