"""How rules read properties of which some are not known yet."""

from typing import Any

import pytest
from pulumi_policy import ResourceValidationArgs, StackValidationArgs
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from policies.rules import POLICIES, exposure, lifecycle, plain_text
from policies.rules.resource import UNKNOWN, Resource, of_all, of_each, read, read_list
from tests.policies.resources import a_resource


def proxied(**props: Any) -> Any:
    """Properties as the engine gives them to a policy pack in a preview."""
    return unknown_checking_proxy(props)


def test_what_is_missing_reads_as_none_and_what_is_not_known_as_unknown() -> None:
    props = proxied(a={"b": 1, "c": UNKNOWN_STRING_VALUE}, d=[1, UNKNOWN_STRING_VALUE])
    assert read(props, "a", "b") == 1
    assert read(props, "a", "x") is None
    assert read(props, "x", "y") is None
    assert read(props, "a", "c") is UNKNOWN
    assert read_list(props, "d") == [1, UNKNOWN]
    assert read_list(props, "x") == []


def test_unknown_is_neither_true_nor_a_name() -> None:
    assert not UNKNOWN
    assert UNKNOWN != ""


UNKNOWNS = [
    ("R2ManagedDomain", {"enabled": UNKNOWN_STRING_VALUE}),
    ("R2BucketCors", {"rules": [{"allowed": {"origins": [UNKNOWN_STRING_VALUE]}}]}),
    ("R2BucketLifecycle", {"bucketName": "uploads", "rules": UNKNOWN_STRING_VALUE}),
    ("S3Bucket", {"storage": "b2", "lifecycle": UNKNOWN_STRING_VALUE}),
    (
        "S3Bucket",
        {"storage": "minio", "policy": UNKNOWN_STRING_VALUE, "cors": UNKNOWN_STRING_VALUE},
    ),
    ("DnsRecord", {"name": "a", "content": UNKNOWN_STRING_VALUE}),
    ("WorkerVersion", {"bindings": UNKNOWN_STRING_VALUE}),
    (
        "WorkerVersion",
        {"bindings": [{"name": "A", "type": "plain_text", "text": UNKNOWN_STRING_VALUE}]},
    ),
]


@pytest.mark.parametrize(("kind", "props"), UNKNOWNS)
def test_a_preview_does_not_fail_on_what_is_not_known_yet(kind: str, props: Any) -> None:
    resource = Resource(a_resource(kind).resource_type, "urn", proxied(**props))
    for rule in (exposure, lifecycle, plain_text):
        assert list(rule.problems(resource)) == []


def test_a_bucket_whose_rules_are_not_known_yet_is_passed_over() -> None:
    bucket = a_resource("R2Bucket", name="one")
    rules = Resource(
        a_resource("R2BucketLifecycle").resource_type,
        "urn",
        proxied(bucketName=UNKNOWN_STRING_VALUE),
    )
    assert list(lifecycle.stack_problems([bucket, rules])) == []


def test_what_a_rule_finds_is_reported_to_the_engine() -> None:
    reported: list[tuple[str, str | None]] = []

    def report(message: str, urn: str | None = None) -> None:
        reported.append((message, urn))

    domain = a_resource("R2ManagedDomain", bucketName="packages", enabled=True)
    args = ResourceValidationArgs(
        domain.resource_type,
        proxied(**domain.props),
        domain.urn,
        "name",
        opts=None,  # pyright: ignore[reportArgumentType]  (not read by any rule)
        provider=None,
    )
    of_each(exposure.problems)(args, report)
    assert len(reported) == 1
    of_all(lambda resources: iter([("all", resources[0].urn)] if resources else []))(
        StackValidationArgs([args]),  # pyright: ignore[reportArgumentType]  (has what is read)
        report,
    )
    assert reported[1] == ("all", domain.urn)


def test_policies_have_distinct_names() -> None:
    names = [policy.name for policy in POLICIES]
    assert len(names) == len(set(names)) == 6
