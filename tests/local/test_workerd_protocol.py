"""The host process: protocol, messages of failure, and that it leaves no workerd behind."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.workerd_host import SOCKETS, WorkerdHost, a_worker

pytestmark = pytest.mark.cloud

HELLO = """
from workers import Response, WorkerEntrypoint

class Default(WorkerEntrypoint):
    async def fetch(self, request):
        return Response("hello")
"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[WorkerdHost]:
    started = WorkerdHost(tmp_path)
    yield started
    started.close()


def descendants(pid: int) -> list[int]:
    """Processes started by `pid`, theirs included."""
    listed = subprocess.run(
        ["ps", "-e", "-o", "pid=,ppid="], check=True, capture_output=True, text=True
    )
    pairs = [tuple(map(int, line.split())) for line in listed.stdout.splitlines()]
    found: list[int] = []
    wanted = {pid}
    while wanted:
        wanted = {child for child, parent in pairs if parent in wanted}
        found.extend(wanted)
    return found


def is_running(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rsplit(")", 1)[1].split()[0] != "Z"


def wait_until_gone(pids: list[int], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while alive := [pid for pid in pids if is_running(pid)]:
        assert time.monotonic() < deadline, f"still running: {alive}"
        time.sleep(0.05)


def test_apply_opens_every_socket_and_says_what_runs(host: WorkerdHost) -> None:
    result = host.apply()
    assert result == {"ports": host.ports, "workers": []}
    for entry in SOCKETS:
        with socket.create_connection(("127.0.0.1", host.ports[entry]), timeout=5):
            pass


def test_a_line_that_is_not_json_and_an_unknown_method_are_answered_with_errors(
    host: WorkerdHost,
) -> None:
    assert "not JSON" in host.say("{")["error"]["message"]
    assert "unknown method" in host.call("reload")["error"]["message"]
    assert host.call("stop") == {"id": 1, "result": {}}


def test_a_taken_port_is_named_with_its_socket(host: WorkerdHost) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", host.ports["s3"]))
        other.listen()
        answer = host.call("apply", host.config)
    message = answer["error"]["message"]
    assert f"port {host.ports['s3']}" in message
    assert "(socket s3)" in message
    assert "another program listens there" in message
    host.apply()


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"ports": {"edge": 1}}, "ports.api"),
        ({"data": ""}, "no data"),
        ({"buckets": None}, "buckets is not a list"),
        ({"routes": [{"pattern": "*/*", "script": "ghost"}]}, "ghost, which is not deployed"),
    ],
)
def test_a_mistake_in_the_configuration_is_named(
    host: WorkerdHost, changes: dict[str, object], part: str
) -> None:
    answer = host.call("apply", {**host.config, **changes})
    assert part in answer["error"]["message"]


@pytest.mark.parametrize(
    ("binding", "part"),
    [
        (
            {"name": "B", "type": "r2_bucket", "bucket_name": "no"},
            "bucket no, which does not exist",
        ),
        ({"name": "D", "type": "d1", "id": "no"}, "database no, which does not exist"),
        ({"name": "S", "type": "service", "service": "no"}, "Worker no, which is not deployed"),
        ({"name": "K", "type": "kv_namespace"}, "type kv_namespace, which the local cloud"),
    ],
)
def test_a_binding_to_nothing_is_refused_with_its_name(
    host: WorkerdHost, binding: dict[str, object], part: str
) -> None:
    worker = a_worker(host.folder, "edge", HELLO, [binding])
    message = host.call("apply", {**host.config, "workers": [worker]})["error"]["message"]
    assert part in message
    assert f"binding {binding['name']} of Worker edge" in message


def test_the_process_and_workerd_end_when_stdin_closes(host: WorkerdHost) -> None:
    host.apply()
    children = descendants(host.process.pid)
    assert children
    assert host.process.stdin
    host.process.stdin.close()
    assert host.process.wait(15) == 0
    wait_until_gone(children)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_workerd_is_left_behind_after_a_signal(
    host: WorkerdHost, number: signal.Signals
) -> None:
    host.apply()
    children = descendants(host.process.pid)
    assert children
    os.kill(host.process.pid, number)
    host.process.wait(15)
    wait_until_gone(children)


def test_stop_ends_workerd_and_apply_starts_it_again(host: WorkerdHost) -> None:
    host.apply()
    children = descendants(host.process.pid)
    assert host.call("stop")["result"] == {}
    wait_until_gone(children)
    host.apply()
    assert host.request("s3", "GET", "/").status == 403


def test_a_reload_runs_the_new_modules_and_keeps_the_sockets(host: WorkerdHost) -> None:
    routes = [{"pattern": "*/*", "script": "edge"}]
    host.apply(workers=[a_worker(host.folder, "edge", HELLO)], routes=routes)
    assert host.request("edge", "GET", "/").text == "hello"
    changed = a_worker(host.folder / "second", "edge", HELLO.replace("hello", "changed"))
    host.apply(workers=[changed])
    assert host.request("edge", "GET", "/").text == "changed"


def test_a_workerd_that_died_is_started_again(host: WorkerdHost) -> None:
    host.apply()
    for pid in descendants(host.process.pid):
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while True:
        try:
            status = host.request("s3", "GET", "/").status
            break
        except OSError:
            assert time.monotonic() < deadline, host.log()
            time.sleep(0.05)
    assert status == 403
