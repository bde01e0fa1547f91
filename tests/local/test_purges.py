"""Purges of the zone's cache through the REST face: what is taken, from whom, and how often."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.purges import PLANS, PurgePlan, Purges, refusal
from tests.local.provider_calls import ACCOUNT, ZONE
from tests.local.test_daemon_faces import Daemon, Json, start

PATH = f"/client/v4/zones/{ZONE}/purge_cache"


class Clock:
    now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_plan_gives_a_burst_and_then_its_rate() -> None:
    clock = Clock()
    purges = Purges(PLANS["free"], clock)
    assert [purges.take() for _ in range(25)] == [0] * 25
    assert purges.take() == 12
    clock.now += 11
    assert purges.take() == 1
    clock.now += 1
    assert purges.take() == 0
    clock.now += 86_400
    assert [purges.take() for _ in range(26)] == [0] * 25 + [12]


def test_an_isolate_learns_the_latest_purge_of_everything_that_was_purged() -> None:
    clock = Clock()
    purges = Purges(PurgePlan(1, 1), clock)
    assert purges.note({"tags": ["a", "b"]}) == {"at": 1_790_000_000_000, "tags": ["a", "b"]}
    clock.now += 1
    purges.note({"tags": ["b"], "files": ["https://x"]})
    purges.note({"purge_everything": True})
    assert purges.describe() == [
        {"at": 1_790_000_000_000, "tags": ["a"]},
        {"at": 1_790_000_001_000, "tags": ["b"]},
        {"at": 1_790_000_001_000, "purge_everything": True},
    ]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({}, 1012),
        ({"purge_everything": False}, 1012),
        ({"tags": []}, 1094),
        ({"tags": "a"}, 1094),
        ({"tags": ["a"] * 101}, 1094),
        ({"tags": ["a" * 1025]}, 1100),
        ({"tags": [5]}, 1100),
        ({"tags": ["ü"]}, 1315),
    ],
)
def test_what_cloudflare_would_not_take_is_refused(said: Json, code: int) -> None:
    refused = refusal(said)
    assert refused is not None
    assert refused[0] == code


@pytest.fixture
def daemon(tmp_path: Path, types_file: Path) -> Iterator[Daemon]:
    yield from start(tmp_path, types_file)


def post(daemon: Daemon, body: Any, token: str | None = None, path: str = PATH) -> Any:
    headers = {"authorization": f"Bearer {token}"} if token else daemon.token
    return daemon.client.post(path, json=body, headers=headers)


def test_purges_are_recorded(daemon: Daemon) -> None:
    assert post(daemon, {"tags": ["a"]}).status_code == 200
    assert post(daemon, {}).status_code == 400
    (purge,) = json.loads(daemon.home.world.read_text())["purges"]
    assert (purge["zone"], purge["tags"]) == (ZONE, ["a"])


def test_purges_of_a_zone_with_routes_are_told_to_the_workers(daemon: Daemon) -> None:
    def known() -> list[Json]:
        return daemon.client.get("/_caches/purges", headers=daemon.control).json()["purges"]

    post(daemon, {"tags": ["a"]})
    assert known() == []
    daemon.deploy("sample")
    daemon.create("WorkersRoute", zoneId=ZONE, pattern="x.test/*", script="sample")
    post(daemon, {"tags": ["a"]})
    assert [one["tags"] for one in known()] == [["a"]]
    daemon.settle()
    assert post(daemon, {"tags": ["b"]}).status_code == 200
    told = [one for one in daemon.record() if one.get("call") == "/caches/purge"]
    assert [one["body"]["tags"] for one in told] == [["b"]]


def test_the_plans_rate_is_kept_and_the_answer_says_when(daemon: Daemon) -> None:
    answers = [post(daemon, {"tags": ["a"]}) for _ in range(27)]
    limited = [answer for answer in answers if answer.status_code == 429]
    assert limited
    assert all(answer.status_code == 200 for answer in answers[:25])
    assert 1 <= int(limited[0].headers["retry-after"]) <= 12
    assert limited[0].json()["success"] is False


class Token:
    def __init__(self, daemon: Daemon, group: str, resource: str, effect: str = "allow") -> None:
        policy = {
            "effect": effect,
            "permissionGroups": [{"id": group}],
            "resources": json.dumps({resource: "*"}),
        }
        inputs = {"accountId": ACCOUNT, "name": "t", "policies": [policy]}
        made = daemon.engine("create", "AccountToken", properties=inputs, preview=False).json()
        self.value: str = made["properties"]["value"]["value"]
        assert hashlib.sha256(self.value.encode()).hexdigest() in daemon.home.world.read_text()


CACHE_PURGE = "e17beae8b8cb423a99b1730f21238bed"
D1_READ = "192192df92ee43ac90f2aeeffce67e35"
SCOPE = "com.cloudflare.api.account.zone"


def test_a_token_with_cache_purge_purges_its_zone_and_may_do_nothing_else(daemon: Daemon) -> None:
    token = Token(daemon, CACHE_PURGE, f"{SCOPE}.{ZONE}").value
    assert post(daemon, {"tags": ["a"]}, token).status_code == 200
    other = f"/client/v4/zones/{'0' * 32}/purge_cache"
    assert post(daemon, {"tags": ["a"]}, token, other).status_code == 403
    listed = daemon.client.get(
        f"/client/v4/accounts/{ACCOUNT}/r2/buckets", headers={"authorization": f"Bearer {token}"}
    )
    assert listed.status_code == 403


@pytest.mark.parametrize(
    ("group", "resource", "effect"),
    [
        (D1_READ, f"{SCOPE}.{ZONE}", "allow"),
        (CACHE_PURGE, f"{SCOPE}.{'0' * 32}", "allow"),
        (CACHE_PURGE, f"{SCOPE}.{ZONE}", "deny"),
    ],
)
def test_another_token_may_not_purge(
    daemon: Daemon, group: str, resource: str, effect: str
) -> None:
    token = Token(daemon, group, resource, effect).value
    assert post(daemon, {"tags": ["a"]}, token).status_code == 403
    assert json.loads(daemon.home.world.read_text())["purges"] == []
