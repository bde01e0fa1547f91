"""The command around the copy: which storages, whose keys, what it says."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import storage_copy
from cli.app import app
from cli.engine import Output
from cli.failures import UsageFailure
from cli.stack_config import StackConfig
from tests.cli.fake_s3 import FakeS3, refuse


def declared_storages(*names: str) -> dict[str, Output]:
    storages = {
        name: {
            "endpoint": f"http://127.0.0.1:1/{name}",
            "region": "auto",
            "buckets": {"packages": f"{name}-packages", "assets": f"{name}-assets"},
        }
        for name in names
    }
    return {"storages": Output(storages, secret=False), "storage": Output(names[0], secret=False)}


class FakeEngine:
    def __init__(self, outputs: Mapping[str, Output]) -> None:
        self._outputs = outputs
        self.environment: dict[str, str] = {}

    def secret_setting(self, name: str) -> str:
        assert name == "storageOriginSecret"
        return f"{'n' * 32},{'o' * 32}"

    def outputs(self) -> Mapping[str, Output]:
        return self._outputs


class World:
    """A deployed stack with r2 in use and minio beside it; each bucket is one of FakeS3."""

    def __init__(self) -> None:
        self.engine = FakeEngine(declared_storages("r2", "minio"))
        self.config = StackConfig()
        self.origin_secrets: dict[str, str] = {}
        self.storages: dict[str, dict[str, FakeS3]] = {
            name: {f"{name}-{role}": FakeS3() for role in ("packages", "assets")}
            for name in ("r2", "minio")
        }

    def bucket(self, name: str, role: str) -> FakeS3:
        return self.storages[name][f"{name}-{role}"]


class Client:
    """Hands each call to the bucket that it names."""

    def __init__(self, buckets: Mapping[str, FakeS3]) -> None:
        self._buckets = buckets

    def get_paginator(self, name: str) -> Any:
        return self

    def paginate(self, **given: Any) -> Any:
        return self._buckets[given["Bucket"]].paginate(**given)

    def __getattr__(self, name: str) -> Any:
        def call(**given: Any) -> Any:
            return getattr(self._buckets[given["Bucket"]], name)(**given)

        return call


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    world = World()

    class Target:
        engine = world.engine

        @staticmethod
        def config() -> StackConfig:
            return world.config

    def connect(storage: Any, keys: Any, secret: str | None, **_: Any) -> Client:
        assert keys.access_key_id == f"id-{storage.name}"
        assert secret == world.origin_secrets.get(storage.name)
        return Client(world.storages[storage.name])

    def read_target(_: object) -> type[Target]:
        return Target

    monkeypatch.setattr(storage_copy, "read_target", read_target)
    monkeypatch.setattr(storage_copy, "connect", connect)
    monkeypatch.setenv("STOWAGE_HOME", str(tmp_path))
    for name in ("r2", "minio"):
        world.engine.environment |= {
            f"STOWAGE_{name.upper()}_ACCESS_KEY_ID": f"id-{name}",
            f"STOWAGE_{name.upper()}_SECRET_ACCESS_KEY": f"secret-{name}",
        }
    return world


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["storage", "copy", *arguments])


def test_all_buckets_are_copied_and_counted(world: World) -> None:
    world.bucket("r2", "packages").put("p", b"package")
    world.bucket("r2", "assets").put("a", b"asset")
    result = run("--to", "minio")
    assert result.exit_code == 0, result.output
    assert "From r2 to minio: 2 objects copied and verified" in result.stdout
    assert world.bucket("minio", "packages").data() == {"p": b"package"}
    assert world.bucket("minio", "assets").data() == {"a": b"asset"}
    again = run("--to", "minio")
    assert "Nothing was left to copy." in again.stdout
    assert "2 were there already" in again.stdout


def test_a_script_reads_one_document(world: World) -> None:
    world.bucket("r2", "packages").put("p", b"package")
    document = json.loads(run("--to", "minio", "--json").stdout)
    assert (document["from"], document["to"]) == ("r2", "minio")
    assert (document["copied"], document["copied_bytes"], document["failed"]) == (1, 7, 0)


def test_the_way_back_goes_to_the_storage_in_use(world: World) -> None:
    world.bucket("minio", "packages").put("p", b"old")
    world.bucket("r2", "packages").put("p", b"in use")
    result = run("--to", "r2")
    assert "1 kept as r2 has them" in result.stdout
    assert world.bucket("r2", "packages").data() == {"p": b"in use"}


def test_objects_that_fail_are_named_and_the_exit_code_is_1(world: World) -> None:
    world.bucket("r2", "packages").put("good", b"x")
    world.bucket("r2", "packages").put("bad", b"x")

    def denied(call: str, key: str) -> None:
        if (call, key) == ("put", "bad"):
            refuse(403, "AccessDenied")

    world.bucket("minio", "packages").before = denied
    result = run("--to", "minio")
    assert result.exit_code == 1
    assert "1 objects were not copied" in result.stderr
    assert "r2-packages/bad" in result.stderr
    assert world.bucket("minio", "packages").data() == {"good": b"x"}


def test_a_bucket_that_cannot_be_listed_is_a_clear_failure(world: World) -> None:
    def denied(call: str, key: str) -> None:
        refuse(403, "AccessDenied")

    world.bucket("minio", "assets").before = denied
    result = run("--to", "minio")
    assert result.exit_code == 1
    assert "403 AccessDenied" in result.stderr
    assert "access keys" in result.stderr


def test_without_a_second_storage_it_says_how_to_declare_one(world: World) -> None:
    world.engine = FakeEngine(declared_storages("r2"))
    with pytest.raises(UsageFailure, match="fallbackStorage"):
        storage_copy.choose(storage_copy.declared(declared_storages("r2")), "r2", "minio")
    with pytest.raises(UsageFailure, match="fallbackStorage"):
        storage_copy.choose(storage_copy.declared(declared_storages("r2", "b2")), "r2", "minio")
    with pytest.raises(UsageFailure, match="fallbackStorage"):
        storage_copy.choose({}, "r2", "r2")


def test_missing_keys_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOWAGE_B2_ACCESS_KEY_ID", "id")
    monkeypatch.delenv("STOWAGE_B2_SECRET_ACCESS_KEY", raising=False)
    with pytest.raises(UsageFailure, match=r"^STOWAGE_B2_SECRET_ACCESS_KEY is not set"):
        storage_copy.storage_keys("b2", {})
    with pytest.raises(UsageFailure, match="ID and STOWAGE_R2_SECRET_ACCESS_KEY are not set"):
        storage_copy.storage_keys("r2", {})
    keys = storage_copy.storage_keys("b2", {"STOWAGE_B2_SECRET_ACCESS_KEY": "s"})
    assert (keys.access_key_id, keys.secret_access_key) == ("id", "s")


@pytest.mark.parametrize("as_text", [True, False])
def test_a_server_behind_the_proxy_is_shown_the_secret_that_is_sent_now(
    world: World, as_text: bool
) -> None:
    servers = {"minio": {"origin": {"type": "A", "content": "192.0.2.1"}}}
    given: object = json.dumps(servers) if as_text else servers
    world.config = StackConfig({"stowage:storageServers": given})
    world.origin_secrets = {"minio": "n" * 32}
    result = run("--to", "minio")
    assert result.exit_code == 0, result.output


def test_a_pipe_gets_plain_lines(world: World) -> None:
    world.bucket("r2", "packages").put("p", io.BytesIO(b"package").read())
    assert "packages: 1 objects, 0.0 MB read" in run("--to", "minio").stderr
