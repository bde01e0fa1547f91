"""The S3 servers of the local cloud as the daemon's children."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from local.client import Cloud
from local.home import CloudError
from tests.local.storage_cloud import StorageCloud, allow, binary, is_alive, until

# They start daemons with servers of their own.
pytestmark = pytest.mark.cloud


@pytest.fixture
def local(tmp_path: Path, types_file: Path) -> Iterator[StorageCloud]:
    one = StorageCloud.start(tmp_path, types_file)
    yield one
    one.cloud.stop()


def test_none_runs_until_it_is_asked_for(local: StorageCloud) -> None:
    assert local.cloud.status()["storage"] == []
    assert local.processes("versitygw") == []
    with pytest.raises(httpx.ConnectError):
        httpx.get(local.url())


def test_it_runs_when_asked_for_and_asking_again_changes_nothing(local: StorageCloud) -> None:
    (first,) = local.run("minio")
    assert first["url"] == local.url()
    assert (first["deaths"], first["problem"]) == (0, "")
    assert local.run("minio") == [first]
    local.client().create_bucket(Bucket="mine")
    assert [one["Name"] for one in local.client().list_buckets()["Buckets"]] == ["mine"]
    log = (local.cloud.home.logs / "storage.log").read_text()
    assert "initializing internal IAM" in log


def test_no_key_is_in_the_arguments_of_a_process(local: StorageCloud) -> None:
    local.run("minio", "b2")
    secrets = [
        key.secret_access_key
        for keys in local.cloud.home.credentials().storage.values()
        for key in keys.values()
    ]
    for process in local.cloud.status()["processes"]:
        arguments = Path(f"/proc/{process['pid']}/cmdline").read_text(errors="replace")
        assert not [secret for secret in secrets if secret in arguments]


def test_the_roles_are_users_who_may_do_what_a_buckets_policy_says(local: StorageCloud) -> None:
    local.run("minio")
    root = local.client()
    root.create_bucket(Bucket="guarded")
    root.put_object(Bucket="guarded", Key="k", Body=b"content")
    edge = local.cloud.home.credentials().storage["minio"]["edge"].access_key_id
    for role in ("edge", "api", "jobs", "publisher"):
        with pytest.raises(ClientError, match="AccessDenied"):
            local.client(role=role).get_object(Bucket="guarded", Key="k")
        with pytest.raises(ClientError, match="AccessDenied"):
            local.client(role=role).create_bucket(Bucket=f"of-{role}")
    allow(root, "guarded", edge, "s3:GetObject")
    assert local.client(role="edge").get_object(Bucket="guarded", Key="k")["Body"].read()
    with pytest.raises(ClientError, match="AccessDenied"):
        local.client(role="edge").put_object(Bucket="guarded", Key="k", Body=b"other")
    with pytest.raises(ClientError, match="AccessDenied"):
        local.client(role="api").get_object(Bucket="guarded", Key="k")


def test_two_servers_share_neither_data_nor_keys(local: StorageCloud) -> None:
    local.run("minio", "b2")
    local.client("minio").create_bucket(Bucket="mine")
    assert local.client("b2").list_buckets()["Buckets"] == []
    stranger = local.client("minio")

    def send_elsewhere(request: Any, **_: object) -> None:
        request.url = request.url.replace(local.url("minio"), local.url("b2"))

    stranger.meta.events.register("before-send", send_elsewhere)
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        stranger.list_buckets()


def test_a_killed_server_comes_back_with_its_data(local: StorageCloud) -> None:
    local.run("minio")
    client = local.client()
    client.create_bucket(Bucket="kept")
    client.put_object(Bucket="kept", Key="k", Body=b"content")
    (pid,) = local.processes("versitygw")
    os.kill(pid, signal.SIGKILL)
    until(lambda: local.processes("versitygw") not in ([], [pid]))

    def answers() -> bool:
        answer = httpx.get(f"{local.url()}/_health")
        assert answer.status_code in (200, 503)
        return answer.status_code == 200

    until(answers)
    assert client.get_object(Bucket="kept", Key="k")["Body"].read() == b"content"
    (described,) = local.cloud.status()["storage"]
    assert described["deaths"] == 1


def test_a_killed_proxy_comes_back(local: StorageCloud) -> None:
    local.run("minio")
    (pid,) = local.processes("workerd")
    os.kill(pid, signal.SIGKILL)
    until(lambda: local.processes("workerd") not in ([], [pid]))
    local.run("minio")
    until(lambda: _is_healthy(local))


def _is_healthy(local: StorageCloud) -> bool:
    try:
        return httpx.get(f"{local.url()}/_health").is_success
    except httpx.ConnectError:
        return False


def test_servers_that_are_no_longer_asked_for_end_and_keep_their_data(
    local: StorageCloud,
) -> None:
    local.run("minio")
    local.client().create_bucket(Bucket="kept")
    pids = local.processes("versitygw") + local.processes("workerd")
    assert local.run() == []
    until(lambda: not any(is_alive(pid) for pid in pids))
    local.run("minio")
    assert [one["Name"] for one in local.client().list_buckets()["Buckets"]] == ["kept"]


def test_a_stop_of_the_daemon_ends_them_and_its_start_brings_them_back(
    local: StorageCloud,
) -> None:
    local.run("minio")
    local.client().create_bucket(Bucket="kept")
    processes = [one["pid"] for one in local.cloud.status()["processes"]]
    local.cloud.stop()
    until(lambda: not any(is_alive(pid) for pid in processes))
    local.cloud.start()
    until(lambda: _is_healthy(local))
    assert [one["Name"] for one in local.client().list_buckets()["Buckets"]] == ["kept"]


def test_nothing_outlives_a_daemon_that_was_killed_and_the_next_one_brings_them_back(
    local: StorageCloud,
) -> None:
    local.run("minio")
    local.client().create_bucket(Bucket="kept")
    daemon, *others = [one["pid"] for one in local.cloud.status()["processes"]]
    os.kill(daemon, signal.SIGKILL)
    until(lambda: not any(is_alive(pid) for pid in others))
    local.cloud.start()
    until(lambda: _is_healthy(local))
    assert [one["Name"] for one in local.client().list_buckets()["Buckets"]] == ["kept"]


def test_an_executable_that_is_gone_is_told_and_answered_until_it_is_built_again(
    local: StorageCloud, tmp_path: Path
) -> None:
    copied = tmp_path / "versitygw"
    copied.symlink_to(binary())
    local.cloud.run_storage(["minio"], copied)
    local.cloud.stop()
    copied.unlink()
    local.cloud.start()
    until(lambda: bool(local.cloud.status()["storage"]))
    (described,) = local.cloud.status()["storage"]
    assert described["pid"] is None
    assert "stowage up" in described["problem"]
    assert str(copied) in described["problem"]
    until(lambda: _status_of(local) == 503)
    assert "stowage up" in httpx.get(f"{local.url()}/bucket/key").text
    with pytest.raises(CloudError, match="no executable"):
        local.cloud.run_storage(["minio"], copied)
    (mended,) = local.run("minio")
    assert (mended["problem"], _is_healthy(local)) == ("", True)


def _status_of(local: StorageCloud) -> int:
    try:
        return httpx.get(local.url()).status_code
    except httpx.ConnectError:
        return 0


def test_a_server_that_does_not_come_up_is_told_with_its_log(
    local: StorageCloud, tmp_path: Path
) -> None:
    broken = tmp_path / "versitygw"
    broken.write_text("#!/bin/sh\necho it is broken; exit 3\n")
    broken.chmod(0o755)
    with pytest.raises(CloudError, match=r"(?s)does not come up.*it is broken"):
        local.cloud.run_storage(["minio"], broken)
    until(lambda: local.cloud.status()["storage"][0]["pid"] is None)


def test_a_server_that_is_not_there_is_refused(local: StorageCloud) -> None:
    with pytest.raises(CloudError, match="no S3 server s3"):
        local.cloud.run_storage(["s3"], binary())
    assert not local.cloud.home.storage_file.exists()


def test_a_folder_of_an_earlier_version_gets_what_it_lacks_and_keeps_what_it_has(
    tmp_path: Path,
) -> None:
    home = Cloud(tmp_path / "home").home
    home.ensure()
    ports, credentials = home.ports(), home.credentials()
    old = '{"rest": 20001, "edge": 20002, "api": 20003, "cdn": 20004, "s3": 20005, "admin": 20006}'
    home.ports_file.write_text(old)
    home.credentials_file.write_text('{"api_token": "t", "control_secret": "c"}')
    with pytest.raises(CloudError, match=r"lacks the port of dns, storage.*stowage up"):
        home.ports()
    with pytest.raises(CloudError, match=r"lacks 'storage'.*stowage up"):
        home.credentials()
    home.ensure()
    assert (home.ports()["rest"], home.ports()["admin"]) == (20001, 20006)
    assert len(set(home.ports().values())) == len(ports)
    assert (home.credentials().api_token, home.credentials().control_secret) == ("t", "c")
    assert home.credentials().storage.keys() == credentials.storage.keys()
    added = home.credentials_file.read_text()
    home.ensure()
    assert home.credentials_file.read_text() == added
    assert home.credentials_file.stat().st_mode & 0o777 == 0o600
