"""The whole program, with everything turned on, against every rule."""

from dataclasses import replace
from pathlib import Path

import pytest

from infra import program
from policies.rules import exposure, lifecycle, plain_text
from policies.rules.resource import Resource
from tests.infra.deployed import deployed
from tests.infra.engine import Engine
from tests.infra.project import a_small_project, with_storage

STORAGES = ["r2", "minio", "b2", "minio, leaving r2", "r2, leaving minio"]


@pytest.fixture
def resources(
    engine: Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> list[Resource]:
    """Of a stack on R2, unless a test asks for other storages."""
    active, _, fallback = getattr(request, "param", "r2").partition(", leaving ")
    monkeypatch.setattr(program, "PROJECT", a_small_project(tmp_path))
    deployed(
        engine,
        **with_storage(active, fallback or None),
        publisherToken=True,
        repositoryBuckets=["debian", "customer-uploads"],
        uploadCorsOrigins=["https://console.example.com"],
        passthroughHosts=["www.stowage.test"],
        customHostnames=["apt.customer.org"],
        webhookUrl="https://hooks.example.com/services/abcdef",
        webhookSecret="hush-hush-hush-hush",
        usageAlert={"product": "worker_requests", "limit": 10},
    )
    return [Resource(one.typ, one.urn, one.inputs) for one in engine.resources]


@pytest.mark.parametrize("resources", STORAGES, indirect=True)
def test_the_program_breaks_no_rule(resources: list[Resource]) -> None:
    found = [
        problem
        for rule in (exposure, lifecycle, plain_text)
        for resource in resources
        for problem in rule.problems(resource)
    ]
    assert found == []


@pytest.mark.parametrize("resources", STORAGES, indirect=True)
def test_the_program_as_a_whole_breaks_no_rule(resources: list[Resource]) -> None:
    assert list(exposure.stack_problems(resources)) == []
    assert list(lifecycle.stack_problems(resources)) == []
    assert list(plain_text.stack_problems(resources)) == []


def test_the_rules_had_something_to_look_at(resources: list[Resource]) -> None:
    kinds = {resource.kind for resource in resources}
    assert {"R2BucketCors", "R2BucketLifecycle", "DnsRecord", "WorkerVersion"} <= kinds
    assert sum(resource.kind == "R2BucketLifecycle" for resource in resources) == 6


def test_without_the_temp_rule_the_uploads_of_the_program_would_be_refused(
    resources: list[Resource],
) -> None:
    rules = [one for one in resources if one.kind == "R2BucketLifecycle"]
    only_abort = [
        replace(one, props={**one.props, "rules": one.props["rules"][:1]}) for one in rules
    ]
    (problem,) = [problem for one in only_abort for problem in lifecycle.problems(one)]
    assert "stowage-dev-uploads leave temporary uploads" in problem


def test_without_its_rules_a_bucket_of_the_program_would_be_refused(
    resources: list[Resource],
) -> None:
    bare = [one for one in resources if one.kind != "R2BucketLifecycle"]
    assert len(list(lifecycle.stack_problems(bare))) == 6


@pytest.mark.parametrize("resources", ["minio"], indirect=True)
def test_without_its_firewall_the_server_of_the_program_would_be_refused(
    resources: list[Resource],
) -> None:
    open_to_all = [one for one in resources if one.kind != "Ruleset"]
    assert len(list(exposure.stack_problems(open_to_all))) == 6


@pytest.mark.parametrize("resources", ["b2"], indirect=True)
def test_without_its_rules_a_bucket_on_a_server_would_be_refused(
    resources: list[Resource],
) -> None:
    buckets = [one for one in resources if one.kind == "S3Bucket"]
    bare = [replace(one, props={**one.props, "lifecycle": []}) for one in buckets]
    # Abort and old versions for each of the six, and the expiry of uploads.
    assert len([problem for one in bare for problem in lifecycle.problems(one)]) == 13
