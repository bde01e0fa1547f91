"""`stowage versions`, `purges`, `retention` and `reconcile`: what they ask, print and exit with."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli import upkeep
from cli.app import app
from tests.cli import loopback
from tests.cli.fakes import document

DEVELOPER_KEY, OPERATOR_KEY = "stw_developer", "stw_operator"
VERSION: dict[str, Any] = {
    "id": "v1",
    "version_code": 3,
    "version_name": "1.3",
    "status": "published",
    "is_current": True,
    "due_at": None,
    "withdrawn_because": None,
    "problems": [],
}
OLD = VERSION | {"id": "v0", "is_current": False, "due_at": "2027-01-01T00:00:00.000Z"}
WALK = {
    "repair": False,
    "started_at": "2026-01-02T00:00:00.000Z",
    "finished_at": "2026-01-02T00:00:05.000Z",
    "phase": "images",
    "objects": 7,
    "versions": 2,
    "images": 3,
    "young": 1,
    "orphans": 1,
    "missing": 0,
    "repaired": 0,
    "findings": [
        {
            "kind": "orphan",
            "bucket": "assets",
            "key": "stray",
            "version_id": None,
            "size": 4,
            "is_young": True,
            "is_repaired": False,
        }
    ],
    "errors": [],
}
EARLIER = WALK | {"started_at": "2026-01-01T00:00:00.000Z"}


@dataclass
class Platform:
    calls: list[str] = field(default_factory=list[str])
    bodies: list[Any] = field(default_factory=list[Any])
    keys: list[str] = field(default_factory=list[str])
    answers: dict[str, Any] = field(default_factory=dict[str, Any])
    refusal: Any = None
    walks: list[Any] = field(default_factory=lambda: [EARLIER, WALK])
    url: str = ""

    def answer(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, Any]:
        self.calls.append(f"{method} {path}")
        self.bodies.append(json.loads(body) if body else None)
        self.keys.append(headers["authorization"].removeprefix("Bearer "))
        if self.refusal is not None:
            return self.refusal["status"], self.refusal
        if path == "/v1/reconcile" and method == "GET":
            last = self.walks.pop(0) if len(self.walks) > 1 else self.walks[0]
            return 200, {"under_way": None, "last": last}
        return 200, self.answers.get(f"{method} {path}", {"version": VERSION, "purge": "pending"})

    def call(self, *arguments: str, key: str = DEVELOPER_KEY) -> Result:
        environment = {"STOWAGE_KEY": key, "STOWAGE_OPERATOR_KEY": OPERATOR_KEY}
        return CliRunner().invoke(app, [*arguments, "--api-url", self.url], env=environment)


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    monkeypatch.setattr(upkeep, "_POLL_SECONDS", 0.01)
    platform = Platform()
    with loopback.served(platform.answer) as platform.url:
        yield platform


@pytest.mark.parametrize(
    ("arguments", "path", "body", "key"),
    [
        (["publish", "v1"], "publish", None, DEVELOPER_KEY),
        (["reject", "v1", "--reason", "Bad."], "reject", {"reason": "Bad."}, OPERATOR_KEY),
        (["pull", "v1", "--reason", "Bad."], "pull", {"reason": "Bad."}, DEVELOPER_KEY),
        (
            ["pull", "v1", "--reason", "Bad.", "--as-operator"],
            "pull",
            {"reason": "Bad."},
            OPERATOR_KEY,
        ),
        (["restore", "v1"], "restore", None, DEVELOPER_KEY),
        (["restore", "v1", "--as-operator"], "restore", None, OPERATOR_KEY),
        (["rollback", "v1"], "rollback", None, DEVELOPER_KEY),
        (["rollback", "v1", "--as-operator"], "rollback", None, OPERATOR_KEY),
    ],
)
def test_a_change_is_one_call_with_the_right_key(
    platform: Platform, arguments: list[str], path: str, body: object, key: str
) -> None:
    result = platform.call("versions", *arguments)
    assert result.exit_code == 0, result.output
    assert platform.calls == [f"POST /v1/versions/v1/{path}"]
    assert (platform.bodies, platform.keys) == ([body], [key])
    assert "Version v1 is published and current (version code 3)." in result.stdout
    assert document(platform.call("versions", *arguments, "--json").stdout)["version"] == VERSION


def test_without_a_developers_key_the_operators_serves(platform: Platform) -> None:
    assert platform.call("versions", "rollback", "v1", key="").exit_code == 0
    assert platform.keys == [OPERATOR_KEY]
    result = platform.call("versions", "publish", "v1", key="")
    assert result.exit_code == 2
    assert "STOWAGE_KEY" in result.stderr
    assert len(platform.calls) == 1


@pytest.mark.parametrize("action", ["pull", "reject"])
def test_a_withdrawal_needs_a_reason(platform: Platform, action: str) -> None:
    assert platform.call("versions", action, "v1").exit_code == 2
    assert platform.calls == []


def test_an_illegal_transition_is_shown_as_the_api_says_it(platform: Platform) -> None:
    platform.refusal = {
        "type": "urn:stowage:problem:illegal-transition",
        "title": "Conflict",
        "status": 409,
        "detail": "Only a version that is published can be pulled; this one is draft.",
        "version_status": "draft",
    }
    result = platform.call("versions", "pull", "v1", "--reason", "Bad.")
    assert result.exit_code == 1
    assert "this one is draft" in result.stderr


def test_versions_are_listed_over_all_pages(platform: Platform) -> None:
    path = "GET /v1/apps/org.hello/versions"
    platform.answers = {
        path: {"versions": [VERSION], "next": "v1"},
        f"{path}?after=v1": {"versions": [OLD], "next": None},
    }
    result = platform.call("versions", "list", "org.hello")
    lines = [line.split("  ") for line in result.stdout.splitlines()]
    assert [line[0] for line in lines] == ["id", "v1", "v0"]
    assert "published and current" in result.stdout
    assert "published, old" in result.stdout
    listed = document(platform.call("versions", "list", "org.hello", "--json").stdout)
    assert listed == {"versions": [VERSION, OLD]}


def test_a_version_is_shown_without_what_it_does_not_have(platform: Platform) -> None:
    result = platform.call("versions", "show", "v1")
    assert "status: published" in result.stdout
    assert "due_at" not in result.stdout
    assert platform.calls == ["GET /v1/versions/v1"]


def test_pending_purges_are_listed(platform: Platform) -> None:
    purge = {
        "tag": "version:org.hello/3",
        "requested_at": "2026-01-01T00:00:00.000Z",
        "due_at": "2026-01-01T00:00:15.000Z",
        "attempts": 2,
        "problem": "the API answered 500",
    }
    platform.answers = {"GET /v1/purges": {"purges": [purge], "next": None}}
    result = platform.call("purges", "list")
    assert "version:org.hello/3" in result.stdout
    assert "the API answered 500" in result.stdout
    assert platform.keys == [OPERATOR_KEY]
    assert document(platform.call("purges", "list", "--json").stdout) == {"purges": [purge]}


def test_the_plan_of_retention_is_a_table(platform: Platform) -> None:
    removal = {
        "kind": "version",
        "id": "v1",
        "app_id": "org.hello",
        "version_code": 3,
        "status": "draft",
        "object_key": "k",
        "due_at": "2026-01-01T00:00:00.000Z",
        "why": "a draft that nobody published",
    }
    plan = {"at": "2026-01-02T00:00:00.000Z", "removals": [removal], "more": True}
    platform.answers = {"GET /v1/retention?days=7": plan}
    result = platform.call("retention", "plan", "--days", "7")
    assert "a draft that nobody published" in result.stdout
    assert "There is more" in result.stderr
    answer = document(platform.call("retention", "plan", "--days", "7", "--json").stdout)
    assert answer == plan


@pytest.mark.parametrize("options", [[], ["--repair"]])
def test_a_comparison_is_waited_for(platform: Platform, options: list[str]) -> None:
    platform.answers = {"POST /v1/reconcile": {"under_way": WALK, "last": EARLIER}}
    result = platform.call("reconcile", *options)
    assert result.exit_code == 0, result.output
    assert platform.bodies[0] == {"repair": bool(options)}
    assert platform.calls[1:] == ["GET /v1/reconcile"] * 2
    assert "stray" in result.stdout
    assert "1 orphans (0 deleted, 1 too young for that)" in result.stdout
    assert document(platform.call("reconcile", "--json").stdout) == WALK


def test_a_comparison_that_was_not_whole_fails(platform: Platform) -> None:
    platform.answers = {"POST /v1/reconcile": {"under_way": WALK, "last": None}}
    platform.walks = [WALK | {"errors": ["uploads: the bucket is gone"]}]
    result = platform.call("reconcile")
    assert result.exit_code == 1
    assert "uploads: the bucket is gone" in result.stderr


def test_a_comparison_that_does_not_end_is_given_up(platform: Platform) -> None:
    platform.answers = {"POST /v1/reconcile": {"under_way": WALK, "last": None}}
    platform.walks = [EARLIER]
    result = platform.call("reconcile", "--timeout", "1")
    assert result.exit_code == 1
    assert "goes on after 1 s" in result.stderr
