"""What the whole program declares with its objects on R2, on a server, and on both."""

import json
from dataclasses import replace
from typing import Any

import pytest

from functions import settings as names
from functions.settings import ApiSettings, EdgeSettings, JobsSettings
from tests.infra.deployed import bindings, deployed, in_the_clear, texts
from tests.infra.engine import Engine, is_secret
from tests.infra.project import B2, MINIO, ORIGIN_SECRET, with_storage

WORKERS = ("edge", "api", "jobs")
ROLES = ("uploads", "packages", "assets", "backups", "repositories")
PLATFORM = {f"stowage-dev-{role}" for role in ROLES}


pytestmark = pytest.mark.usefixtures("project")


def kinds(engine: Engine) -> set[str]:
    return {one.typ.rpartition(":")[2] for one in engine.resources}


def choice(engine: Engine, worker: str = "edge") -> dict[str, Any]:
    return json.loads(str(texts(engine, worker)[names.STORAGE]))


def test_r2_alone_needs_no_server_and_no_keys(engine: Engine) -> None:
    deployed(engine)
    assert not {"S3Bucket", "Ruleset"} & kinds(engine)
    for worker in WORKERS:
        assert choice(engine, worker) == {"active": "r2", "fallback": None, "servers": {}}
        assert not {names.STORAGE_KEYS, names.STORAGE_ORIGIN_SECRET} & set(texts(engine, worker))
    assert engine.exports["storage"] == "r2"
    assert "fallback_storage" not in engine.exports


@pytest.mark.parametrize("storage", ["minio", "b2"])
def test_on_a_server_nothing_of_r2_is_left(engine: Engine, storage: str) -> None:
    deployed(engine, **with_storage(storage), publisherToken=True)
    assert not {"R2Bucket", "R2BucketLifecycle"} & kinds(engine)
    assert {token.name for token in engine.of("AccountToken")} == {
        "backup",
        "hostnames",
        "purge",
        "usage",
    }
    assert {one.inputs["bucket"] for one in engine.of("S3Bucket")} == PLATFORM
    for worker in WORKERS:
        found = bindings(engine, worker)
        assert not any(one["type"] == "r2_bucket" for one in found.values())
        assert not {names.PRESIGN_ACCESS_KEY_ID, names.S3_ENDPOINT} & set(found)


def test_the_workers_understand_what_they_are_given(engine: Engine) -> None:
    renamed = {**MINIO, "buckets": {"uploads": "incoming", "packages": "released"}}
    deployed(engine, **with_storage("minio", "r2", storageServers={"minio": renamed}))
    edge = EdgeSettings.from_mapping(texts(engine, "edge"))
    api = ApiSettings.from_mapping(texts(engine, "api"))
    jobs = JobsSettings.from_mapping(texts(engine, "jobs"))
    for given in (edge, api, jobs):
        assert given.storage.choice.used == ("minio", "r2")
        assert given.storage.origin_secret == ORIGIN_SECRET
    # The platform's own names everywhere, and the server's only where it is asked.
    assert edge.packages_bucket == jobs.packages_bucket == "stowage-dev-packages"
    assert jobs.storage.choice.servers["minio"].buckets["stowage-dev-packages"] == "released"
    assert (api.presign.endpoint, api.presign.region) == (MINIO["endpoint"], "us-east-1")
    assert api.presign.bucket == "incoming"
    assert api.presign.key.id == "minio-api"
    assert jobs.upload_target == replace(api.presign, key=jobs.storage.keys["minio"])


def test_each_worker_has_its_own_key_of_each_used_server_and_no_other(engine: Engine) -> None:
    deployed(engine, **with_storage("minio", "b2"), publisherToken=True)
    for worker in WORKERS:
        given = json.loads(str(texts(engine, worker)[names.STORAGE_KEYS]))
        assert given == {
            server: {
                "access_key_id": f"{server}-{worker}",
                "secret_access_key": f"secret-of-{server}-{worker}",
            }
            for server in ("minio", "b2")
        }


def test_a_server_that_is_not_used_gives_no_key_away(engine: Engine) -> None:
    deployed(engine, **with_storage("minio"))
    assert set(json.loads(str(texts(engine, "edge")[names.STORAGE_KEYS]))) == {"minio"}
    assert set(choice(engine)["servers"]) == {"minio"}


def test_the_workers_send_the_new_secret_while_the_old_one_is_let_through(engine: Engine) -> None:
    both = f"{'n' * 40},{ORIGIN_SECRET}"
    deployed(engine, **with_storage("minio", storageOriginSecret=both))
    assert texts(engine, "edge")[names.STORAGE_ORIGIN_SECRET] == "n" * 40
    (rule,) = engine.one("Ruleset").inputs["rules"]
    assert "n" * 40 in rule["expression"]
    assert ORIGIN_SECRET in rule["expression"]


def test_b2_stands_behind_no_proxy_of_the_zone(engine: Engine) -> None:
    deployed(engine, **with_storage("b2"))
    assert "Ruleset" not in kinds(engine)
    assert names.STORAGE_ORIGIN_SECRET not in texts(engine, "edge")
    assert choice(engine)["servers"]["b2"]["origin_secret"] is False


def test_r2_as_the_fallback_keeps_its_buckets_and_bindings(engine: Engine) -> None:
    deployed(engine, **with_storage("minio", "r2"))
    assert len(engine.of("R2Bucket")) == len(engine.of("S3Bucket")) == 5
    assert bindings(engine, "edge")[names.PACKAGES]["bucketName"] == "stowage-dev-packages"
    # Uploads whose URL was given before the switch still end well.
    assert sorted(token.name for token in engine.of("AccountToken")) == [
        "backup",
        "hostnames",
        "presign",
        "publish",
        "purge",
        "usage",
    ]
    assert names.PRESIGN_ACCESS_KEY_ID not in texts(engine, "api")


def test_r2_in_front_of_the_storage_that_is_left_presigns_its_own_uploads(engine: Engine) -> None:
    deployed(engine, **with_storage("r2", "b2"))
    api = ApiSettings.from_mapping(texts(engine, "api"))
    assert api.presign.endpoint.endswith(".r2.cloudflarestorage.com")
    assert api.presign.key.id == "presign-id"
    assert choice(engine)["servers"]["b2"]["endpoint"] == B2["endpoint"]


def test_no_secret_stands_in_the_clear(engine: Engine) -> None:
    deployed(engine, **with_storage("minio", "b2"), publisherToken=True)
    clear = in_the_clear(engine)
    assert "secret-of" not in clear
    assert ORIGIN_SECRET not in clear
    assert is_secret(engine.one("Ruleset").raw["rules"])
    # Access key ids are public, and plain, so that a plan shows whose rights change.
    assert "minio-edge" in clear


def test_the_publisher_s_key_is_a_secret_output_of_the_active_storage(engine: Engine) -> None:
    deployed(engine, **with_storage("minio", "b2"), publisherToken=True)
    assert engine.exports["s3_url"] == MINIO["endpoint"]
    assert engine.exports["s3_access_key_id"] == "minio-publisher"
    assert engine.exports["s3_secret_access_key"] == "secret-of-minio-publisher"
    assert engine.secret_exports == {"s3_secret_access_key"}


def test_without_publisher_token_the_publisher_has_neither_rights_nor_outputs(
    engine: Engine,
) -> None:
    deployed(engine, **with_storage("minio"))
    assert "s3_access_key_id" not in engine.exports
    assert "minio-publisher" not in in_the_clear(engine)


def test_the_outputs_say_where_the_buckets_are(engine: Engine) -> None:
    renamed = {**MINIO, "buckets": {"uploads": "incoming"}}
    deployed(engine, **with_storage("minio", "r2", storageServers={"minio": renamed}))
    exports = engine.exports
    assert (exports["storage"], exports["fallback_storage"]) == ("minio", "r2")
    assert exports["buckets"]["uploads"] == "stowage-dev-uploads"
    assert exports["storages"]["minio"]["endpoint"] == MINIO["endpoint"]
    assert exports["storages"]["minio"]["region"] == "us-east-1"
    assert exports["storages"]["minio"]["buckets"]["uploads"] == "incoming"
    assert exports["storages"]["r2"]["region"] == "auto"
    assert exports["storages"]["r2"]["buckets"]["uploads"] == "stowage-dev-uploads"


@pytest.mark.parametrize("protect", [True, False])
def test_buckets_on_a_server_are_protected_like_those_of_r2(engine: Engine, protect: bool) -> None:
    deployed(engine, **with_storage("minio", "r2"), protectData=protect)
    protected = {one.typ.rpartition(":")[2] for one in engine.resources if one.protect}
    assert protected == ({"R2Bucket", "S3Bucket", "D1Database"} if protect else set())


def test_the_name_is_guarded_and_published_before_the_server_is_asked(engine: Engine) -> None:
    deployed(engine, **with_storage("minio"))
    for bucket in engine.of("S3Bucket"):
        assert {"storage-origin-rules", "storage-origin-record"} <= set(bucket.depends_on)


def test_workers_go_before_the_buckets_of_their_server(engine: Engine) -> None:
    deployed(engine, **with_storage("minio"))
    for worker in engine.of("Worker"):
        assert {f"minio-{role}" for role in ROLES} <= set(worker.depends_on)


def test_what_a_storage_lacks_is_said(engine: Engine) -> None:
    said = deployed(engine, **with_storage("b2", "minio")).said("info")
    assert any("does not verify the SHA-256 of a presigned upload" in one for one in said)
    assert any("MinIO-compatible server has no lifecycle rules" in one for one in said)
    assert any("unproven against the real service" in one for one in said)


def test_of_r2_nothing_is_said(engine: Engine) -> None:
    assert deployed(engine).said("info") == []


def test_a_jurisdiction_that_a_server_does_not_keep_is_warned_of(engine: Engine) -> None:
    (warning,) = deployed(engine, **with_storage("b2"), jurisdiction="eu").said("warning")
    assert "where the objects on b2 lie is decided there" in warning


def test_packages_that_the_proxy_may_refuse_are_warned_of(engine: Engine) -> None:
    (warning,) = deployed(engine, **with_storage("minio"), maxPackageBytes="200000000").said(
        "warning"
    )
    assert "refused with 413" in warning
