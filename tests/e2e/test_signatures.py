"""A developer signs with a key of their own, and whoever has the package can tell, offline."""

import base64
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from functions.core.statements import PackageStatement
from tests.e2e.packages import Developer, Package, a_developer, a_package, put
from tests.e2e.stack import Stack

PRIVATE = Ed25519PrivateKey.generate()


@pytest.fixture(scope="module")
def developer(stack: Stack) -> Developer:
    made = a_developer(stack, "org.example.signed")
    patched = stack.api(
        "PATCH", f"/v1/apps/{made.app_id}", {"require_signature": True}, key=made.key
    )
    assert patched.json()["app"]["require_signature"] is True
    return made


def register(developer: Developer, private: Ed25519PrivateKey = PRIVATE) -> str:
    public_key = base64.b64encode(private.public_key().public_bytes_raw()).decode()
    answer = developer.stack.api(
        "POST", "/v1/developer-keys", {"public_key": public_key}, key=developer.key
    )
    assert answer.status_code in (200, 201), answer.text
    return answer.json()["developer_key"]["id"]


def signed(
    developer: Developer, package: Package, key_id: str, private: Ed25519PrivateKey = PRIVATE
) -> dict[str, Any]:
    statement = PackageStatement(
        developer.developer_id,
        developer.app_id,
        package.manifest["version_code"],
        len(package.data),
        package.sha256,
    ).text
    signature = base64.b64encode(private.sign(statement.encode())).decode()
    return package.declared | {"signature": signature, "signing_key_id": key_id}


def create(developer: Developer, body: dict[str, Any]) -> httpx.Response:
    path = f"/v1/apps/{developer.app_id}/versions"
    return developer.stack.api("POST", path, body, key=developer.key)


def uploaded(developer: Developer, package: Package, body: dict[str, Any]) -> str:
    created = create(developer, body)
    assert created.status_code == 201, created.text
    assert put(created.json()["upload"], package.data).status_code == 200
    return created.json()["version"]["id"]


def settled(developer: Developer, version_id: str) -> dict[str, Any]:
    assert developer.complete(version_id).status_code == 202
    return developer.stack.settled(version_id, developer.key)


def test_a_signed_package_is_pushed_downloaded_and_verified_offline(
    stack: Stack, developer: Developer, tmp_path: Path
) -> None:
    package = a_package(developer.app_id, 1)
    file, key_file = tmp_path / "app.mosis", tmp_path / "key.pem"
    file.write_bytes(package.data)
    made = json.loads(stack.run("signing-keys", "generate", str(key_file), "--json").stdout)
    key = ("--key", developer.key)
    unknown = stack.run("push", str(file), "--sign-with", str(key_file), *key, expect=1)
    assert "signing-keys register" in unknown.stderr
    stack.run("signing-keys", "register", str(key_file), "--name", "laptop", *key)
    assert made["public_key"] in stack.run("signing-keys", "list", *key).stdout
    unsigned = stack.run("push", str(file), *key, expect=1)
    assert "sign the package's statement" in unsigned.stderr
    pushed = stack.run("push", str(file), "--sign-with", str(key_file), "--publish", *key, "--json")
    assert json.loads(pushed.stdout)["version"]["status"] == "published"

    base = stack.outputs["api_url"]
    download = httpx.get(f"{base}/v1/apps/{developer.app_id}/download").json()
    assert download["developer_public_key"] == made["public_key"]
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "app.mosis").write_bytes(httpx.get(download["download_url"]).content)
    statement = httpx.get(f"{base}/v1/apps/{developer.app_id}/statement").content
    (taken / "statement.json").write_bytes(statement)
    keys = httpx.get(f"{base}/.well-known/stowage-keys.json")
    assert keys.json() == httpx.get(f"{base}/v1/keys").json()
    (taken / "keys.json").write_bytes(keys.content)

    trusted = ("--keys", str(taken / "keys.json"), "--developer-key", made["public_key"])
    verified = stack.read("verify", str(taken / "app.mosis"), *trusted)
    assert verified["verified"] is True
    assert verified["package"]["sha256"] == hashlib.sha256(package.data).hexdigest()
    stack.run("verify", str(taken / "app.mosis"), expect=2)
    changed = bytearray((taken / "app.mosis").read_bytes())
    changed[len(changed) // 2] ^= 1
    (taken / "app.mosis").write_bytes(changed)
    assert "SHA-256" in stack.run("verify", str(taken / "app.mosis"), *trusted, expect=1).stdout


def test_the_statement_lies_beside_the_package(stack: Stack, developer: Developer) -> None:
    package = a_package(developer.app_id, 2)
    version_id = uploaded(developer, package, signed(developer, package, register(developer)))
    assert settled(developer, version_id)["status"] == "draft"
    folder = f"packages/{developer.developer_id}/{developer.app_id}/2"
    answer = stack.client.get(
        f"{stack.account_url}/r2/buckets/{stack.outputs['buckets']['packages']}/objects",
        headers={"authorization": f"Bearer {stack.api_token}"},
    )
    stored = {row["key"] for row in answer.json()["result"] if row["key"].startswith(folder)}
    names = {"package.mosis", "manifest.json", "statement.json"}
    assert stored == {f"{folder}/{name}" for name in names}


def test_an_unsigned_or_badly_signed_version_is_refused_at_once(developer: Developer) -> None:
    package = a_package(developer.app_id, 3)
    key_id = register(developer)
    other = Ed25519PrivateKey.from_private_bytes(os.urandom(32))
    for body in (
        package.declared,
        signed(developer, package, key_id, other),
        signed(developer, a_package(developer.app_id, 4), key_id) | package.declared,
    ):
        refused = create(developer, body)
        assert refused.status_code == 422, refused.text
        assert [error["pointer"] for error in refused.json()["errors"]] == ["/signature"]


def test_a_key_that_is_revoked_before_the_validation_fails_the_version(
    stack: Stack, developer: Developer
) -> None:
    private = Ed25519PrivateKey.generate()
    key_id = register(developer, private)
    package = a_package(developer.app_id, 5)
    body = signed(developer, package, key_id, private)
    version_id = uploaded(developer, package, body)
    stack.run("signing-keys", "revoke", key_id, "--key", developer.key)
    failed = settled(developer, version_id)
    assert failed["status"] == "failed"
    assert [problem["slug"] for problem in failed["problems"]] == ["signature-key-revoked"]
    refused = create(developer, body)
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/signing_key_id"]


def test_a_version_without_a_signature_fails_once_the_app_requires_one(stack: Stack) -> None:
    late = a_developer(stack, "org.example.late")
    package = a_package(late.app_id, 1)
    version_id = uploaded(late, package, package.declared)
    stack.run("signing-keys", "require", late.app_id, "--key", late.key)
    failed = settled(late, version_id)
    assert (failed["status"], failed["problems"][0]["slug"]) == ("failed", "signature-missing")
    stack.run("signing-keys", "require", late.app_id, "--off", "--key", late.key)
    version_id = uploaded(late, package, package.declared)
    assert settled(late, version_id)["status"] == "draft"


def test_a_bad_archive_fails_with_the_rules_that_it_breaks(stack: Stack) -> None:
    broken = a_developer(stack, "org.example.rules")
    good = a_package(broken.app_id, 1)
    data = good.data.replace(b"main.bin", b"../a.bin") + b"trailing"
    package = Package(data, good.manifest)
    version_id = uploaded(broken, package, package.declared)
    failed = settled(broken, version_id)
    assert failed["status"] == "failed"
    slugs = {problem["slug"] for problem in failed["problems"]}
    assert {"zip-trailing-data", "zip-name-dots"} <= slugs
    schema = httpx.get(f"{stack.outputs['api_url']}/v1/schemas/manifest.json")
    assert schema.headers["content-type"] == "application/schema+json"
    assert schema.json()["properties"]["entry"]["type"] == "string"
