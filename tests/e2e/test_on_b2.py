"""A package and apt on a stack whose objects lie on what plays Backblaze B2: no SHA-256 can be
pinned in an upload's URL, and a PUT can be repeated.

It proves our side only: that nothing is asked for that B2 is known not to have.
"""

# The tests of R2 are imported to be found here, with the fixture below in the place of its stack.
# ruff: noqa: F401
# pyright: reportUnusedImport=false
from typing import Any

import httpx
import pytest

from tests.e2e.packages import Developer, Package, a_developer, a_package, put
from tests.e2e.stack import Stack
from tests.e2e.test_multipart import (
    parted,
    test_parts_are_pinned_to_their_size_missing_ones_named_and_an_aborted_upload_begun_anew,
)
from tests.e2e.test_packages import (
    a_download,
    test_fifty_megabytes_go_through_httpx_and_come_back_the_same,
)
from tests.e2e.test_repositories import (
    tenants,
    test_two_tenants_on_the_same_paths_each_get_their_own_bytes_with_apt,
)


@pytest.fixture(scope="module")
def stack(b2_stack: Stack) -> Stack:
    return b2_stack


def changed(package: Package) -> bytes:
    """Other bytes of the same length, in which no reader of ZIPs sees a difference."""
    at = package.data.index(b"main.bin") + 200
    return package.data[:at] + bytes([package.data[at] ^ 1]) + package.data[at + 1 :]


def drafted(stack: Stack, developer: Developer, created: dict[str, Any]) -> dict[str, Any]:
    version_id = created["version"]["id"]
    assert developer.complete(version_id).status_code == 202
    return stack.settled(version_id, developer.key)


def test_an_uploads_url_asks_for_nothing_that_b2_does_not_have(stack: Stack) -> None:
    developer = a_developer(stack, "org.example.plain")
    created = developer.create(a_package(developer.app_id))
    names = {name.lower() for name in created["upload"]["headers"]}
    assert not [name for name in names if name.startswith(("x-amz-", "if-"))]
    assert stack.read("outputs")["storage"] == "b2"


def test_wrong_bytes_fail_the_version_and_leave_nothing_promoted(stack: Stack) -> None:
    developer = a_developer(stack, "org.example.wrong")
    package = a_package(developer.app_id)
    created = developer.create(package)
    assert put(created["upload"], changed(package)).status_code == 200
    failed = drafted(stack, developer, created)
    assert failed["status"] == "failed"
    assert "sha" in str(failed["problems"]).lower()
    assert promoted(stack, developer) == []
    # The code of a failed version can be used again.
    assert developer.drafted(package)["status"] == "draft"
    assert len(promoted(stack, developer)) == 3


def promoted(stack: Stack, developer: Developer) -> list[str]:
    """What is in the packages bucket of this developer, seen with the server's root key."""
    listed = stack.storage_root("b2").list_objects_v2(
        Bucket=stack.outputs["storages"]["b2"]["buckets"]["packages"],
        Prefix=f"packages/{developer.developer_id}/",
    )
    return [str(one.get("Key")) for one in listed.get("Contents", [])]


def test_an_upload_that_is_replayed_after_its_completion_changes_nothing_that_is_promoted(
    stack: Stack,
) -> None:
    developer = a_developer(stack, "org.example.replayed")
    package = a_package(developer.app_id)
    created = developer.create(package)
    assert put(created["upload"], package.data).status_code == 200
    assert drafted(stack, developer, created)["status"] == "draft"
    assert put(created["upload"], changed(package)).status_code == 200
    assert developer.complete(created["version"]["id"]).status_code in (200, 202, 409)
    assert stack.settled(created["version"]["id"], developer.key)["status"] == "draft"
    assert developer.publish(created["version"]["id"]).status_code == 200
    download = a_download(stack, developer.app_id)
    assert httpx.get(download["download_url"]).content == package.data


def test_an_upload_that_is_replaced_while_it_is_validated_is_promoted_as_declared_or_not_at_all(
    stack: Stack,
) -> None:
    developer = a_developer(stack, "org.example.raced")
    package = a_package(developer.app_id, payload=5_000_000)
    created = developer.create(package)
    assert put(created["upload"], package.data).status_code == 200
    assert developer.complete(created["version"]["id"]).status_code == 202
    assert put(created["upload"], changed(package)).status_code == 200
    settled = stack.settled(created["version"]["id"], developer.key)
    if settled["status"] == "draft":
        assert developer.publish(settled["id"]).status_code == 200
        download = a_download(stack, developer.app_id)
        assert httpx.get(download["download_url"]).content == package.data
    else:
        assert settled["status"] == "failed"
        assert promoted(stack, developer) == []


def test_a_second_up_changes_nothing_and_says_what_b2_lacks(stack: Stack) -> None:
    shown = stack.run("up")
    assert "no changes" in shown.stdout
    assert "unproven against the real service" in shown.stdout
    assert "hashes the whole object" in shown.stdout
    stack.run("refresh")
    stack.run("preview", "--expect-no-changes")
