"""Published, rolled back, pulled, restored, rejected, and removed: on the whole platform."""

import hashlib
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from tests.e2e.packages import Developer, Package, a_developer, a_package
from tests.e2e.stack import Stack

BECAUSE = "It deletes its users' files."


def until(holds: Callable[[], bool], what: str, *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"after {seconds} s it does not hold that {what}"
        time.sleep(0.3)


def versions(developer: Developer, command: str, version: Mapping[str, Any], *options: str) -> Any:
    """`stowage versions COMMAND` for the version."""
    arguments = ("versions", command, version["id"], *options)
    return developer.stack.read(*arguments, "--key", developer.key)["version"]


def download(stack: Stack, app_id: str, **query: int) -> dict[str, Any]:
    url = f"{stack.outputs['api_url']}/v1/apps/{app_id}/download"
    answer = stack.client.get(url, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def get(stack: Stack, url: str) -> httpx.Response:
    return stack.client.get(url)


def digest(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return hashlib.sha256(answer.content).hexdigest()


def row(stack: Stack, version: Mapping[str, Any]) -> dict[str, Any]:
    (found,) = stack.query("SELECT * FROM version WHERE id = ?", version["id"])
    return found


def history(stack: Stack, version: Mapping[str, Any]) -> list[str]:
    rows = stack.query("SELECT * FROM event WHERE subject_id = ? ORDER BY seq", version["id"])
    assert [one["seq"] for one in rows] == list(range(1, len(rows) + 1))
    assert rows[-1]["to_state"] == row(stack, version)["status"]
    return [one["reason"] for one in rows]


def packages(stack: Stack, version: Mapping[str, Any]) -> list[str]:
    """What lies in the version's folder."""
    folder = str(row(stack, version)["object_key"]).rpartition("/")[0]
    answer = stack.client.get(
        f"{stack.account_url}/r2/buckets/{stack.outputs['buckets']['packages']}/objects",
        params={"prefix": f"{folder}/"},
        headers={"authorization": f"Bearer {stack.api_token}"},
    )
    assert answer.status_code == 200, answer.text
    return [found["key"] for found in answer.json()["result"]]


def forget_object(stack: Stack, bucket: str, key: str) -> None:
    answer = stack.client.delete(
        f"{stack.account_url}/r2/buckets/{stack.outputs['buckets'][bucket]}/objects/{quote(key)}",
        headers={"authorization": f"Bearer {stack.api_token}"},
    )
    assert answer.status_code == 200, answer.text


def two_published(stack: Stack, app_id: str) -> tuple[Developer, dict[str, Any], dict[str, Any]]:
    """A developer with two published versions, of which the second is current."""
    developer = a_developer(stack, app_id)
    first = developer.published(package_of(developer, 1))
    return developer, first, developer.published(package_of(developer, 2))


def package_of(developer: Developer, code: int) -> Package:
    return a_package(developer.app_id, code)


def test_a_rollback_makes_the_old_version_current(stack: Stack) -> None:
    developer, first, second = two_published(stack, "org.example.rollback")
    assert download(stack, developer.app_id)["version_code"] == 2
    back = versions(developer, "rollback", first)
    assert (back["is_current"], back["due_at"]) == (True, None)
    assert download(stack, developer.app_id)["version_code"] == 1
    listed = stack.read("versions", "list", developer.app_id, "--key", developer.key)["versions"]
    assert [(one["version_code"], one["is_current"]) for one in listed] == [(2, False), (1, True)]
    assert versions(developer, "rollback", second)["is_current"]
    assert history(stack, first)[-3:] == ["superseded", "made-current", "superseded"]


def test_a_pulled_version_is_refused_at_a_url_that_is_still_valid(stack: Stack) -> None:
    developer, first, second = two_published(stack, "org.example.pulled")
    given = download(stack, developer.app_id)
    assert given["version_id"] == second["id"]
    for _ in range(3):
        warm = get(stack, given["download_url"])
        assert digest(warm) == given["sha256"]

    answer = stack.read("versions", "pull", second["id"], "--reason", BECAUSE, "--as-operator")
    assert answer["purge"] == "pending"
    assert answer["version"]["withdrawn_because"] == BECAUSE
    assert download(stack, developer.app_id)["version_id"] == first["id"]
    by_code = f"{stack.outputs['api_url']}/v1/apps/{developer.app_id}/download?version_code=2"
    assert get(stack, by_code).status_code == 404

    until(lambda: get(stack, given["download_url"]).status_code == 410, "the edge refuses it")
    refused = get(stack, given["download_url"])
    assert refused.json()["type"] == "urn:stowage:problem:version-pulled"
    assert refused.headers["cache-control"] == "no-store"
    tag = f"version:{developer.app_id}/2"

    def is_purged() -> bool:
        return tag not in [one["tag"] for one in stack.read("purges", "list")["purges"]]

    until(is_purged, "its cache tag is purged", seconds=60)
    again = stack.read("versions", "pull", second["id"], "--reason", BECAUSE, "--as-operator")
    assert again == {**answer, "purge": "done"}

    # An operator's pull is not its developer's to undo.
    restore = ("versions", "restore", second["id"])
    refusal = stack.run(*restore, "--key", developer.key, expect=1)
    assert "only an operator can restore it" in refusal.stderr
    restored = stack.read(*restore, "--as-operator")["version"]
    assert (restored["status"], restored["is_current"]) == ("published", False)
    until(lambda: get(stack, given["download_url"]).status_code == 200, "the edge serves it again")
    assert digest(get(stack, given["download_url"])) == given["sha256"]
    assert history(stack, second)[-2:] == ["pulled", "restored"]


def test_an_operator_rejects_a_draft_for_good(stack: Stack) -> None:
    developer = a_developer(stack, "org.example.rejected")
    draft = developer.drafted(package_of(developer, 3))
    rejected = stack.read("versions", "reject", draft["id"], "--reason", BECAUSE)["version"]
    assert (rejected["status"], rejected["withdrawn_because"]) == ("rejected", BECAUSE)
    refused = developer.publish(draft["id"])
    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:stowage:problem:illegal-transition"
    assert refused.json()["version_status"] == "rejected"
    taken = stack.api(
        "POST",
        f"/v1/apps/{developer.app_id}/versions",
        package_of(developer, 3).declared,
        key=developer.key,
    )
    assert taken.status_code == 409
    assert history(stack, draft)[-1] == "rejected"


def test_what_outlived_its_retention_is_planned_and_then_gone(stack: Stack) -> None:
    developer, old, current = two_published(stack, "org.example.retention")
    draft = developer.drafted(package_of(developer, 4))

    def planned(*options: str) -> set[str]:
        removals = stack.read("retention", "plan", *options)["removals"]
        return {one["id"] for one in removals if one["kind"] == "version"}

    assert planned() & {draft["id"], old["id"]} == set()
    assert planned("--days", "366") >= {draft["id"], old["id"]}
    assert current["id"] not in planned("--days", "3650")
    for version in (draft, old):
        stack.query("UPDATE version SET due_at = 1 WHERE id = ?", version["id"])
    assert planned() >= {draft["id"], old["id"]}

    stack.run("trigger", "cron")
    until(lambda: row(stack, draft)["due_at"] is None, "the draft was removed", seconds=60)
    assert packages(stack, draft) == []
    assert stack.api("GET", f"/v1/versions/{draft['id']}", key=developer.key).status_code == 404
    assert history(stack, draft)[-1] == "removed"
    # URLs of the old version may be out, so its package stays until they have expired.
    assert row(stack, old)["deleted_at"] is not None
    assert len(packages(stack, old)) >= 2
    stack.query("UPDATE version SET due_at = 1 WHERE id = ?", old["id"])
    stack.run("trigger", "cron")
    until(lambda: packages(stack, old) == [], "the old version was removed", seconds=60)
    assert get(stack, download(stack, developer.app_id)["download_url"]).status_code == 200
    taken = stack.api(
        "POST",
        f"/v1/apps/{developer.app_id}/versions",
        package_of(developer, 4).declared,
        key=developer.key,
    )
    assert taken.status_code == 409


def test_a_comparison_finds_an_orphan_and_a_missing_package(stack: Stack) -> None:
    developer = a_developer(stack, "org.example.reconcile")
    lost = developer.published(package_of(developer, 1))
    kept = developer.drafted(package_of(developer, 2))
    missing_key, orphan_key = (row(stack, one)["object_key"] for one in (lost, kept))
    forget_object(stack, "packages", missing_key)
    # As if its row had been lost.
    stack.query("UPDATE version SET object_key = NULL, status = 'failed' WHERE id = ?", kept["id"])

    for options in ((), ("--repair",)):
        walk = stack.read("reconcile", *options)
        found = {(one["kind"], one["key"]) for one in walk["findings"]}
        assert ("missing", missing_key) in found
        assert ("orphan", orphan_key) in found
        assert (walk["errors"], walk["repaired"]) == ([], 0)
    # Too young to be deleted; and the row stays, for a person to decide.
    assert stack.version(lost["id"], developer.key)["status"] == "published"
    assert orphan_key in str(stack.read("reconcile")["findings"])
