"""The presigned PUT is good for one object of exactly those bytes, once. Whatever else is tried
stores nothing."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import a_stack
from tests.e2e.packages import Developer, Package, a_developer, a_package, base64_sha256, put
from tests.e2e.stack import Stack


@pytest.fixture(scope="module")
def developer(stack: Stack) -> Developer:
    return a_developer(stack, "org.example.refused")


@pytest.fixture
def package(developer: Developer, request: pytest.FixtureRequest) -> Package:
    code = 1 + sum(ord(letter) for letter in request.node.name)
    return a_package(developer.app_id, code)


@pytest.fixture
def created(developer: Developer, package: Package) -> dict[str, Any]:
    return developer.create(package)


def stored_uploads(stack: Stack) -> list[str]:
    """Keys in the uploads bucket, which no S3 token outside the api may list."""
    answer = stack.client.get(
        f"{stack.account_url}/r2/buckets/{stack.outputs['buckets']['uploads']}/objects",
        headers={"authorization": f"Bearer {stack.api_token}"},
    )
    assert answer.status_code == 200, answer.text
    return [row["key"] for row in answer.json()["result"]]


@pytest.fixture
def nothing_stored(stack: Stack, created: dict[str, Any]) -> Iterator[None]:
    yield
    assert not [key for key in stored_uploads(stack) if created["upload"]["id"] in key]


pytestmark = pytest.mark.usefixtures("stack")


@pytest.mark.usefixtures("nothing_stored")
class TestNothingIsStored:
    def test_a_forged_signature(self, created: dict[str, Any], package: Package) -> None:
        url = httpx.URL(created["upload"]["url"])
        forged = url.copy_merge_params({"X-Amz-Signature": "0" * 64})
        assert put(created["upload"], package.data, url=str(forged)).status_code == 403

    def test_a_longer_life_than_was_signed(self, created: dict[str, Any], package: Package) -> None:
        url = httpx.URL(created["upload"]["url"]).copy_merge_params({"X-Amz-Expires": "604800"})
        assert put(created["upload"], package.data, url=str(url)).status_code == 403

    def test_a_byte_too_many(self, created: dict[str, Any], package: Package) -> None:
        longer = package.data + b"x"
        refused = put(created["upload"], longer, content_length=str(len(longer)))
        assert refused.status_code == 403

    def test_another_type(self, created: dict[str, Any], package: Package) -> None:
        assert put(created["upload"], package.data, content_type="text/html").status_code == 403

    def test_other_bytes_of_the_same_length(
        self, created: dict[str, Any], package: Package
    ) -> None:
        other = package.data[:-1] + bytes([package.data[-1] ^ 1])
        assert put(created["upload"], other).status_code == 400

    def test_other_bytes_with_their_own_checksum(
        self, created: dict[str, Any], package: Package
    ) -> None:
        other = package.data[:-1] + bytes([package.data[-1] ^ 1])
        refused = put(created["upload"], other, x_amz_checksum_sha256=base64_sha256(other))
        assert refused.status_code == 403

    def test_another_key(self, created: dict[str, Any], package: Package) -> None:
        url = created["upload"]["url"].replace(created["upload"]["id"], "0" * 36)
        assert put(created["upload"], package.data, url=url).status_code == 403

    def test_another_bucket(self, stack: Stack, created: dict[str, Any], package: Package) -> None:
        buckets = stack.outputs["buckets"]
        url = created["upload"]["url"].replace(buckets["uploads"], buckets["packages"])
        assert put(created["upload"], package.data, url=url).status_code == 403

    @pytest.mark.parametrize("header", ["content-type", "x-amz-checksum-sha256", "if-none-match"])
    def test_a_signed_header_left_out(
        self, created: dict[str, Any], package: Package, header: str
    ) -> None:
        left_out = put(created["upload"], package.data, **{header.replace("-", "_"): None})
        assert left_out.status_code == 403

    def test_a_header_that_was_not_signed(self, created: dict[str, Any], package: Package) -> None:
        assert put(created["upload"], package.data, x_amz_acl="public-read").status_code == 403

    def test_reading_with_the_url(self, created: dict[str, Any]) -> None:
        assert httpx.get(created["upload"]["url"]).status_code == 403
        assert httpx.delete(created["upload"]["url"]).status_code == 403


def test_a_replay_is_refused_and_changes_nothing(
    stack: Stack, created: dict[str, Any], package: Package
) -> None:
    assert put(created["upload"], package.data).status_code == 200
    assert put(created["upload"], package.data).status_code == 412


def test_a_replay_after_promotion_is_refused_and_the_package_stays(
    stack: Stack, developer: Developer, package: Package
) -> None:
    created = developer.create(package)
    assert put(created["upload"], package.data).status_code == 200
    developer.complete(created["version"]["id"])
    assert stack.settled(created["version"]["id"], developer.key)["status"] == "draft"
    stack.run("trigger", "cron")
    assert put(created["upload"], package.data).status_code == 412
    assert stack.version(created["version"]["id"], developer.key)["status"] == "draft"


def test_an_expired_url_is_refused_and_stores_nothing() -> None:
    with a_stack("-c", "uploadUrlSeconds=4", "-c", "downloadUrlSeconds=1") as short:
        developer = a_developer(short, "org.example.expired")
        package = a_package(developer.app_id, 1)
        created = developer.create(package)
        large = a_package(developer.app_id, 2, payload=17 * 1024**2)
        parts = f"/v1/versions/{developer.create(large)['version']['id']}/multipart"
        *_, last = short.api("POST", parts, key=developer.key).json()["parts"]
        time.sleep(5.1)  # what is tested is the passing of this very second
        assert put(created["upload"], package.data).status_code == 403
        assert developer.complete(created["version"]["id"]).status_code == 409
        assert not stored_uploads(short)
        end = large.data[-last["size"] :]
        assert put(last, end).status_code == 403
        assert short.api("GET", parts, key=developer.key).json()["received"] == []

        again = short.api("POST", f"{parts}/parts/{last['number']}", key=developer.key)
        assert put(again.json()["part"], end).status_code == 200
        fresh = short.api(
            "POST", f"/v1/apps/{developer.app_id}/versions", package.declared, key=developer.key
        ).json()
        assert put(fresh["upload"], package.data).status_code == 200
        developer.complete(fresh["version"]["id"])
        assert short.settled(fresh["version"]["id"], developer.key)["status"] == "draft"
        developer.publish(fresh["version"]["id"])
        download = short.api("GET", f"/v1/apps/{developer.app_id}/download").json()
        time.sleep(2.1)
        assert httpx.get(download["download_url"]).status_code in (403, 410)


def test_no_developer_has_more_uploads_open_than_the_quota(stack: Stack) -> None:
    """Also where several ask at once. Most of the fifty are copies of the first, which is
    quicker."""
    developer = a_developer(stack, "org.example.many")
    path = f"/v1/apps/{developer.app_id}/versions"
    declared = a_package(developer.app_id).declared
    first = developer.create(a_package(developer.app_id))["version"]["id"]
    columns = "version_name, status, size, sha256, problems, due_at, created_at, updated_at"
    stack.query(
        f"INSERT INTO version (id, app_id, version_code, {columns}, revision)"  # noqa: S608
        " WITH RECURSIVE n (i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 56)"
        f" SELECT substr(id, 1, 33) || 'x' || i, app_id, i, {columns}, 1 FROM version, n"
        " WHERE id = ?",
        first,
    )

    def create(code: int) -> httpx.Response:
        return stack.api("POST", path, declared | {"version_code": code}, key=developer.key)

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(create, range(101, 107)))
    refused = [answer for answer in answers if answer.status_code != 201]
    assert [answer.status_code for answer in refused] == [429] * 4
    assert {answer.json()["type"] for answer in refused} == {"urn:stowage:problem:quota-exceeded"}
    assert all(0 < int(answer.headers["retry-after"]) <= 4500 for answer in refused)
    rows = stack.query("SELECT count(*) AS n FROM version WHERE app_id = ?", developer.app_id)
    assert rows == [{"n": 50}]
