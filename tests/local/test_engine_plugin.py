"""The plugin that the engine starts: gRPC in front, the daemon behind, no life of its own."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from local.client import Cloud
from local.provider.property_values import UNKNOWN, secret
from local.provider.wire import to_json, to_struct
from tests.local.provider_calls import ACCOUNT
from tests.local.workerd_host import CHECKOUT

PLUGIN = CHECKOUT / "local" / "bin" / "pulumi-resource-cloudflare"
# They start daemons and engines' plugins of their own.
pytestmark = pytest.mark.cloud

DEADLINE = 30.0


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    one = Cloud(tmp_path_factory.mktemp("plugin") / "home")
    one.start()
    yield one
    one.stop()


@contextmanager
def plugin(cloud: Cloud, folder: Path) -> Generator[tuple[Any, subprocess.Popen[str]]]:
    process = subprocess.Popen(
        [str(PLUGIN), "127.0.0.1:1"],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"STOWAGE_HOME": str(cloud.home.root)},
    )
    assert process.stdout
    try:
        port = int(process.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield provider_pb2_grpc.ResourceProviderStub(channel), process
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(DEADLINE) == 0
        process.stdout.close()


def urn(kind: str) -> str:
    return f"urn:pulumi:dev::sample::a:component$cloudflare:index/x:{kind}::name"


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not reached():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_values_cross_the_wire_unchanged_and_whole_numbers_stay_whole() -> None:
    values: dict[str, Any] = {
        "whole": 86400,
        "broken": 0.5,
        "yes": True,
        "nothing": None,
        "text": "ä",
        "list": [1, [], {}, [2.5, False]],
        "secret": secret({"a": 1}),
        "unknown": UNKNOWN,
        "empty": {},
    }
    over = struct_pb2.Struct.FromString(to_struct(values).SerializeToString())
    assert to_json(over) == values
    assert isinstance(to_json(over)["whole"], int)


def test_a_resource_is_checked_created_and_read_and_files_start_at_the_project(
    cloud: Cloud, tmp_path: Path
) -> None:
    with plugin(cloud, tmp_path) as (stub, _):
        inputs = to_struct({"accountId": ACCOUNT, "name": "objects"})
        checked = stub.Check(provider_pb2.CheckRequest(urn=urn("R2Bucket"), news=inputs))
        assert list(checked.failures) == []
        made = stub.Create(provider_pb2.CreateRequest(urn=urn("R2Bucket"), properties=inputs))
        assert made.id == "objects"
        read = stub.Read(
            provider_pb2.ReadRequest(
                urn=urn("R2Bucket"), id=made.id, properties=made.properties, inputs=inputs
            )
        )
        assert to_json(read.properties)["storageClass"] == "Standard"
        module = {"name": "x.py", "contentType": "text/x-python", "contentFile": "x.py"}
        version = to_struct({"accountId": ACCOUNT, "workerId": "w", "modules": [module]})
        missing = stub.Check(provider_pb2.CheckRequest(urn=urn("WorkerVersion"), news=version))
        assert str(tmp_path) in missing.failures[0].reason


def test_a_refusal_is_an_error_with_the_clouds_words(cloud: Cloud, tmp_path: Path) -> None:
    with plugin(cloud, tmp_path) as (stub, _):
        inputs = to_struct({"accountId": ACCOUNT, "bucketName": "none"})
        request = provider_pb2.CreateRequest(urn=urn("R2BucketCors"), properties=inputs)
        with pytest.raises(grpc.RpcError, match="specified bucket does not exist"):
            stub.Create(request)


def test_a_property_of_ignore_changes_is_no_change(cloud: Cloud, tmp_path: Path) -> None:
    with plugin(cloud, tmp_path) as (stub, _):
        old = to_struct({"accountId": ACCOUNT, "name": "a", "location": "weur"})
        new = to_struct({"accountId": ACCOUNT, "name": "a", "location": "enam"})
        request = provider_pb2.DiffRequest(
            urn=urn("R2Bucket"), id="a", olds=old, old_inputs=old, news=new
        )
        assert list(stub.Diff(request).replaces) == ["location"]
        request.ignoreChanges.append("location")
        assert stub.Diff(request).changes == provider_pb2.DiffResponse.DIFF_NONE


def test_without_a_cloud_folder_it_says_what_to_do(tmp_path: Path) -> None:
    around = {name: value for name, value in os.environ.items() if name != "STOWAGE_HOME"}
    for extra, said in (
        ({}, "STOWAGE_HOME is not set"),
        ({"STOWAGE_HOME": str(tmp_path / "none")}, "Run `stowage up` first"),
    ):
        done = subprocess.run(
            [str(PLUGIN)],
            env=around | extra,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 1
        assert said in done.stderr


def test_a_daemon_that_does_not_run_is_told(tmp_path: Path) -> None:
    cloud = Cloud(tmp_path / "home")
    cloud.home.ensure()
    with plugin(cloud, tmp_path) as (stub, _):
        inputs = to_struct({"accountId": ACCOUNT, "name": "objects"})
        with pytest.raises(grpc.RpcError, match="stowage up"):
            stub.Check(provider_pb2.CheckRequest(urn=urn("R2Bucket"), news=inputs))


def test_it_ends_when_the_engine_was_killed(cloud: Cloud, tmp_path: Path) -> None:
    # A parent that starts the plugin, tells its process, and is killed.
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent(f"""
                import subprocess, time
                child = subprocess.Popen([{str(PLUGIN)!r}], stdout=subprocess.PIPE)
                child.stdout.readline()
                print(child.pid, flush=True)
                time.sleep(600)
            """),
        ],
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"STOWAGE_HOME": str(cloud.home.root)},
    )
    assert parent.stdout
    child = Path(f"/proc/{int(parent.stdout.readline())}/cmdline")
    assert b"local.provider.plugin" in child.read_bytes()
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until(lambda: not child.exists() or b"local.provider.plugin" not in child.read_bytes())
