"""`stowage push` and `stowage keys` against a small platform that answers over real HTTP on
loopback."""

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli import push
from cli.app import app
from cli.signing_key import generate
from functions.core.statements import PackageStatement
from tests.cli import loopback
from tests.cli.fakes import document

DEVELOPER_KEY = "stw_developer"
OPERATOR_KEY = "stw_operator"
VERSION_ID = "0190-version"


@dataclass
class Platform:
    """As much of the platform's API as the command calls."""

    calls: list[str] = field(default_factory=list[str])
    bodies: list[Any] = field(default_factory=list[Any])
    stored: bytes | None = None
    states: list[str] = field(default_factory=lambda: ["validating", "draft"])
    problems: list[str] = field(default_factory=list[str])
    developer_keys: list[Any] = field(default_factory=list[Any])
    taken_by: str = ""
    """The SHA-256 of the version that has the version code already."""
    url: str = ""

    def version(self, status: str) -> dict[str, Any]:
        problems = {"problems": self.problems}
        return {"id": VERSION_ID, "status": status, "sha256": self.taken_by} | problems

    def answer(self, method: str, path: str, body: bytes, headers: Any) -> tuple[int, Any]:
        self.calls.append(f"{method} {path}")
        if method == "PUT":
            if self.stored is not None:
                return 412, {}
            self.stored = body
            return 200, {}
        self.bodies.append(json.loads(body) if body else None)
        bearer = headers["authorization"].removeprefix("Bearer ")
        expected = OPERATOR_KEY if "api-keys" in path else DEVELOPER_KEY
        if bearer != expected:
            return 401, {"title": "Unauthorized", "status": 401, "detail": "No valid API key."}
        return self._call(method, path)

    def _call(self, method: str, path: str) -> tuple[int, Any]:
        if path.endswith("/versions") and self.taken_by:
            return 409, {
                "type": "urn:stowage:problem:version-code-taken",
                "title": "Conflict",
                "detail": "Version code 3 is taken.",
                "version_id": VERSION_ID,
                "version_status": self.states[0],
            }
        if path.endswith("/versions"):
            size = str(self.bodies[-1]["size"])
            headers = {"content-length": size}
            upload = {"url": f"{self.url}/store", "headers": headers, "multipart": None}
            return 201, {"version": self.version("uploading"), "upload": upload}
        if path.endswith("/complete"):
            return 202, {"version": self.version("validating")}
        if path.endswith("/publish"):
            return 200, {"version": self.version("published")}
        if path == f"/v1/versions/{VERSION_ID}":
            state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
            return 200, {"version": self.version(state)}
        if path.startswith("/v1/developer-keys"):
            return 200, {"developer_keys": self.developer_keys, "next": None}
        if path.startswith("/v1/api-keys"):
            return self._keys(method, path)
        return 404, {"title": "Not Found", "status": 404}

    def _keys(self, method: str, path: str) -> tuple[int, Any]:
        key = {
            "id": "k1",
            "role": "tenant",
            "subject_id": "t1",
            "created_at": "2026-01-01T00:00:00Z",
        }
        if method == "POST":
            return 201, {"key": "stw_new", "api_key": key}
        if method == "DELETE":
            return 200, {"api_key": key | {"revoked_at": "2026-01-02T00:00:00Z"}}
        if path.endswith("?after=k1"):
            return 200, {"api_keys": [key | {"id": "k2"}], "next": None}
        return 200, {"api_keys": [key], "next": "k1"}


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    platform = Platform()
    monkeypatch.setattr(push, "_POLL_SECONDS", 0.01)
    with loopback.served(platform.answer) as platform.url:
        yield platform


@pytest.fixture
def package(tmp_path: Path) -> Path:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        manifest = {"id": "org.hello", "name": "Hello", "version": "1.0", "version_code": 3}
        archive.writestr("manifest.json", json.dumps(manifest))
    path = tmp_path / "hello.mosis"
    path.write_bytes(buffer.getvalue())
    return path


def call(platform: Platform, *arguments: str, key: str = DEVELOPER_KEY) -> Result:
    return CliRunner().invoke(
        app, [*arguments, "--api-url", platform.url], env={"STOWAGE_KEY": key}
    )


def test_a_package_is_sent_validated_and_published(platform: Platform, package: Path) -> None:
    result = call(platform, "push", str(package), "--publish", "--json")
    assert result.exit_code == 0, result.output
    assert platform.stored == package.read_bytes()
    assert platform.calls == [
        "POST /v1/apps/org.hello/versions",
        "PUT /store",
        f"POST /v1/versions/{VERSION_ID}/complete",
        f"GET /v1/versions/{VERSION_ID}",
        f"GET /v1/versions/{VERSION_ID}",
        f"POST /v1/versions/{VERSION_ID}/publish",
    ]
    assert document(result.stdout)["version"]["status"] == "published"
    assert "100 %" in result.stderr


DEVELOPER_ID = "01a0c450-6c00-7386-a648-2f61c6237cc1"


def test_a_package_is_signed_with_a_registered_key(platform: Platform, package: Path) -> None:
    file = package.with_name("key.pem")
    key = generate(file)
    other = {"id": "k0", "public_key": "x", "developer_id": DEVELOPER_ID, "revoked_at": None}
    platform.developer_keys = [other, other | {"id": "k1", "public_key": key.public_key}]
    result = call(platform, "push", str(package), "--sign-with", str(file))
    assert result.exit_code == 0, result.output
    sent = platform.bodies[1]
    assert sent["signing_key_id"] == "k1"
    content = package.read_bytes()
    statement = PackageStatement(
        DEVELOPER_ID, "org.hello", 3, len(content), hashlib.sha256(content).hexdigest()
    ).text
    key.private.public_key().verify(base64.b64decode(sent["signature"]), statement.encode())


@pytest.mark.parametrize(("revoked_at", "said"), [(None, "register"), ("2026-01-01", "revoked")])
def test_a_key_that_is_not_registered_or_revoked_sends_nothing(
    platform: Platform, package: Path, revoked_at: str | None, said: str
) -> None:
    file = package.with_name("key.pem")
    key = generate(file)
    if revoked_at:
        platform.developer_keys = [
            {"id": "k1", "public_key": key.public_key, "revoked_at": revoked_at}
        ]
    result = call(platform, "push", str(package), "--sign-with", str(file))
    assert result.exit_code == 1
    assert said in result.stderr
    assert platform.calls == ["GET /v1/developer-keys?after="]


def test_without_publish_it_stays_a_draft(platform: Platform, package: Path) -> None:
    result = call(platform, "push", str(package))
    assert f"Version {VERSION_ID} is draft" in result.stdout
    assert f"stowage push {package} --publish" in result.stderr
    assert not any(call.endswith("/publish") for call in platform.calls)


def test_a_package_that_had_arrived_is_completed(platform: Platform, package: Path) -> None:
    platform.stored = package.read_bytes()
    assert call(platform, "push", str(package)).exit_code == 0
    assert f"POST /v1/versions/{VERSION_ID}/complete" in platform.calls


@pytest.mark.parametrize(
    ("states", "options", "end"),
    [
        (["validating", "draft"], [], "draft"),
        (["validating", "draft"], ["--publish"], "published"),
        (["draft"], [], "draft"),
        (["draft"], ["--publish"], "published"),
        (["published"], [], "published"),
        (["published"], ["--publish"], "published"),
    ],
)
def test_the_same_package_again_goes_on_from_what_its_version_is(
    platform: Platform, package: Path, states: list[str], options: list[str], end: str
) -> None:
    first = states[0]
    platform.taken_by = hashlib.sha256(package.read_bytes()).hexdigest()
    platform.states = states
    result = call(platform, "push", str(package), *options)
    assert result.exit_code == 0, result.output
    assert f"with the same SHA-256; it is {first}" in result.stderr
    assert f"is {end} (version code 3)" in result.stdout
    assert platform.stored is None
    assert any(one.endswith("/publish") for one in platform.calls) == (first != end == "published")
    assert ("To publish it: stowage push" in result.stderr) == (end == "draft")


@pytest.mark.parametrize("state", ["published", "draft", "uploading", "unlisted"])
def test_another_package_under_a_taken_version_code_is_refused(
    platform: Platform, package: Path, state: str
) -> None:
    same = hashlib.sha256(package.read_bytes()).hexdigest()
    platform.taken_by = same if state in {"uploading", "unlisted"} else "0" * 64
    platform.states = [state]
    result = call(platform, "push", str(package), "--publish")
    assert result.exit_code == 1
    assert "Version code 3 is taken." in result.stderr
    assert not any(one.endswith("/publish") for one in platform.calls)


def test_a_failed_validation_lists_every_problem(platform: Platform, package: Path) -> None:
    platform.states = ["failed"]
    platform.problems = ["manifest.json is missing", "entry ../x leaves the archive"]
    result = call(platform, "push", str(package), "--publish")
    assert result.exit_code == 1
    for problem in platform.problems:
        assert problem in result.stderr
    assert not any(call.endswith("/publish") for call in platform.calls)


def test_a_validation_that_does_not_end_is_given_up(platform: Platform, package: Path) -> None:
    platform.states = ["validating"]
    result = call(platform, "push", str(package), "--timeout", "1")
    assert result.exit_code == 1
    assert "still validating after 1 s" in result.stderr


def test_a_refusal_shows_the_problem_document(platform: Platform, package: Path) -> None:
    result = call(platform, "push", str(package), key="stw_wrong")
    assert result.exit_code == 1
    assert "No valid API key." in result.stderr
    assert platform.stored is None


def test_push_without_a_key_is_wrong_usage(platform: Platform, package: Path) -> None:
    result = call(platform, "push", str(package), key="")
    assert result.exit_code == 2
    assert "STOWAGE_KEY" in result.stderr


@pytest.mark.parametrize("key", ["stw_schlüssel", "stw_one\nstw_two", "stw one"])
def test_what_cannot_be_a_key_is_wrong_usage_and_not_shown(
    platform: Platform, package: Path, key: str
) -> None:
    result = call(platform, "push", str(package), key=key)
    assert result.exit_code == 2
    assert "is no API key" in result.stderr
    assert not [line for line in key.splitlines() if line in result.output]
    assert platform.calls == []


@pytest.mark.parametrize("url", ["nonsense", "ftp://example.com", "http://", "http://[", "a:b"])
def test_what_is_no_url_is_wrong_usage(package: Path, url: str) -> None:
    arguments = ["push", str(package), "--key", "stw_k", "--api-url", url]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert f"{url!r} is no URL" in result.stderr


def test_an_api_that_does_not_answer_is_named(package: Path) -> None:
    arguments = ["push", str(package), "--key", "k", "--api-url", "http://127.0.0.1:9"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert "http://127.0.0.1:9" in result.stderr
    assert "Traceback" not in result.output


def test_a_key_is_created_for_its_subject(platform: Platform) -> None:
    arguments = ["--role", "tenant", "--subject", "t1", "--operator-key", OPERATOR_KEY, "--json"]
    result = call(platform, "keys", "create", *arguments)
    assert document(result.stdout)["key"] == "stw_new"
    assert platform.bodies == [{"role": "tenant", "subject_id": "t1"}]


@pytest.mark.parametrize(
    "arguments",
    [["--role", "tenant"], ["--role", "operator", "--subject", "x"], ["--role", "king"]],
)
def test_a_key_needs_a_role_and_a_subject_that_fit(
    platform: Platform, arguments: list[str]
) -> None:
    result = call(platform, "keys", "create", *arguments, "--operator-key", OPERATOR_KEY)
    assert result.exit_code == 2
    assert platform.calls == []


def test_keys_are_listed_and_revoked(platform: Platform) -> None:
    listed = call(platform, "keys", "list", "--operator-key", OPERATOR_KEY)
    assert "k1" in listed.stdout
    assert "k2" in listed.stdout
    assert "tenant" in listed.stdout
    revoked = call(platform, "keys", "revoke", "k1", "--operator-key", OPERATOR_KEY)
    assert revoked.exit_code == 0
    assert platform.calls[-1] == "DELETE /v1/api-keys/k1"
