"""`stowage usage`: what it asks, prints and exits with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from tests.cli import loopback
from tests.cli.fakes import document

APP: dict[str, Any] = {
    "app_id": "org.example.app",
    "downloads": 7,
    "sent_bytes": 900,
    "days": [{"day": "2026-01-31T00:00:00.000Z", "downloads": 7, "sent_bytes": 900}],
    "versions": [
        {
            "version_id": "v1",
            "version_code": 3,
            "version_name": "1.3",
            "downloads": 7,
            "sent_bytes": 900,
        }
    ],
}
REPOSITORY: dict[str, Any] = {
    "repository_id": "r1",
    "requests": 4,
    "sent_bytes": 10,
    "days": [
        {
            "day": "2026-01-31T00:00:00.000Z",
            "requests": 4,
            "sent_bytes": 10,
            "client_errors": 1,
            "server_errors": 0,
            "hits": 3,
            "hit_ratio": 0.75,
        }
    ],
}
NOTHING: dict[str, Any] = APP | {"downloads": 0, "sent_bytes": 0, "days": [], "versions": []}


@dataclass
class Platform:
    answered: dict[str, Any] = field(default_factory=lambda: APP)
    calls: list[str] = field(default_factory=list[str])
    keys: list[str] = field(default_factory=list[str])
    url: str = ""

    def answer(
        self, method: str, path: str, _body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, Any]:
        self.calls.append(f"{method} {path}")
        self.keys.append(headers["authorization"].removeprefix("Bearer "))
        return self.answered.get("status", 200), self.answered

    def call(self, *arguments: str, key: str = "stw_owner") -> Result:
        environment = {"STOWAGE_KEY": key, "STOWAGE_OPERATOR_KEY": "stw_operator"}
        return CliRunner().invoke(
            app, ["usage", *arguments, "--api-url", self.url], env=environment
        )


@pytest.fixture
def platform() -> Iterator[Platform]:
    platform = Platform()
    with loopback.served(platform.answer) as platform.url:
        yield platform


def test_downloads_are_shown_by_day_and_by_version(platform: Platform) -> None:
    result = platform.call("app", "org.example.app", "--days", "7")
    assert result.exit_code == 0, result.output
    assert platform.calls == ["GET /v1/apps/org.example.app/usage?days=7"]
    assert platform.keys == ["stw_owner"]
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["2026-01-31", "7", "900"] in lines
    assert ["v1", "3", "1.3", "7", "900"] in lines
    assert "7 downloads, 900 bytes sent." in result.stdout


def test_requests_are_shown_by_day(platform: Platform) -> None:
    platform.answered = REPOSITORY
    result = platform.call("repository", "r1")
    assert result.exit_code == 0, result.output
    assert platform.calls == ["GET /v1/repositories/r1/usage?days=30"]
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["2026-01-31", "4", "10", "1", "0", "0.75"] in lines


def test_without_the_owners_key_the_operators_serves(platform: Platform) -> None:
    assert platform.call("app", "org.example.app", key="").exit_code == 0
    assert platform.keys == ["stw_operator"]


def test_json_is_what_the_api_said(platform: Platform) -> None:
    assert document(platform.call("app", "org.example.app", "--json").stdout) == APP


def test_nothing_downloaded_has_no_tables(platform: Platform) -> None:
    platform.answered = NOTHING
    assert platform.call("app", "org.example.app").stdout == "0 downloads, 0 bytes sent.\n"


def test_a_refusal_is_one_line_and_exit_code_1(platform: Platform) -> None:
    platform.answered = {"status": 404, "title": "Not found", "detail": "There is no such app."}
    result = platform.call("app", "a/../b")
    assert result.exit_code == 1
    assert "There is no such app." in result.stderr
    assert platform.calls == ["GET /v1/apps/a%2F..%2Fb/usage?days=30"]


@pytest.mark.parametrize("days", ["0", "367", "x"])
def test_a_period_that_cannot_be_is_not_asked_for(platform: Platform, days: str) -> None:
    assert platform.call("app", "org.example.app", "--days", days).exit_code == 2
    assert platform.calls == []
