"""The world becomes the workerd host's configuration."""

import json
from pathlib import Path
from typing import Any

from local.compatibility import newest_date, runtime_flags
from local.home import CloudHome
from local.host_config import host_config, prune_packs
from local.provider.account_kinds import READ_GROUP, WRITE_GROUP
from tests.local.provider_calls import ACCOUNT, ZONE, Calls


def config_of(calls: Calls, faults: bool = False) -> tuple[CloudHome, dict[str, Any]]:
    home = CloudHome(calls.folder / "home")
    home.ensure()
    return home, host_config(home, calls.world, calls.blobs, faults)


def test_an_empty_world_has_ports_and_no_workers(calls: Calls) -> None:
    home, config = config_of(calls)
    assert set(config["ports"]) == {"edge", "api", "cdn", "s3", "admin"}
    assert config["daemon"] == f"127.0.0.1:{home.ports()['rest']}"
    assert config["workers"] == config["buckets"] == config["databases"] == []
    assert config["faults"] is False


def test_a_deployed_worker_comes_with_its_pack_and_its_bindings_in_snake_case(
    calls: Calls,
) -> None:
    calls.bucket()
    binding = {"name": "B", "type": "r2_bucket", "bucketName": "objects"}
    calls.deployed(bindings=[binding])
    calls.worker("never-deployed")
    _, config = config_of(calls)
    (worker,) = config["workers"]
    assert worker["bindings"] == [{"name": "B", "type": "r2_bucket", "bucket_name": "objects"}]
    assert worker["compatibility_flags"] == ["no_nodejs_compat", "no_nodejs_compat_v2"]
    pack = Path(worker["pack"]).read_bytes()
    length = int.from_bytes(pack[:4], "big")
    index = json.loads(pack[4 : 4 + length])
    assert index == [["entry.py", 0, 18]]
    assert pack[4 + length :] == b"greeting = 'hello'"


def test_packs_of_versions_that_are_not_deployed_are_pruned(calls: Calls) -> None:
    worker = calls.deployed()
    home, _ = config_of(calls)
    second = calls.version(worker)
    calls.deploy(worker, second)
    config_of(calls)
    assert len(list(home.packs.iterdir())) == 2
    prune_packs(home, calls.world)
    assert [path.name for path in home.packs.iterdir()] == [second.id]


def test_a_worker_whose_data_was_deleted_does_not_run_and_the_others_do(calls: Calls) -> None:
    calls.bucket()
    database = calls.create("D1Database", accountId=ACCOUNT, name="records")
    calls.deployed(
        bindings=[
            {"name": "B", "type": "r2_bucket", "bucketName": "objects"},
            {"name": "DB", "type": "d1", "databaseId": database.id},
        ]
    )
    _, config = config_of(calls)
    assert [worker["name"] for worker in config["workers"]] == ["sample"]
    calls.world.remove("D1Database", database.id)
    _, config = config_of(calls)
    assert (config["workers"], config["databases"]) == ([], [])
    calls.world.put("D1Database", database.id, {"uuid": database.id})
    calls.world.remove("R2Bucket", "objects")
    _, config = config_of(calls)
    assert config["workers"] == []


def test_routes_of_workers_that_are_not_deployed_are_left_out(calls: Calls) -> None:
    calls.deployed()
    calls.worker("later")
    for pattern, script in (("*/*", "sample"), ("a.test/*", None), ("b.test/*", "later")):
        inputs = {"zoneId": ZONE, "pattern": pattern} | ({"script": script} if script else {})
        calls.create("WorkersRoute", **inputs)
    _, config = config_of(calls)
    assert config["routes"] == [
        {"pattern": "*/*", "script": "sample"},
        {"pattern": "a.test/*", "script": None},
    ]


def test_tokens_become_s3_credentials_for_buckets_that_exist_in_their_jurisdiction(
    calls: Calls,
) -> None:
    calls.bucket("first")
    calls.bucket("second", jurisdiction="eu")

    def token(group: str, *buckets: str, status: str = "active") -> str:
        scope = "com.cloudflare.edge.r2.bucket"
        resources = json.dumps({f"{scope}.{ACCOUNT}_{bucket}": "*" for bucket in buckets})
        policy = {"effect": "allow", "permissionGroups": [{"id": group}], "resources": resources}
        made = calls.create(
            "AccountToken", accountId=ACCOUNT, name="t", status=status, policies=[policy]
        )
        return made.id

    writer = token(WRITE_GROUP, "default_first", "eu_second", "default_none")
    reader = token(READ_GROUP, "default_first", "default_second")
    token(WRITE_GROUP, "default_first", status="disabled")
    home, config = config_of(calls)
    given = {
        one["access_key_id"]: (one["buckets"], one["permission"]) for one in config["s3"]["tokens"]
    }
    operator = home.credentials().r2.access_key_id
    assert given == {
        operator: (["first", "second"], "write"),
        writer: (["first", "second"], "write"),
        reader: (["first"], "read"),
    }


def test_cors_rules_are_spelled_as_in_the_api(calls: Calls) -> None:
    calls.bucket()
    rule = {
        "allowed": {"methods": ["PUT"], "origins": ["*"], "headers": ["etag"]},
        "exposeHeaders": ["etag"],
        "maxAgeSeconds": 60,
    }
    calls.create("R2BucketCors", accountId=ACCOUNT, bucketName="objects", rules=[rule])
    _, config = config_of(calls)
    assert config["s3"]["cors"]["objects"] == [
        {
            "allowed": {"methods": ["PUT"], "origins": ["*"], "headers": ["etag"]},
            "expose_headers": ["etag"],
            "max_age_seconds": 60,
        }
    ]


def test_the_runtime_knows_the_date_and_flags_that_the_program_uses() -> None:
    assert newest_date().isoformat() >= "2026-09-15"
    flags = runtime_flags(["python_workers", "python_workers_314"])
    assert flags == ["no_nodejs_compat", "no_nodejs_compat_v2"]
