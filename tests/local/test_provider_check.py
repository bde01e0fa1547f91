"""Inputs are checked against the SDK's own types, as Cloudflare's provider does before a plan."""

import importlib

import pytest

from local.provider.kind import Refusal
from local.provider.kinds import KINDS
from local.provider.property_values import UNKNOWN
from local.provider.schema import Schema
from tests.local.provider_calls import ACCOUNT, ZONE, Calls, secret


def test_an_unknown_property_is_named(calls: Calls) -> None:
    failures = calls.check("R2Bucket", accountId=ACCOUNT, name="objects", colour="red")
    assert list(failures) == ["colour"]
    assert "unknown property" in failures["colour"]
    assert "storageClass" in failures["colour"]


def test_an_unknown_property_deep_inside_is_named_with_its_path(calls: Calls) -> None:
    rule = {"id": "temp", "enabled": True, "conditions": {"prefix": "", "suffix": "x"}}
    failures = calls.check(
        "R2BucketLifecycle", accountId=ACCOUNT, bucketName="objects", rules=[rule]
    )
    assert list(failures) == ["rules[0].conditions.suffix"]


def test_a_missing_required_property_is_named(calls: Calls) -> None:
    assert list(calls.check("DnsRecord", zoneId=ZONE, name="a.test")) == ["ttl", "type"]


@pytest.mark.parametrize(
    ("kind", "inputs", "wrong"),
    [
        ("R2Bucket", {"accountId": ACCOUNT, "name": 5}, "name"),
        ("DnsRecord", {"zoneId": ZONE, "name": "a", "type": "A", "ttl": "1"}, "ttl"),
        (
            "DnsRecord",
            {"zoneId": ZONE, "name": "a", "type": "A", "ttl": 1, "proxied": "yes"},
            "proxied",
        ),
        ("R2Bucket", {"accountId": ACCOUNT, "name": "abc", "location": "moon"}, "location"),
        ("Queue", {"accountId": ACCOUNT, "queueName": "q", "settings": []}, "settings"),
        (
            "WorkersCronTrigger",
            {"accountId": ACCOUNT, "scriptName": "s", "schedules": {"cron": "* * * * *"}},
            "schedules",
        ),
    ],
)
def test_a_value_of_the_wrong_type_is_named(
    calls: Calls, kind: str, inputs: dict[str, object], wrong: str
) -> None:
    assert list(calls.check(kind, **inputs)) == [wrong]


def test_values_that_are_not_known_yet_pass(calls: Calls) -> None:
    assert not calls.check("R2Bucket", accountId=ACCOUNT, name=UNKNOWN, location=UNKNOWN)


def test_a_secret_is_checked_by_what_is_in_it(calls: Calls) -> None:
    assert not calls.check("R2Bucket", accountId=ACCOUNT, name=secret("objects"))
    assert list(calls.check("R2Bucket", accountId=ACCOUNT, name=secret(5))) == ["name"]


def test_choices_are_compared_without_regard_to_case(calls: Calls) -> None:
    assert not calls.check("R2Bucket", accountId=ACCOUNT, name="abc", location="WEUR")


@pytest.mark.parametrize("name", ["AB", "a", "-abc", "a_b", "a" * 64, "abc-"])
def test_a_bad_bucket_name_is_refused(calls: Calls, name: str) -> None:
    assert list(calls.check("R2Bucket", accountId=ACCOUNT, name=name)) == ["name"]


def test_a_kind_that_is_not_emulated_is_refused_and_the_readme_named(calls: Calls) -> None:
    with pytest.raises(Refusal, match=r"LogpushJob.*local/README\.md"):
        calls.check("LogpushJob", accountId=ACCOUNT)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_accepted_properties_are_those_of_the_installed_sdk(schema: Schema, kind: str) -> None:
    sdk = importlib.import_module("pulumi_cloudflare")
    args = getattr(sdk, f"{kind}InitArgs", None) or getattr(sdk, f"{kind}Args")
    names = [name for name in dir(args) if isinstance(getattr(args, name), property)]
    assert len(schema.inputs(kind)) == len(names)
    assert set(schema.computed(kind)).isdisjoint(schema.inputs(kind))


def test_token_resources_that_are_no_json_are_refused(calls: Calls) -> None:
    policy = {"effect": "allow", "permissionGroups": [{"id": "x"}], "resources": "bucket"}
    failures = calls.check("AccountToken", accountId=ACCOUNT, name="t", policies=[policy])
    assert list(failures) == ["policies[0].resources"]
