from dataclasses import replace
from typing import Any

import pytest

from policies.rules.lifecycle import problems, stack_problems
from tests.policies.resources import a_resource

ABORT = {
    "id": "abort",
    "enabled": True,
    "conditions": {"prefix": ""},
    "abortMultipartUploadsTransition": {"condition": {"type": "Age", "maxAge": 604_800}},
}
TEMP = {
    "id": "temp",
    "enabled": True,
    "conditions": {"prefix": "temp/"},
    "deleteObjectsTransition": {"condition": {"type": "Age", "maxAge": 86_400}},
}


def found(bucket: str, *rules: dict[str, Any]) -> list[str]:
    """The problems of a bucket's rules, which the program names after the bucket's role."""
    role = bucket.removeprefix("stowage-")
    one = a_resource("R2BucketLifecycle", bucketName=bucket, rules=list(rules))
    urn = f"urn:pulumi:dev::stowage::{one.resource_type}::storage-{role}-lifecycle"
    return list(problems(replace(one, urn=urn)))


def test_complete_rules_pass() -> None:
    assert found("stowage-uploads", ABORT, TEMP) == []
    assert found("stowage-packages", ABORT) == []


def test_rules_that_drop_the_multipart_abort_are_refused() -> None:
    (problem,) = found("stowage-packages", TEMP)
    assert "abort multipart uploads after 7 days" in problem
    assert "max_age 604800" in problem


def test_no_rules_at_all_are_refused() -> None:
    assert len(found("stowage-packages")) == 1
    assert len(list(problems(a_resource("R2BucketLifecycle", bucketName="a")))) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"enabled": False},
        {"conditions": {"prefix": "packages/"}},
        {"abortMultipartUploadsTransition": {"condition": {"type": "Age", "maxAge": 604_801}}},
        {"abortMultipartUploadsTransition": {"condition": {"type": "Age", "maxAge": 0}}},
        {"abortMultipartUploadsTransition": {"condition": {"type": "Date"}}},
        {"abortMultipartUploadsTransition": {}},
    ],
)
def test_a_weakened_multipart_abort_is_refused(change: dict[str, Any]) -> None:
    assert len(found("stowage-packages", {**ABORT, **change})) == 1


def test_uploads_needs_the_temp_rule() -> None:
    (problem,) = found("stowage-uploads", ABORT)
    assert 'prefix "temp/"' in problem


def test_a_repository_bucket_with_a_name_like_uploads_needs_no_temp_rule() -> None:
    assert found("stowage-customer-uploads", ABORT) == []


@pytest.mark.parametrize(
    "change",
    [
        {"enabled": False},
        {"conditions": {"prefix": "temp"}},
        {"deleteObjectsTransition": {"condition": {"type": "Age", "maxAge": 172_800}}},
    ],
)
def test_a_weakened_temp_rule_is_refused(change: dict[str, Any]) -> None:
    assert len(found("stowage-uploads", ABORT, {**TEMP, **change})) == 1


def test_a_bucket_without_rules_is_refused() -> None:
    one = a_resource("R2Bucket", name="one")
    two = a_resource("R2Bucket", name="two")
    rules = a_resource("R2BucketLifecycle", bucketName="one", rules=[ABORT])
    assert list(stack_problems([one, two, rules])) == [
        ("The bucket two has no R2BucketLifecycle; give it one.", two.urn)
    ]
    assert list(stack_problems([one, rules])) == []


COMPLETE = {"prefix": "", "abort_multipart_days": 7, "noncurrent_days": 1}
COMPLETE_TEMP = {**COMPLETE, "prefix": "temp/", "expire_days": 1}


def on_a_server(storage: str, role: str, *rules: dict[str, Any]) -> list[str]:
    bucket = a_resource(
        "S3Bucket", storage=storage, role=role, bucket=f"b-{role}", lifecycle=list(rules)
    )
    return list(problems(bucket))


@pytest.mark.parametrize("storage", ["b2", "s3"])
def test_complete_rules_pass_on_a_server(storage: str) -> None:
    assert on_a_server(storage, "packages", COMPLETE) == []
    assert on_a_server(storage, "uploads", COMPLETE_TEMP) == []


@pytest.mark.parametrize(
    ("role", "rule", "lacks"),
    [
        ("packages", {**COMPLETE, "abort_multipart_days": 8}, "lack abort_multipart_days"),
        ("packages", {"prefix": "", "abort_multipart_days": 7}, "lack noncurrent_days"),
        ("uploads", {**COMPLETE, "prefix": "temp/"}, "lack expire_days"),
        ("uploads", {**COMPLETE_TEMP, "expire_days": 2}, "lack expire_days"),
    ],
)
def test_rules_that_lack_something_are_refused_on_a_server(
    role: str, rule: dict[str, Any], lacks: str
) -> None:
    (problem,) = on_a_server("b2", role, rule)
    assert lacks in problem
    assert f"b-{role} on b2" in problem


def test_a_server_that_keeps_no_versions_needs_no_rule_for_them() -> None:
    assert on_a_server("s3", "packages", {"prefix": "", "abort_multipart_days": 7}) == []


def test_no_rules_pass_only_where_the_server_takes_none() -> None:
    minio = a_resource("S3Bucket", storage="minio", role="uploads", bucket="b")
    assert list(problems(minio)) == []
    assert list(problems(a_resource("S3Bucket", storage="b2", role="packages", bucket="b"))) != []
