"""A local cloud with S3 servers, and clients of them: boto3 by role, and an engine's calls."""

import base64
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import boto3
import httpx
from botocore.config import Config

from cli import versitygw
from local.client import Cloud
from local.home import STORAGE_PORTS, STORAGE_REGIONS
from tests.local.provider_calls import ZONE
from tests.local.workerd_host import CHECKOUT

BUCKET = "objects"
DEADLINE = 30.0
Json = dict[str, Any]


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not reached():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie waits for its parent only.
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


def binary() -> Path:
    """The server, built when this user has none yet."""
    return versitygw.find(CHECKOUT, print)


@dataclass
class StorageCloud:
    """One cloud folder with a daemon."""

    cloud: Cloud

    @classmethod
    def start(cls, folder: Path, types_file: Path) -> "StorageCloud":
        """`types_file` is that of the SDK's types, whose reading would take seconds."""
        cloud = Cloud(folder / "home")
        cloud.home.ensure()
        shutil.copy(types_file, cloud.home.root)
        cloud.start()
        return cls(cloud)

    def run(self, *servers: str) -> list[Json]:
        return self.cloud.run_storage(servers, binary())

    def url(self, server: str = "minio") -> str:
        return self.cloud.urls()[STORAGE_PORTS[server]]

    def client(self, server: str = "minio", role: str = "root") -> Any:
        """boto3 in path style, which tries each call once."""
        key = self.cloud.home.credentials().storage[server][role]
        make = cast("Any", boto3).client
        client = make(
            "s3",
            endpoint_url=self.url(server),
            region_name=STORAGE_REGIONS[server],
            aws_access_key_id=key.access_key_id,
            aws_secret_access_key=key.secret_access_key,
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "path"},
                retries={"total_max_attempts": 1},
                request_checksum_calculation="when_required",
            ),
        )
        for operation in ("PutBucketLifecycleConfiguration", "DeleteObjects"):
            client.meta.events.register(f"before-sign.s3.{operation}", _with_md5)
        return client

    def presigned(
        self, operation: str, key: str, server: str = "minio", **parameters: object
    ) -> str:
        """A URL that root signed."""
        given = {"Bucket": BUCKET, "Key": key, **parameters}
        return self.client(server).generate_presigned_url(operation, given)

    def processes(self, name: str) -> list[int]:
        return [one["pid"] for one in self.cloud.status()["processes"] if one["name"] == name]

    def engine(self, method: str, **request: Any) -> httpx.Response:
        """A call of the engine for a ruleset."""
        body = {"type": "cloudflare:index/x:Ruleset", "project": ".", **request}
        control = self.cloud.home.credentials().control_secret
        return httpx.post(
            f"{self.cloud.urls()['rest']}/_engine/{method}",
            json=body,
            headers={"x-stowage-control": control},
            timeout=DEADLINE,
            trust_env=False,
        )

    def guard(self, expression: str, **rule: Any) -> str:
        """Makes the zone's firewall with one rule that blocks; gives its id."""
        inputs: Json = {
            "zoneId": ZONE,
            "kind": "zone",
            "name": "guard",
            "phase": "http_request_firewall_custom",
            "rules": [
                {"action": "block", "expression": expression, "description": "guarded", **rule}
            ],
        }
        answer = self.engine("create", properties=inputs, preview=False)
        assert answer.status_code == 200, answer.text
        return answer.json()["id"]

    def unguard(self, ruleset: str) -> None:
        answer = self.engine("delete", id=ruleset, properties={"_id": ruleset})
        assert answer.status_code == 200, answer.text


def _with_md5(request: Any, **_: object) -> None:
    """Where S3 insists on a checksum botocore sends a header that B2 refuses."""
    for name in [one for one in request.headers if "checksum" in one.lower()]:
        del request.headers[name]
    digest = hashlib.md5(request.body, usedforsecurity=False).digest()
    request.headers["content-md5"] = base64.b64encode(digest).decode()


def allow(client: Any, bucket: str, key_id: str, *actions: str) -> None:
    """Lets a user do this in a bucket, and nobody else anything."""
    arns = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": [key_id]},
        "Action": list(actions),
        "Resource": arns,
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
