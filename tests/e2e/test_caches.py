"""The caches of two data centres on the whole platform: what fills them, and what a pull, sent by
the jobs through Cloudflare's API, makes them forget."""

import time

import httpx
import pytest

from local.client import Cloud
from tests.e2e.packages import Package, a_developer, a_package
from tests.e2e.stack import Stack
from tests.e2e.test_states import BECAUSE, download, until

DATA_CENTRES = ("ams", "sin")


class Watch:
    """Counts what the edge asks of the packages bucket."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._cloud = Cloud(stack.home, faults=True)

    def gets(self) -> int:
        wanted = (self.stack.outputs["workers"]["edge"], "PACKAGES", "get")
        calls = self._cloud.list_faults()["calls"]
        return sum(
            call["count"]
            for call in calls
            if (call["worker"], call["binding"], call["method"]) == wanted
        )


def get(stack: Stack, url: str, where: str) -> httpx.Response:
    return stack.client.get(url, headers={"x-stowage-data-centre": where})


def warm(watch: Watch, url: str, package: Package) -> None:
    """In both data centres: the bucket is asked no more."""
    for where in DATA_CENTRES:
        for _ in range(50):
            before = watch.gets()
            answer = get(watch.stack, url, where)
            assert answer.content == package.data
            if watch.gets() == before:
                break
            time.sleep(0.05)
        else:
            pytest.fail(f"the cache of {where} does not get warm")


def test_a_pull_empties_the_caches_of_every_data_centre(faulty_stack: Stack) -> None:
    stack, watch = faulty_stack, Watch(faulty_stack)
    developer = a_developer(stack, "org.example.caches")
    package = a_package(developer.app_id, payload=200_000)
    version_id = developer.published(package)["id"]
    url = download(stack, developer.app_id)["download_url"]
    warm(watch, url, package)
    stack.read("versions", "pull", version_id, "--reason", BECAUSE, "--as-operator")
    for where in DATA_CENTRES:
        until(lambda where=where: get(stack, url, where).status_code == 410, f"{where} refuses it")
    until(lambda: not stack.read("purges", "list")["purges"], "it is purged", seconds=90)
    stack.read("versions", "restore", version_id, "--as-operator")
    url = download(stack, developer.app_id)["download_url"]
    for where in DATA_CENTRES:
        before = watch.gets()
        until(lambda where=where: get(stack, url, where).status_code == 200, f"{where} serves it")
        # What the cache had before the pull is gone: the bucket was asked anew.
        assert watch.gets() > before
    warm(watch, url, package)


def test_the_data_centre_is_chosen_by_a_header_that_no_worker_sees(
    faulty_stack: Stack,
) -> None:
    answer = faulty_stack.client.get(
        faulty_stack.outputs["cdn_url"], headers={"x-stowage-data-centre": "nowhere"}
    )
    assert answer.status_code == 400
    assert "nowhere" in answer.text
