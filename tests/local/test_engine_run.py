"""The real engine deploys through the plugin, and workerd runs what it deployed."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.local.engine_program import ACCOUNT, SECRET_TEXT, Project

pytestmark = pytest.mark.cloud
DEADLINE = 60.0


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("engine")
    one = Project(folder / "project", folder / "home")
    one.write_worker("hello")
    try:
        one.cloud.start()
        assert one.changed("up") == {"create": 12}
        one.cloud.settle(entry_hosts={"api": "api.test", "cdn": "cdn.test"})
        yield one
    finally:
        one.remove()


def edge(project: Project, path: str) -> dict[str, str]:
    answer = httpx.get(project.cloud.urls()["edge"] + path, trust_env=False, timeout=DEADLINE)
    assert answer.status_code == 200, answer.text
    return answer.json()


def objects(project: Project) -> list[str]:
    token = {"authorization": f"Bearer {project.cloud.home.credentials().api_token}"}
    path = f"/client/v4/accounts/{ACCOUNT}/r2/buckets/{project.bucket}/objects"
    answer = httpx.get(project.cloud.urls()["rest"] + path, headers=token, trust_env=False)
    return [one["key"] for one in answer.json()["result"]]


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not reached():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def processes_of_plugins(project: Project) -> list[str]:
    found: list[str] = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                command = (folder / "cmdline").read_bytes()
                environment = (folder / "environ").read_bytes()
            except OSError:
                continue
            ours = f"STOWAGE_HOME={project.cloud.home.root}".encode() in environment
            if b"local.provider.plugin" in command and ours:
                found.append(folder.name)
    return found


def test_the_deployed_worker_runs_with_its_bindings(project: Project) -> None:
    assert edge(project, "/")["secret"] == SECRET_TEXT
    edge(project, "/put")
    assert "object" in objects(project)


def test_a_sent_message_comes_back_to_the_worker(project: Project) -> None:
    edge(project, "/send")
    until(lambda: "queued-sent" in objects(project))


def test_a_triggered_schedule_runs(project: Project) -> None:
    (run,) = project.cloud.trigger_cron("sample")
    assert run["outcome"] == "ok", run
    assert "scheduled" in objects(project)


def test_a_second_plan_and_one_after_a_refresh_are_empty(project: Project) -> None:
    assert project.changed("preview") == {}
    project.changed("refresh")
    assert project.changed("preview") == {}


def test_the_state_holds_no_secret_in_the_clear(project: Project) -> None:
    state = project.cloud.home.state
    text = "".join(file.read_text(errors="replace") for file in state.rglob("*") if file.is_file())
    value = project.run("refresh")["outputs"]["token"]
    for hidden in (SECRET_TEXT, value):
        assert hidden not in text
        assert base64.b64encode(hidden.encode()).decode() not in text
    assert '"objects"' in text


def test_a_changed_file_replaces_one_version_and_its_deployment(project: Project) -> None:
    project.write_worker("changed")
    assert project.changed("up") == {"replace": 2}
    project.cloud.settle()
    assert edge(project, "/")["greeting"] == "changed"


def test_data_and_workers_survive_a_restart(project: Project) -> None:
    edge(project, "/put")
    project.cloud.stop()
    project.cloud.start()
    project.cloud.settle()
    assert "object" in objects(project)
    assert edge(project, "/")["secret"] == SECRET_TEXT


def test_a_mistake_is_shown_before_anything_is_made(project: Project) -> None:
    assert "is no bucket name" in project.run("preview", "wrong")["error"]


def test_a_refusal_of_the_cloud_fails_the_run_with_its_text(project: Project) -> None:
    assert "already exists, and you own it" in project.run("up", "again")["error"]


def test_an_existing_bucket_is_imported_by_the_real_providers_id(project: Project) -> None:
    done = project.run("up", "adopting", "other")
    assert done.get("changes") == {"create": 1, "import": 1}, done
    assert project.run("preview", "adopting", "other")["changes"] == {"same": 2}
    assert "changes" in project.run("destroy", "adopting", "other")
    assert "objects" in json.loads(project.cloud.home.world.read_text())["resources"]["R2Bucket"]


def test_a_full_bucket_stops_the_destruction_and_an_empty_one_leaves_nothing(
    project: Project,
) -> None:
    edge(project, "/put")
    assert "not empty" in project.run("destroy")["error"]
    token = {"authorization": f"Bearer {project.cloud.home.credentials().api_token}"}
    base = f"{project.cloud.urls()['rest']}/client/v4/accounts/{ACCOUNT}/r2/buckets"
    for key in objects(project):
        path = f"{base}/{project.bucket}/objects/{key}"
        assert httpx.delete(path, headers=token, trust_env=False).status_code == 200
    assert "changes" in project.run("destroy")
    world = json.loads(project.cloud.home.world.read_text())
    assert world["resources"] == {}
    # As the other tests expect it.
    assert project.changed("up") == {"create": 12}
    project.cloud.settle()


def test_no_plugin_outlives_its_engine(project: Project) -> None:
    until(lambda: processes_of_plugins(project) == [])
