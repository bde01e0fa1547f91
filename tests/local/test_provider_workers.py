"""Workers, versions, deployments, schedules and routes, as Cloudflare's provider treats them."""

import base64
from typing import Any

import pytest

from local.provider.kind import Refusal
from local.provider.property_values import SECRET, SIGNATURE, UNKNOWN
from tests.local.provider_calls import ACCOUNT, ZONE, Calls, secret

BUCKET = {"name": "B", "type": "r2_bucket", "bucketName": "objects"}


def test_a_version_holds_hashes_and_no_source(calls: Calls) -> None:
    version = calls.version(calls.worker())
    (module,) = version.outputs["modules"]
    assert len(module["contentSha256"]) == 64
    assert "contentBase64" not in module
    assert calls.blobs.get(module["contentSha256"]) == b"greeting = 'hello'"


def test_a_changed_file_replaces_the_version_and_nothing_else_does(calls: Calls) -> None:
    version = calls.version(calls.worker())
    assert calls.diff(version) == ([], [])
    calls.module("entry.py", "greeting = 'changed'")
    assert calls.diff(version) == (["modules"], ["modules"])


def test_the_order_of_modules_does_not_count(calls: Calls) -> None:
    calls.module("more.py", "")
    entry, more = (
        {"name": name, "contentType": "text/x-python", "contentFile": f"modules/{name}"}
        for name in ("entry.py", "more.py")
    )
    version = calls.version(calls.worker(), modules=[entry, more])
    assert calls.diff(version, modules=[more, entry]) == ([], [])


def test_any_other_change_replaces_the_version(calls: Calls) -> None:
    version = calls.version(calls.worker())
    assert calls.diff(version, compatibilityDate="2026-09-16")[1] == ["compatibilityDate"]


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        ({"contentFile": "/etc/hosts"}, "absolute"),
        ({"contentFile": "modules/none.py"}, "not a file in the project folder"),
        ({}, "exactly one of"),
        ({"contentFile": "modules/entry.py", "contentBase64": ""}, "exactly one of"),
    ],
)
def test_a_wrong_module_is_named(calls: Calls, module: dict[str, str], reason: str) -> None:
    worker = calls.worker()
    inputs = calls.version_inputs(
        worker, modules=[{"name": "entry.py", "contentType": "text/x-python", **module}]
    )
    failures = calls.check("WorkerVersion", **inputs)
    assert list(failures) == ["modules[0]"]
    assert reason in failures["modules[0]"]


def test_content_may_be_given_as_base64(calls: Calls) -> None:
    module = {
        "name": "entry.py",
        "contentType": "text/x-python",
        "contentBase64": base64.b64encode(b"x = 1").decode(),
    }
    version = calls.version(calls.worker(), modules=[module])
    assert calls.blobs.get(version.outputs["modules"][0]["contentSha256"]) == b"x = 1"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"mainModule": "other.py"}, "main module other.py is not among"),
        ({"compatibilityDate": "2031-01-01"}, "in the future"),
        ({"compatibilityDate": "soon"}, "no compatibility date"),
        ({"compatibilityFlags": ["python_workers", "time_travel"]}, "time_travel"),
        ({"compatibilityFlags": []}, "need the compatibility flag python_workers"),
        ({"workerId": "0" * 32}, "Worker 0+ does not exist"),
        ({"bindings": [BUCKET]}, "bucket objects does not exist"),
        ({"bindings": [{"name": "D", "type": "d1", "databaseId": "x"}]}, "database x does not"),
        ({"bindings": [{"name": "Q", "type": "queue", "queueName": "x"}]}, "queue x does not"),
        ({"bindings": [{"name": "S", "type": "service", "service": "x"}]}, "Worker x does not"),
        ({"bindings": [{"name": "T", "type": "plain_text"}]}, "lacks text"),
        ({"bindings": [{"name": "A", "type": "ai"}]}, r"local/README\.md"),
    ],
)
def test_a_version_that_cloudflare_would_not_take_is_refused(
    calls: Calls, changes: dict[str, Any], reason: str
) -> None:
    worker = calls.worker()
    with pytest.raises(Refusal, match=reason):
        calls.version(worker, **changes)
    assert calls.world.counts() == {"Worker": 1}


def test_the_api_fills_both_names_of_a_database(calls: Calls) -> None:
    database = calls.create("D1Database", accountId=ACCOUNT, name="records")
    binding = {"name": "DB", "type": "d1", "databaseId": database.id}
    version = calls.version(calls.worker(), bindings=[binding])
    assert version.outputs["bindings"][0]["id"] == database.id
    assert calls.diff(version) == ([], [])


def test_the_image_service_is_bound_without_naming_anything(calls: Calls) -> None:
    version = calls.version(calls.worker(), bindings=[{"name": "IMAGES", "type": "images"}])
    assert version.outputs["bindings"] == [{"name": "IMAGES", "type": "images"}]
    assert calls.diff(version) == ([], [])


def test_a_secret_binding_stays_marked_in_outputs_and_after_a_refresh(calls: Calls) -> None:
    bindings = secret([{"name": "S", "type": "secret_text", "text": "hush"}])
    version = calls.version(calls.worker(), bindings=bindings)
    for found in (version, calls.read(version)):
        assert found is not None
        assert found.outputs["bindings"][SIGNATURE] == SECRET
        assert found.inputs["bindings"][SIGNATURE] == SECRET
    assert calls.diff(version) == ([], [])
    changed = secret([{"name": "S", "type": "secret_text", "text": "other"}])
    assert calls.diff(version, bindings=changed)[1] == ["bindings"]


def test_deleting_versions_and_deployments_sends_nothing(calls: Calls) -> None:
    worker = calls.worker()
    version = calls.version(worker)
    deployment = calls.deploy(worker, version)
    assert calls.delete(deployment)
    assert calls.delete(version)
    assert calls.world.counts() == {"Worker": 1, "WorkerVersion": 1, "WorkersDeployment": 1}
    calls.delete(worker)
    assert calls.world.counts() == {}
    assert not list((calls.folder / "blobs").iterdir())


def test_a_deployment_is_of_one_version_of_that_worker(calls: Calls) -> None:
    worker, other = calls.worker(), calls.worker("other")
    version = calls.version(worker)
    with pytest.raises(Refusal, match="has no version"):
        calls.deploy(other, version)
    half = [{"versionId": version.id, "percentage": 50}] * 2
    with pytest.raises(Refusal, match="one version at 100 percent"):
        calls.create(
            "WorkersDeployment",
            accountId=ACCOUNT,
            scriptName="sample",
            strategy="percentage",
            versions=half,
        )


def test_the_latest_deployment_counts(calls: Calls) -> None:
    worker = calls.worker()
    first, second = calls.version(worker), calls.version(worker)
    deployment = calls.deploy(worker, first)
    versions = [{"versionId": second.id, "percentage": 100}]
    assert calls.diff(deployment, versions=versions) == (["versions"], ["versions"])
    calls.deploy(worker, second)
    assert second.outputs["number"] == 2
    refreshed = calls.read(worker)
    assert refreshed is not None
    assert refreshed.outputs["deployedOn"]


def test_a_worker_that_others_bind_to_is_not_deleted(calls: Calls) -> None:
    bound = calls.deployed("bound")
    other = calls.deployed("other", bindings=[{"name": "S", "type": "service", "service": "bound"}])
    with pytest.raises(Refusal, match="Worker other is bound to it"):
        calls.delete(bound)
    calls.delete(other)
    assert calls.delete(bound) == []


def test_a_workers_references_change_at_the_first_refresh_and_then_not(calls: Calls) -> None:
    bound = calls.deployed("bound")
    calls.deployed("other", bindings=[{"name": "S", "type": "service", "service": "bound"}])
    first = calls.read(bound)
    assert first is not None
    changed = {name for name, value in first.outputs.items() if value != bound.outputs.get(name)}
    assert changed == {"references", "deployedOn"}
    assert [one["name"] for one in first.outputs["references"]["workers"]] == ["other"]
    assert calls.plan(first, bound.inputs) == ([], [])


def test_a_worker_gets_nested_defaults_and_takes_a_new_name_in_place(calls: Calls) -> None:
    worker = calls.worker(observability={"enabled": True})
    assert worker.outputs["observability"]["logs"]["invocationLogs"] is True
    assert worker.outputs["observability"]["enabled"] is True
    assert calls.diff(worker, name="renamed") == (["name"], [])
    calls.deploy(worker, calls.version(worker))
    renamed = calls.update(worker, name="renamed")
    assert renamed.id == worker.id
    assert calls.world.all("WorkersDeployment")[0]["scriptName"] == "renamed"
    with pytest.raises(Refusal, match="already exists"):
        calls.worker("renamed")


def test_schedules_outlive_their_deletion_and_go_with_the_worker(calls: Calls) -> None:
    worker = calls.worker()
    inputs: dict[str, Any] = {"accountId": ACCOUNT, "scriptName": "sample"}
    with pytest.raises(Refusal, match="invalid cron string"):
        calls.create("WorkersCronTrigger", **inputs, schedules=[{"cron": "61 * * * *"}])
    cron = calls.create("WorkersCronTrigger", **inputs, schedules=[{"cron": "*/5 * * * *"}])
    assert calls.delete(cron)
    assert calls.world.counts()["WorkersCronTrigger"] == 1
    calls.delete(worker)
    assert calls.world.counts() == {}


def test_outside_changes_of_schedules_are_not_seen(calls: Calls) -> None:
    calls.worker()
    cron = calls.create(
        "WorkersCronTrigger",
        accountId=ACCOUNT,
        scriptName="sample",
        schedules=[{"cron": "*/5 * * * *"}],
    )
    item = calls.world.get("WorkersCronTrigger", "sample")
    assert item is not None
    item["schedules"] = [{"cron": "0 0 * * *"}]
    found = calls.read(cron)
    assert found is not None
    assert found.outputs["schedules"] == [{"cron": "*/5 * * * *"}]


def test_the_same_route_twice_and_a_route_to_nobody_are_refused(calls: Calls) -> None:
    calls.worker()
    calls.create("WorkersRoute", zoneId=ZONE, pattern="*/*", script="sample")
    with pytest.raises(Refusal, match="same pattern"):
        calls.create("WorkersRoute", zoneId=ZONE, pattern="*/*")
    with pytest.raises(Refusal, match="Worker nobody"):
        calls.create("WorkersRoute", zoneId=ZONE, pattern="a.test/*", script="nobody")
    without = calls.create("WorkersRoute", zoneId=ZONE, pattern="b.test/*")
    assert len(without.id) == 32


def test_a_preview_with_unknown_modules_and_worker_works(calls: Calls) -> None:
    worker = calls.worker()
    inputs = calls.version_inputs(worker, workerId=UNKNOWN)
    assert not calls.check("WorkerVersion", **inputs)
    assert calls.preview("WorkerVersion", **inputs)["number"] == UNKNOWN
