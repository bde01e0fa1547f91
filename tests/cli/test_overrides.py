"""Secrets that are given with `-c`: never as an argument, and kept nowhere but encrypted."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from typer.testing import CliRunner

from cli import secret_settings
from cli.app import app
from cli.failures import Failure, UsageFailure
from cli.local_cloud import LocalCloud
from cli.overrides import Given, read_given
from cli.project import Project
from cli.stack_config import StackConfig
from infra.keys import PROBLEMS

HOOK = "https://hooks.example.com/services/abc"
WEBHOOK = "stowage:webhookUrl"
SIGNING = "stowage:signingKey"


@dataclass
class Encrypting:
    """In the place of an engine: writes what it is told to encrypt, backwards."""

    config_file: Path
    encrypted: list[str] = field(default_factory=list[str])
    broken: bool = False

    def create_stack(self, config_text: str) -> str:
        return "v1:salt"

    def encrypt(self, settings: Mapping[str, str]) -> None:
        document = yaml.safe_load(self.config_file.read_text())
        for key, text in settings.items():
            document["config"][key] = {"secure": text[::-1]}
            self.encrypted.append(key)
        self.config_file.write_text(yaml.safe_dump(document))
        if self.broken:
            raise KeyboardInterrupt


@pytest.fixture
def local(tmp_path: Path) -> LocalCloud:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "Pulumi.dev.yaml").write_text("config:\n  stowage:zone: stowage.test\n")
    local = LocalCloud(Project(checkout), tmp_path / "home")
    local.make_ready()
    return local


def written(local: LocalCloud, **secret: str) -> dict[str, Any]:
    """The stack file's values after the next command, with these secrets given."""
    given = Given((), {f"stowage:{name}": text for name, text in secret.items()})
    local.write_config(cast("Any", Encrypting(local.config_file)), given)
    return yaml.safe_load(local.config_file.read_text())["config"]


def deploy(local: LocalCloud) -> None:
    """What the engine leaves: a state, so that the stack is not made again."""
    local.state_file.path.parent.mkdir(parents=True, exist_ok=True)
    local.state_file.path.write_text("{}")


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_secret_as_a_plain_argument_is_refused_and_not_quoted(name: str) -> None:
    with pytest.raises(UsageFailure, match=rf"-c {name}=@FILE.*-c {name}=-") as refused:
        read_given([f"{name}=hush-hush"])
    assert "hush-hush" not in str(refused.value)


def test_up_refuses_a_secret_as_an_argument_before_it_starts_anything(tmp_path: Path) -> None:
    home = tmp_path / "home"
    result = CliRunner().invoke(app, ["up", "-c", f"webhookUrl={HOOK}", "--home", str(home)])
    assert result.exit_code == 2
    assert "webhookUrl is secret" in result.stderr
    assert not home.exists()


def test_a_secret_comes_from_a_file_or_from_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hook").write_text(HOOK + "\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO("hush-hush\r\n"))
    given = read_given(["webhookUrl=@hook", "stowage:webhookSecret=-", "cron=@hourly"])
    assert given.secret == {WEBHOOK: HOOK, "stowage:webhookSecret": "hush-hush"}
    assert given.plain == ("cron=@hourly",)


def test_a_file_that_is_missing_or_empty_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(UsageFailure, match="cannot be read"):
        read_given([f"webhookUrl=@{tmp_path}/none"])
    with pytest.raises(UsageFailure, match="nothing is in it"):
        read_given([f"webhookUrl=@{tmp_path}/empty"])


def test_a_given_secret_is_kept_encrypted_and_nowhere_else(local: LocalCloud) -> None:
    assert written(local, webhookUrl=HOOK)[WEBHOOK] == {"secure": HOOK[::-1]}
    deploy(local)
    assert written(local)[WEBHOOK] == {"secure": HOOK[::-1]}
    texts = [path.read_text() for path in local.folder.rglob("*") if path.is_file()]
    assert len(texts) > 3
    assert not [text for text in texts if HOOK in text]


def test_an_empty_value_forgets_a_given_secret(local: LocalCloud) -> None:
    written(local, webhookUrl=HOOK)
    deploy(local)
    assert WEBHOOK not in written(local, webhookUrl="")
    assert WEBHOOK not in written(local)


def test_a_given_key_wins_over_the_generated_one_until_it_is_forgotten(local: LocalCloud) -> None:
    made = written(local)[SIGNING]
    deploy(local)
    assert written(local, signingKey="mine")[SIGNING] == {"secure": "enim"}
    assert written(local)[SIGNING] == {"secure": "enim"}
    assert written(local, signingKey="")[SIGNING] == made


def test_a_generated_key_comes_back_after_a_kill_in_the_middle(local: LocalCloud) -> None:
    made = written(local)[SIGNING]
    deploy(local)
    engine = Encrypting(local.config_file, broken=True)
    with pytest.raises(KeyboardInterrupt):
        local.write_config(cast("Any", engine), Given((), {SIGNING: "mine"}))
    assert written(local)[SIGNING] == made


def test_what_did_not_change_is_not_encrypted_again(local: LocalCloud) -> None:
    written(local, webhookUrl=HOOK)
    deploy(local)
    engine = Encrypting(local.config_file)
    local.write_config(cast("Any", engine), Given())
    assert engine.encrypted == []


def test_a_given_secret_that_the_stack_file_lost_is_not_taken_for_kept(tmp_path: Path) -> None:
    path = tmp_path / "fingerprints.json"
    secret_settings.note(path, {WEBHOOK: secret_settings.CHOSEN})
    assert secret_settings.plan(path, {}, {}, StackConfig()).notes == {}


@pytest.mark.parametrize(
    ("command", "variable", "option"),
    [
        (["keys", "list"], "STOWAGE_OPERATOR_KEY", "--operator-key"),
        (["push"], "STOWAGE_KEY", "--key"),
    ],
)
def test_the_help_names_the_variable_of_a_key_first(
    command: list[str], variable: str, option: str
) -> None:
    text = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "200"}).stdout
    (line,) = [line for line in text.splitlines() if f" {option} " in line]
    assert f"Better set {variable}" in line


def test_what_is_taken_back_leaves_the_settings_as_they_were(local: LocalCloud) -> None:
    engine = cast("Any", Encrypting(local.config_file))
    local.write_config(engine, Given(("cron=@daily",), {WEBHOOK: HOOK}))
    deploy(local)
    watched = (local.config_file, local.overrides_file, local.secrets_file)
    before = [path.read_text() for path in watched]
    given = Given(("cron=@hourly", "zone=other.test"), {WEBHOOK: "", SIGNING: "mine"})
    take_back = local.write_config_for_now(engine, given)
    assert yaml.safe_load(local.config_file.read_text())["config"][SIGNING] == {"secure": "enim"}
    take_back()
    assert [path.read_text() for path in watched] == before


def test_what_is_taken_back_from_a_new_stack_leaves_a_working_file(local: LocalCloud) -> None:
    engine = cast("Any", Encrypting(local.config_file))
    take_back = local.write_config_for_now(engine, Given(("zone=bad zone",), {WEBHOOK: HOOK}))
    deploy(local)
    take_back()
    found = yaml.safe_load(local.config_file.read_text())
    assert found["encryptionsalt"] == "v1:salt"
    assert found["config"]["stowage:zone"] == "stowage.test"
    assert WEBHOOK not in found["config"]
    assert SIGNING in found["config"]
    assert not local.overrides_file.exists()


def test_a_setting_that_could_not_be_written_is_not_remembered(local: LocalCloud) -> None:
    class Refusing(Encrypting):
        def encrypt(self, settings: Mapping[str, str]) -> None:
            raise Failure("pulumi config set failed")

    with pytest.raises(Failure):
        local.write_config_for_now(
            cast("Any", Refusing(local.config_file)), Given(("cron=@hourly",), {})
        )
    assert not local.overrides_file.exists()
