from typing import Any

import pytest

from policies.rules.exposure import problems, stack_problems
from policies.rules.resource import Resource
from tests.policies.resources import a_resource


def found(kind: str, **props: Any) -> list[str]:
    return list(problems(a_resource(kind, **props)))


def allowing(principal: object) -> dict[str, Any]:
    """A bucket policy that lets a principal read."""
    return {"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject"}]}


@pytest.mark.parametrize(
    ("kind", "props", "said"),
    [
        ("R2ManagedDomain", {"bucketName": "packages", "enabled": True}, "under r2.dev"),
        (
            "R2CustomDomain",
            {"bucketName": "packages", "enabled": True, "domain": "files.example.com"},
            "under files.example.com",
        ),
        (
            "R2BucketCors",
            {"bucketName": "uploads", "rules": [{"allowed": {"origins": ["*"]}}]},
            "Name the origins",
        ),
        (
            "R2BucketCors",
            {
                "bucketName": "uploads",
                "rules": [
                    {"allowed": {"origins": ["https://a.example.com"]}},
                    {"allowed": {"origins": ["https://*.example.com"]}},
                ],
            },
            "https://*.example.com",
        ),
        ("DnsRecord", {"name": "f", "content": "pub-1.r2.dev"}, "around the Workers"),
        (
            "DnsRecord",
            {"name": "f", "content": "A.EU.r2.cloudflarestorage.com."},
            "around the Workers",
        ),
        ("DnsRecord", {"name": "f", "content": "f004.backblazeb2.com"}, "around the Workers"),
        (
            "S3Bucket",
            {"bucket": "uploads", "cors": [{"origins": ["https://*.example.com"]}]},
            "Name the origins",
        ),
        ("S3Bucket", {"bucket": "packages", "policy": allowing("*")}, "packages would be open"),
        ("S3Bucket", {"bucket": "a", "policy": allowing({"AWS": "*"})}, "to everybody"),
        ("S3Bucket", {"bucket": "a", "policy": allowing({"AWS": ["key", "*"]})}, "to everybody"),
        (
            "S3Bucket",
            {"bucket": "a", "policy": {"Statement": [{"Effect": "Allow", "NotPrincipal": "a"}]}},
            "to everybody",
        ),
    ],
)
def test_what_would_make_a_bucket_public_is_refused(
    kind: str, props: dict[str, Any], said: str
) -> None:
    (problem,) = found(kind, **props)
    assert said in problem


@pytest.mark.parametrize(
    ("kind", "props"),
    [
        ("R2ManagedDomain", {"bucketName": "packages", "enabled": False}),
        ("R2CustomDomain", {"bucketName": "packages", "enabled": False, "domain": "a.test"}),
        ("R2BucketCors", {"rules": [{"allowed": {"origins": ["https://a.example.com"]}}]}),
        ("R2BucketCors", {"bucketName": "uploads"}),
        ("DnsRecord", {"name": "cdn", "content": "100::"}),
        ("DnsRecord", {"name": "a", "content": "r2.dev.example.com"}),
        ("DnsRecord", {"name": "a"}),
        ("R2Bucket", {"name": "packages", "enabled": True}),
        ("S3Bucket", {"bucket": "packages"}),
        ("S3Bucket", {"bucket": "packages", "policy": allowing({"AWS": ["key-edge"]})}),
        ("S3Bucket", {"bucket": "packages", "policy": allowing("key-edge")}),
        ("S3Bucket", {"policy": {"Statement": [{"Effect": "Deny", "Principal": "*"}]}}),
        ("S3Bucket", {"bucket": "uploads", "cors": [{"origins": ["https://a.example.com"]}]}),
    ],
)
def test_what_keeps_a_bucket_private_passes(kind: str, props: dict[str, Any]) -> None:
    assert found(kind, **props) == []


BEHIND_THE_PROXY = a_resource("S3Bucket", endpoint="https://storage.example.com", is_proxied=True)


def a_ruleset(**changes: Any) -> Resource:
    rule = {
        "action": "block",
        "enabled": True,
        "expression": '(http.host eq "storage.example.com" and not (...))',
    }
    phase = changes.pop("phase", "http_request_firewall_custom")
    return a_resource("Ruleset", phase=phase, rules=[rule | changes])


def test_a_server_behind_the_proxy_with_its_rule_passes() -> None:
    assert list(stack_problems([BEHIND_THE_PROXY, a_ruleset()])) == []


def test_a_server_that_stands_elsewhere_needs_no_rule() -> None:
    elsewhere = a_resource("S3Bucket", endpoint="https://s3.example.org", is_proxied=False)
    assert list(stack_problems([elsewhere])) == []


@pytest.mark.parametrize(
    "change",
    [
        {"action": "log"},
        {"enabled": False},
        {"expression": '(http.host eq "other.example.com")'},
        {"phase": "http_ratelimit"},
    ],
)
def test_a_server_behind_the_proxy_without_its_rule_is_refused(change: dict[str, Any]) -> None:
    ((problem, urn),) = stack_problems([BEHIND_THE_PROXY, a_ruleset(**change)])
    assert "Anybody could send requests to the storage server storage.example.com" in problem
    assert urn == BEHIND_THE_PROXY.urn
