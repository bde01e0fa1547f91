"""A deployed dev stack, driven as its users drive it: by the `stowage` command, HTTP and S3."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import boto3
import httpx
from botocore import UNSIGNED
from botocore.config import Config
from mypy_boto3_s3 import S3Client

from local.home import STORAGE_ORIGIN_PORTS, STORAGE_REGIONS

PROJECT = Path(__file__).resolve().parents[2]


@dataclass
class Stack:
    """One cloud folder. `project` is the checkout whose program deploys; another clone may share
    the folder."""

    home: Path
    project: Path = PROJECT
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60))

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "cli.app", "--home", str(self.home), *arguments]

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"PYTHONPATH": str(self.project), "COLUMNS": "200"}

    def run(
        self, *arguments: str, expect: int = 0, timeout: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run `stowage ARGUMENTS` and insist on its exit code."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.project,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == expect, (
            f"stowage {' '.join(arguments)} ended with {done.returncode}, not {expect}\n"
            f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        )
        return done

    def read(self, *arguments: str) -> Any:
        """Run a command with `--json` and parse its answer."""
        return json.loads(self.run(*arguments, "--json").stdout)

    @cached_property
    def outputs(self) -> dict[str, Any]:
        return cast("dict[str, Any]", self.read("outputs", "--show-secrets"))

    def key(self, role: str, subject: str | None = None) -> str:
        options = ["--subject", subject] if subject else []
        return self.read("keys", "create", "--role", role, *options)["key"]

    @cached_property
    def operator(self) -> str:
        return self.key("operator")

    def api(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        sent = dict(headers or {})
        if key is not None:
            sent["authorization"] = f"Bearer {key}"
        return self.client.request(
            method, f"{self.outputs['api_url']}{path}", json=body, headers=sent
        )

    def made(self, path: str, body: object, key: str | None = None) -> dict[str, Any]:
        """POST as the operator (or with `key`) and insist on 201."""
        answer = self.api("POST", path, body, key=key or self.operator)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def edge(
        self, host: str, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """One request to the edge, with the Host header of a tenant (or of anybody else)."""
        return self.client.request(
            method, f"{self.outputs['edge_url']}{path}", headers={"host": host, **(headers or {})}
        )

    @property
    def region(self) -> str:
        """What the active storage's signatures name."""
        return self.outputs["storages"][self.outputs["storage"]]["region"]

    @cached_property
    def s3(self) -> S3Client:
        """The publisher's client of the active storage."""
        pair = (self.outputs["s3_access_key_id"], self.outputs["s3_secret_access_key"])
        return s3_client(self.outputs["s3_url"], self.region, *pair)

    def storage_root(self, server: str) -> S3Client:
        """The client of an S3 server's administrator, past its proxy."""
        kept = json.loads((self.home / "credentials.json").read_text())["storage"][server]["root"]
        port = json.loads((self.home / "ports.json").read_text())[STORAGE_ORIGIN_PORTS[server]]
        return s3_client(
            f"http://127.0.0.1:{port}",
            STORAGE_REGIONS[server],
            kept["access_key_id"],
            kept["secret_access_key"],
        )

    def version(self, version_id: str, key: str) -> dict[str, Any]:
        answer = self.api("GET", f"/v1/versions/{version_id}", key=key)
        assert answer.status_code == 200, answer.text
        return answer.json()["version"]

    def settled(self, version_id: str, key: str, *, seconds: float = 60) -> dict[str, Any]:
        """The version, as soon as it is neither uploading nor validating."""
        deadline = time.monotonic() + seconds
        while True:
            version = self.version(version_id, key)
            if version["status"] not in ("uploading", "validating"):
                return version
            assert time.monotonic() < deadline, f"still {version['status']} after {seconds} s"
            time.sleep(0.2)

    @cached_property
    def account_url(self) -> str:
        """The account in the Cloudflare API that the local cloud plays."""
        rest = self.read("status")["urls"]["rest"]
        return f"{rest}/client/v4/accounts/{self.outputs['account_id']}"

    @property
    def api_token(self) -> str:
        """The local cloud's own API token, as its operator has it."""
        return json.loads((self.home / "credentials.json").read_text())["api_token"]

    def query(self, sql: str, *parameters: str | int) -> list[dict[str, Any]]:
        """SQL straight at the stack's database, through the Cloudflare API that migrations use
        too."""
        answer = self.client.post(
            f"{self.account_url}/d1/database/{self.outputs['database_id']}/query",
            json={"sql": sql, "params": list(parameters)},
            headers={"authorization": f"Bearer {self.api_token}"},
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["result"][0]["results"]

    def forget(self) -> None:
        """What was read of a deployment that is gone."""
        for name in ("outputs", "operator", "s3", "account_url"):
            self.__dict__.pop(name, None)

    def down(self) -> None:
        self.run("down")
        self.client.close()


def s3_client(
    url: str, region: str, key_id: str, secret: str, *, is_signing: bool = True
) -> S3Client:
    """boto3 in path style. It sends no checksum unless it must: B2 takes none."""
    make = cast("Any", boto3).client  # the stubs know only some of its services
    client = make(
        "s3",
        endpoint_url=url,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        region_name=region,
        config=Config(
            s3={"addressing_style": "path"},
            retries={"max_attempts": 1},
            request_checksum_calculation="when_required",
            signature_version=None if is_signing else UNSIGNED,
        ),
    )
    return cast("S3Client", client)
