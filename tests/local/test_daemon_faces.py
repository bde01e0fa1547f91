"""The daemon's HTTP interfaces and settling, over a workerd host that a small program plays."""

import json
import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from local.application import LocalCloud
from local.home import CloudHome
from tests.local.provider_calls import ACCOUNT, ZONE

FAKE = Path(__file__).with_name("fake_node_host.py")
DEADLINE = 20.0
ACCOUNT_PATH = f"/client/v4/accounts/{ACCOUNT}"
Json = dict[str, Any]


class Daemon:
    """A daemon in this process, over HTTP."""

    def __init__(self, folder: Path, client: httpx.Client, home: CloudHome) -> None:
        self.folder, self.client, self.home = folder, client, home
        known = home.credentials()
        self.control = {"x-stowage-control": known.control_secret}
        self.token = {"authorization": f"Bearer {known.api_token}"}

    def engine(self, method: str, kind: str, **request: Any) -> Any:
        body = {"type": f"cloudflare:index/x:{kind}", "project": str(self.folder), **request}
        return self.client.post(f"/_engine/{method}", json=body, headers=self.control)

    def create(self, kind: str, /, **inputs: Any) -> str:
        answer = self.engine("create", kind, properties=inputs, preview=False)
        assert answer.status_code == 200, answer.text
        return answer.json()["id"]

    def deploy(self, name: str) -> None:
        (self.folder / "entry.py").write_text("x = 1")
        worker = self.create("Worker", accountId=ACCOUNT, name=name)
        version = self.create(
            "WorkerVersion",
            accountId=ACCOUNT,
            workerId=worker,
            mainModule="entry.py",
            compatibilityDate="2026-09-15",
            compatibilityFlags=["python_workers"],
            modules=[
                {"name": "entry.py", "contentType": "text/x-python", "contentFile": "entry.py"}
            ],
        )
        self.create(
            "WorkersDeployment",
            accountId=ACCOUNT,
            scriptName=name,
            strategy="percentage",
            versions=[{"versionId": version, "percentage": 100}],
        )

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(path, headers=self.token, params=query)

    def settle(self, **body: Any) -> Any:
        return self.client.post("/_local/settle", json=body, headers=self.control)

    def status(self) -> Json:
        return self.client.get("/_local/status", headers=self.control).json()

    def record(self) -> list[Json]:
        file = self.folder / "record"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def applied(self) -> list[Json]:
        return [one["apply"] for one in self.record() if "apply" in one]


def start(folder: Path, types_file: Path, *, faults: bool = False) -> Generator[Daemon]:
    home = CloudHome(folder / "home")
    home.ensure()
    shutil.copy(types_file, home.root)
    command = [sys.executable, str(FAKE), str(folder / "record")]
    cloud = LocalCloud(home, faults=faults, node=lambda: command)
    config = uvicorn.Config(
        cloud.application(), host="127.0.0.1", port=home.ports()["rest"], log_level="warning"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    try:
        with httpx.Client(base_url=home.urls()["rest"], timeout=DEADLINE, trust_env=False) as one:
            yield Daemon(folder, one, home)
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def daemon(tmp_path: Path, types_file: Path) -> Iterator[Daemon]:
    yield from start(tmp_path, types_file)


@pytest.fixture
def faulty(tmp_path: Path, types_file: Path) -> Iterator[Daemon]:
    yield from start(tmp_path, types_file, faults=True)


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not reached():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 401), ({"authorization": "Basic x"}, 401), ({"authorization": "Bearer no"}, 403)],
)
def test_the_rest_face_lets_nobody_in_without_the_token(
    daemon: Daemon, headers: dict[str, str], status: int
) -> None:
    answer = daemon.client.get(f"{ACCOUNT_PATH}/queues", headers=headers)
    assert answer.status_code == status
    body = answer.json()
    assert body["success"] is False
    assert body["result"] is None
    assert body["errors"][0]["code"] in (10000, 9109)


def test_an_unknown_rest_path_is_a_404_in_cloudflares_envelope(daemon: Daemon) -> None:
    answer = daemon.get("/client/v4/user")
    assert answer.status_code == 404
    assert "README" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    "path", ["/_local/status", "/_engine/check", "/_queues/work/messages", "/_faults", "/"]
)
def test_everything_else_needs_the_control_secret(daemon: Daemon, path: str) -> None:
    for headers in ({}, daemon.token, {"x-stowage-control": "wrong"}):
        assert daemon.client.post(path, json={}, headers=headers).status_code == 403


def test_lists_are_paged_and_belong_to_their_account(daemon: Daemon) -> None:
    for name in ("one", "two", "three"):
        daemon.create("R2Bucket", accountId=ACCOUNT, name=name)
    first = daemon.get(f"{ACCOUNT_PATH}/r2/buckets", page=1, per_page=2).json()
    assert first["success"] is True
    assert [one["name"] for one in first["result"]["buckets"]] == ["one", "two"]
    assert first["result_info"] == {
        "page": 1,
        "per_page": 2,
        "count": 2,
        "total_count": 3,
        "total_pages": 2,
    }
    other = daemon.get(f"/client/v4/accounts/{'f' * 32}/r2/buckets").json()
    assert other["result"]["buckets"] == []
    assert daemon.get(f"{ACCOUNT_PATH}/r2/buckets", page="x").status_code == 400


def test_single_resources_are_read_and_deleted_and_secrets_never_shown(daemon: Daemon) -> None:
    identifier = daemon.create(
        "NotificationPolicyWebhooks",
        accountId=ACCOUNT,
        name="w",
        url="https://hooks.example",
        secret="hush",
    )
    path = f"{ACCOUNT_PATH}/alerting/v3/destinations/webhooks"
    answer = daemon.get(f"{path}/{identifier}")
    assert answer.json()["result"]["id"] == identifier
    assert "hush" not in answer.text + daemon.get(path).text
    deleted = daemon.client.delete(f"{path}/{identifier}", headers=daemon.token)
    assert deleted.status_code == 200
    assert daemon.get(f"{path}/{identifier}").status_code == 404


def test_zone_resources_and_consumers_are_listed(daemon: Daemon) -> None:
    daemon.create(
        "DnsRecord", zoneId=ZONE, name="a.test", type="AAAA", content="100::", ttl=1, proxied=True
    )
    (record,) = daemon.get(f"/client/v4/zones/{ZONE}/dns_records").json()["result"]
    assert (record["name"], record["zone_id"], len(record["id"])) == ("a.test", ZONE, 32)
    queue = daemon.create("Queue", accountId=ACCOUNT, queueName="work")
    worker = daemon.create("Worker", accountId=ACCOUNT, name="jobs")
    daemon.create(
        "QueueConsumer", accountId=ACCOUNT, queueId=queue, type="worker", scriptName="jobs"
    )
    (consumer,) = daemon.get(f"{ACCOUNT_PATH}/queues/{queue}/consumers").json()["result"]
    assert consumer["script_name"] == "jobs"
    (found,) = daemon.get(f"{ACCOUNT_PATH}/workers/workers").json()["result"]
    assert found["id"] == worker
    refused = daemon.client.delete(f"{ACCOUNT_PATH}/queues/{queue}", headers=daemon.token)
    assert refused.status_code == 409


def test_a_database_is_queried_right_after_it_was_made(daemon: Daemon) -> None:
    database = daemon.create("D1Database", accountId=ACCOUNT, name="records")
    path = f"{ACCOUNT_PATH}/d1/database/{database}/query"
    answer = daemon.client.post(path, json={"sql": "SELECT 1 AS one"}, headers=daemon.token)
    assert answer.json()["result"][0]["results"] == [{"one": 1}]
    assert daemon.applied()[-1]["databases"] == [database]
    wrong = daemon.client.post(path, json={"sql": "NONSENSE"}, headers=daemon.token)
    assert wrong.status_code == 400
    assert "syntax error" in wrong.json()["errors"][0]["message"]
    assert daemon.client.post(path, json=[], headers=daemon.token).status_code == 400
    missing = path.replace(database, "none")
    assert daemon.client.post(missing, json={"sql": "x"}, headers=daemon.token).status_code == 404


def test_objects_are_listed_and_deleted_and_a_full_bucket_is_not(daemon: Daemon) -> None:
    bucket = daemon.create("R2Bucket", accountId=ACCOUNT, name="full")
    refused = daemon.engine("delete", "R2Bucket", id=bucket, properties={"name": bucket})
    assert refused.status_code == 409
    assert "not empty" in refused.json()["error"]
    path = f"{ACCOUNT_PATH}/r2/buckets/full/objects"
    listed = daemon.get(path).json()
    assert [one["key"] for one in listed["result"]] == ["a b/c", "d"]
    assert listed["result_info"]["is_truncated"] is False
    for key in ("a%20b%2Fc", "d"):
        assert daemon.client.delete(f"{path}/{key}", headers=daemon.token).status_code == 200
    assert daemon.get(path).json()["result"] == []
    gone = daemon.engine("delete", "R2Bucket", id=bucket, properties={"name": bucket})
    assert gone.status_code == 200
    assert daemon.get(path).status_code == 404


def test_settling_reloads_once_and_warms_each_worker_once(daemon: Daemon) -> None:
    daemon.deploy("sample")
    hosts = {"api": "api.test", "cdn": "cdn.test"}
    assert daemon.settle(entry_hosts=hosts).json()["reloaded"] is True
    assert daemon.settle().json()["reloaded"] is False
    assert len(daemon.applied()) == 1
    assert daemon.applied()[0]["entry_hosts"] == hosts
    warmed = [one for one in daemon.record() if one.get("call") == "/workers/sample/warm"]
    assert len(warmed) == 1
    (worker,) = daemon.status()["workers"]
    assert (worker["name"], worker["number"], worker["warm"]) == ("sample", 1, True)


def test_a_worker_that_does_not_boot_fails_the_settling_with_its_traceback(
    daemon: Daemon,
) -> None:
    daemon.deploy("broken")
    answer = daemon.settle()
    assert answer.status_code == 500
    assert "The Worker broken does not boot" in answer.json()["error"]
    assert "ImportError: nothing" in answer.json()["error"]
    assert "ImportError" in daemon.status()["last_settle"]["error"]


def test_a_configuration_that_the_host_refuses_fails_the_settling(daemon: Daemon) -> None:
    daemon.deploy("refused")
    assert "refuses this configuration" in daemon.settle().json()["error"]


def test_a_taken_port_is_named_with_its_file(daemon: Daemon) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", daemon.home.ports()["s3"]))
        other.listen()
        error = daemon.settle().json()["error"]
    assert str(daemon.home.ports()["s3"]) in error
    assert "ports.json" in error


def test_the_end_of_the_engines_run_settles_by_itself(daemon: Daemon) -> None:
    daemon.deploy("sample")
    assert daemon.client.post("/_engine/end", json={}, headers=daemon.control).status_code == 200
    until(lambda: bool(daemon.status()["workers"][0]["warm"]))


def test_a_killed_host_comes_back_with_its_workers(daemon: Daemon) -> None:
    daemon.deploy("sample")
    daemon.settle()
    os.kill(daemon.record()[0]["pid"], signal.SIGKILL)
    until(lambda: len({one["pid"] for one in daemon.record()}) == 2)
    until(lambda: bool(daemon.status()["workers"][0]["warm"]))


def test_queued_messages_reach_the_worker(daemon: Daemon) -> None:
    queue = daemon.create("Queue", accountId=ACCOUNT, queueName="work")
    daemon.deploy("jobs")
    daemon.create(
        "QueueConsumer",
        accountId=ACCOUNT,
        queueId=queue,
        type="worker",
        scriptName="jobs",
        settings={"batchSize": 1},
    )
    daemon.settle()
    path = "/_queues/work/messages"
    body = {"messages": [{"body": {"version_id": "v"}}]}
    assert daemon.client.post(path, json=body, headers=daemon.control).status_code == 200
    until(lambda: any(one.get("call") == "/workers/jobs/queue" for one in daemon.record()))
    (delivery,) = [one for one in daemon.record() if one.get("call") == "/workers/jobs/queue"]
    assert delivery["body"]["messages"][0]["body"] == {"version_id": "v"}
    for wrong, status in (({"messages": 5}, 400), ({}, 400)):
        answer = daemon.client.post(path, json=wrong, headers=daemon.control)
        assert answer.status_code == status
    missing = daemon.client.post("/_queues/none/messages", json=body, headers=daemon.control)
    assert missing.status_code == 404


def test_a_trigger_by_hand_runs_the_schedule(daemon: Daemon) -> None:
    daemon.deploy("jobs")
    daemon.create(
        "WorkersCronTrigger",
        accountId=ACCOUNT,
        scriptName="jobs",
        schedules=[{"cron": "0 3 * * *"}],
    )
    answer = daemon.client.post("/_local/trigger", json={"worker": "jobs"}, headers=daemon.control)
    assert [run["outcome"] for run in answer.json()["runs"]] == ["ok"]
    nobody = daemon.client.post("/_local/trigger", json={"worker": "edge"}, headers=daemon.control)
    assert nobody.status_code == 409


def test_the_fault_face_is_closed_unless_it_was_opened(daemon: Daemon) -> None:
    for path in ("/_faults", "/_faults/next", "/_faults/release"):
        assert daemon.client.post(path, json={}, headers=daemon.control).status_code == 404
    assert daemon.client.get("/_faults", headers=daemon.control).status_code == 404
    assert daemon.client.delete("/_faults", headers=daemon.control).status_code == 404


def test_the_fault_face_plans_answers_and_forgets(faulty: Daemon) -> None:
    plan = {"worker": "jobs", "binding": "DB", "method": "batch", "action": "fail"}
    assert faulty.client.post("/_faults", json=plan, headers=faulty.control).status_code == 201
    call = {"worker": "jobs", "binding": "DB", "method": "batch"}

    def following() -> str:
        answer = faulty.client.post("/_faults/next", json=call, headers=faulty.control)
        return answer.json()["action"]

    assert [following(), following()] == ["fail", "none"]
    assert faulty.client.get("/_faults", headers=faulty.control).json()["faults"][0]["met"] == 1
    faulty.client.delete("/_faults", headers=faulty.control)
    assert following() == "none"
    wrong = faulty.client.post("/_faults", json={"worker": "x"}, headers=faulty.control)
    assert wrong.status_code == 400
    faulty.settle()
    assert faulty.applied()[0]["faults"] is True


def test_a_refusal_of_the_provider_is_an_error_with_its_text(daemon: Daemon) -> None:
    inputs = {"accountId": ACCOUNT, "name": "objects"}
    daemon.create("R2Bucket", **inputs)
    again = daemon.engine("create", "R2Bucket", properties=inputs, preview=False)
    assert again.status_code == 409
    assert "already exists" in again.json()["error"]
    assert daemon.engine("dance", "R2Bucket").status_code == 404
