"""What breaks between two writes heals by itself, and leaves the right history."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from local.client import Cloud
from tests.e2e.packages import Developer, a_developer, a_package, put
from tests.e2e.stack import Stack

DRAFTED = [
    (None, "uploading"),
    ("uploading", "validating"),
    ("validating", "draft"),
]


@pytest.fixture
def faults(faulty_stack: Stack) -> Any:
    cloud = Cloud(faulty_stack.home, faults=True)
    yield cloud
    cloud.clear_faults()


def worker(stack: Stack, role: str) -> str:
    return stack.outputs["workers"][role]


def uploaded(developer: Developer, code: int) -> str:
    package = a_package(developer.app_id, code)
    created = developer.create(package)
    assert put(created["upload"], package.data).status_code == 200
    return created["version"]["id"]


def history(stack: Stack, version_id: str) -> list[tuple[Any, Any]]:
    rows = stack.query(
        "SELECT seq, from_state, to_state FROM event WHERE subject_id = ? ORDER BY seq", version_id
    )
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    return [(row["from_state"], row["to_state"]) for row in rows]


def healed(stack: Stack, developer: Developer, version_id: str) -> dict[str, Any]:
    """The version after the schedule has run with its deadline over, as often as it takes."""
    deadline = time.monotonic() + 90
    while True:
        version = stack.version(version_id, developer.key)
        if version["status"] not in ("uploading", "validating"):
            return version
        assert time.monotonic() < deadline, f"still {version['status']}"
        stack.query("UPDATE version SET due_at = 1 WHERE id = ? AND due_at > 1", version_id)
        stack.query(
            "UPDATE upload SET lease_until = 1 WHERE version_id = ? AND lease_until > 1",
            version_id,
        )
        stack.run("trigger", "cron")
        time.sleep(0.5)


def test_jobs_killed_after_promotion_and_before_the_confirmation_converges(
    faulty_stack: Stack, faults: Cloud
) -> None:
    developer = a_developer(faulty_stack, "org.example.killed")
    version_id = uploaded(developer, 1)
    # The packages bucket is written, and jobs never learns that it was.
    faults.add_fault(
        worker=worker(faulty_stack, "jobs"),
        binding="PACKAGES",
        method="put",
        nth=1,
        action="fail_after",
    )
    developer.complete(version_id)
    assert healed(faulty_stack, developer, version_id)["status"] == "draft"
    assert history(faulty_stack, version_id) == DRAFTED
    assert developer.publish(version_id).status_code == 200


def test_the_confirmation_that_fails_is_repeated(faulty_stack: Stack, faults: Cloud) -> None:
    developer = a_developer(faulty_stack, "org.example.unconfirmed")
    version_id = uploaded(developer, 1)
    for action in ("fail", "fail_after"):
        faults.add_fault(
            worker=worker(faulty_stack, "jobs"),
            binding="DB",
            method="batch",
            nth=2,
            action=action,
        )
    developer.complete(version_id)
    assert healed(faulty_stack, developer, version_id)["status"] == "draft"
    assert history(faulty_stack, version_id) == DRAFTED


def test_a_lost_message_is_sent_again_by_the_schedule(faulty_stack: Stack, faults: Cloud) -> None:
    developer = a_developer(faulty_stack, "org.example.lost")
    version_id = uploaded(developer, 1)
    faults.add_fault(
        worker=worker(faulty_stack, "api"),
        binding="VALIDATE_QUEUE",
        method="send",
        nth=1,
        action="drop",
    )
    assert developer.complete(version_id).status_code == 202
    assert healed(faulty_stack, developer, version_id)["status"] == "draft"
    assert history(faulty_stack, version_id) == DRAFTED


def test_a_message_that_comes_twice_is_worked_once(faulty_stack: Stack, faults: Cloud) -> None:
    developer = a_developer(faulty_stack, "org.example.twice")
    version_id = uploaded(developer, 1)
    faults.add_fault(
        worker=worker(faulty_stack, "api"),
        binding="VALIDATE_QUEUE",
        method="send",
        nth=1,
        action="repeat",
    )
    assert developer.complete(version_id).status_code == 202
    assert faulty_stack.settled(version_id, developer.key)["status"] == "draft"
    faulty_stack.run("trigger", "cron")
    assert history(faulty_stack, version_id) == DRAFTED


def hurry(stack: Stack) -> None:
    """Lets the waits of retries and leases be over, which would take minutes."""
    with closing(sqlite3.connect(stack.home / "queues.sqlite", timeout=10)) as queues, queues:
        queues.execute("UPDATE message SET visible_at = 0 WHERE in_flight = 0")
    stack.query("UPDATE upload SET lease_until = 1 WHERE lease_until > 1")


def until(stack: Stack, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 150
    while not done():
        assert time.monotonic() < deadline, stack.run("logs").stdout[-4000:]
        hurry(stack)
        time.sleep(0.5)


def test_a_poisoned_message_ends_as_a_failed_version_and_blocks_no_other(
    faulty_stack: Stack, faults: Cloud
) -> None:
    developer = a_developer(faulty_stack, "org.example.poisoned")
    poisoned, other = uploaded(developer, 1), uploaded(developer, 2)
    faults.add_fault(
        worker=worker(faulty_stack, "jobs"),
        binding="UPLOADS",
        method="get",
        nth=1,
        action="fail",
        count=1000,
    )
    developer.complete(poisoned)
    until(
        faulty_stack,
        lambda: faulty_stack.version(poisoned, developer.key)["status"] != "validating",
    )
    failed = faulty_stack.version(poisoned, developer.key)
    assert failed["status"] == "failed"
    assert [problem["slug"] for problem in failed["problems"]] == ["validation-gave-up"]
    assert history(faulty_stack, poisoned) == [*DRAFTED[:2], ("validating", "failed")]
    faults.clear_faults()
    developer.complete(other)
    assert faulty_stack.settled(other, developer.key)["status"] == "draft"
    again = developer.drafted(a_package(developer.app_id, 1))
    assert again["status"] == "draft"


def test_an_outage_that_outlives_all_retries_heals_when_it_ends(
    faulty_stack: Stack, faults: Cloud
) -> None:
    developer = a_developer(faulty_stack, "org.example.outage")
    version_id = uploaded(developer, 1)
    faults.add_fault(
        worker=worker(faulty_stack, "jobs"),
        binding="PACKAGES",
        method="put",
        nth=1,
        action="fail",
        count=1000,
    )
    developer.complete(version_id)

    def is_given_up() -> bool:
        return all(
            row[state] == 0
            for row in faults.queues()
            for state in ("visible", "delayed", "in_flight")
        )

    until(faulty_stack, is_given_up)
    # The package was accepted before it could be promoted: it is not failed for an outage of ours.
    assert faulty_stack.version(version_id, developer.key)["status"] == "validating"
    faults.clear_faults()
    assert healed(faulty_stack, developer, version_id)["status"] == "draft"
    assert history(faulty_stack, version_id) == DRAFTED
