"""Bad input of every kind: a problem document, and nothing stored."""

from typing import Any

import pytest

from tests.functions.entrypoints.packages import a_package, announced
from tests.functions.entrypoints.world import ROOT_KEY, World, assert_problem

pytestmark = pytest.mark.anyio

DEVELOPERS = {"name": "Ada"}
APP = {"app_id": "org.example.new", "name": "New"}
VERSION = announced(a_package(), 2)
A_TENANT = "the tenant that the test makes"
REPOSITORY = {
    "tenant_id": A_TENANT,
    "hostname": "apt.example.org",
    "distribution": "stable",
}
KEY = {"role": "operator"}
VERSIONS = "/v1/apps/org.example.app/versions"

NOT_A_NAME: tuple[object, ...] = (
    "",
    " ",
    " a",
    "x" * 101,
    "a\nb",
    "\u202eabc",
    5,
    True,
    None,
    [],
    {},
)


def changed(path: str, role: str, good: dict[str, Any], member: str, *values: object) -> list[Any]:
    return [
        pytest.param(
            path, role, good | {member: value}, member, id=f"{path} {member}={value!r:.40}"
        )
        for value in values
    ]


WRONG_VALUES = [
    *changed("/v1/developers", "operator", DEVELOPERS, "name", *NOT_A_NAME),
    *changed("/v1/tenants", "operator", DEVELOPERS, "name", *NOT_A_NAME),
    *changed("/v1/apps", "developer", APP, "name", *NOT_A_NAME),
    *changed(
        "/v1/apps", "developer", APP, "app_id", "", "a", "A.b", "../x", "a/b", "a..b", "é", 1, None
    ),
    *changed("/v1/apps", "developer", APP, "visibility", "secret", "", 1, None),
    *changed(
        VERSIONS, "developer", VERSION, "version_code", "1", 0, -1, True, 1.0, 1.5, 2**53, None, []
    ),
    *changed(VERSIONS, "developer", VERSION, "version_name", "", "x" * 65, "a\0b", 1, None),
    *changed(VERSIONS, "developer", VERSION, "size", 0, -1, "10", True, 52_428_801, 1e3, None),
    *changed(VERSIONS, "developer", VERSION, "sha256", "", "0" * 63, "A" * 64, "g" * 64, 5, None),
    *changed("/v1/repositories", "operator", REPOSITORY, "tenant_id", "", "nobody", 5, None),
    *changed(
        "/v1/repositories",
        "operator",
        REPOSITORY,
        "hostname",
        "",
        "localhost",
        "*.example.org",
        "192.0.2.1",
        "stowage.test",
        "a.stowage.test",
        "a_b.example.org",
        5,
        None,
    ),
    *changed(
        "/v1/repositories", "operator", REPOSITORY, "distribution", "", "a b", "../x", 5, None
    ),
    *changed("/v1/repositories", "operator", REPOSITORY, "s3_bucket", "packages", "", 5),
    *changed("/v1/repositories", "operator", REPOSITORY, "s3_prefix", "else/", "/", 5),
    *changed("/v1/api-keys", "operator", KEY, "role", "root", "", 5, None),
    *changed("/v1/api-keys", "operator", KEY, "subject_id", "someone", 5),
    *changed(
        "/v1/api-keys",
        "operator",
        KEY,
        "expires_at",
        "2001-01-01T00:00:00Z",
        "2030-01-01",
        "2030-02-30T00:00:00Z",
        "2030-01-01T00:00:00",
        1_900_000_000,
        "soon",
        True,
        "9999-12-31T23:59:59-23:59",
        "9999-12-31T23:59:59-00:01",
    ),
]


@pytest.mark.parametrize(("path", "role", "body", "member"), WRONG_VALUES)
async def test_a_wrong_value_is_named_and_nothing_is_stored(
    world: World, path: str, role: str, body: dict[str, Any], member: str
) -> None:
    developer = await world.developer()
    tenant = await world.made("/v1/tenants", {"name": "T"})
    if body.get("tenant_id") == A_TENANT:
        body = body | {"tenant_id": tenant["tenant_id"]}
    before = await world.dump()
    key = ROOT_KEY if role == "operator" else developer
    problem = assert_problem(await world.call("POST", path, body, key=key), 422, "invalid-request")
    assert f"/{member}" in [error["pointer"] for error in problem["errors"]]
    assert await world.dump() == before


GOOD = [
    ("/v1/developers", "operator", DEVELOPERS),
    ("/v1/tenants", "operator", DEVELOPERS),
    ("/v1/apps", "developer", APP),
    (VERSIONS, "developer", VERSION),
    ("/v1/repositories", "operator", REPOSITORY),
    ("/v1/api-keys", "operator", KEY),
]


@pytest.mark.parametrize(("path", "role", "good"), GOOD)
async def test_unknown_and_missing_members_are_named_together(
    world: World, path: str, role: str, good: dict[str, Any]
) -> None:
    developer = await world.developer()
    before = await world.dump()
    missing = next(iter(good))
    body = {name: value for name, value in good.items() if name != missing} | {"x/~y": 1}
    key = ROOT_KEY if role == "operator" else developer
    problem = assert_problem(await world.call("POST", path, body, key=key), 422, "invalid-request")
    pointers = {error["pointer"] for error in problem["errors"]}
    assert pointers == {f"/{missing}", "/x~1~0y"}
    assert await world.dump() == before


BODIES = [
    (b"", 400, "body-missing"),
    (b"{", 400, "malformed-json"),
    (b'{"name": "a", "name": "b"}', 400, "malformed-json"),
    (b'{"name": NaN}', 400, "malformed-json"),
    (b'{"name": "\xff"}', 400, "malformed-json"),
    (rb'{"name": "\ud800"}', 400, "malformed-json"),
    (
        rb'{"tenant_id": "\udfff", "hostname": "a.example", "distribution": "x"}',
        400,
        "malformed-json",
    ),
    (rb'{"role": "tenant", "subject_id": "\ud800"}', 400, "malformed-json"),
    (rb'{"s3_prefix": "\ud83d"}', 400, "malformed-json"),
    (b"\xff\xfe{\x00", 400, "malformed-json"),
    (b"[" * 60_000, 400, "malformed-json"),
    (b'{"name": ' + b"9" * 5000 + b"}", 400, "malformed-json"),
    (b"[]", 422, "invalid-request"),
    (b'"Ada"', 422, "invalid-request"),
    (b"null", 422, None),
    (b'{"name": "' + b"x" * 65_536 + b'"}', 413, "content-too-large"),
]


@pytest.mark.parametrize(("path", "role", "_good"), GOOD)
@pytest.mark.parametrize(("content", "status", "slug"), BODIES)
async def test_a_body_that_is_no_small_json_object_is_refused(
    world: World,
    path: str,
    role: str,
    _good: object,
    content: bytes,
    status: int,
    slug: str | None,
) -> None:
    key = await world.developer()
    before = await world.dump()
    answer = await world.call(
        "POST",
        path,
        key=ROOT_KEY if role == "operator" else key,
        content=content,
        headers={"content-type": "application/json"},
    )
    assert_problem(answer, status, slug)
    assert await world.dump() == before


@pytest.mark.parametrize(
    "media_type", [None, "text/plain", "application/x-www-form-urlencoded", "application/ld+json"]
)
async def test_a_body_of_another_type_is_refused(world: World, media_type: str | None) -> None:
    headers = {} if media_type is None else {"content-type": media_type}
    answer = await world.call(
        "POST", "/v1/developers", key=ROOT_KEY, content=b'{"name": "Ada"}', headers=headers
    )
    assert_problem(answer, 415, "unsupported-media-type")


async def test_json_with_a_charset_is_json(world: World) -> None:
    answer = await world.call(
        "POST",
        "/v1/developers",
        key=ROOT_KEY,
        content='{"name": "Zoë"}'.encode(),
        headers={"content-type": "Application/JSON; charset=utf-8"},
    )
    assert answer.status_code == 201
    assert answer.json()["developer"]["name"] == "Zoë"


@pytest.mark.parametrize("code", ["x", "", "1.0", "+1", " 1", "1_0", "-1", "9" * 17, "٣"])
async def test_a_wrong_version_code_in_the_query_is_named(world: World, code: str) -> None:
    await world.developer()
    answer = await world.call("GET", f"/v1/apps/org.example.app/download?version_code={code}")
    problem = assert_problem(answer, 422, "invalid-request")
    assert [error["pointer"] for error in problem["errors"]] == ["?version_code"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/versions/nothing"),
        ("GET", "/v1/versions/%00"),
        ("GET", "/v1/versions/%ff"),
        ("GET", "/v1/apps/org.example.nobody/download"),
        ("GET", "/v1/apps/%2e%2e/download"),
        ("POST", "/v1/versions/nothing/complete"),
        ("DELETE", "/v1/api-keys/nothing"),
    ],
)
async def test_what_does_not_exist_is_not_found(world: World, method: str, path: str) -> None:
    key = await world.developer() if path.endswith("/complete") else ROOT_KEY
    assert_problem(await world.call(method, path, key=key), 404, "not-found")
