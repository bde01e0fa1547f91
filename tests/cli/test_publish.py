"""`stowage publish`, `rollback` and `repositories`: what they send, print and exit with."""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from functions.core import publication_lists
from functions.core.publication_lists import ListedFile
from tests.cli import loopback
from tests.cli.fakes import document

REPOSITORY = "/v1/repositories/r1"
FILES = {
    "dists/stable/Release": b"Suite: stable\n",
    "dists/stable/main/Packages": b"",
    "pool/main/a+b~1_all.deb": b"a package",
    "pool/main/b_1_all.deb": b"another package",
}


@dataclass
class Platform:
    """A repository with room for one publication, and the storage behind it."""

    stored: dict[str, bytes] = field(default_factory=dict[str, bytes])
    calls: list[str] = field(default_factory=list[str])
    keys: set[str] = field(default_factory=set[str])
    begun: dict[str, Any] = field(default_factory=dict[str, Any])
    listed: list[ListedFile] = field(default_factory=list[ListedFile])
    state: str = "preparing"
    expected: Any = "nothing yet"
    refusals: dict[str, int] = field(default_factory=dict[str, int])
    """How often a path is refused by the storage, with 503."""
    loses: frozenset[str] = frozenset()
    """Paths that the storage takes and does not keep."""
    publications: list[Any] = field(default_factory=list[Any])
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, Any]:
        with self.lock:
            self.calls.append(f"{method} {path.partition('?')[0]}")
            if path.startswith("/store/"):
                return self._put(path.removeprefix("/store/"), body, headers)
            self.keys.add(headers["authorization"].removeprefix("Bearer "))
            return self._answer(path.partition("?")[0], json.loads(body) if body else {})

    def _put(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
        if self.refusals.get(path, 0):
            self.refusals[path] -= 1
            return 503, {}
        assert headers["content-length"] == str(len(body))
        assert headers["x-signed"] == path
        if path in self.stored:
            return 412, {}
        if path not in self.loses:
            self.stored[path] = body
        return 200, {}

    def _answer(self, path: str, body: Any) -> tuple[int, Any]:
        publication = {
            "id": "p1",
            "generation": 4,
            "base_generation": 3,
            "state": self.state,
        }
        match path.removeprefix(REPOSITORY):
            case "/publications" if body:
                self.begun = body
            case "/publications":
                return 200, {"generation": 3, "publications": self.publications, "next": None}
            case "/publications/p1/files":
                return 200, {"missing": self._missing(body["files"])}
            case "/publications/p1/publish":
                self.expected = body["expected_generation"]
                publication["state"] = "published"
            case "/comparison":
                missing = [one["path"] for one in self._missing(body["files"])]
                return 200, {"missing": missing, "changed": [], "differing": []}
            case "/rollback":
                publication["generation"] = body["generation"]
            case "":
                return 200, {"repository": {"id": "r1", "hostname": "apt.example", "generation": 3}}
            case _:
                return 200, {"repositories": [{"id": "r1", "generation": None}], "next": None}
        return 200, {"publication": publication}

    def _missing(self, files: list[dict[str, Any]]) -> list[Any]:
        self.listed = [ListedFile(one["path"], one["size"], one["sha256"]) for one in files]
        return [
            {
                "path": one["path"],
                "url": f"{self.url}/store/{one['path']}",
                "headers": {"content-length": str(one["size"]), "x-signed": one["path"]},
            }
            for one in files
            if one["path"] not in self.stored
        ]

    def call(self, *arguments: str, key: str = "stw_tenant") -> Result:
        environment = {"STOWAGE_KEY": key, "STOWAGE_OPERATOR_KEY": "stw_operator"}
        return CliRunner().invoke(app, [*arguments, "--api-url", self.url], env=environment)

    def publish(self, folder: Path, *options: str) -> Result:
        return self.call("publish", str(folder), "--repository", "r1", *options)


@pytest.fixture
def platform() -> Iterator[Platform]:
    platform = Platform()
    with loopback.served(platform.answer) as platform.url:
        yield platform


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path, content in FILES.items():
        file = tmp_path / "repository" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return tmp_path / "repository"


def test_every_file_is_listed_and_sent_and_then_one_call_shows_them(
    platform: Platform, folder: Path
) -> None:
    done = platform.publish(folder, "--threads", "3", "--json")
    assert done.exit_code == 0, done.output
    assert platform.stored == FILES
    assert [file.path for file in platform.listed] == [
        "pool/main/a+b~1_all.deb",
        "pool/main/b_1_all.deb",
        "dists/stable/Release",
        "dists/stable/main/Packages",
    ]
    assert platform.begun == {
        "files_sha256": publication_lists.digest(platform.listed),
        "file_count": 4,
        "bytes": sum(map(len, FILES.values())),
    }
    for file in platform.listed:
        assert file.sha256 == hashlib.sha256(FILES[file.path]).hexdigest()
    assert platform.expected == 3
    assert platform.calls[-1] == f"POST {REPOSITORY}/publications/p1/publish"
    printed = document(done.stdout)
    assert printed["publication"]["generation"] == 4
    assert (printed["sent_files"], printed["sent_bytes"]) == (4, platform.begun["bytes"])
    assert platform.keys == {"stw_tenant"}


def test_only_what_is_missing_is_sent(platform: Platform, folder: Path) -> None:
    platform.stored["pool/main/b_1_all.deb"] = FILES["pool/main/b_1_all.deb"]
    done = platform.publish(folder)
    assert done.exit_code == 0, done.output
    puts = [call for call in platform.calls if call.startswith("PUT")]
    assert len(puts) == 3
    assert "3 were sent" in done.stdout


def test_what_readers_see_already_is_not_published_again(platform: Platform, folder: Path) -> None:
    platform.state = "published"
    done = platform.publish(folder)
    assert done.exit_code == 0, done.output
    assert platform.calls == [f"POST {REPOSITORY}/publications"]


def test_a_dry_run_says_what_would_be_sent_and_sends_nothing(
    platform: Platform, folder: Path
) -> None:
    platform.stored["pool/main/b_1_all.deb"] = b""
    done = platform.publish(folder, "--dry-run")
    assert done.exit_code == 0, done.output
    assert platform.calls == [f"POST {REPOSITORY}/comparison"]
    assert done.stdout.splitlines() == [
        "to be sent: pool/main/a+b~1_all.deb",
        "to be sent: dists/stable/Release",
        "to be sent: dists/stable/main/Packages",
    ]


def test_a_storage_that_is_away_for_a_moment_is_asked_again(
    platform: Platform, folder: Path
) -> None:
    platform.refusals["pool/main/b_1_all.deb"] = 2
    assert platform.publish(folder).exit_code == 0
    assert platform.stored == FILES


def test_a_file_that_cannot_be_sent_ends_the_publish_before_anything_shows(
    platform: Platform, folder: Path
) -> None:
    platform.refusals["pool/main/b_1_all.deb"] = 99
    done = platform.publish(folder)
    assert done.exit_code == 1
    assert "pool/main/b_1_all.deb" in done.output
    assert "readers see nothing of it" in done.output
    assert platform.expected == "nothing yet"


def test_a_file_that_was_sent_and_is_not_there_ends_the_publish(
    platform: Platform, folder: Path
) -> None:
    platform.loses = frozenset({"dists/stable/Release"})
    done = platform.publish(folder)
    assert done.exit_code == 1
    assert "does not lie there" in done.output
    assert platform.expected == "nothing yet"


@pytest.mark.parametrize("name", ["a\\b.deb", ".stowage/x"])
def test_a_file_that_no_url_would_reach_is_named_and_nothing_is_asked(
    platform: Platform, folder: Path, name: str
) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"x")
    done = platform.publish(folder)
    assert done.exit_code == 2
    assert repr(name) in done.output
    assert platform.calls == []


def test_a_folder_without_files_is_refused(platform: Platform, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = platform.publish(tmp_path / "empty")
    assert done.exit_code == 2
    assert platform.calls == []


def test_a_rollback_goes_to_the_generation_before_unless_another_is_named(
    platform: Platform,
) -> None:
    states = {5: "abandoned", 4: "published", 3: "published", 2: "abandoned", 1: "published"}
    platform.publications = [{"generation": n, "state": state} for n, state in states.items()]
    done = platform.call("rollback", "--repository", "r1")
    assert (done.exit_code, done.stdout) == (0, "Generation 1 is what readers see.\n")
    done = platform.call("rollback", "--repository", "r1", "--to", "4")
    assert (done.exit_code, done.stdout) == (0, "Generation 4 is what readers see.\n")
    platform.publications = platform.publications[:3]
    done = platform.call("rollback", "--repository", "r1")
    assert done.exit_code == 1
    assert "no earlier generation" in done.output


def test_repositories_are_listed_and_shown_with_the_operators_key_where_there_is_no_other(
    platform: Platform,
) -> None:
    platform.publications = [{"generation": 3, "state": "published"}]
    shown = document(platform.call("repositories", "show", "r1", "--json", key="").stdout)
    assert shown["publications"] == platform.publications
    listed = platform.call("repositories", "list", key="")
    assert listed.exit_code == 0, listed.output
    assert "r1" in listed.stdout
    assert platform.keys == {"stw_operator"}
