"""Developers' keys and signatures over HTTP."""

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from functions.core.statements import PackageStatement
from functions.entrypoints.job_queue import consume
from tests.functions.entrypoints.deliveries import MemoryDelivery
from tests.functions.entrypoints.packages import a_package, announced
from tests.functions.entrypoints.world import ROOT_KEY, World, assert_problem

pytestmark = pytest.mark.anyio

APP = "org.example.app"
VERSIONS = f"/v1/apps/{APP}/versions"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes([3]) * 32)
PUBLIC = base64.b64encode(PRIVATE.public_key().public_bytes_raw()).decode()


async def registered(world: World, key: str) -> dict[str, Any]:
    body = {"public_key": PUBLIC, "name": "laptop"}
    return (await world.made("/v1/developer-keys", body, key))["developer_key"]


def signed(developer_key: dict[str, Any], data: bytes, code: int = 1) -> dict[str, object]:
    told = announced(data, code)
    statement = PackageStatement(
        developer_key["developer_id"], APP, code, len(data), str(told["sha256"])
    ).text
    signature = base64.b64encode(PRIVATE.sign(statement.encode())).decode()
    return told | {"signature": signature, "signing_key_id": developer_key["id"]}


async def published(world: World, key: str, told: dict[str, object], data: bytes) -> dict[str, Any]:
    created = await world.made(VERSIONS, told, key)
    await world.uploaded(created, data)
    path = f"/v1/versions/{created['version']['id']}"
    await world.call("POST", f"{path}/complete", key=key)
    deliveries = [MemoryDelivery(message.body) for message in world.queue.take()]
    await consume(deliveries, world.jobs().validate)
    answer = await world.call("POST", f"{path}/publish", key=key)
    assert answer.status_code == 200, answer.text
    return answer.json()["version"]


async def test_a_developer_registers_lists_and_revokes_keys(world: World) -> None:
    key = await world.developer()
    made = await registered(world, key)
    assert made["algorithm"] == "Ed25519"
    assert (made["name"], made["public_key"], made["revoked_at"]) == ("laptop", PUBLIC, None)
    again = await world.call("POST", "/v1/developer-keys", {"public_key": PUBLIC}, key=key)
    assert (again.status_code, again.json()["developer_key"]) == (200, made)
    listed = await world.call("GET", "/v1/developer-keys", key=key)
    assert listed.json() == {"developer_keys": [made], "next": None}
    by_operator = await world.call(
        "GET", f"/v1/developer-keys?developer_id={made['developer_id']}", key=ROOT_KEY
    )
    assert by_operator.json() == listed.json()
    path = f"/v1/developer-keys/{made['id']}"
    revoked = await world.call("DELETE", path, key=ROOT_KEY)
    assert revoked.json()["developer_key"]["revoked_at"] is not None
    assert (await world.call("DELETE", path, key=key)).json() == revoked.json()
    refused = await world.call("POST", "/v1/developer-keys", {"public_key": PUBLIC}, key=key)
    assert_problem(refused, 409, "developer-key-revoked")


async def test_strangers_reach_no_key(world: World) -> None:
    key = await world.developer()
    made = await registered(world, key)
    stranger = await world.developer("org.example.other")
    tenant = (await world.made("/v1/tenants", {"name": "T"}))["key"]
    before = await world.dump()
    for other in (stranger, tenant):
        path = f"/v1/developer-keys?developer_id={made['developer_id']}"
        assert_problem(await world.call("GET", path, key=other), 404)
        path = f"/v1/developer-keys/{made['id']}"
        assert_problem(await world.call("DELETE", path, key=other), 404)
        path = f"/v1/apps/{APP}"
        assert_problem(await world.call("PATCH", path, {"require_signature": True}, key=other), 404)
    assert_problem(await world.call("GET", "/v1/developer-keys"), 401)
    assert_problem(await world.call("GET", "/v1/developer-keys", key=ROOT_KEY), 422)
    for body in ({"public_key": PUBLIC}, {"public_key": 1}):
        answer = await world.call("POST", "/v1/developer-keys", body, key=ROOT_KEY)
        assert_problem(answer, 403)
    assert await world.dump() == before


async def test_a_signed_version_shows_both_signatures_to_who_downloads_it(world: World) -> None:
    key = await world.developer()
    developer_key = await registered(world, key)
    data = a_package()
    told = signed(developer_key, data)
    version = await published(world, key, told, data)
    assert version["developer_signature"] == told["signature"]
    assert version["developer_key_id"] == developer_key["id"]
    download = (await world.call("GET", f"/v1/apps/{APP}/download")).json()
    statement = (await world.call("GET", f"/v1/apps/{APP}/statement?version_code=1")).json()
    assert statement.pop("format") == "stowage-statement-v1"
    assert statement.items() <= download.items()
    assert statement["developer_public_key"] == PUBLIC
    assert statement["signed_at"] == version["signed_at"]
    PRIVATE.public_key().verify(
        base64.b64decode(download["developer_signature"]), download["statement"].encode()
    )
    assert_problem(await world.call("GET", f"/v1/apps/{APP}/statement?version_code=2"), 404)
    assert_problem(await world.call("GET", f"/v1/apps/{APP}/statement?version_code=x"), 422)


async def test_an_unsigned_versions_answers_say_that_it_is(world: World) -> None:
    key = await world.developer()
    data = a_package()
    version = await published(world, key, announced(data), data)
    assert (version["developer_signature"], version["developer_key_id"]) == (None, None)
    download = (await world.call("GET", f"/v1/apps/{APP}/download")).json()
    assert (download["developer_signature"], download["developer_public_key"]) == (None, None)


async def test_an_app_begins_to_require_signatures(world: World) -> None:
    key = await world.developer()
    developer_key = await registered(world, key)
    answer = await world.call("PATCH", f"/v1/apps/{APP}", {"require_signature": True}, key=key)
    assert (answer.status_code, answer.json()["app"]["require_signature"]) == (200, True)
    data = a_package()
    problem = assert_problem(await world.call("POST", VERSIONS, announced(data), key=key), 422)
    assert [error["pointer"] for error in problem["errors"]] == ["/signature"]
    told = signed(developer_key, data) | {"version_code": 2}
    problem = assert_problem(await world.call("POST", VERSIONS, told, key=key), 422)
    assert [error["pointer"] for error in problem["errors"]] == ["/signature"]
    await world.made(VERSIONS, signed(developer_key, data), key)
    for body in ({}, {"require_signature": 1}, {"require_signature": True, "name": "x"}):
        assert_problem(await world.call("PATCH", f"/v1/apps/{APP}", body, key=key), 422)


async def test_the_platforms_keys_stand_at_a_well_known_place_with_their_validity(
    world: World,
) -> None:
    answer = await world.call("GET", "/.well-known/stowage-keys.json")
    assert answer.status_code == 200
    assert answer.json() == (await world.call("GET", "/v1/keys")).json()
    (key,) = answer.json()["keys"]
    assert (key["not_before"], key["not_after"]) == ("2026-01-01T00:00:00Z", None)
