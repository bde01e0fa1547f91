"""A stack's objects move from R2 to another storage, with a kill in the middle, while every URL
that was given out goes on working."""

import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import a_stack
from tests.e2e.packages import Developer, a_developer, a_package, put
from tests.e2e.stack import Stack
from tests.e2e.test_packages import a_download

APP = "org.example.moving"
SMALL, LARGE = 300, 6
"""Objects in the repository bucket: enough that a kill meets the copy at work."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with a_stack("-c", "fallbackStorage=minio") as up:
        yield up


def fill(stack: Stack) -> dict[str, bytes]:
    bucket = stack.outputs["buckets"]["repositories"]
    content = {f"moving/small/{number:03}": f"{number}".encode() * 50 for number in range(SMALL)}
    content |= {f"moving/large/{number}": bytes([number]) * 4_000_000 for number in range(LARGE)}
    for key, data in content.items():
        stack.s3.put_object(Bucket=bucket, Key=key, Body=data, CacheControl="max-age=7")
    return content


def copied(stack: Stack) -> dict[str, int]:
    """Sizes of what lies in the new storage's repository bucket."""
    bucket = stack.outputs["storages"]["minio"]["buckets"]["repositories"]
    pages = stack.storage_root("minio").get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return {
        str(one.get("Key")): int(one.get("Size", 0))
        for page in pages
        for one in page.get("Contents", [])
    }


def killed_in_the_middle(stack: Stack, total: int) -> None:
    command = stack.command("storage", "copy", "--to", "minio", "--threads", "2")
    with subprocess.Popen(command, cwd=stack.project, env=stack.environment) as running:
        deadline = time.monotonic() + 120
        while len(copied(stack)) < 20:
            assert running.poll() is None, "the copy ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.02)
        running.send_signal(signal.SIGKILL)
    assert 0 < len(copied(stack)) < total


def check_urls(urls: dict[str, bytes]) -> None:
    for url, data in urls.items():
        answer = httpx.get(url)
        assert (answer.status_code, answer.content) == (200, data)


def begun(developer: Developer, code: int) -> tuple[dict[str, Any], bytes]:
    """An upload that is given its URL before the switch, and used after it."""
    package = a_package(developer.app_id, code)
    return developer.create(package), package.data


@pytest.mark.timeout(600)
def test_objects_move_while_every_download_goes_on(stack: Stack) -> None:
    developer = a_developer(stack, APP)
    urls: dict[str, bytes] = {}
    for code in (1, 2):
        package = a_package(APP, code)
        developer.published(package)
        urls[a_download(stack, APP, version_code=code)["download_url"]] = package.data
    content = fill(stack)

    killed_in_the_middle(stack, len(content))
    check_urls(urls)
    first = stack.read("storage", "copy", "--to", "minio")
    assert (first["failed"], first["vanished"]) == (0, 0)
    # What the killed run had done and noted is not done again; what it had not noted is compared.
    assert first["copied"] + first["unchanged"] >= len(content) + 2 * 3
    assert copied(stack) == {key: len(data) for key, data in content.items()}
    check_urls(urls)

    created, data = begun(developer, 3)
    stack.run("up", "-c", "storage=minio", "-c", "fallbackStorage=r2")
    stack.forget()
    check_urls(urls)
    assert put(created["upload"], data).status_code == 200
    assert developer.complete(created["version"]["id"]).status_code == 202
    assert stack.settled(created["version"]["id"], developer.key)["status"] == "draft"
    assert developer.publish(created["version"]["id"]).status_code == 200
    newest = a_download(stack, APP)
    assert newest["version_code"] == 3
    urls[newest["download_url"]] = data

    again = stack.read("storage", "copy", "--to", "minio")
    assert again["failed"] == 0
    # The upload of version 3 went to R2; its package is in the new storage already.
    assert again["copied"] <= 1
    shown = stack.run("storage", "copy", "--to", "minio")
    assert "Nothing was left to copy." in shown.stdout
    check_urls(urls)
    without_the_old_storage(stack, urls)


def without_the_old_storage(stack: Stack, urls: dict[str, bytes]) -> None:
    refused = stack.run("up", "-c", "fallbackStorage=", expect=3)
    assert "(r2)" in refused.stderr or stack.outputs["buckets"]["packages"] in refused.stderr
    for bucket in stack.outputs["storages"]["r2"]["buckets"].values():
        empty(stack, bucket)
    stack.run("up", "-c", "fallbackStorage=")
    check_urls(urls)
    assert "R2Bucket" not in stack.read("status")["resources"]


def empty(stack: Stack, bucket: str) -> None:
    """Deletes every object of a bucket on R2 by the account's API, as its operator would."""
    objects = f"{stack.account_url}/r2/buckets/{bucket}/objects"
    authorized = {"authorization": f"Bearer {stack.api_token}"}
    while rows := stack.client.get(objects, headers=authorized).json()["result"]:
        for row in rows:
            gone = stack.client.delete(f"{objects}/{row['key']}", headers=authorized)
            assert gone.status_code == 200, gone.text
