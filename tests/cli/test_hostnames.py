"""`stowage hostnames` and `tenants`: what they ask, print and exit with."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli import hostname_watch
from cli.app import app
from tests.cli import loopback
from tests.cli.fakes import document
from tests.hostname_documents import a_hostname, a_record

TENANT_KEY, OPERATOR_KEY = "stw_tenant", "stw_operator"
ID = "01999999-0000-7000-8000-000000000001"
OTHER_ID = "01999999-0000-7000-8000-000000000002"
NAME = "apt.example.com"
HOSTNAME = a_hostname(NAME, id=ID)
LOCATION = {"id": "l1", "distributions": ["stable"], "hostnames": ["apt.acme.example"]}
PROBLEM = {
    "type": "urn:stowage:problem:unavailable",
    "title": "Service unavailable",
    "status": 503,
    "detail": "The platform could not finish this; try again.",
}


@dataclass
class Platform:
    calls: list[str] = field(default_factory=list[str])
    bodies: list[Any] = field(default_factory=list[Any])
    keys: list[str] = field(default_factory=list[str])
    answers: dict[str, list[Any]] = field(default_factory=dict[str, list[Any]])
    """By call: the answers in their order, of which the last is repeated. A problem is one by its
    `status`."""
    url: str = ""

    def answer(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, Any]:
        call = f"{method} {path}"
        self.calls.append(call)
        self.bodies.append(json.loads(body) if body else None)
        self.keys.append(headers["authorization"].removeprefix("Bearer "))
        answers = self.answers.get(call, [{}])
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return found.get("status", 200), found

    def call(self, *arguments: str, key: str = TENANT_KEY, terminal: bool = False) -> Result:
        environment = {
            "STOWAGE_KEY": key,
            "STOWAGE_OPERATOR_KEY": OPERATOR_KEY,
            "COLUMNS": "160",
            "TTY_COMPATIBLE": "1" if terminal else "0",
        }
        return CliRunner().invoke(app, [*arguments, "--api-url", self.url], env=environment)


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    monkeypatch.setattr(hostname_watch, "FIRST_SECONDS", 0.01)
    platform = Platform()
    platform.answers = {
        "GET /v1/hostnames": [{"hostnames": [HOSTNAME], "next": None}],
        f"GET /v1/hostnames/{ID}": [{"hostname": HOSTNAME}],
        "POST /v1/hostnames": [{"hostname": HOSTNAME}],
        "GET /v1/locations": [{"locations": [LOCATION], "next": None}],
    }
    with loopback.served(platform.answer) as platform.url:
        yield platform


def test_a_hostname_is_added_to_the_only_location(platform: Platform) -> None:
    result = platform.call("hostnames", "add", NAME)
    assert result.exit_code == 0, result.output
    assert platform.bodies[-1] == {"name": NAME, "location_id": "l1", "certificate": "http"}
    assert set(platform.keys) == {TENANT_KEY}
    lines = result.stdout.splitlines()
    assert lines[0] == f"{NAME}: requested"
    assert "TXT record, ownership: unknown" in lines
    assert f"  name   _stowage-challenge.{NAME}" in lines
    assert f"  value  {HOSTNAME['records'][0]['value']}" in lines


def test_an_operator_adds_a_hostname_for_a_tenant(platform: Platform) -> None:
    platform.answers["GET /v1/locations?tenant_id=t1"] = platform.answers["GET /v1/locations"]
    arguments = ("add", NAME, "--tenant", "t1", "--certificate", "txt", "--as-operator")
    assert platform.call("hostnames", *arguments).exit_code == 0
    assert platform.bodies[-1] == {
        "name": NAME,
        "location_id": "l1",
        "certificate": "txt",
        "tenant_id": "t1",
    }
    assert set(platform.keys) == {OPERATOR_KEY}


def test_of_several_locations_one_has_to_be_chosen(platform: Platform) -> None:
    several = {"locations": [LOCATION, LOCATION | {"id": "l2"}], "next": None}
    platform.answers["GET /v1/locations"] = [several]
    result = platform.call("hostnames", "add", NAME)
    assert result.exit_code == 2
    assert "l1 (stable, apt.acme.example); l2" in result.stderr
    assert platform.calls == ["GET /v1/locations"]
    assert platform.call("hostnames", "add", NAME, "--location", "l2").exit_code == 0
    assert platform.bodies[-1]["location_id"] == "l2"
    platform.answers["GET /v1/locations"] = [{"locations": [], "next": None}]
    assert platform.call("hostnames", "add", NAME).exit_code == 1


def test_hostnames_are_listed_over_all_pages_and_by_filter(platform: Platform) -> None:
    path = "GET /v1/hostnames?state=active&tenant_id=t1"
    other = a_hostname("deb.example.com", id=OTHER_ID)
    platform.answers[path] = [{"hostnames": [HOSTNAME], "next": ID}]
    platform.answers[f"{path}&cursor={ID}"] = [{"hostnames": [other], "next": None}]
    arguments = ("hostnames", "list", "--state", "active", "--tenant", "t1")
    result = platform.call(*arguments, key="")
    assert [line.split()[1] for line in result.stdout.splitlines()] == [
        "name",
        NAME,
        "deb.example.com",
    ]
    assert set(platform.keys) == {OPERATOR_KEY}
    assert document(platform.call(*arguments, "--json").stdout) == {"hostnames": [HOSTNAME, other]}
    assert platform.call("hostnames", "list", "--state", "bogus").exit_code == 2


@pytest.mark.parametrize("wanted", [ID, NAME, "APT.Example.com."])
def test_a_hostname_is_found_by_its_id_and_by_its_name(platform: Platform, wanted: str) -> None:
    result = platform.call("hostnames", "show", wanted, "--json")
    assert document(result.stdout) == {"hostname": HOSTNAME}


def test_a_name_that_is_not_there_or_of_several_tenants_is_no_guess(platform: Platform) -> None:
    assert platform.call("hostnames", "show", "deb.example.com").exit_code == 1
    twice = [HOSTNAME, HOSTNAME | {"id": OTHER_ID, "tenant_id": "t2"}]
    platform.answers["GET /v1/hostnames"] = [{"hostnames": twice, "next": None}]
    result = platform.call("hostnames", "remove", NAME)
    assert result.exit_code == 2
    assert f"{OTHER_ID} (tenant t2)" in result.stderr
    assert not any(call.startswith("DELETE") for call in platform.calls)


def test_what_is_wrong_is_shown_with_what_was_found(platform: Platform) -> None:
    wrong = a_record("CNAME", NAME, "fallback.test", "routing", state="wrong", found=["else.test"])
    hostname = HOSTNAME | {
        "records": [wrong],
        "errors": ["CAA forbids it."],
        "warnings": ["It is the domain itself."],
        "unicode_name": "äpt.example.com",
        "http_tokens": [{"url": "http://a.test/x", "body": "b", "purpose": "pre_validation"}],
    }
    platform.answers[f"GET /v1/hostnames/{ID}"] = [{"hostname": hostname}]
    lines = platform.call("hostnames", "show", ID).stdout.splitlines()
    assert lines[0] == f"{NAME} (äpt.example.com): requested"
    assert lines[2:4] == ["error: CAA forbids it.", "warning: It is the domain itself."]
    assert "  found  else.test" in lines
    assert "Or answer at http://a.test/x (pre_validation) with" in lines


def test_the_records_alone_are_a_zone_file(platform: Platform) -> None:
    lines = platform.call("hostnames", "show", ID, "--zone").stdout.splitlines()
    assert f"{NAME}. 300 IN CNAME fallback.stowage.test." in lines
    assert all(line.startswith(";") or " IN " in line for line in lines)


def watched(*states: str) -> list[Any]:
    return [{"hostnames": [HOSTNAME | {"state": state}], "next": None} for state in states]


def test_a_watch_in_a_pipe_says_each_change_once_and_ends_when_all_are_active(
    platform: Platform,
) -> None:
    platform.answers["GET /v1/hostnames"] = watched(
        "requested", "requested", "validating", "validating", "active"
    )
    result = platform.call("hostnames", "watch")
    assert result.exit_code == 0, result.output
    said = [line.partition(".com: ")[2].partition(".")[0] for line in result.stdout.splitlines()]
    assert said == ["requested", "validating", "active"]


def test_a_watch_with_json_prints_one_document(platform: Platform) -> None:
    platform.answers["GET /v1/hostnames"] = watched("requested", "active")
    result = platform.call("hostnames", "watch", "--json")
    assert document(result.stdout)["hostnames"][0]["state"] == "active"
    assert f"{NAME}: requested" in result.stderr


def test_a_watch_on_a_terminal_is_a_table(platform: Platform) -> None:
    platform.answers[f"GET /v1/hostnames/{ID}"] = [
        {"hostname": HOSTNAME | {"state": state}} for state in ("requested", "requested", "active")
    ]
    result = platform.call("hostnames", "watch", ID, terminal=True)
    assert result.exit_code == 0, result.output
    assert "what goes on" in result.stdout
    assert "0/2" in result.stdout
    assert "\x1b[" in result.stdout


def test_a_watch_ends_where_nothing_more_comes_by_itself(platform: Platform) -> None:
    platform.answers["GET /v1/hostnames"] = watched("validating", "blocked")
    result = platform.call("hostnames", "watch")
    assert result.exit_code == 4
    assert f"{NAME} (blocked)" in result.stderr


def test_a_watch_ends_when_its_time_is_over(platform: Platform) -> None:
    platform.answers["GET /v1/hostnames"] = watched("validating")
    result = platform.call("hostnames", "watch", "--timeout", "1")
    assert result.exit_code == 5
    assert f"{NAME} (validating)" in result.stderr


def test_a_watch_outlives_a_platform_that_fails_now_and_then(platform: Platform) -> None:
    first, last = watched("validating", "active")
    platform.answers["GET /v1/hostnames"] = [first, PROBLEM, PROBLEM, last]
    assert platform.call("hostnames", "watch").exit_code == 0
    platform.answers["GET /v1/hostnames"] = [first, PROBLEM]
    result = platform.call("hostnames", "watch")
    assert result.exit_code == 1
    assert "try again" in result.stderr
    refusal = PROBLEM | {"status": 401, "title": "Unauthorized", "detail": "The key was revoked."}
    platform.answers["GET /v1/hostnames"] = [first, refusal]
    platform.calls.clear()
    assert platform.call("hostnames", "watch").exit_code == 1
    assert len(platform.calls) == 2


@pytest.mark.parametrize("wanted", [ID, NAME])
def test_a_hostname_is_removed(platform: Platform, wanted: str) -> None:
    result = platform.call("hostnames", "remove", wanted)
    assert result.exit_code == 0, result.output
    assert platform.calls[-1] == f"DELETE /v1/hostnames/{ID}"
    assert document(platform.call("hostnames", "remove", wanted, "--json").stdout) == {
        "removed": ID
    }


def test_a_link_is_printed_alone_and_how_it_ends_beside_it(platform: Platform) -> None:
    made = {"id": "k1", "url": "https://api.test/hostnames/#stl.x", "expires_at": "2026-12-02"}
    platform.answers["POST /v1/tenants/t1/links"] = [made]
    result = platform.call("tenants", "link", "t1", "--days", "2", key="")
    assert result.stdout == "https://api.test/hostnames/#stl.x\n"
    assert "stowage tenants unlink t1 k1" in result.stderr
    assert (platform.bodies, platform.keys) == ([{"expires_in_seconds": 172_800}], [OPERATOR_KEY])
    assert document(platform.call("tenants", "link", "t1", "--json").stdout) == made
    assert platform.bodies[-1] == {"expires_in_seconds": 604_800}
    assert platform.call("tenants", "link", "t1", "--days", "91").exit_code == 2


def test_links_are_listed_and_revoked(platform: Platform) -> None:
    link = {"id": "k1", "created_at": "a", "expires_at": "b", "revoked_at": None}
    platform.answers["GET /v1/tenants/t1/links"] = [{"links": [link], "next": None}]
    result = platform.call("tenants", "links", "t1")
    assert result.stdout.splitlines()[1].split() == ["k1", "a", "b", "-"]
    assert platform.call("tenants", "unlink", "t1", "k1").exit_code == 0
    assert platform.calls[-1] == "DELETE /v1/tenants/t1/links/k1"
