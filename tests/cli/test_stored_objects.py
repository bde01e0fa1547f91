"""Buckets as an operator reads them, by Cloudflare's API or by S3."""

import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from botocore.exceptions import ClientError

from cli import stored_objects as module
from cli.engine import Output
from cli.failures import Failure, UsageFailure
from cli.rest import AccountApi
from cli.s3_buckets import S3Keys, Storage
from cli.stored_objects import R2Objects, S3Objects, StoredObjects, stored_objects
from cli.target import Target

CONTENT = {"backups/a b.json": b"{}", "backups/c": bytes(1000), "other": b"x"}
STORAGE = Storage("minio", "http://127.0.0.1:1", "us-east-1", {"backups": "mine"})


def cloudflare(asked: list[httpx.Request]) -> R2Objects:
    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        key = request.url.path.partition("/objects/")[2]
        if key:
            found = CONTENT.get(key)
            return httpx.Response(404, json={}) if found is None else _content(found)
        prefix = request.url.params.get("prefix", "")
        rows = [
            {"key": key, "size": len(content)}
            for key, content in CONTENT.items()
            if key.startswith(prefix)
        ]
        return httpx.Response(200, json={"success": True, "result": rows, "result_info": {}})

    account = AccountApi(
        "https://api.example/client/v4", "t", "acc", "zone", httpx.MockTransport(answer)
    )
    return R2Objects(account, "backups", "eu")


def _content(found: bytes) -> httpx.Response:
    return httpx.Response(200, content=found, headers={"content-type": "application/gzip"})


class S3Client:
    def get_paginator(self, _: str) -> "S3Client":
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> list[dict[str, Any]]:
        assert Bucket == "mine"
        return [
            {"Contents": [{"Key": key, "Size": len(content), "ETag": '"e"'}]}
            for key, content in CONTENT.items()
            if key.startswith(Prefix)
        ]

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        if Key not in CONTENT:
            status = 403 if Key == "forbidden" else 404
            said: Any = {"ResponseMetadata": {"HTTPStatusCode": status}, "Error": {"Code": "X"}}
            raise ClientError(said, "GetObject")
        body = io.BytesIO(CONTENT[Key])
        chunks = iter(lambda: body.read(300), b"")

        def iter_chunks(_: int) -> Iterator[bytes]:
            return chunks

        return {"Body": SimpleNamespace(iter_chunks=iter_chunks, close=body.close)}


@pytest.fixture(params=["cloudflare", "s3"])
def objects(request: pytest.FixtureRequest) -> StoredObjects:
    if request.param == "cloudflare":
        return cloudflare([])
    return S3Objects(cast("Any", S3Client()), STORAGE, "mine")


def test_objects_are_listed_by_their_prefix_and_read_to_their_end(objects: StoredObjects) -> None:
    assert list(objects.listed("backups/")) == [("backups/a b.json", 2), ("backups/c", 1000)]
    with objects.content("backups/c") as chunks:
        assert chunks is not None
        assert b"".join(chunks) == bytes(1000)
    with objects.content("backups/nothing") as chunks:
        assert chunks is None


def test_a_key_is_encoded_but_for_its_slashes_and_the_jurisdiction_named() -> None:
    asked: list[httpx.Request] = []
    with cloudflare(asked).content("backups/a b.json") as chunks:
        assert chunks is not None
        assert b"".join(chunks) == b"{}"
    assert asked[0].url.raw_path.endswith(b"/objects/backups/a%20b.json")
    assert asked[0].headers["cf-r2-jurisdiction"] == "eu"


def test_what_the_storage_refuses_is_a_failure() -> None:
    refusing = httpx.MockTransport(lambda _: httpx.Response(403, text="no"))
    account = AccountApi("https://api.example/client/v4", "t", "acc", "zone", refusing)
    with pytest.raises(Failure, match="403"), R2Objects(account, "backups").content("x"):
        pass
    s3 = S3Objects(cast("Any", S3Client()), STORAGE, "mine")
    with pytest.raises(Failure, match="May these access keys"), s3.content("forbidden"):
        pass


def a_target(folder: Path, outputs: Mapping[str, object]) -> Target:
    config = folder / "Pulumi.prod.yaml"
    config.write_text(json.dumps({"config": {"stowage:jurisdiction": "eu"}}))
    values = {name: Output(value, secret=False) for name, value in outputs.items()}
    engine = SimpleNamespace(outputs=lambda: values, config_file=config, environment={})
    return Target(cast("Any", engine), None)


OUTPUTS: dict[str, object] = {"buckets": {"backups": "b"}, "s3_url": "https://s3.example"}
MINIO = {"minio": {"endpoint": "http://m", "region": "us-east-1", "buckets": {"backups": "m"}}}


def the_account(_: Target) -> str:
    return "the account"


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Storage, S3Keys]]:
    made: list[tuple[Storage, S3Keys]] = []

    def connect(storage: Storage, keys: S3Keys, _secret: str | None) -> object:
        made.append((storage, keys))
        return object()

    monkeypatch.setattr(module, "connect", connect)
    monkeypatch.setattr(module, "account_api", the_account)
    for name in ("R2", "MINIO"):
        monkeypatch.delenv(f"STOWAGE_{name}_ACCESS_KEY_ID", raising=False)
        monkeypatch.delenv(f"STOWAGE_{name}_SECRET_ACCESS_KEY", raising=False)
    return made


def test_r2_is_read_by_cloudflares_api_and_by_s3_with_the_operators_own_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, connected: list[tuple[Storage, S3Keys]]
) -> None:
    found = stored_objects(a_target(tmp_path, OUTPUTS), "backups")
    assert isinstance(found, R2Objects)
    assert (found.bucket, found.jurisdiction) == ("b", "eu")
    monkeypatch.setenv("STOWAGE_R2_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("STOWAGE_R2_SECRET_ACCESS_KEY", "s")
    assert isinstance(stored_objects(a_target(tmp_path, OUTPUTS), "backups"), S3Objects)
    ((storage, keys),) = connected
    assert (storage.endpoint, storage.region) == ("https://s3.example", "auto")
    assert keys == S3Keys("id", "s")


def test_another_storage_is_read_by_s3_and_its_keys_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, connected: list[tuple[Storage, S3Keys]]
) -> None:
    target = a_target(tmp_path, OUTPUTS | {"storage": "minio", "storages": MINIO})
    with pytest.raises(UsageFailure, match="STOWAGE_MINIO_ACCESS_KEY_ID"):
        stored_objects(target, "backups")
    monkeypatch.setenv("STOWAGE_MINIO_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("STOWAGE_MINIO_SECRET_ACCESS_KEY", "s")
    found = stored_objects(target, "backups")
    assert found.bucket == "m"
    assert connected[0][0].endpoint == "http://m"


def test_a_stack_without_buckets_is_not_deployed(
    tmp_path: Path, connected: list[tuple[Storage, S3Keys]]
) -> None:
    with pytest.raises(Failure, match="stowage up"):
        stored_objects(a_target(tmp_path, {}), "backups")
    assert connected == []
