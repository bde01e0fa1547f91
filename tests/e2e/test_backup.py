"""Backups, and the drills: the database is destroyed, and everything works again."""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from local.home import CloudHome
from tests.e2e.conftest import a_stack
from tests.e2e.packages import Developer, Package, a_developer, a_package
from tests.e2e.stack import Stack


@pytest.fixture(scope="module")
def deployed() -> Iterator[Stack]:
    """A stack of its own: what is destroyed here is nobody else's."""
    with a_stack() as stack:
        yield stack


@pytest.fixture
def stack(deployed: Stack) -> Stack:
    """Without what an earlier test remembered of a database that is gone."""
    return Stack(deployed.home)


def a_download(stack: Stack, app_id: str, code: int, key: str | None = None) -> dict[str, Any]:
    answer = stack.api("GET", f"/v1/apps/{app_id}/download?version_code={code}", key=key)
    assert answer.status_code == 200, answer.text
    return answer.json()


def bytes_of(url: str) -> bytes:
    answer = httpx.get(url)
    assert answer.status_code == 200, answer.text
    return answer.content


def destroy_database(stack: Stack, *options: str) -> None:
    """As an accident in the dashboard would; then a deployment makes a new, empty one."""
    account, database = stack.outputs["account_id"], stack.outputs["database_id"]
    home = CloudHome(stack.home)
    answer = httpx.delete(
        f"{home.urls()['rest']}/client/v4/accounts/{account}/d1/database/{database}",
        headers={"authorization": f"Bearer {home.credentials().api_token}"},
    )
    assert answer.status_code == 200, answer.text
    stack.run("refresh")
    stack.run("up", *options)


def query(stack: Stack, sql: str, *params: object) -> list[dict[str, Any]]:
    """As an operator's own tools reach the database."""
    account, database = stack.outputs["account_id"], stack.outputs["database_id"]
    home = CloudHome(stack.home)
    answer = httpx.post(
        f"{home.urls()['rest']}/client/v4/accounts/{account}/d1/database/{database}/query",
        json={"sql": sql, "params": list(params)},
        headers={"authorization": f"Bearer {home.credentials().api_token}"},
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["result"][0]["results"]


def published(developer: Developer, *codes: int) -> dict[int, Package]:
    packages = {code: a_package(developer.app_id, code) for code in codes}
    for package in packages.values():
        assert developer.published(package)["status"] == "published"
    return packages


def test_the_drill(stack: Stack) -> None:
    """Everything that worked before the backup works after the restore; what was published since is
    found in the bucket."""
    # Other tests destroy the database too: what they left in the bucket has its rows from here on.
    stack.read("backup", "rebuild", "--publish")
    public = a_developer(stack, "org.example.drill")
    private = a_developer(stack, "org.example.drill.private", visibility="private")
    packages = published(public, 1, 2)
    (secret,) = published(private, 7).values()
    tenant = stack.made("/v1/tenants", {"name": "Tess"})
    repository = stack.made(
        "/v1/repositories",
        {"tenant_id": tenant["tenant_id"], "hostname": "apt.drill.example", "distribution": "x"},
    )["repository"]
    stack.s3.put_object(
        Bucket=repository["s3_bucket"], Key=f"{repository['s3_prefix']}pool/a.deb", Body=b"deb"
    )
    urls = {code: a_download(stack, public.app_id, code)["download_url"] for code in packages}

    backup = stack.read("backup", "create")["backup"]
    assert backup["status"] == "complete"
    assert stack.read("backup", "list")["backups"][0] == backup
    assert stack.read("backup", "list", "--bucket")["backups"][0]["sha256"] == backup["sha256"]
    late = published(public, 3)

    destroy_database(stack)
    stack = Stack(stack.home)
    lost = stack.api("GET", f"/v1/apps/{public.app_id}/download")
    assert lost.status_code == 404
    assert stack.api("POST", "/v1/backups", key=public.key).status_code == 401
    assert stack.read("backup", "list")["backups"] == []

    verified = stack.read("backup", "verify")
    assert (verified["id"], verified["whole"]) == (backup["id"], True)
    restored = stack.read("backup", "restore")
    assert (restored["id"], restored["newer_migrations"]) == (backup["id"], [])
    assert restored["rows"]["version"] >= 3

    for code, package in packages.items():
        # The URLs that were given out before, and new ones.
        assert bytes_of(urls[code]) == package.data
        assert bytes_of(a_download(stack, public.app_id, code)["download_url"]) == package.data
    hidden = a_download(stack, private.app_id, 7, private.key)
    assert bytes_of(hidden["download_url"]) == secret.data
    assert stack.api("GET", f"/v1/apps/{private.app_id}/download").status_code == 404
    assert stack.edge("apt.drill.example", "/pool/a.deb").content == b"deb"
    renewed = Developer(stack, public.developer_id, public.key, public.app_id)
    published(renewed, 4)

    missing = stack.api("GET", f"/v1/apps/{public.app_id}/download?version_code=3")
    assert missing.status_code == 404
    rebuilt = stack.read("backup", "rebuild", "--publish", "--check-bytes")
    assert (rebuilt["developers"], rebuilt["apps"], rebuilt["versions"]) == (0, 0, 1)
    assert rebuilt["problems"] == []
    assert bytes_of(a_download(stack, public.app_id, 3)["download_url"]) == late[3].data
    current = stack.api("GET", f"/v1/apps/{public.app_id}/download").json()
    assert current["version_code"] == 4

    # The restored database shows the backup as being made; the next run knows better.
    stack.run("trigger", "cron")
    (row,) = [one for one in stack.read("backup", "list")["backups"] if one["id"] == backup["id"]]
    assert (row["status"], row["sha256"]) == ("complete", backup["sha256"])


def test_without_any_backup_the_packages_give_their_rows_back(stack: Stack) -> None:
    developer = a_developer(stack, "org.example.resort")
    packages = published(developer, 1, 5)
    before = a_download(stack, developer.app_id, 5)
    destroy_database(stack)
    stack = Stack(stack.home)

    careful = stack.read("backup", "rebuild")
    assert careful["versions"] >= 2
    assert careful["published"] == 0
    assert stack.api("GET", f"/v1/apps/{developer.app_id}/download").status_code == 404
    stack.run("backup", "rebuild", "--publish")
    repeated = stack.read("backup", "rebuild", "--publish")
    assert (repeated["versions"], repeated["published"]) == (0, 0)

    key = stack.key("developer", developer.developer_id)
    for code, package in packages.items():
        download = a_download(stack, developer.app_id, code, key)
        assert bytes_of(download["download_url"]) == package.data
    after = a_download(stack, developer.app_id, 5, key)
    for member in ("statement", "signature", "signing_key_id", "version_name", "sha256"):
        assert after[member] == before[member]
    # The app is private until its developer, who has a key again, says otherwise.
    assert stack.api("GET", f"/v1/apps/{developer.app_id}/download").status_code == 404
    published(Developer(stack, developer.developer_id, key, developer.app_id), 6)


def test_rows_are_replaced_only_when_somebody_says_so(stack: Stack) -> None:
    developer = a_developer(stack, "org.example.refused")
    published(developer, 1)
    # Longer than any statement that D1 takes.
    reason = "It's 🙂;\r\n-- no" * 20_000
    setting = "UPDATE version SET withdrawn_because = ? WHERE app_id = ?"
    query(stack, setting, reason, developer.app_id)
    backup = stack.read("backup", "create")["backup"]
    published(developer, 2)

    refused = stack.run("backup", "restore", backup["id"], expect=3)
    assert "version (" in refused.stderr
    assert "--replace" in refused.stderr
    assert a_download(stack, developer.app_id, 2)["version_code"] == 2

    done = stack.run("backup", "restore", backup["id"], "--replace", "--json")
    said = json.loads(done.stdout)
    assert (said["id"], said["cut_rows"]) == (backup["id"], 1)
    (row,) = query(stack, "SELECT * FROM version WHERE app_id = ?", developer.app_id)
    assert row["withdrawn_because"] == reason
    assert a_download(stack, developer.app_id, 1)["version_code"] == 1
    gone = stack.api("GET", f"/v1/apps/{developer.app_id}/download?version_code=2")
    assert gone.status_code == 404
    unknown = stack.run("backup", "verify", "01a0c450-6c00-7d07-acd8-be6f9f6209c2", expect=2)
    assert backup["id"] in unknown.stderr


def made(stack: Stack, *, seconds: float = 60) -> list[dict[str, Any]]:
    """The backups, as soon as none is being made: the stack's own cron may be at it, and then what
    was triggered leaves it alone."""
    deadline = time.monotonic() + seconds
    while True:
        backups = stack.read("backup", "list")["backups"]
        if backups and all(one["status"] == "complete" for one in backups):
            return backups
        assert time.monotonic() < deadline, backups
        time.sleep(0.5)


def test_the_schedule_makes_backups_by_the_stacks_setting(stack: Stack) -> None:
    asked_for = stack.read("backup", "create")["backup"]["id"]
    stack.run("trigger", "cron")
    assert stack.read("backup", "list")["backups"][0]["id"] == asked_for
    # A database that knows of no backup is due for one.
    destroy_database(stack, "-c", 'backup={"everyHours": 1, "keepDays": 2}')
    try:
        stack.run("trigger", "cron")
        newest, *others = made(stack)
        assert (newest["status"], newest["reason"]) == ("complete", "schedule")
        assert {one["reason"] for one in others} == {"found"}
        assert asked_for in {one["id"] for one in others}
        stack.run("trigger", "cron")
        assert stack.read("backup", "list")["backups"][0] == newest
    finally:
        stack.run("up", "-c", "backup=")
