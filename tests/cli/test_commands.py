"""What each command does, prints and exits with; the engine and the cloud are fakes."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli import deployment, destruction, outputs, storages
from cli.app import app
from cli.engine import Output, Run
from cli.local_cloud import LocalCloud
from cli.options import Scope
from cli.project import Project
from cli.remembered import nothing_to_take_back
from cli.target import Target
from local.home import CloudHome
from tests.cli.fakes import CREATED, NOTHING, FakeBuckets, FakeCloud, FakeEngine, document

SECRET_VALUE = "hush-hush"


@dataclass
class Stage:
    """A cloud folder with fakes behind it, and a way to call the command on it."""

    home: Path
    cloud: FakeCloud
    engine: FakeEngine
    buckets: FakeBuckets
    taken_back: list[object] = field(default_factory=list[object])
    """What was given with -c and not remembered."""

    def call(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, [*arguments, "--home", str(self.home)])


def answering(value: object) -> Callable[[object], object]:
    """A function of one argument that always gives this."""
    return lambda _: value


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    home = tmp_path / "home"
    cloud = FakeCloud(CloudHome(home))
    engine = FakeEngine(home / "Pulumi.dev.yaml")
    engine.values = {
        "api_url": Output("http://127.0.0.1:7", secret=False),
        "s3_url": Output("http://127.0.0.1:8", secret=False),
        "s3_access_key_id": Output("id", secret=False),
        "s3_secret_access_key": Output(SECRET_VALUE, secret=True),
        "buckets": Output({"uploads": "u", "repositories": "r"}, secret=False),
    }
    engine.buckets = ("r", "u")
    buckets = FakeBuckets({"u": [], "r": []})
    found = Stage(home, cloud, engine, buckets)
    monkeypatch.setattr("cli.local_cloud.Cloud", answering(cloud))

    def open_target(scope: Scope, given: object = ()) -> Target:
        local = LocalCloud(scope.project, scope.home)
        local.make_ready()
        if not local.keys_file.exists():
            from cli import credentials

            credentials.load_or_generate(local.keys_file)
        cloud.start()

        def take_back() -> None:
            found.taken_back.append(given)

        undo = take_back if given else nothing_to_take_back
        return Target(engine, local, undo)  # pyright: ignore[reportArgumentType]  (a fake)

    for module in (deployment, destruction):
        monkeypatch.setattr(module, "open_target", open_target)
    monkeypatch.setattr(outputs, "read_target", open_target)
    monkeypatch.setattr(storages, "account_api", answering(buckets.api()))
    monkeypatch.setattr(
        LocalCloud, "entry_hosts", answering({"api": "api.stowage.test", "cdn": "cdn.stowage.test"})
    )
    return found


def test_up_deploys_warms_the_workers_and_prints_urls_keys_and_three_things(stage: Stage) -> None:
    result = stage.call("up")
    assert result.exit_code == 0, result.output
    assert stage.engine.done == ["up"]
    assert stage.cloud.settled == [{"api": "api.stowage.test", "cdn": "cdn.stowage.test"}]
    root_key = json.loads((stage.home / "keys.json").read_text())["rootOperatorKey"]
    for expected in ("2 created", "http://127.0.0.1:7", root_key, SECRET_VALUE, "1. ", "3. "):
        assert expected in result.stdout
    assert "up is under way" in result.stderr


def test_a_second_up_says_that_nothing_changed(stage: Stage) -> None:
    stage.engine.result = NOTHING
    assert "no changes" in stage.call("up").stdout


def test_up_as_json_is_one_document_without_secrets(stage: Stage) -> None:
    result = stage.call("up", "--json")
    found = document(result.stdout)
    assert found["changes"] == {"create": 2, "same": 1}
    assert found["changed"] == 2
    assert found["steps"][0]["op"] == "create"
    assert found["outputs"]["s3_secret_access_key"] == "[secret]"
    assert SECRET_VALUE not in result.stdout


def test_a_failed_deployment_is_one_paragraph_and_exit_code_1(stage: Stage) -> None:
    stage.engine.failure = "the bucket's name is taken"
    result = stage.call("up")
    assert result.exit_code == 1
    assert "stowage: the bucket's name is taken" in result.stderr
    assert "Traceback" not in result.output
    assert stage.cloud.settled == []


BUCKET_STEP = {"op": "create", "type": "cloudflare:index/r2Bucket:R2Bucket", "name": "n"}
STACK_STEP = {"op": "create", "type": "pulumi:pulumi:Stack", "name": "stowage-dev"}


@pytest.mark.parametrize(("step", "taken_back"), [(STACK_STEP, 1), (BUCKET_STEP, 0)])
def test_settings_of_an_up_that_failed_are_kept_only_once_it_changed_something(
    stage: Stage, step: dict[str, str], taken_back: int
) -> None:
    stage.engine.failure = "cron is no schedule"
    stage.engine.steps = [step]
    result = stage.call("up", "-c", "cron=nonsense")
    assert result.exit_code == 1
    assert len(stage.taken_back) == taken_back
    assert ("not remembered" in result.stderr) == bool(taken_back)


def test_settings_of_an_up_that_succeeded_are_remembered(stage: Stage) -> None:
    assert stage.call("up", "-c", "cron=@daily").exit_code == 0
    assert stage.taken_back == []


@pytest.mark.parametrize("failure", ["", "cron is no schedule"])
def test_settings_of_a_preview_are_for_this_plan_only(stage: Stage, failure: str) -> None:
    stage.engine.failure = failure
    stage.call("preview", "-c", "cron=@daily")
    assert stage.taken_back == [["cron=@daily"]]


def test_preview_tells_what_would_change(stage: Stage) -> None:
    result = stage.call("preview")
    assert result.exit_code == 0
    assert "2 resources would change (2 created)" in result.stdout
    assert stage.engine.done == ["preview"]


@pytest.mark.parametrize(("run", "code"), [(NOTHING, 0), (CREATED, 1)])
def test_preview_fails_on_changes_that_are_not_expected(stage: Stage, run: Run, code: int) -> None:
    stage.engine.result = run
    result = stage.call("preview", "--expect-no-changes", "--json")
    assert result.exit_code == code
    assert document(result.stdout)["changed"] == run.changed


def test_refresh_as_json_names_the_changes(stage: Stage) -> None:
    stage.engine.result = Run({"same": 3, "update": 1})
    result = stage.call("refresh", "--json")
    assert document(result.stdout) == {
        "changed": 1,
        "changes": {"same": 3, "update": 1},
        "steps": [],
    }


def test_destroy_refuses_while_there_is_data_and_names_the_buckets(stage: Stage) -> None:
    stage.buckets.objects["r"] = ["dists/stable/InRelease"]
    result = stage.call("destroy")
    assert result.exit_code == 3
    assert "r holds objects" in result.stderr
    assert "--delete-data" in result.stderr
    assert stage.engine.done == []
    assert stage.buckets.objects["r"] == ["dists/stable/InRelease"]


def test_destroy_deletes_data_only_when_told_to(stage: Stage) -> None:
    stage.buckets.objects["r"] = ["a", "b/c d", "e", "f", "g"]
    stage.buckets.objects["u"] = ["temp/1/package.mosis"]
    result = stage.call("destroy", "--delete-data")
    assert result.exit_code == 0, result.output
    assert stage.buckets.objects == {"u": [], "r": []}
    assert stage.engine.done == ["destroy"]
    assert "Deleted 5 objects of r" in result.stderr


def test_destroy_of_empty_buckets_needs_no_flag(stage: Stage) -> None:
    assert stage.call("destroy").exit_code == 0
    assert stage.engine.done == ["destroy"]


def test_outputs_mask_secrets_unless_asked(stage: Stage) -> None:
    masked = document(stage.call("outputs", "--json").stdout)
    shown = document(stage.call("outputs", "--json", "--show-secrets").stdout)
    assert masked["s3_secret_access_key"] == "[secret]"
    assert shown["s3_secret_access_key"] == SECRET_VALUE
    assert masked["buckets"] == {"uploads": "u", "repositories": "r"}
    assert SECRET_VALUE not in stage.call("outputs").stdout


def test_down_stops_and_keeps_the_folder(stage: Stage) -> None:
    stage.call("up")
    assert "is stopped" in stage.call("down").stdout
    assert stage.cloud.stops == 1
    assert (stage.home / "keys.json").exists()
    assert "not running" in stage.call("down").stdout


def test_down_forgets_a_cloud_folder_when_told_to(stage: Stage) -> None:
    stage.call("up")
    assert stage.call("down", "--forget").exit_code == 0
    assert not stage.home.exists()
    assert stage.call("down", "--forget").exit_code == 0


def test_down_never_deletes_a_folder_that_is_not_a_cloud_folder(stage: Stage) -> None:
    stage.home.mkdir()
    (stage.home / "thesis.txt").write_text("years of work")
    result = stage.call("down", "--forget")
    assert result.exit_code == 3
    assert (stage.home / "thesis.txt").exists()


def test_down_forgets_only_what_the_cloud_wrote_and_names_what_it_keeps(stage: Stage) -> None:
    stage.call("up")
    (stage.home / "thesis.txt").write_text("years of work")
    (stage.home / "bin").mkdir()
    (stage.home / "bin" / "pulumi").write_text("#!/bin/sh\n")
    (stage.home / "bin" / "my-tool").write_text("#!/bin/sh\n")
    for name in ("world.json", ".keys.json-a1b2c3d4", "queues.sqlite-wal", "sdk-types-6-a.json"):
        (stage.home / name).write_text("{}")
    result = stage.call("down", "--forget")
    assert result.exit_code == 0, result.output
    assert "bin, thesis.txt" in result.stdout
    left = sorted(str(path.relative_to(stage.home)) for path in stage.home.rglob("*"))
    assert left == ["bin", "bin/my-tool", "thesis.txt"]
    assert stage.call("down", "--forget").exit_code == 3


def test_status_tells_by_its_exit_code_whether_the_cloud_runs(stage: Stage) -> None:
    assert stage.call("status").exit_code == 1
    stage.cloud.running = True
    result = stage.call("status", "--json")
    assert result.exit_code == 0
    assert document(result.stdout)["queues"] == [{"queue": "q", "visible": 0}]


def test_trigger_runs_the_schedule(stage: Stage) -> None:
    assert stage.call("trigger", "cron").exit_code == 1
    stage.cloud.running = True
    result = stage.call("trigger", "cron", "--json")
    assert document(result.stdout)["outcome"][0]["outcome"] == "ok"
    assert stage.call("trigger", "rain").exit_code == 2


def test_logs_show_the_last_lines_of_a_worker(stage: Stage) -> None:
    logs = stage.home / "logs"
    logs.mkdir(parents=True)
    (logs / "daemon.log").write_text("started\n")
    (logs / "stowage-dev-edge.log").write_text("one\ntwo\nthree\nunfinished")
    shown = stage.call("logs", "--worker", "edge", "-n", "2").stdout
    assert shown.splitlines() == ["two", "three"]
    assert "daemon: started" in stage.call("logs").stdout
    missing = stage.call("logs", "--worker", "api")
    assert missing.exit_code == 1
    assert "no log of a Worker api" in missing.stderr


@pytest.mark.parametrize("command", ["down", "status", "logs"])
def test_commands_of_the_local_cloud_take_no_other_folder_for_it(
    stage: Stage, command: str
) -> None:
    stage.home.mkdir()
    stage.call(command)
    assert list(stage.home.iterdir()) == []


def test_a_real_stack_without_a_file_says_how_to_make_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cli.pulumi_cli import PulumiCli

    monkeypatch.setattr("cli.target.find_cli", answering(PulumiCli(tmp_path / "pulumi", "3.200.0")))
    monkeypatch.chdir(tmp_path)
    for arguments in (["up", "--stack", "nowhere"], ["--stack", "nowhere", "up"]):
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 1
        assert "stowage init nowhere" in result.stderr


@pytest.mark.parametrize("arguments", [["bogus"], ["up", "--bogus"], ["trigger"], ["push"]])
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(app, arguments).exit_code == 2


COMMANDS = [
    ["init"],
    ["up"],
    ["preview"],
    ["refresh"],
    ["destroy"],
    ["down"],
    ["status"],
    ["logs"],
    ["outputs"],
    ["env"],
    ["trigger"],
    ["push"],
    ["keys", "create"],
    ["keys", "list"],
    ["keys", "revoke"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_documents_its_exit_codes(command: list[str]) -> None:
    result = CliRunner().invoke(app, [*command, "--help"])
    assert result.exit_code == 0
    assert "Exit codes: 0" in result.stdout


def test_the_cloud_folder_may_be_named_before_the_command(stage: Stage) -> None:
    stage.call("up")
    before = CliRunner().invoke(app, ["--home", str(stage.home), "outputs", "--json"])
    after = stage.call("outputs", "--json")
    assert before.exit_code == 0
    assert before.stdout == after.stdout


@pytest.mark.parametrize("command", ["outputs", "env"])
def test_a_stack_without_outputs_is_not_deployed(stage: Stage, command: str) -> None:
    stage.call("up")
    stage.engine.values = {}
    result = stage.call(command)
    assert result.exit_code == 1
    assert "Nothing is deployed: `stowage up`." in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("outputs", [None, {}, {"api_url": "http://127.0.0.1:9"}])
def test_keys_of_a_stack_without_outputs_are_not_asked_for(
    stage: Stage, outputs: dict[str, str] | None
) -> None:
    stage.call("up")
    local = LocalCloud(Project.of_this_code(), stage.home)
    path = local.state_file.path
    if outputs is not None:
        path.parent.mkdir(parents=True)
        stack = {"type": "pulumi:pulumi:Stack", "urn": "u", "outputs": outputs}
        path.write_text(json.dumps({"checkpoint": {"latest": {"resources": [stack]}}}))
    result = stage.call("keys", "list")
    assert result.exit_code == 1
    # With outputs the API is asked, and there is none in this test.
    expected = "does not answer" if outputs else "Nothing is deployed: `stowage up`."
    assert expected in result.stderr


def test_a_real_stack_without_a_token_says_what_the_token_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cli.pulumi_cli import PulumiCli

    stack_file = tmp_path / "Pulumi.prod.yaml"
    stack_file.write_text("config: {}\n")
    monkeypatch.setattr("cli.target.find_cli", answering(PulumiCli(tmp_path / "pulumi", "3.200.0")))

    def a_stack_file(project: Project, stack: str) -> Path:
        return stack_file

    monkeypatch.setattr(Project, "stack_file", a_stack_file)
    monkeypatch.delenv("CLOUDFLARE_API_TOKEN", raising=False)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["--stack", "prod", "preview"])
    assert result.exit_code == 1
    for expected in ("CLOUDFLARE_API_TOKEN is not set", "Workers R2 Storage", "D1", "DNS"):
        assert expected in result.stderr
    assert "Planning" not in result.stderr


def test_the_version_is_printed() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0
    assert result.stdout == f"stowage {metadata.version('stowage')}\n"
