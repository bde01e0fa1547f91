"""A 50 MB package's way through the platform, on a local cloud that is up (`make up`):

1. the whole flow (create, PUT, complete, validated) against a bare PUT of the same bytes to the
   same S3 endpoint;
2. a line that breaks once at 60 %: the single PUT, which begins again, against parts, which go on.

    python -m bench.upload

Checked before it is timed: the flow ends in a draft, and what was cut is whole in the end.
"""

import hashlib
import io
import itertools
import json
import os
import subprocess
import sys
import time
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from bench.comparison import compare, show
from functions.core import sigv4

PAYLOAD = 50_000_000
ROUNDS = 3
CUT = 0.6
CHUNK = 256 * 1024
POLL_SECONDS = 0.05


class CutError(Exception):
    """The line broke."""


@dataclass(frozen=True, slots=True)
class Package:
    data: bytes
    declared: Mapping[str, object]


def stowage(*arguments: str) -> Any:
    """What a command answers with `--json`."""
    command = [sys.executable, "-m", "cli.app", *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise SystemExit(
            f"stowage {' '.join(arguments)}: {done.stderr}\nIs the cloud up? `make up`"
        )
    return json.loads(done.stdout)


def a_package(app_id: str, code: int, payload: bytes) -> Package:
    manifest: dict[str, object] = {"id": app_id, "name": "Bench", "version": str(code)}
    manifest |= {"version_code": code, "entry": "main.bin"}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        archive.writestr("main.bin", payload)
    data = buffer.getvalue()
    declared: dict[str, object] = {"version_code": code, "version_name": str(code)}
    declared |= {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return Package(data, declared)


@dataclass
class Bench:
    """A developer of the running cloud with one app."""

    outputs: Mapping[str, Any]
    key: str = ""
    app_id: str = field(default_factory=lambda: f"org.bench.x{uuid.uuid4().hex}")
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=300, trust_env=False))
    codes: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    sent: dict[str, int] = field(default_factory=dict[str, int])
    """Bytes by way of sending, of the last turn."""

    def prepare(self) -> None:
        operator = stowage("keys", "create", "--role", "operator")["key"]
        self.key = self.api("POST", "/v1/developers", {"name": "Bench"}, operator)["key"]
        self.api("POST", "/v1/apps", {"app_id": self.app_id, "name": "Bench"})

    def api(self, method: str, path: str, body: object = None, key: str = "") -> Any:
        headers = {"authorization": f"Bearer {key or self.key}"}
        url = f"{self.outputs['api_url']}{path}"
        answer = self.client.request(method, url, json=body, headers=headers)
        answer.raise_for_status()
        return answer.json()

    def create(self, declared: Mapping[str, object]) -> Any:
        return self.api("POST", f"/v1/apps/{self.app_id}/versions", declared)

    def flow(self, package: Package) -> None:
        created = self.create(package.declared)
        self.put(created["upload"], package.data)
        self.validated(created["version"]["id"])

    def validated(self, version_id: str) -> None:
        self.api("POST", f"/v1/versions/{version_id}/complete")
        while True:
            version = self.api("GET", f"/v1/versions/{version_id}")["version"]
            if version["status"] != "validating":
                break
            time.sleep(POLL_SECONDS)
        if version["status"] != "draft":
            raise SystemExit(f"the version is {version['status']}: {version['problems']}")

    def put(self, to: Mapping[str, Any], data: bytes, cut_after: int | None = None) -> int:
        """The bytes that went out. With `cut_after` the line breaks behind as many."""
        sent = 0

        def body() -> Iterator[bytes]:
            nonlocal sent
            for start in range(0, len(data), CHUNK):
                if cut_after is not None and start >= cut_after:
                    raise CutError
                chunk = data[start : start + CHUNK]
                yield chunk
                sent += len(chunk)

        try:
            self.client.put(to["url"], content=body(), headers=to["headers"]).raise_for_status()
        except CutError:
            return sent
        return sent

    def bare_put(self, data: bytes) -> None:
        bucket = self.outputs["buckets"]["repositories"]
        base = urlsplit(str(self.outputs["s3_url"]))
        path = f"/{bucket}/bench/{uuid.uuid4().hex}"
        credentials = sigv4.Credentials(
            self.outputs["s3_access_key_id"], self.outputs["s3_secret_access_key"]
        )
        headers = {"content-length": str(len(data))}
        request = sigv4.SignableRequest("PUT", path, (), headers | {"host": base.netloc})
        now = int(time.time() * 1000)
        query = sigv4.presign_query(request, credentials, "auto", now, 900)
        self.put({"url": f"{base.scheme}://{base.netloc}{path}?{query}", "headers": headers}, data)

    def whole_through_a_cut(self, package: Package) -> str:
        upload = self.create(self._renamed(package))
        sent = self.put(upload["upload"], package.data, int(len(package.data) * CUT))
        sent += self.put(upload["upload"], package.data)
        self.sent["single PUT"] = sent
        return upload["version"]["id"]

    def parts_through_a_cut(self, package: Package) -> str:
        version_id = self.create(self._renamed(package))["version"]["id"]
        left: int | None = int(len(package.data) * CUT)
        sent = 0
        for _ in range(2):
            state = self.api("POST", f"/v1/versions/{version_id}/multipart")
            for part in state["parts"]:
                start = (part["number"] - 1) * state["part_size"]
                data = package.data[start : start + part["size"]]
                cut = left is not None and left < len(data)
                sent += self.put(part, data, left if cut else None)
                if cut:
                    left = None
                    break
                left = None if left is None else left - len(data)
        self.sent["parts"] = sent
        return version_id

    def _renamed(self, package: Package) -> dict[str, object]:
        """Under a code of its own: the bytes are the same, and nobody validates them."""
        return {**package.declared, "version_code": 1000 + next(self.codes)}


def main() -> None:
    bench = Bench(stowage("outputs", "--show-secrets"))
    bench.prepare()
    payload = os.urandom(PAYLOAD)
    packages = iter([a_package(bench.app_id, n, payload) for n in range(1, ROUNDS + 2)])
    cut = a_package(bench.app_id, 100, payload)
    version_id = bench.parts_through_a_cut(cut)
    left = bench.api("POST", f"/v1/versions/{version_id}/multipart")["parts"]
    if left:
        raise SystemExit(f"{len(left)} parts are missing after the cut")
    rows = [
        compare(
            "a 50 MB package",
            ("create, PUT, complete, validated", lambda: bench.flow(next(packages))),
            ("a bare PUT", lambda: bench.bare_put(cut.data)),
            rounds=ROUNDS,
        ),
        compare(
            "the same over a line that breaks at 60 %",
            ("parts", lambda: bench.parts_through_a_cut(cut)),
            ("single PUT", lambda: bench.whole_through_a_cut(cut)),
            rounds=ROUNDS,
        ),
    ]
    show(rows)
    for how, count in bench.sent.items():
        print(f"{how}: {count / len(cut.data):.2f} of the package went over the line")


if __name__ == "__main__":
    main()
