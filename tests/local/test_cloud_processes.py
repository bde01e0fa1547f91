"""The daemon as a process: one for each folder, started and stopped by the client."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.client import Cloud
from local.home import PORT_NAMES, CloudError, CloudHome

# They start daemons and engines' plugins of their own.
pytestmark = pytest.mark.cloud

DEADLINE = 30.0


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


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    one = Cloud(tmp_path / "home")
    yield one
    one.stop()


def test_the_folder_is_private_and_made_once(tmp_path: Path) -> None:
    home = CloudHome(tmp_path / "home")
    home.ensure()
    first = (home.credentials(), home.ports(), home.passphrase_file.read_text())
    home.ensure()
    assert (home.credentials(), home.ports(), home.passphrase_file.read_text()) == first
    assert home.root.stat().st_mode & 0o777 == 0o700
    for file in (home.credentials_file, home.passphrase_file):
        assert file.stat().st_mode & 0o777 == 0o600
    assert len(set(home.ports().values())) == len(PORT_NAMES)
    token = home.credentials().api_token
    assert 40 <= len(token) <= 80
    assert token.isalnum()
    assert len(home.passphrase_file.read_text()) >= 32


def test_a_folder_that_is_no_cloud_folder_and_a_damaged_one_are_told_apart(tmp_path: Path) -> None:
    home = CloudHome(tmp_path / "home")
    with pytest.raises(CloudError, match="no cloud folder yet"):
        home.ports()
    home.ensure()
    home.ports_file.write_text("{")
    with pytest.raises(CloudError, match="damaged"):
        home.ports()
    home.ports_file.write_text(json.dumps({"rest": 1}))
    with pytest.raises(CloudError, match="lacks the port of dns, edge"):
        home.ports()


def test_it_starts_once_and_stops_without_a_trace(cloud: Cloud) -> None:
    assert not cloud.is_running()
    assert cloud.status()["running"] is False
    cloud.start()
    first = cloud.status()["processes"][0]["pid"]
    cloud.start()
    assert cloud.status()["processes"][0]["pid"] == first
    processes = [one["pid"] for one in cloud.status()["processes"]]
    cloud.stop()
    assert not cloud.is_running()
    assert not cloud.home.pid_file.exists()
    until(lambda: not any(is_alive(pid) for pid in processes))


def test_a_second_daemon_on_the_same_folder_is_refused(cloud: Cloud) -> None:
    cloud.start()
    command = [sys.executable, "-m", "local.daemon", "--home", str(cloud.home.root)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 1
    assert "runs already" in second.stderr
    assert str(cloud.status()["processes"][0]["pid"]) in second.stderr
    assert cloud.is_running()


def test_a_port_that_another_program_took_is_named_with_its_file(cloud: Cloud) -> None:
    cloud.home.ensure()
    port = cloud.home.ports()["rest"]
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        with pytest.raises(CloudError) as failed:
            cloud.start()
    assert str(port) in str(failed.value)
    assert "ports.json" in str(failed.value)


def test_a_killed_daemon_leaves_a_folder_that_starts_again(cloud: Cloud) -> None:
    cloud.start()
    pid = cloud.status()["processes"][0]["pid"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: not cloud.is_running())
    cloud.start()
    assert cloud.status()["processes"][0]["pid"] != pid


def test_a_damaged_world_is_told_at_the_start(cloud: Cloud) -> None:
    cloud.home.ensure()
    cloud.home.world.write_text("{")
    with pytest.raises(CloudError, match=r"world\.json is damaged"):
        cloud.start()


def test_a_call_without_a_daemon_says_how_to_start_it(cloud: Cloud) -> None:
    cloud.home.ensure()
    with pytest.raises(CloudError, match="stowage up"):
        cloud.settle()


def test_workerd_comes_back_after_a_kill_and_ends_with_the_daemon(cloud: Cloud) -> None:
    def pids(name: str) -> list[int]:
        return [one["pid"] for one in cloud.status()["processes"] if one["name"] == name]

    cloud.start()
    cloud.settle()
    (node,) = pids("node")
    os.kill(node, signal.SIGKILL)
    until(lambda: pids("node") not in ([], [node]) and bool(pids("workerd")))
    until(lambda: cloud.status()["last_settle"]["error"] is None)
    cloud.settle()
    processes = [one["pid"] for one in cloud.status()["processes"]]
    cloud.stop()
    until(lambda: not any(is_alive(pid) for pid in processes))


def test_nothing_outlives_a_daemon_that_was_killed(cloud: Cloud) -> None:
    cloud.start()
    cloud.settle()
    processes = [one["pid"] for one in cloud.status()["processes"]]
    os.kill(processes[0], signal.SIGKILL)
    until(lambda: not any(is_alive(pid) for pid in processes[1:]))
