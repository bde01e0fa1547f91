"""A package in parts: through a kill, through wrong parts, given up and forgotten."""

import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.packages import Developer, Package, a_developer, a_package, put
from tests.e2e.stack import Stack

MIB = 1024**2
PART = 8 * MIB
SLACK = 40
"""Percent that were handed to the socket when the push is killed: more than two parts of six."""


@pytest.fixture(scope="module")
def parted(stack: Stack) -> Developer:
    return a_developer(stack, "org.example.parted")


def begun(developer: Developer, version_id: str, expect: int) -> dict[str, Any]:
    answer = asked(developer, "POST", version_id)
    assert answer.status_code == expect, answer.text
    return answer.json()


def asked(developer: Developer, method: str, version_id: str) -> httpx.Response:
    return developer.stack.api(method, f"/v1/versions/{version_id}/multipart", key=developer.key)


def sent(package: Package, part: dict[str, Any]) -> httpx.Response:
    start = (part["number"] - 1) * PART
    return put(part, package.data[start : start + part["size"]])


def is_refused(part: dict[str, Any], data: bytes) -> bool:
    """Some servers answer before they have read a body, and not every proxy gets that through."""
    try:
        return put(part, data, content_length=str(len(data))).status_code in (403, 404, 503)
    except httpx.TransportError:
        return True


def numbers(parts: list[dict[str, Any]]) -> list[int]:
    return [part["number"] for part in parts]


def test_a_push_of_fifty_megabytes_that_was_killed_goes_on_from_the_parts_that_arrived(
    parted: Developer, tmp_path: Path
) -> None:
    stack, package = parted.stack, a_package(parted.app_id, 1, payload=50_000_000)
    file = tmp_path / "big.mosis"
    file.write_bytes(package.data)
    command = ("push", str(file), "--key", parted.key)
    with subprocess.Popen(
        stack.command(*command, "--threads", "1"),
        cwd=stack.project,
        env=stack.environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as push:
        assert push.stderr is not None
        for line in push.stderr:
            if f"{SLACK} %" in line:
                push.send_signal(signal.SIGKILL)
    assert push.returncode == -signal.SIGKILL
    listed = stack.api("GET", f"/v1/apps/{parted.app_id}/versions", key=parted.key).json()
    version = listed["versions"][0]  # the newest
    arrived = numbers(asked(parted, "GET", version["id"]).json()["received"])
    assert arrived
    assert len(arrived) < 6

    again = stack.run(*command, "--publish")
    resumed = re.search(r"(\d) of 6 parts have arrived before", again.stderr)
    assert resumed
    # Fewer where a server kept a part that was cut off as one of its whole size: its MD5 tells.
    assert 1 <= int(resumed[1]) <= len(arrived)
    assert "100 %" in again.stderr
    assert stack.version(version["id"], parted.key)["status"] == "published"
    download = stack.api("GET", f"/v1/apps/{parted.app_id}/download").json()
    assert httpx.get(download["download_url"], timeout=120).content == package.data


def test_parts_are_pinned_to_their_size_missing_ones_named_and_an_aborted_upload_begun_anew(
    parted: Developer,
) -> None:
    package = a_package(parted.app_id, 2, payload=17 * MIB)
    created = parted.create(package)
    version_id = created["version"]["id"]
    assert created["upload"]["multipart"] == {"part_size": PART, "part_count": 3}
    first, _, last = begun(parted, version_id, 201)["parts"]
    assert is_refused(first, package.data[: PART + 1])
    assert is_refused(first, package.data[: PART - 1])
    assert is_refused(last, package.data[:PART])
    assert sent(package, first).status_code == 200
    refused = parted.complete(version_id)
    assert refused.status_code == 409
    assert refused.json()["missing"] == [2, 3]
    going_on = begun(parted, version_id, 200)
    assert numbers(going_on["received"]) == [1]
    assert numbers(going_on["parts"]) == [2, 3]

    assert asked(parted, "DELETE", version_id).status_code == 204
    assert asked(parted, "DELETE", version_id).status_code == 204
    assert asked(parted, "GET", version_id).status_code == 404
    assert is_refused(last, package.data[-last["size"] :])
    gone = parted.complete(version_id)
    assert gone.json()["type"] == "urn:stowage:problem:multipart-gone"
    for part in begun(parted, version_id, 201)["parts"]:
        assert sent(package, part).status_code == 200
    assert parted.complete(version_id).status_code == 202
    assert parted.stack.settled(version_id, parted.key)["status"] == "draft"


def test_what_was_made_of_other_bytes_fails_its_validation(parted: Developer) -> None:
    package = a_package(parted.app_id, 3, payload=17 * MIB)
    other = Package(package.data[:-1] + b"x", package.manifest)
    version_id = parted.create(package)["version"]["id"]
    for part in begun(parted, version_id, 201)["parts"]:
        assert sent(other, part).status_code == 200
    assert parted.complete(version_id).status_code == 202
    failed = parted.stack.settled(version_id, parted.key)
    assert [problem["slug"] for problem in failed["problems"]] == ["sha256-mismatch"]


def test_the_schedule_frees_the_parts_of_an_upload_that_nobody_completed(
    parted: Developer,
) -> None:
    stack, package = parted.stack, a_package(parted.app_id, 4, payload=17 * MIB)
    version_id = parted.create(package)["version"]["id"]
    first, *_ = begun(parted, version_id, 201)["parts"]
    assert sent(package, first).status_code == 200
    stack.query("UPDATE version SET due_at = 1 WHERE id = ?", version_id)
    stack.query("UPDATE upload SET expires_at = 1 WHERE version_id = ?", version_id)
    stack.run("trigger", "cron")
    assert stack.settled(version_id, parted.key)["status"] == "failed"
    assert asked(parted, "GET", version_id).status_code == 404
    assert is_refused(first, package.data[:PART])
    assert "schedule: parts: Report(aborted=0, errors=())" in stack.run("logs").stdout
