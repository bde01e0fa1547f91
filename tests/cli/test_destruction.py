"""What destroy refuses before anything is lost, and where it looks for data."""

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli import destruction, storages
from cli.app import app
from cli.options import Scope
from cli.rest import AccountApi
from cli.target import Target
from tests.cli.fakes import FakeBuckets, FakeEngine

DATA = {"u": ["temp/1/package.mosis"], "r": ["dists/stable/InRelease", "pool/a.deb"]}


@dataclass
class Real:
    """A real stack of two buckets, and a way to destroy it."""

    engine: FakeEngine
    buckets: FakeBuckets

    def destroy(self, *options: str, stack: str = "prod") -> Result:
        return CliRunner().invoke(app, ["destroy", "--stack", stack, *options])

    @property
    def is_untouched(self) -> bool:
        return self.buckets.objects == DATA and self.engine.done == []


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Real:
    engine = FakeEngine(tmp_path / "Pulumi.prod.yaml", buckets=("r", "u"))
    buckets = FakeBuckets({name: list(keys) for name, keys in DATA.items()})

    def target(scope: Scope, given: object = ()) -> Target:
        return Target(engine, None)  # pyright: ignore[reportArgumentType]  (a fake)

    def api(target: Target) -> AccountApi:
        return buckets.api()

    monkeypatch.setattr(destruction, "open_target", target)
    monkeypatch.setattr(storages, "account_api", api)
    return Real(engine, buckets)


@pytest.mark.parametrize("options", [[], ["--delete-data", "--confirm", "prod"]])
def test_protected_data_is_refused_before_anything_is_deleted(
    real: Real, options: list[str]
) -> None:
    real.engine.protected = ("u",)
    result = real.destroy(*options)
    assert result.exit_code == 3
    assert "R2Bucket storage-u is protected" in result.stderr
    assert "storage-r" not in result.stderr
    assert "pulumi config set --stack prod stowage:protectData false" in result.stderr
    assert real.is_untouched


def test_the_local_stack_is_protected_alike_and_says_its_own_command(real: Real) -> None:
    real.engine.protected = ("r", "u")
    result = real.destroy("--delete-data", stack="dev")
    assert result.exit_code == 3
    assert "stowage up -c protectData=false" in result.stderr
    assert real.is_untouched


@pytest.mark.parametrize("options", [[], ["--confirm", "staging"], ["--confirm", ""]])
def test_the_data_of_a_real_stack_goes_only_when_its_name_is_given(
    real: Real, options: list[str]
) -> None:
    result = real.destroy("--delete-data", *options)
    assert result.exit_code == 3
    assert "--confirm prod" in result.stderr
    assert real.is_untouched


def test_a_confirmed_name_lets_the_data_go(real: Real) -> None:
    result = real.destroy("--delete-data", "--confirm", "prod")
    assert result.exit_code == 0, result.output
    assert real.buckets.objects == {"u": [], "r": []}
    assert real.engine.done == ["destroy"]


@pytest.mark.parametrize(("typed", "is_refused"), [("prod", False), ("Prod", True)])
def test_the_name_may_be_typed_on_a_terminal(
    real: Real, monkeypatch: pytest.MonkeyPatch, typed: str, is_refused: bool
) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

    prompted: list[bool] = []

    def prompt(text: str, *, err: bool) -> str:
        prompted.append(err)
        return typed

    monkeypatch.setattr("cli.destruction.sys.stdin", Terminal())
    monkeypatch.setattr("cli.destruction.typer.prompt", prompt)
    scope = destruction.options.scope(None, "prod")
    refused = pytest.raises(destruction.Refusal, match="'Prod' is not this stack's name")
    with refused if is_refused else nullcontext():
        destruction.require_confirmation(scope, None, [])
    assert prompted == [True]


def test_data_is_found_in_the_buckets_own_jurisdiction(real: Real) -> None:
    real.engine.jurisdiction = real.buckets.jurisdiction = "eu"
    assert real.destroy().exit_code == 3
    assert real.destroy("--delete-data", "--confirm", "prod").exit_code == 0
    assert real.buckets.objects == {"u": [], "r": []}


@pytest.mark.parametrize("options", [[], ["--delete-data", "--confirm", "prod"]])
def test_a_bucket_of_the_state_that_is_not_found_is_no_empty_bucket(
    real: Real, options: list[str]
) -> None:
    del real.buckets.objects["r"]
    real.engine.buckets = ("r",)
    result = real.destroy(*options)
    assert result.exit_code == 1
    assert "shows no bucket r in the jurisdiction default" in result.stderr
    assert "stowage refresh" in result.stderr
    assert real.engine.done == []
