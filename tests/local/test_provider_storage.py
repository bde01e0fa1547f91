"""Buckets, their rules, databases and queues, as Cloudflare's provider treats them."""

from typing import Any

import pytest

from local.provider.kind import Refusal
from local.provider.property_values import UNKNOWN
from local.world import World
from tests.local.provider_calls import ACCOUNT, Calls

RULE: dict[str, Any] = {"id": "all", "enabled": True, "conditions": {"prefix": ""}}


def test_a_bucket_gets_defaults_and_its_name_as_id(calls: Calls) -> None:
    made = calls.bucket()
    assert made.id == "objects"
    assert made.outputs["jurisdiction"] == "default"
    assert made.outputs["storageClass"] == "Standard"
    assert made.outputs["creationDate"].endswith("Z")
    assert not [name for name in made.outputs if name.startswith("_")]


def test_a_preview_creates_nothing_and_leaves_computed_outputs_open(calls: Calls) -> None:
    outputs = calls.preview("D1Database", accountId=ACCOUNT, name="records")
    assert outputs["uuid"] == UNKNOWN
    assert outputs["name"] == "records"
    assert calls.world.counts() == {}


def test_a_taken_bucket_name_is_refused(calls: Calls) -> None:
    calls.bucket()
    with pytest.raises(Refusal, match=r"already exists.*10004"):
        calls.bucket()


@pytest.mark.parametrize("name", ["name", "location", "jurisdiction"])
def test_what_a_bucket_is_made_with_replaces_it(calls: Calls, name: str) -> None:
    changes = {"name": "other", "location": "enam", "jurisdiction": "eu"}
    assert calls.diff(calls.bucket(), **{name: changes[name]}) == ([name], [name])


def test_the_storage_class_changes_in_place(calls: Calls) -> None:
    made = calls.bucket()
    assert calls.diff(made, storageClass="InfrequentAccess") == (["storageClass"], [])
    changed = calls.update(made, storageClass="InfrequentAccess")
    assert changed.outputs["storageClass"] == "InfrequentAccess"
    assert changed.outputs["creationDate"] == made.outputs["creationDate"]


def test_the_same_inputs_are_no_change(calls: Calls) -> None:
    assert calls.diff(calls.bucket(location="weur")) == ([], [])


def test_a_full_bucket_is_not_deleted(calls: Calls) -> None:
    made = calls.bucket()
    calls.full_buckets.add("objects")
    with pytest.raises(Refusal, match=r"not empty.*10008"):
        calls.delete(made)
    calls.full_buckets.clear()
    assert calls.delete(made) == []
    assert calls.read(made) is None


def test_lifecycle_rules_stay_when_they_are_deleted_and_go_with_the_bucket(calls: Calls) -> None:
    bucket = calls.bucket()
    rules = calls.create("R2BucketLifecycle", accountId=ACCOUNT, bucketName="objects", rules=[RULE])
    assert rules.id == ACCOUNT
    assert "cannot be destroyed" in calls.delete(rules)[0]
    assert calls.read(rules) is not None
    calls.delete(bucket)
    assert calls.world.counts() == {}


def test_cors_rules_are_really_deleted(calls: Calls) -> None:
    calls.bucket()
    rule = {"allowed": {"methods": ["PUT"], "origins": ["*"]}, "maxAgeSeconds": 60}
    cors = calls.create("R2BucketCors", accountId=ACCOUNT, bucketName="objects", rules=[rule])
    assert cors.id == ACCOUNT
    assert calls.delete(cors) == []
    assert calls.read(cors) is None


def test_rules_for_a_missing_bucket_are_refused(calls: Calls) -> None:
    with pytest.raises(Refusal, match=r"does not exist.*10006"):
        calls.create("R2BucketLifecycle", accountId=ACCOUNT, bucketName="none", rules=[RULE])


def test_rules_in_another_jurisdiction_do_not_find_the_bucket(calls: Calls) -> None:
    calls.bucket()
    with pytest.raises(Refusal, match="jurisdiction eu"):
        calls.create(
            "R2BucketLifecycle", accountId=ACCOUNT, bucketName="objects", jurisdiction="eu"
        )


def test_a_renamed_database_is_replaced(calls: Calls) -> None:
    made = calls.create("D1Database", accountId=ACCOUNT, name="records")
    assert made.id == made.outputs["uuid"]
    assert calls.diff(made, name="others") == (["name"], ["name"])
    with pytest.raises(Refusal, match="already exists"):
        calls.create("D1Database", accountId=ACCOUNT, name="records")


def test_a_queue_reports_its_consumer_only_after_a_refresh_and_then_nothing_new(
    calls: Calls,
) -> None:
    queue = calls.queue()
    worker = calls.deployed(bindings=[{"name": "Q", "type": "queue", "queueName": "work"}])
    consumer = calls.create(
        "QueueConsumer",
        accountId=ACCOUNT,
        queueId=queue.id,
        type="worker",
        scriptName=worker.inputs["name"],
    )
    assert consumer.id == ACCOUNT
    assert consumer.outputs["settings"]["maxRetries"] == 3
    assert queue.outputs["consumersTotalCount"] == 0
    first = calls.read(queue)
    assert first is not None
    changed = {name for name, value in first.outputs.items() if value != queue.outputs.get(name)}
    assert changed == {"consumers", "consumersTotalCount", "producers", "producersTotalCount"}
    second = calls.read(first)
    assert second is not None
    assert second.outputs == first.outputs
    assert calls.plan(second, queue.inputs) == ([], [])


def test_a_queue_with_a_consumer_is_not_deleted(calls: Calls) -> None:
    queue, worker = calls.queue(), calls.worker()
    consumer = calls.create(
        "QueueConsumer",
        accountId=ACCOUNT,
        queueId=queue.id,
        type="worker",
        scriptName=worker.inputs["name"],
    )
    with pytest.raises(Refusal) as refused:
        calls.delete(queue)
    assert refused.value.status == 409
    calls.delete(consumer)
    assert calls.delete(queue) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"scriptName": "nobody"}, "Worker nobody does not exist"),
        ({"queueId": "f" * 32}, "Queue f+ does not exist"),
        ({"deadLetterQueue": "nowhere"}, "dead letter queue nowhere"),
        ({"type": "http_pull"}, "README"),
    ],
)
def test_a_consumer_of_what_is_missing_is_refused(
    calls: Calls, changes: dict[str, str], reason: str
) -> None:
    queue, worker = calls.queue(), calls.worker()
    inputs = {
        "accountId": ACCOUNT,
        "queueId": queue.id,
        "type": "worker",
        "scriptName": worker.inputs["name"],
    }
    with pytest.raises(Refusal, match=reason):
        calls.create("QueueConsumer", **inputs | changes)


def test_a_second_consumer_and_a_taken_queue_name_are_refused(calls: Calls) -> None:
    queue, worker = calls.queue(), calls.worker()
    inputs = {
        "accountId": ACCOUNT,
        "queueId": queue.id,
        "type": "worker",
        "scriptName": worker.inputs["name"],
    }
    calls.create("QueueConsumer", **inputs)
    with pytest.raises(Refusal, match="one at most"):
        calls.create("QueueConsumer", **inputs)
    with pytest.raises(Refusal, match="already taken"):
        calls.queue()


@pytest.mark.parametrize(
    ("kind", "segments"),
    [("R2Bucket", "{account}/objects/default"), ("Queue", "{account}/{queue}")],
)
def test_an_import_finds_the_resource_and_the_same_program_changes_nothing(
    calls: Calls, kind: str, segments: str
) -> None:
    bucket = calls.bucket(location="weur")
    queue = calls.queue()
    made = bucket if kind == "R2Bucket" else queue
    found = calls.imported(kind, segments.format(account=ACCOUNT, queue=queue.id))
    assert found is not None
    assert found.id == made.id
    assert calls.plan(found, made.inputs) == ([], [])
    assert calls.imported(kind, f"{ACCOUNT}/none/default") is None


def test_the_world_is_read_back_after_a_restart_and_is_private(calls: Calls) -> None:
    calls.bucket()
    again = World(calls.folder / "world.json")
    assert again.get("R2Bucket", "objects") == calls.world.get("R2Bucket", "objects")
    assert (calls.folder / "world.json").stat().st_mode & 0o777 == 0o600
