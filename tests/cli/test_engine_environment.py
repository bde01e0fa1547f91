"""The engine's environment: the local cloud's own, whatever the person has set for real
deployments."""

import os
import subprocess
from pathlib import Path

import pytest

from cli import outputs
from cli.engine_environment import LocalSettings, local_environment, real_environment
from cli.local_cloud import LocalCloud
from cli.project import Project, home_folder
from cli.pulumi_cli import PulumiCli
from local.credentials import AccessKey

CLI = PulumiCli(Path("/opt/pulumi/bin/pulumi"), "3.200.0")
PYTHON = Path("/checkout/.venv/bin/python")


def local(ambient: dict[str, str]) -> dict[str, str]:
    settings = LocalSettings(
        home=Path("/home"),
        pulumi_home=Path("/home/pulumi"),
        state=Path("/home/state"),
        passphrase_file=Path("/home/passphrase"),
        rest_url="http://127.0.0.1:1234",
        api_token="token",
        storage_keys={"r2": AccessKey("r2-id", "r2-key"), "b2": AccessKey("b2-id", "b2-key")},
    )
    return local_environment(Project(Path("/checkout")), CLI, PYTHON, settings, ambient)


def test_the_engine_finds_the_local_cloud_and_its_own_state() -> None:
    found = local({})
    assert found["CLOUDFLARE_BASE_URL"] == "http://127.0.0.1:1234/client/v4"
    assert found["CLOUDFLARE_API_TOKEN"] == "token"
    assert found["PULUMI_BACKEND_URL"] == "file:///home/state"
    assert found["PULUMI_HOME"] == "/home/pulumi"
    assert found["PULUMI_CONFIG_PASSPHRASE_FILE"] == "/home/passphrase"
    assert found["STOWAGE_HOME"] == "/home"


def test_the_engine_has_an_administrators_key_of_every_storage() -> None:
    found = local({"STOWAGE_B2_ACCESS_KEY_ID": "a real one"})
    for storage in ("R2", "B2"):
        assert found[f"STOWAGE_{storage}_ACCESS_KEY_ID"] == f"{storage.lower()}-id"
        assert found[f"STOWAGE_{storage}_SECRET_ACCESS_KEY"] == f"{storage.lower()}-key"


def test_the_checkouts_python_and_plugins_come_first_on_path() -> None:
    assert local({"PATH": "/usr/bin"})["PATH"].split(os.pathsep) == [
        "/checkout/.venv/bin",
        "/checkout/local/bin",
        "/opt/pulumi/bin",
        "/usr/bin",
    ]


def test_a_persons_settings_for_real_deployments_do_not_reach_the_local_one() -> None:
    ambient = {
        "PULUMI_CONFIG_PASSPHRASE": "mine",
        "PULUMI_STACK": "prod",
        "CLOUDFLARE_API_KEY": "global",
        "PULUMI_BACKEND_URL": "s3://mine",
        "CLOUDFLARE_API_TOKEN": "real",
    }
    found = ambient | local(ambient)
    assert found["PULUMI_CONFIG_PASSPHRASE"] == ""
    assert found["PULUMI_STACK"] == ""
    assert found["CLOUDFLARE_API_KEY"] == ""
    assert found["PULUMI_BACKEND_URL"] == "file:///home/state"
    assert found["CLOUDFLARE_API_TOKEN"] == "token"


def test_a_real_deployment_keeps_the_operators_backend_and_token() -> None:
    ambient = {"PULUMI_BACKEND_URL": "s3://mine", "PATH": "/usr/bin"}
    found = real_environment(Project(Path("/checkout")), CLI, PYTHON, ambient)
    assert not any(name.startswith(("PULUMI_BACKEND", "PULUMI_HOME")) for name in found)
    assert not any(name.startswith("CLOUDFLARE") for name in found)
    assert "/checkout/local/bin" not in found["PATH"]


def test_the_cloud_folder_is_the_option_then_the_variable_then_the_checkouts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(tmp_path)
    monkeypatch.delenv("STOWAGE_HOME", raising=False)
    assert home_folder(project, None) == tmp_path / ".stowage"
    monkeypatch.setenv("STOWAGE_HOME", str(tmp_path / "elsewhere"))
    assert home_folder(project, None) == tmp_path / "elsewhere"
    assert home_folder(project, tmp_path / "mine") == tmp_path / "mine"


@pytest.fixture
def recording_cli(tmp_path: Path) -> PulumiCli:
    program = tmp_path / "official" / "pulumi"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nfor one in "$@"; do echo "<$one>"; done\n')
    program.chmod(0o755)
    return PulumiCli(program, "3.200.0")


def test_the_wrapper_names_the_stack_file_where_pulumi_takes_one(
    tmp_path: Path, recording_cli: PulumiCli
) -> None:
    cloud = LocalCloud(Project(tmp_path), tmp_path / "a home")
    wrapper = outputs.write_wrapper(cloud, recording_cli)

    def run(*arguments: str) -> list[str]:
        done = subprocess.run([wrapper, *arguments], capture_output=True, text=True, check=True)
        return [line.strip("<>") for line in done.stdout.splitlines()]

    named = ["--stack", "dev", "--config-file", str(tmp_path / "a home" / "Pulumi.dev.yaml")]
    assert run("up", "--yes", "a b") == ["up", *named, "--yes", "a b"]
    assert run("stack", "export") == ["stack", "export"]
    assert run() == []


def test_the_exports_are_lines_that_a_shell_takes(tmp_path: Path, recording_cli: PulumiCli) -> None:
    cloud = LocalCloud(Project(tmp_path), tmp_path / "it's home")
    cloud.make_ready()
    lines = outputs.env_lines(cloud, recording_cli)
    script = "\n".join([*lines, 'echo "$STOWAGE_HOME"', "command -v pulumi"])
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    home = tmp_path / "it's home"
    assert done.stdout.splitlines() == [str(home), str(home / "bin" / "pulumi")]
    assert any("NOT YET" in line for line in lines)
