"""The world as the workerd host needs it: HostConfig (local/workerd/checks.mjs lists its
fields)."""

import json
import re
import shutil
from collections.abc import Iterable
from typing import Any, cast

from local.blobs import Blobs, write_pack
from local.compatibility import runtime_date, runtime_flags
from local.deployed import DeployedWorker, deployed_workers
from local.home import SOCKET_NAMES, CloudHome
from local.provider.account_kinds import READ_GROUP, WRITE_GROUP
from local.world import Item, World

# A host that no request can name, until the stack's own are known.
_NO_HOSTS = {"api": "api.invalid", "cdn": "cdn.invalid"}
_R2_RESOURCE = re.compile(r"com\.cloudflare\.edge\.r2\.bucket\.[^_]+_([a-z]+)_(.+)")
_CAPITAL = re.compile(r"(?<=[a-z0-9])([A-Z])")

Json = dict[str, Any]


def host_config(home: CloudHome, world: World, blobs: Blobs, faults: bool) -> Json:
    """What is to run now. Writes the packs of deployed versions that have none yet."""
    ports = home.ports()
    workers = [one for one in deployed_workers(world) if not _misses_data(world, one)]
    buckets = [bucket["name"] for bucket in world.all("R2Bucket")]
    tokens = [_operator_token(home, buckets), *_s3_tokens(world)]
    return {
        "ports": {name: ports[name] for name in SOCKET_NAMES},
        "data": str(home.data),
        "runtime_flags": {},
        "daemon": f"127.0.0.1:{ports['rest']}",
        "control_secret": home.credentials().control_secret,
        "faults": faults,
        "workers": [_worker(home, blobs, worker) for worker in workers],
        "routes": _routes(world, {worker.name for worker in workers}),
        "zone_names": sorted({one["name"] for one in world.all("DnsRecord")}),
        "entry_hosts": world.entry_hosts or _NO_HOSTS,
        "buckets": buckets,
        "databases": [database["uuid"] for database in world.all("D1Database")],
        "s3": {"region": "auto", "tokens": tokens, "cors": _cors(world)},
    }


def prune_packs(home: CloudHome, world: World) -> None:
    """Deletes the packs of versions that are not deployed; only while workerd does not run."""
    kept = {worker.version_id for worker in deployed_workers(world)}
    for folder in home.packs.iterdir():
        if folder.name not in kept:
            shutil.rmtree(folder)


def snake_case(value: Any) -> Any:
    """camelCase names of objects as Cloudflare's API spells them, at any depth."""
    if isinstance(value, dict):
        return {
            _CAPITAL.sub(lambda found: "_" + found.group(1).lower(), name): snake_case(one)
            for name, one in cast("Json", value).items()
            if not name.startswith("_")
        }
    if isinstance(value, list):
        return [snake_case(one) for one in cast("list[Any]", value)]
    return value


def _worker(home: CloudHome, blobs: Blobs, worker: DeployedWorker) -> Json:
    version = worker.version
    pack = home.packs / worker.version_id / "pack"
    if not pack.exists():
        content = cast("dict[str, str]", version["_content"])
        write_pack(pack, [(name, blobs.get(digest)) for name, digest in sorted(content.items())])
    return {
        "name": worker.name,
        "main_module": version["mainModule"],
        "pack": str(pack),
        "compatibility_date": runtime_date(version["compatibilityDate"]),
        "compatibility_flags": runtime_flags(version.get("compatibilityFlags") or []),
        "bindings": snake_case(worker.bindings),
    }


def _misses_data(world: World, worker: DeployedWorker) -> bool:
    """Whether a database or bucket that it is bound to was deleted. The others go on running."""
    return any(
        (one["type"] == "d1" and world.get("D1Database", _database(one)) is None)
        or (one["type"] == "r2_bucket" and world.get("R2Bucket", one["bucketName"]) is None)
        for one in worker.bindings
    )


def _database(binding: Json) -> str:
    return str(binding.get("id") or binding.get("databaseId"))


def _routes(world: World, deployed: set[str]) -> list[Json]:
    """Routes of Workers without a deployment answer nothing yet and are left out."""
    return [
        {"pattern": route["pattern"], "script": route.get("script")}
        for route in world.all("WorkersRoute")
        if not route.get("script") or route["script"] in deployed
    ]


def _cors(world: World) -> Json:
    return {
        cors["bucketName"]: snake_case(cors.get("rules") or [])
        for cors in world.all("R2BucketCors")
    }


def _operator_token(home: CloudHome, buckets: list[str]) -> Json:
    """What an operator of a real account makes by hand: rights on all buckets."""
    key = home.credentials().r2
    return {
        "access_key_id": key.access_key_id,
        "secret_access_key": key.secret_access_key,
        "buckets": sorted(buckets),
        "permission": "write",
    }


def _s3_tokens(world: World) -> Iterable[Json]:
    """Tokens with rights on objects of single buckets; a deny, or another scope, gives none
    here."""
    existing = {bucket["name"]: bucket["jurisdiction"] for bucket in world.all("R2Bucket")}
    for token in world.all("AccountToken"):
        if token.get("status") != "active":
            continue
        readable, writable = _allowed_buckets(token, existing)
        for permission, buckets in (("write", writable), ("read", readable)):
            if buckets:
                yield {
                    "access_key_id": token["_id"],
                    "secret_access_key": token["_secret"],
                    "buckets": sorted(buckets),
                    "permission": permission,
                }
                break


def _allowed_buckets(token: Item, existing: dict[str, str]) -> tuple[set[str], set[str]]:
    readable: set[str] = set()
    writable: set[str] = set()
    for policy in token["policies"]:
        groups = {group["id"] for group in policy["permissionGroups"]}
        buckets = {
            found.group(2)
            for resource in cast("Json", json.loads(policy["resources"]))
            if (found := _R2_RESOURCE.fullmatch(resource))
            and existing.get(found.group(2)) == found.group(1)
        }
        if policy["effect"] != "allow":
            continue
        if WRITE_GROUP in groups:
            writable |= buckets
        elif READ_GROUP in groups:
            readable |= buckets
    return readable, writable
