from typing import Any

import pytest

from infra.cloudflare.storage import Storage, StorageArgs
from tests.infra.engine import Engine

DAY = 86_400
ABORT = {
    "id": "Default Multipart Abort Rule",
    "enabled": True,
    "conditions": {"prefix": ""},
    "abortMultipartUploadsTransition": {"condition": {"type": "Age", "maxAge": 7 * DAY}},
}


def a_storage(engine: Engine, **changes: Any) -> Engine:
    roles = ("uploads", "packages", "assets", "backups", "repositories")
    values: dict[str, Any] = {
        "account_id": "a" * 32,
        "names": {role: f"stowage-dev-{role}" for role in roles},
        "jurisdiction": "default",
        "location": "weur",
        "upload_cors_origins": (),
        "protect": True,
    }
    return engine.run(lambda: Storage("storage", StorageArgs(**(values | changes))))


def test_each_role_has_a_bucket_with_its_physical_name(engine: Engine) -> None:
    a_storage(engine)
    assert {bucket.inputs["name"] for bucket in engine.of("R2Bucket")} == {
        f"stowage-dev-{role}"
        for role in ("uploads", "packages", "assets", "backups", "repositories")
    }


def test_every_optional_field_of_a_bucket_is_stated(engine: Engine) -> None:
    a_storage(engine)
    bucket = engine.one("R2Bucket", "storage-packages")
    assert bucket.inputs == {
        "accountId": "a" * 32,
        "name": "stowage-dev-packages",
        "jurisdiction": "default",
        "location": "weur",
        "storageClass": "Standard",
    }


@pytest.mark.parametrize("protect", [True, False])
def test_protection_of_data_is_protection_of_every_bucket(engine: Engine, protect: bool) -> None:
    a_storage(engine, protect=protect)
    assert {bucket.protect for bucket in engine.of("R2Bucket")} == {protect}


def test_another_location_hint_later_does_not_touch_a_bucket(engine: Engine) -> None:
    a_storage(engine)
    assert {bucket.ignore_changes for bucket in engine.of("R2Bucket")} == {("location",)}


def test_every_bucket_restates_the_multipart_abort(engine: Engine) -> None:
    a_storage(engine)
    lifecycles = engine.of("R2BucketLifecycle")
    assert len(lifecycles) == 5
    assert all(ABORT in lifecycle.inputs["rules"] for lifecycle in lifecycles)


def test_only_uploads_deletes_what_is_under_temp_after_a_day(engine: Engine) -> None:
    a_storage(engine)
    temp = {
        "id": "temp",
        "enabled": True,
        "conditions": {"prefix": "temp/"},
        "deleteObjectsTransition": {"condition": {"type": "Age", "maxAge": DAY}},
    }
    rules = {one.name: one.inputs["rules"] for one in engine.of("R2BucketLifecycle")}
    assert rules.pop("storage-uploads-lifecycle") == [ABORT, temp]
    assert all(others == [ABORT] for others in rules.values())


def test_without_origins_there_is_no_cors(engine: Engine) -> None:
    a_storage(engine)
    assert not engine.of("R2BucketCors")


def test_origins_may_put_to_uploads_and_nothing_else(engine: Engine) -> None:
    a_storage(engine, upload_cors_origins=("https://console.example.com",))
    cors = engine.one("R2BucketCors").inputs
    assert cors["bucketName"] == "stowage-dev-uploads"
    (rule,) = cors["rules"]
    assert rule["allowed"]["methods"] == ["PUT"]
    assert rule["allowed"]["origins"] == ["https://console.example.com"]
    assert "x-amz-checksum-sha256" in rule["allowed"]["headers"]


def test_the_jurisdiction_reaches_buckets_and_their_rules(engine: Engine) -> None:
    a_storage(engine, jurisdiction="eu", upload_cors_origins=("https://console.example.com",))
    kinds = ("R2Bucket", "R2BucketLifecycle", "R2BucketCors")
    found = [one.inputs["jurisdiction"] for kind in kinds for one in engine.of(kind)]
    assert set(found) == {"eu"}
