"""The same flows on a stack whose objects lie on an S3-compatible server: a package from the
developer's machine to a device, and apt with two tenants. The tests are those of R2, unchanged."""

# They are imported to be found here, with the fixture below in the place of R2's stack.
# ruff: noqa: F401
# pyright: reportUnusedImport=false
import json

import pytest

from tests.e2e.stack import Stack
from tests.e2e.test_multipart import (
    parted,
    test_a_push_of_fifty_megabytes_that_was_killed_goes_on_from_the_parts_that_arrived,
    test_parts_are_pinned_to_their_size_missing_ones_named_and_an_aborted_upload_begun_anew,
    test_the_schedule_frees_the_parts_of_an_upload_that_nobody_completed,
)
from tests.e2e.test_packages import (
    big,
    developer,
    test_a_download_url_is_good_for_its_object_and_its_time_only,
    test_a_draft_cannot_be_downloaded,
    test_a_failed_version_names_every_problem_and_its_code_can_be_used_again,
    test_fifty_megabytes_go_through_curl_and_come_back_the_same,
    test_fifty_megabytes_go_through_httpx_and_come_back_the_same,
    test_push_sends_fifty_megabytes_with_progress_waits_and_publishes,
    test_the_edge_serves_a_package_as_an_immutable_object_with_ranges,
    test_the_newest_publication_is_current_and_older_ones_stay_downloadable,
    test_the_same_version_again_while_uploading_is_the_same_upload_with_a_fresh_url,
)
from tests.e2e.test_repositories import (
    tenants,
    test_an_unknown_host_is_told_nothing,
    test_no_path_leaves_its_prefix,
    test_packages_and_uploads_are_readable_on_no_host_without_a_token,
    test_the_edge_answers_head_ranges_and_conditions_for_a_repository,
    test_two_tenants_on_the_same_paths_each_get_their_own_bytes_with_apt,
)


@pytest.fixture(scope="module")
def stack(minio_stack: Stack) -> Stack:
    return minio_stack


def test_the_objects_lie_on_the_server_and_nothing_on_r2(stack: Stack) -> None:
    stack.s3.put_object(Bucket=stack.outputs["buckets"]["repositories"], Key="here", Body=b"x")
    root = stack.storage_root("minio")
    there = {one.get("Name") for one in root.list_buckets()["Buckets"]}
    assert there == set(stack.outputs["storages"]["minio"]["buckets"].values())
    assert root.get_object(Bucket=stack.outputs["buckets"]["repositories"], Key="here")["Body"]
    assert "R2Bucket" not in stack.read("status")["resources"]


def test_a_second_up_a_refresh_and_a_second_plan_change_nothing(stack: Stack) -> None:
    shown = stack.run("up")
    assert "no changes" in shown.stdout
    assert "a MinIO-compatible server (minio)" in shown.stdout
    assert "no lifecycle rules. Expired uploads are deleted by the sweeper" in shown.stdout
    stack.run("refresh")
    stack.run("preview", "--expect-no-changes")


def test_status_shows_the_server_and_no_secret_of_it_stands_in_the_state(stack: Stack) -> None:
    (server,) = stack.read("status")["storage"]
    assert (server["server"], server["problem"]) == ("minio", "")
    assert server["url"] == stack.outputs["s3_url"]
    state = "".join(
        file.read_text() for file in (stack.home / "state").rglob("*.json*") if file.is_file()
    )
    kept = json.loads((stack.home / "credentials.json").read_text())
    secrets = [key["secret_access_key"] for key in kept["storage"]["minio"].values()]
    for secret in (*secrets, kept["storage_origin_secret"]):
        assert secret not in state


def test_it_survives_a_restart_with_its_data(stack: Stack) -> None:
    bucket = stack.outputs["buckets"]["repositories"]
    stack.s3.put_object(Bucket=bucket, Key="kept", Body=b"kept")
    stack.run("down")
    assert set(stack.read("up")["changes"]) == {"same"}
    assert stack.s3.get_object(Bucket=bucket, Key="kept")["Body"].read() == b"kept"
    assert stack.api("GET", "/v1/keys").status_code == 200
