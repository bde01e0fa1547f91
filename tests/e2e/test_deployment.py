"""The stack as an operator works on it: again, from another clone, with a change, killed,
destroyed."""

import base64
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, cast

import pytest

from tests.e2e.conftest import a_stack
from tests.e2e.stack import PROJECT, Stack


def test_a_second_up_and_a_second_plan_change_nothing(stack: Stack) -> None:
    changes = stack.read("up")["changes"]
    assert set(changes) == {"same"}, changes
    stack.run("preview", "--expect-no-changes")


def test_a_first_refresh_changes_computed_fields_only_and_a_second_one_nothing(
    stack: Stack,
) -> None:
    stack.run("refresh")
    assert set(stack.read("refresh")["changes"]) == {"same"}
    stack.run("preview", "--expect-no-changes")


def a_clone(folder: Path) -> Path:
    """The files of this checkout at another path; only what is fetched from registries is
    shared."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (PROJECT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, folder / name)
    for shared in (".venv", ".build/python_modules", "local/workerd/node_modules"):
        (folder / shared).parent.mkdir(parents=True, exist_ok=True)
        (folder / shared).symlink_to(PROJECT / shared)
    return folder


def test_another_clone_plans_nothing_and_one_edited_file_replaces_one_version(
    stack: Stack, tmp_path: Path
) -> None:
    clone = Stack(stack.home, project=a_clone(tmp_path / "elsewhere" / "clone"))
    clone.run("preview", "--expect-no-changes")

    edge = clone.project / "functions/entrypoints/cloudflare/edge.py"
    edge.write_text(edge.read_text() + "\n# A comment is a change of the deployed bytes.\n")
    planned = clone.read("preview")["steps"]
    assert [(step["op"], step["type"]) for step in planned if step["op"] != "same"] == [
        ("replace", "cloudflare:index/workerVersion:WorkerVersion"),
        ("replace", "cloudflare:index/workersDeployment:WorkersDeployment"),
    ]
    assert all("edge" in step["urn"] for step in planned if step["op"] != "same")


def test_the_engine_runs_the_policies_and_the_migrations_refuse_an_edited_file(
    stack: Stack, tmp_path: Path
) -> None:
    clone = Stack(stack.home, project=a_clone(tmp_path / "clone"))
    storage = clone.project / "infra/cloudflare/storage.py"
    sound = storage.read_text()
    storage.write_text(sound.replace("rules = [multipart_abort_rule()]", "rules = []"))
    assert storage.read_text() != sound
    refused = clone.run("preview", expect=1)
    assert "multipart" in refused.stderr
    storage.write_text(sound)

    migration = clone.project / "functions/migrations/0001_initial.sql"
    migration.write_text("-- edited\n" + migration.read_text())
    refused = clone.run("preview", expect=1)
    assert "0001_initial.sql was edited after it ran" in refused.stderr


def secrets_of(stack: Stack) -> list[str]:
    """Every secret that the dev stack has, as text."""
    kept = json.loads((stack.home / "keys.json").read_text())
    found: list[str] = [stack.outputs["s3_secret_access_key"], stack.api_token]

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            for inner in cast("dict[str, Any]", value).values():
                walk(inner)
        elif isinstance(value, list):
            for inner in cast("list[Any]", value):
                walk(inner)
        elif isinstance(value, str) and len(value) >= 24:
            try:
                walk(json.loads(value))
            except ValueError:
                found.append(value)

    for name, value in kept.items():
        if "platform" not in name.lower():
            walk(value)
    assert len(found) >= 5
    return found


def plain_pulumi(stack: Stack, arguments: str) -> str:
    """What Pulumi's own command prints with the exports of `stowage env`."""
    exports = stack.run("env").stdout
    return subprocess.run(
        ["bash", "-c", f"{exports}\npulumi {arguments}"],
        cwd=stack.project,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_no_secret_stands_in_the_state_in_plain_or_base64(stack: Stack) -> None:
    state = "".join(
        file.read_text() for file in (stack.home / "state").rglob("*.json*") if file.is_file()
    )
    assert "ciphertext" in state
    exported = plain_pulumi(stack, "stack export --stack dev")
    for secret in secrets_of(stack):
        for form in (secret, base64.b64encode(secret.encode()).decode().rstrip("=")):
            assert form not in state
            assert form not in exported
    shown = stack.run("outputs", "--json").stdout
    assert stack.outputs["s3_secret_access_key"] not in shown


def test_no_path_of_the_checkout_stands_in_the_state(stack: Stack) -> None:
    state = "".join(
        file.read_text() for file in (stack.home / "state/.pulumi/stacks").rglob("*.json")
    )
    assert str(PROJECT) not in state


def world_size(stack: Stack) -> int:
    return sum(stack.read("status")["resources"].values())


def test_destroy_refuses_while_there_is_data_and_then_leaves_an_empty_world(tmp_path: Path) -> None:
    with a_stack("-c", "multiTenant=false") as stack:
        bucket = stack.outputs["buckets"]["repositories"]
        stack.s3.put_object(Bucket=bucket, Key="kept", Body=b"data")
        refused = stack.run("destroy", expect=3)
        assert bucket in refused.stdout + refused.stderr
        assert stack.s3.get_object(Bucket=bucket, Key="kept")["Body"].read() == b"data"
        assert world_size(stack) > 0
        stack.run("destroy", "--delete-data")
        assert world_size(stack) == 0
        stack.run("up")
        stack.forget()
        assert "Contents" not in stack.s3.list_objects_v2(Bucket=bucket)


def kill_when_half_way(stack: Stack) -> None:
    """Kill the command and the engine under it as soon as some resources exist, leaving lock and
    pending operations."""
    process = subprocess.Popen(
        stack.command("up"),
        cwd=stack.project,
        env=stack.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and process.poll() is None:
            if (stack.home / "world.json").is_file() and world_size(stack) >= 6:
                break
            time.sleep(0.05)
        assert process.poll() is None, "it ended before it could be killed"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def processes_of(stack: Stack) -> list[str]:
    """Command lines of what still runs for this cloud folder."""
    wanted = f"STOWAGE_HOME={stack.home}".encode()
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            given = wanted in (process / "environ").read_bytes().split(b"\0")
            if given or str(stack.home) in command:
                found.append(command)
        except OSError:
            continue  # it ended while we looked
    return found


@pytest.mark.timeout(400)
def test_up_after_a_kill_in_the_middle_says_that_it_removed_the_lock_and_completes(
    tmp_path: Path,
) -> None:
    stack = Stack(tmp_path / "cloud")
    try:
        kill_when_half_way(stack)
        mended = stack.run("up")
        assert "lock" in (mended.stdout + mended.stderr).lower()
        stack.run("preview", "--expect-no-changes")
        assert stack.api("GET", "/v1/keys").status_code == 200
        stack.down()
        assert processes_of(stack) == []
    finally:
        stack.down()


def test_it_survives_a_restart_with_its_data(stack: Stack) -> None:
    tenant = stack.made("/v1/tenants", {"name": "restarted"})["tenant_id"]
    repository = stack.made(
        "/v1/repositories",
        {"tenant_id": tenant, "hostname": "apt.restart.example", "distribution": "stable"},
    )["repository"]
    stack.s3.put_object(
        Bucket=repository["s3_bucket"], Key=f"{repository['s3_prefix']}kept", Body=b"kept"
    )
    before = dict(stack.outputs)
    stack.run("down")
    assert set(stack.read("up")["changes"]) == {"same"}
    assert stack.edge("apt.restart.example", "/kept").content == b"kept"
    assert stack.read("outputs", "--show-secrets") == before


def test_the_committed_stack_file_is_never_rewritten(stack: Stack) -> None:
    committed = (PROJECT / "Pulumi.dev.yaml").read_text()
    assert "encryptionsalt" not in committed
    assert "secure:" not in committed
