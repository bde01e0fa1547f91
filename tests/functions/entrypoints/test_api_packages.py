"""The way of a package through the api."""

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from functions.adapters.local.clock import FixedClock
from functions.core.platform import Limits
from functions.entrypoints.job_queue import consume
from tests.functions.entrypoints.deliveries import MemoryDelivery
from tests.functions.entrypoints.packages import a_package, announced
from tests.functions.entrypoints.world import ROOT_KEY, World, assert_problem

pytestmark = pytest.mark.anyio

VERSIONS = "/v1/apps/org.example.app/versions"


async def validated(world: World, key: str, data: bytes, code: int = 1) -> dict[str, Any]:
    created = await world.made(VERSIONS, announced(data, code), key)
    await world.uploaded(created, data)
    path = f"/v1/versions/{created['version']['id']}"
    answer = await world.call("POST", f"{path}/complete", key=key)
    assert answer.status_code == 202
    assert answer.json()["version"]["status"] == "validating"
    jobs = world.jobs()
    deliveries = [MemoryDelivery(message.body) for message in world.queue.take()]
    await consume(deliveries, jobs.validate)
    assert [delivery.settled for delivery in deliveries] == ["ack"]
    return (await world.call("GET", path, key=key)).json()["version"]


async def test_a_developer_is_made_with_a_first_key(world: World) -> None:
    made = await world.made("/v1/developers", {"name": "Ada"})
    assert made["developer"]["name"] == "Ada"
    assert made["developer"]["id"] == made["developer_id"]
    assert made["developer"]["created_at"].endswith("Z")
    app = {"app_id": "org.example.app", "name": "An app"}
    answer = await world.call("POST", "/v1/apps", app, key=made["key"])
    assert answer.status_code == 201
    assert answer.json()["app"] == {
        "id": "org.example.app",
        "developer_id": made["developer_id"],
        "name": "An app",
        "visibility": "public",
        "current_version_id": None,
        "require_signature": False,
        "created_at": made["developer"]["created_at"],
    }


class Ticking(FixedClock):
    """Time passes between any two looks at it."""

    def now_ms(self) -> int:
        self.advance(milliseconds=700)
        return super().now_ms()


async def test_a_url_of_one_second_is_given_though_the_second_changes(world: World) -> None:
    key = await world.developer()
    world.change(clock=Ticking(), limits=Limits(upload_url_seconds=1))
    for status in (201, 200, 200):
        answer = await world.call("POST", VERSIONS, announced(a_package()), key=key)
        assert answer.status_code == status
        url: str = answer.json()["upload"]["url"]
        query = dict(parse_qsl(urlsplit(url).query))
        assert query["X-Amz-Expires"] == "1"


async def test_a_new_version_comes_with_a_presigned_upload(world: World) -> None:
    key = await world.developer()
    data = a_package()
    answer = await world.call("POST", VERSIONS, announced(data), key=key)
    assert answer.status_code == 201
    created = answer.json()
    assert created["version"]["status"] == "uploading"
    assert created["version"]["problems"] == []
    upload = created["upload"]
    assert upload["method"] == "PUT"
    assert upload["url"].startswith(
        f"https://s3.stowage.test/test-uploads/temp/{upload['id']}/package.mosis?"
    )
    headers = {name.lower(): value for name, value in upload["headers"].items()}
    assert headers["if-none-match"] == "*"
    assert headers["content-length"] == str(len(data))
    checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()
    assert headers["x-amz-checksum-sha256"] == checksum


async def test_the_same_version_again_is_the_same_upload_with_a_fresh_url(world: World) -> None:
    key = await world.developer()
    first = await world.made(VERSIONS, announced(a_package()), key)
    world.clock.advance(seconds=60)
    answer = await world.call("POST", VERSIONS, announced(a_package()), key=key)
    assert answer.status_code == 200
    again = answer.json()
    assert again["version"]["id"] == first["version"]["id"]
    assert again["upload"]["id"] == first["upload"]["id"]
    assert again["upload"]["expires_at"] > first["upload"]["expires_at"]


async def test_the_same_code_with_other_bytes_is_a_conflict(world: World) -> None:
    key = await world.developer()
    await world.made(VERSIONS, announced(a_package()), key)
    other = announced(a_package(extra=1))
    assert_problem(await world.call("POST", VERSIONS, other, key=key), 409, "version-code-taken")


async def test_completing_without_an_upload_is_a_conflict(world: World) -> None:
    key = await world.developer()
    created = await world.made(VERSIONS, announced(a_package()), key)
    path = f"/v1/versions/{created['version']['id']}/complete"
    assert_problem(await world.call("POST", path, key=key), 409, "upload-missing")
    assert world.queue.take() == []


async def test_a_package_goes_from_its_upload_to_its_download(world: World) -> None:
    key = await world.developer()
    data = a_package()
    version = await validated(world, key, data)
    assert version["status"] == "draft", version
    path = f"/v1/versions/{version['id']}"
    answer = await world.call("POST", f"{path}/publish", key=key)
    assert answer.status_code == 200
    assert answer.json()["version"]["status"] == "published"
    assert (await world.call("POST", f"{path}/publish", key=key)).status_code == 200

    download = (await world.call("GET", "/v1/apps/org.example.app/download")).json()
    assert download["version_code"] == 1
    assert download["sha256"] == hashlib.sha256(data).hexdigest()
    assert download["size"] == len(data)
    assert download["download_url"].startswith("https://cdn.stowage.test/packages/")
    keys = (await world.call("GET", "/v1/keys")).json()["keys"]
    public_key = Ed25519PublicKey.from_public_bytes(base64.b64decode(keys[0]["public_key"]))
    public_key.verify(base64.b64decode(download["signature"]), download["statement"].encode())
    chosen = await world.call("GET", "/v1/apps/org.example.app/download?version_code=1")
    assert chosen.json()["version_id"] == version["id"]


async def test_a_bad_package_fails_with_its_problems_and_frees_its_code(world: World) -> None:
    key = await world.developer()
    version = await validated(world, key, a_package(version_code=7))
    assert version["status"] == "failed"
    assert version["problems"]
    assert all(problem["slug"] and problem["detail"] for problem in version["problems"])
    assert_problem(await world.call("POST", f"/v1/versions/{version['id']}/publish", key=key), 409)
    assert (await validated(world, key, a_package()))["status"] == "draft"


async def test_completing_twice_changes_nothing(world: World) -> None:
    key = await world.developer()
    created = await world.made(VERSIONS, announced(a_package()), key)
    await world.uploaded(created, a_package())
    path = f"/v1/versions/{created['version']['id']}/complete"
    first = await world.call("POST", path, key=key)
    second = await world.call("POST", path, key=key)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == second.json()


async def test_a_private_app_is_downloaded_by_its_developer_only(world: World) -> None:
    key = await world.developer(visibility="private")
    version = await validated(world, key, a_package())
    await world.call("POST", f"/v1/versions/{version['id']}/publish", key=key)
    path = "/v1/apps/org.example.app/download"
    assert_problem(await world.call("GET", path), 404)
    stranger = await world.developer("org.example.other")
    assert_problem(await world.call("GET", path, key=stranger), 404)
    assert (await world.call("GET", path, key=key)).status_code == 200
    assert (await world.call("GET", path, key=ROOT_KEY)).status_code == 200
    assert_problem(await world.call("GET", path, key="stw_wrong"), 401)


async def test_an_unpublished_version_is_not_downloaded(world: World) -> None:
    key = await world.developer()
    await validated(world, key, a_package())
    assert_problem(await world.call("GET", "/v1/apps/org.example.app/download"), 404)
