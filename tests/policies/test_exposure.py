from typing import Any

import pytest

from policies.rules.exposure import problems
from tests.policies.resources import a_resource


def found(kind: str, **props: Any) -> list[str]:
    return list(problems(a_resource(kind, **props)))


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
    ],
)
def test_what_keeps_a_bucket_private_passes(kind: str, props: dict[str, Any]) -> None:
    assert found(kind, **props) == []
