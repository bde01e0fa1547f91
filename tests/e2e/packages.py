"""Packages made by the tests, and the way of one through the API."""

import base64
import hashlib
import io
import json
import random
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from tests.e2e.stack import Stack


@dataclass(frozen=True)
class Package:
    data: bytes
    manifest: dict[str, Any]

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def declared(self) -> dict[str, Any]:
        """What a developer tells the API of it."""
        return {
            "version_code": self.manifest["version_code"],
            "version_name": self.manifest["version"],
            "size": len(self.data),
            "sha256": self.sha256,
        }


def a_package(
    app_id: str,
    code: int = 1,
    *,
    payload: int = 2000,
    files: Mapping[str, bytes] | None = None,
    **changes: object,
) -> Package:
    """A ZIP with a manifest, `payload` bytes that do not compress, and further files."""
    manifest: dict[str, Any] = {
        "id": app_id,
        "name": "An app",
        "version": f"1.{code}",
        "version_code": code,
        "entry": "main.bin",
    } | changes
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        archive.writestr("main.bin", random.Random(code).randbytes(payload))  # noqa: S311
        for name, content in (files or {}).items():
            archive.writestr(name, content)
    return Package(buffer.getvalue(), manifest)


@dataclass(frozen=True)
class Developer:
    """A developer with one app."""

    stack: Stack
    developer_id: str
    key: str
    app_id: str

    def create(self, package: Package) -> dict[str, Any]:
        return self.stack.made(f"/v1/apps/{self.app_id}/versions", package.declared, self.key)

    def complete(self, version_id: str) -> httpx.Response:
        return self.stack.api("POST", f"/v1/versions/{version_id}/complete", key=self.key)

    def publish(self, version_id: str) -> httpx.Response:
        return self.stack.api("POST", f"/v1/versions/{version_id}/publish", key=self.key)

    def drafted(self, package: Package) -> dict[str, Any]:
        """Through create, upload, complete and validation."""
        created = self.create(package)
        assert put(created["upload"], package.data).status_code == 200
        version_id = created["version"]["id"]
        assert self.complete(version_id).status_code == 202
        return self.stack.settled(version_id, self.key)

    def published(self, package: Package) -> dict[str, Any]:
        version = self.drafted(package)
        assert version["status"] == "draft", version
        answer = self.publish(version["id"])
        assert answer.status_code == 200, answer.text
        return answer.json()["version"]


def a_developer(stack: Stack, app_id: str, visibility: str = "public") -> Developer:
    made = stack.made("/v1/developers", {"name": "Ada"})
    stack.made(
        "/v1/apps", {"app_id": app_id, "name": "An app", "visibility": visibility}, made["key"]
    )
    return Developer(stack, made["developer_id"], made["key"], app_id)


def put(
    upload: dict[str, Any], data: bytes, *, url: str | None = None, **changes: str | None
) -> httpx.Response:
    """PUT with exactly the headers that the API gave, but for `changes` (underscores for hyphens;
    None leaves out)."""
    headers = dict(upload["headers"])
    for name, value in changes.items():
        header = name.replace("_", "-")
        headers = {known: kept for known, kept in headers.items() if known.lower() != header}
        if value is not None:
            headers[header] = value
    return httpx.request(
        upload["method"], url or upload["url"], content=data, headers=headers, timeout=120
    )


def base64_sha256(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()
