"""The stack file of a real deployment, and what is said about it; the engine is a fake."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import stack_init
from cli.app import app
from cli.project import Project


class Engine:
    """In the place of cli.engine.Engine: encrypts nothing."""

    def __init__(self, *_: Any) -> None: ...

    def create_stack(self, config_text: str) -> str:
        return "v1:salt"

    def encrypt(self, settings: Mapping[str, str]) -> None: ...


def test_init_says_what_the_next_command_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def this() -> Project:
        return Project(tmp_path)

    def nothing(*_: object) -> dict[str, str]:
        return {}

    monkeypatch.setattr(Project, "of_this_code", this)
    monkeypatch.setattr(stack_init, "Engine", Engine)
    monkeypatch.setattr(stack_init, "find_cli", nothing)
    monkeypatch.setattr(stack_init, "real_environment", nothing)
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "only-for-this-test")
    ids = ["--zone", "example.com", "--account-id", "a" * 32, "--zone-id", "b" * 32]
    result = CliRunner().invoke(app, ["init", "prod", *ids])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "Pulumi.prod.yaml").exists()
    (advice,) = [line for line in result.stdout.splitlines() if line.startswith("Next: ")]
    for needed in (
        "CLOUDFLARE_API_TOKEN",
        "PULUMI_CONFIG_PASSPHRASE ",
        "PULUMI_CONFIG_PASSPHRASE_FILE",
        "pulumi login",
        "stowage up --stack prod",
    ):
        assert needed in advice
    assert "only-for-this-test" not in result.output
