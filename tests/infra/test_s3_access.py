"""Each key may do what its Worker does, and nothing else."""

import json
from typing import Any

import pytest

from infra.s3.access import policy, rights

READ = {"s3:GetObject"}
WRITE = {"s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"}
ALL = READ | WRITE | {"s3:DeleteObject", "s3:ListBucket", "s3:ListBucketMultipartUploads"}
KEYS = {"edge": "key-edge", "api": "key-api", "jobs": "key-jobs", "publisher": "key-publisher"}


@pytest.mark.parametrize(
    ("worker", "role", "allowed"),
    [
        ("edge", "uploads", set[str]()),
        ("edge", "packages", READ),
        ("edge", "assets", READ),
        ("edge", "debian", READ),
        ("edge", "backups", set[str]()),
        ("api", "uploads", READ | WRITE),
        ("api", "packages", set[str]()),
        ("api", "assets", READ | WRITE),
        ("api", "debian", READ | WRITE | {"s3:ListBucket"}),
        ("api", "backups", set[str]()),
        ("jobs", "uploads", ALL),
        ("jobs", "packages", ALL),
        ("jobs", "assets", ALL),
        ("jobs", "debian", ALL),
        ("jobs", "backups", ALL),
        ("publisher", "uploads", set[str]()),
        ("publisher", "packages", set[str]()),
        ("publisher", "assets", set[str]()),
        ("publisher", "debian", ALL),
        ("publisher", "backups", set[str]()),
    ],
)
def test_each_key_has_the_rights_of_its_worker(worker: str, role: str, allowed: set[str]) -> None:
    assert rights(worker, role) == allowed


def statements(role: str, **keys: str) -> list[dict[str, Any]]:
    return policy("a-bucket", role, keys or KEYS, "owner")["Statement"]


def test_a_statement_names_one_key_and_the_bucket_or_its_objects() -> None:
    assert statements("debian", api="key-api") == [
        {
            "Effect": "Allow",
            "Principal": {"AWS": ["key-api"]},
            "Action": ["s3:ListBucket"],
            "Resource": ["arn:aws:s3:::a-bucket"],
        },
        {
            "Effect": "Allow",
            "Principal": {"AWS": ["key-api"]},
            "Action": sorted(READ | WRITE),
            "Resource": ["arn:aws:s3:::a-bucket/*"],
        },
    ]


@pytest.mark.parametrize("role", ["uploads", "packages", "assets", "backups", "debian"])
def test_nobody_is_let_in_without_a_key(role: str) -> None:
    text = json.dumps(policy("a-bucket", role, KEYS, "owner"))
    assert '"AWS": ["*"]' not in text
    assert '"Principal": "*"' not in text
    assert "key-jobs" in text


def test_no_key_may_change_the_bucket_itself() -> None:
    actions = {
        action
        for role in ("uploads", "packages", "assets", "backups", "debian")
        for statement in statements(role)
        for action in statement["Action"]
    }
    assert actions == ALL


def test_a_key_without_rights_is_not_named() -> None:
    assert "key-edge" not in json.dumps(statements("uploads"))


def test_the_same_arguments_give_the_same_document() -> None:
    turned = dict(reversed(KEYS.items()))
    assert policy("a-bucket", "debian", KEYS, "o") == policy("a-bucket", "debian", turned, "o")
