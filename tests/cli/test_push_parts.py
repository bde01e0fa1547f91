"""`stowage push` sends a large package in parts: what arrived is not sent again, what broke off is,
and nothing of it is kept on this machine."""

import hashlib
import io
import json
import re
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli import part_sender, push
from cli.app import app
from tests.cli import loopback

VERSION: dict[str, Any] = {"id": "0190-version", "status": "uploading", "problems": []}
PART = 1000
PROJECT = Path(__file__).resolve().parents[2]
KEPT = "have arrived before; going on from there"


@dataclass
class Platform:
    """As much of the platform and of its storage as the command calls."""

    size: int
    stored: dict[int, bytes] = field(default_factory=dict[int, bytes])
    calls: list[str] = field(default_factory=list[str])
    refusals: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    """Statuses with which the next PUTs of a part are answered."""
    tells_md5: bool = True
    keeps: bool = True
    arrived: bool = False
    overtaken: int = 0
    """A part of which the storage first keeps other bytes."""
    stalls: int = 0
    """A part whose PUT is not answered until `resumed`, and then refused."""
    stalled: threading.Event = field(default_factory=threading.Event)
    resumed: threading.Event = field(default_factory=threading.Event)
    page: int = 100
    at_once: int = 0
    most_at_once: int = 0
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def count(self) -> int:
        return -(-self.size // PART)

    def length(self, number: int) -> int:
        return min(PART, self.size - (number - 1) * PART)

    def answer(self, method: str, path: str, body: bytes, headers: Any) -> tuple[int, Any]:
        with self.lock:
            self.calls.append(f"{method} {path}")
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return self._answer(method, path, body)
        finally:
            with self.lock:
                self.at_once -= 1

    def _answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        if match := re.fullmatch(r"/store/(\d+)/\d+", path):
            return self._store(int(match[1]), body)
        if method == "PUT":
            self.stored[0] = body
            return 200, {}
        if path.endswith("/versions"):
            offer = {"part_size": PART, "part_count": self.count}
            headers = {"content-length": str(self.size)}
            upload = {"url": f"{self.url}/whole", "headers": headers, "multipart": offer}
            return 201, {"version": VERSION, "upload": upload}
        if path.endswith("/multipart"):
            return self._state()
        if match := re.search(r"/parts/(\d+)$", path):
            return 200, {"part": self._part(int(match[1]), 1)}
        status = 202 if path.endswith("/complete") else 200
        return status, {"version": VERSION | {"status": "draft"}}

    def _store(self, number: int, body: bytes) -> tuple[int, Any]:
        if refusals := self.refusals.get(number):
            return refusals.pop(0), {"refused": True}
        if number == self.stalls:
            self.stalled.set()
            self.resumed.wait(60)
            return 500, {}
        if len(body) != self.length(number):
            return 400, {}
        if number == self.overtaken:
            self.overtaken, body = 0, b"x" * len(body)
        if self.keeps:
            self.stored[number] = body
        return 200, {}

    def _state(self) -> tuple[int, Any]:
        if self.arrived:
            return 409, {"type": "urn:stowage:problem:upload-arrived", "title": "Conflict"}
        received = [
            {"number": n, "size": len(data), "md5": md5(data) if self.tells_md5 else None}
            for n, data in sorted(self.stored.items())
        ]
        missing = [n for n in range(1, self.count + 1) if n not in self.stored]
        parts = [self._part(n, 0) for n in missing[: self.page]]
        return 200, {
            "part_size": PART,
            "part_count": self.count,
            "received": received,
            "parts": parts,
            "next": None,
        }

    def _part(self, number: int, signed: int) -> dict[str, Any]:
        headers = {"content-length": str(self.length(number))}
        url = f"{self.url}/store/{number}/{signed}"
        return {"number": number, "size": self.length(number), "url": url, "headers": headers}

    @property
    def puts(self) -> list[int]:
        found = (re.match(r"PUT /store/(\d+)/", call) for call in self.calls)
        return sorted(int(match[1]) for match in found if match)

    @property
    def whole(self) -> bytes:
        return b"".join(data for _, data in sorted(self.stored.items()))


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


@pytest.fixture
def package(tmp_path: Path) -> Path:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        manifest = {"id": "org.hello", "name": "Hello", "version": "1.0", "version_code": 3}
        archive.writestr("manifest.json", json.dumps(manifest))
        archive.writestr("main.bin", bytes(range(250)) * 20)
    path = tmp_path / "hello.mosis"
    path.write_bytes(buffer.getvalue())
    return path


@pytest.fixture
def platform(package: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    platform = Platform(package.stat().st_size)
    monkeypatch.setattr(push, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr(part_sender, "_FIRST_WAIT_SECONDS", 0.001)
    with loopback.served(platform.answer) as platform.url:
        yield platform


def pushed(platform: Platform, package: Path, *options: str) -> Result:
    arguments = ["push", str(package), "--api-url", platform.url, "--key", "stw_key", *options]
    return CliRunner().invoke(app, arguments)


def part_of(package: Path, number: int) -> bytes:
    return package.read_bytes()[(number - 1) * PART : number * PART]


def test_the_parts_are_sent_and_make_the_file(platform: Platform, package: Path) -> None:
    result = pushed(platform, package)
    assert result.exit_code == 0, result.output
    assert platform.whole == package.read_bytes()
    assert platform.puts == list(range(1, platform.count + 1))
    assert "100 %" in result.stderr
    assert 2 <= result.stderr.count("hello.mosis:") <= 10
    assert platform.calls.index("POST /v1/versions/0190-version/complete") > max(
        index for index, call in enumerate(platform.calls) if call.startswith("PUT")
    )


@pytest.mark.parametrize("threads", [1, 3])
def test_no_more_parts_than_threads_are_under_way(
    platform: Platform, package: Path, threads: int
) -> None:
    assert pushed(platform, package, "--threads", str(threads)).exit_code == 0
    assert 1 <= platform.most_at_once <= threads
    assert platform.whole == package.read_bytes()


def test_what_arrived_before_is_not_sent_again(platform: Platform, package: Path) -> None:
    platform.stored = {number: part_of(package, number) for number in (1, 3)}
    result = pushed(platform, package)
    assert result.exit_code == 0, result.output
    assert f"2 of {platform.count} parts {KEPT}" in result.stderr
    assert platform.puts == [n for n in range(1, platform.count + 1) if n not in (1, 3)]
    assert platform.whole == package.read_bytes()


def test_a_part_of_other_bytes_is_sent_again_where_the_storage_tells_its_md5(
    platform: Platform, package: Path
) -> None:
    platform.stored = {1: part_of(package, 1), 2: b"x" * PART}
    result = pushed(platform, package)
    assert f"1 of {platform.count} parts {KEPT}" in result.stderr
    assert 1 not in platform.puts
    assert platform.whole == package.read_bytes()


def test_a_part_that_the_storage_replaced_while_others_were_sent_is_sent_again(
    platform: Platform, package: Path
) -> None:
    """By what was left of its first attempt, which had broken off."""
    platform.overtaken = 2
    result = pushed(platform, package)
    assert result.exit_code == 0, result.output
    assert platform.puts.count(2) == 2
    assert platform.whole == package.read_bytes()


def test_where_it_does_not_the_size_must_do(platform: Platform, package: Path) -> None:
    platform.tells_md5 = False
    platform.stored = {1: b"x" * PART}
    assert pushed(platform, package).exit_code == 0
    assert 1 not in platform.puts


def test_everything_that_arrived_is_only_completed(platform: Platform, package: Path) -> None:
    platform.stored = {n: part_of(package, n) for n in range(1, platform.count + 1)}
    assert pushed(platform, package).exit_code == 0
    assert platform.puts == []
    assert "POST /v1/versions/0190-version/complete" in platform.calls


def test_a_package_that_had_arrived_whole_is_only_completed(
    platform: Platform, package: Path
) -> None:
    platform.arrived = True
    result = pushed(platform, package)
    assert "It had arrived before" in result.stderr
    assert platform.puts == []
    assert "POST /v1/versions/0190-version/complete" in platform.calls


def test_a_part_that_did_not_get_through_is_sent_again(platform: Platform, package: Path) -> None:
    platform.refusals = {1: [503, 500], 2: [429]}
    result = pushed(platform, package, "--threads", "1")
    assert result.exit_code == 0, result.output
    assert platform.puts[:6] == [1, 1, 1, 2, 2, 3]
    assert platform.whole == package.read_bytes()
    assert "100 %" in result.stderr


def test_an_expired_url_is_signed_again(platform: Platform, package: Path) -> None:
    platform.refusals = {2: [403]}
    assert pushed(platform, package).exit_code == 0
    assert "PUT /store/2/1" in platform.calls
    assert platform.whole == package.read_bytes()


def test_urls_that_come_page_by_page_are_all_used(platform: Platform, package: Path) -> None:
    platform.page = 2
    assert pushed(platform, package).exit_code == 0
    assert platform.whole == package.read_bytes()


@pytest.mark.parametrize(
    ("refusals", "said"),
    [
        ([503] * 6, "did not get through, 6 times"),
        ([403] * 6, "did not get through, 6 times"),
        ([404], "completed or aborted by somebody else"),
        ([400], "The storage refused part 2"),
    ],
)
def test_a_part_that_cannot_be_sent_ends_the_push_and_keeps_what_arrived(
    platform: Platform, package: Path, refusals: list[int], said: str
) -> None:
    platform.refusals = {2: refusals}
    result = pushed(platform, package, "--threads", "1")
    assert result.exit_code == 1
    assert said in result.stderr
    assert "Traceback" not in result.output
    assert list(platform.stored) == [1]
    assert not any(call.endswith("/complete") for call in platform.calls)
    platform.refusals = {}
    assert pushed(platform, package).exit_code == 0
    assert platform.whole == package.read_bytes()


def test_a_storage_that_does_not_keep_parts_is_not_sent_them_for_ever(
    platform: Platform, package: Path
) -> None:
    platform.keeps = False
    result = pushed(platform, package)
    assert result.exit_code == 1
    assert "does not have it as it was sent" in result.stderr
    assert platform.puts == list(range(1, platform.count + 1))


def test_an_interrupted_push_ends_at_once_says_what_is_kept_and_goes_on_from_there(
    platform: Platform, package: Path
) -> None:
    """By Ctrl-C, while the storage does not answer to a part."""
    platform.stalls = 2
    arguments = ["push", str(package), "--api-url", platform.url, "--key", "stw_key"]
    with subprocess.Popen(
        [sys.executable, "-m", "cli", *arguments, "--threads", "1"],
        cwd=PROJECT,
        stderr=subprocess.PIPE,
        text=True,
    ) as push:
        assert platform.stalled.wait(60)
        push.send_signal(signal.SIGINT)
        said = push.communicate(timeout=60)[1]
        platform.resumed.set()
    assert push.returncode == 130
    assert f"Stopped. 1 of {platform.count} parts have arrived and are kept" in said
    assert "Traceback" not in said
    assert list(platform.stored) == [1]
    assert not any(call.endswith("/complete") for call in platform.calls)
    platform.stalls = 0
    assert pushed(platform, package).exit_code == 0
    assert platform.whole == package.read_bytes()


def test_the_single_put_can_be_asked_for(platform: Platform, package: Path) -> None:
    assert pushed(platform, package, "--no-multipart").exit_code == 0
    assert platform.stored == {0: package.read_bytes()}
    assert not any("multipart" in call for call in platform.calls)
