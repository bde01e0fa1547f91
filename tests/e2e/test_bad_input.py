"""Bad input of every kind to each endpoint: a problem document, nothing stored, no word of our
insides."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.packages import Developer, a_developer, a_package
from tests.e2e.stack import Stack

TABLES = (
    "api_key",
    "developer",
    "app",
    "version",
    "upload",
    "event",
    "tenant",
    "location",
    "hostname",
    "debian_repository",
)


@pytest.fixture(scope="module")
def developer(stack: Stack) -> Developer:
    return a_developer(stack, "org.example.bad")


@pytest.fixture(scope="module")
def stranger(stack: Stack) -> Developer:
    return a_developer(stack, "org.example.other")


@pytest.fixture(scope="module")
def tenant_key(stack: Stack) -> str:
    return stack.made("/v1/tenants", {"name": "a tenant"})["key"]


@pytest.fixture(scope="module")
def version_id(developer: Developer) -> str:
    return developer.create(a_package(developer.app_id, 1))["version"]["id"]


@pytest.fixture
def nothing_changes(
    stack: Stack, developer: Developer, stranger: Developer, tenant_key: str, version_id: str
) -> Iterator[None]:
    def rows() -> dict[str, Any]:
        return {table: stack.query(f"SELECT * FROM {table} ORDER BY 1, 2") for table in TABLES}  # noqa: S608

    assert stack.operator
    before = rows()
    yield
    assert rows() == before


def is_a_problem(answer: httpx.Response, *statuses: int) -> None:
    assert answer.status_code in statuses, (answer.status_code, answer.text)
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["title"]
    assert problem["type"].startswith("urn:stowage:problem:")
    for inside in ("Traceback", "File ", "sqlite", "D1_ERROR", "pydantic", "SELECT "):
        assert inside not in answer.text


VERSION = {"version_code": 2, "version_name": "1.2", "size": 10, "sha256": "0" * 64}
APP = {"app_id": "org.example.new", "name": "New"}
REPOSITORY = {"tenant_id": "0" * 36, "hostname": "apt.x.example", "distribution": "stable"}

BAD_BODIES: list[tuple[str, str, object]] = [
    *[("/v1/developers", "operator", {"name": name}) for name in ("", None, 5, "x" * 10_000, "\0")],
    *[("/v1/tenants", "operator", {"name": name}) for name in ("", None, 0.5, "x" * 10_000)],
    ("/v1/developers", "operator", {"name": "Ada", "extra": 1}),
    ("/v1/developers", "operator", []),
    *[
        ("/v1/apps", "developer", APP | {"app_id": app_id})
        for app_id in ("", "UPPER.Case", "a/b", "../x", "a" * 300, "a b", ".a", "a..b", 5, None)
    ],
    ("/v1/apps", "developer", APP | {"visibility": "secret"}),
    ("/v1/apps", "developer", APP | {"developer_id": "someone"}),
    *[
        ("/v1/apps/org.example.bad/versions", "developer", VERSION | {"version_code": code})
        for code in (0, -1, 1.5, "2", True, None, 2**53)
    ],
    *[
        ("/v1/apps/org.example.bad/versions", "developer", VERSION | {"size": size})
        for size in (0, -1, 52_428_801, "10", None)
    ],
    *[
        ("/v1/apps/org.example.bad/versions", "developer", VERSION | {"sha256": digest})
        for digest in ("", "0" * 63, "g" * 64, "A" * 64, None)
    ],
    *[
        ("/v1/apps/org.example.bad/versions", "developer", VERSION | {"version_name": name})
        for name in ("", "x" * 1000, "a\nb", 5)
    ],
    *[
        ("/v1/repositories", "operator", REPOSITORY | {"distribution": name})
        for name in ("", "a b", "../x", "x" * 300, None)
    ],
    ("/v1/api-keys", "operator", {"role": "root"}),
    ("/v1/api-keys", "operator", {"role": "developer"}),
    ("/v1/api-keys", "operator", {"role": "tenant", "subject_id": "nobody"}),
]


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(("path", "role", "body"), BAD_BODIES)
def test_a_bad_body_is_refused(
    stack: Stack, developer: Developer, path: str, role: str, body: object
) -> None:
    key = stack.operator if role == "operator" else developer.key
    is_a_problem(stack.api("POST", path, body, key=key), 400, 404, 422)


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"", "application/json", 400),
        (b'{"name": "\xff"}', "application/json", 400),
        (b'{"name": "a", "name": "b"}', "application/json", 400),
        (b"name=Ada", "application/x-www-form-urlencoded", 415),
        (b'{"name": "' + b"x" * 200_000 + b'"}', "application/json", 413),
        (b"[" * 20_000, "application/json", 400),
    ],
)
def test_a_body_that_is_no_small_json_object_is_refused(
    stack: Stack, content: bytes, content_type: str, status: int
) -> None:
    answer = stack.client.post(
        f"{stack.outputs['api_url']}/v1/developers",
        content=content,
        headers={"authorization": f"Bearer {stack.operator}", "content-type": content_type},
    )
    is_a_problem(answer, status)


@pytest.mark.usefixtures("nothing_changes")
def test_a_body_without_end_is_refused_while_it_comes(stack: Stack) -> None:
    def body() -> Iterator[bytes]:
        for _ in range(2000):
            yield b" " * 1024

    answer = stack.client.post(
        f"{stack.outputs['api_url']}/v1/developers",
        content=body(),
        headers={"authorization": f"Bearer {stack.operator}", "content-type": "application/json"},
    )
    is_a_problem(answer, 413)


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer x", "Basic b3A6eA==", "Bearer stw_root_x", "Bearer stw__", "é"],
)
def test_a_missing_or_bad_key_is_refused(stack: Stack, authorization: str | None) -> None:
    sent = {} if authorization is None else {b"authorization": authorization.encode("latin-1")}
    answer = stack.client.post(
        f"{stack.outputs['api_url']}/v1/developers", json={"name": "Ada"}, headers=sent
    )
    is_a_problem(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_revoked_key_is_refused(stack: Stack) -> None:
    made = stack.made("/v1/api-keys", {"role": "operator"})
    assert stack.api("GET", "/v1/api-keys", key=made["key"]).status_code == 200
    stack.run("keys", "revoke", made["api_key"]["id"])
    is_a_problem(stack.api("GET", "/v1/api-keys", key=made["key"]), 401)


PACKAGE_ENDPOINTS = [
    ("POST", "/v1/apps", APP),
    ("POST", "/v1/apps/org.example.bad/versions", VERSION),
    ("GET", "/v1/versions/{version_id}", None),
    ("POST", "/v1/versions/{version_id}/complete", None),
    ("POST", "/v1/versions/{version_id}/publish", None),
]


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(("method", "path", "body"), PACKAGE_ENDPOINTS)
def test_a_tenants_key_reaches_no_package_endpoint(
    stack: Stack, tenant_key: str, version_id: str, method: str, path: str, body: object
) -> None:
    answer = stack.api(method, path.format(version_id=version_id), body, key=tenant_key)
    is_a_problem(answer, 403, 404)


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(("method", "path", "body"), PACKAGE_ENDPOINTS[1:])
def test_a_developers_key_reaches_nothing_of_another_developer(
    stack: Stack, stranger: Developer, version_id: str, method: str, path: str, body: object
) -> None:
    answer = stack.api(method, path.format(version_id=version_id), body, key=stranger.key)
    is_a_problem(answer, 404)


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/developers", {"name": "Eve"}),
        ("/v1/tenants", {"name": "Eve"}),
        ("/v1/repositories", REPOSITORY),
        ("/v1/api-keys", {"role": "operator"}),
    ],
)
def test_only_operators_reach_the_operators_endpoints(
    stack: Stack, developer: Developer, tenant_key: str, path: str, body: object
) -> None:
    for key in (developer.key, tenant_key):
        is_a_problem(stack.api("POST", path, body, key=key), 403, 404)


@pytest.mark.usefixtures("nothing_changes")
@pytest.mark.parametrize(
    ("method", "path", "statuses"),
    [
        ("GET", "/", (404,)),
        ("GET", "/v1/versions/nothing", (404,)),
        ("GET", "/v1/versions/%00", (404, 400)),
        ("GET", "/v1/versions/..%2f..%2fkeys", (404,)),
        ("GET", "/v1/apps/org.example.nobody/download", (404,)),
        ("GET", "/v1/apps/org.example.bad/download?version_code=x", (422,)),
        ("GET", "/v1/apps/org.example.bad/download?version_code=99", (404,)),
        ("DELETE", "/v1/developers", (405,)),
        ("PUT", "/v1/keys", (405,)),
        ("DELETE", "/v1/api-keys/nothing", (404,)),
        ("POST", "/v1/versions/nothing/complete", (403, 404)),
    ],
)
def test_a_path_or_method_that_is_not_there_is_a_problem_too(
    stack: Stack, method: str, path: str, statuses: tuple[int, ...]
) -> None:
    answer = stack.api(method, path, key=stack.operator)
    is_a_problem(answer, *statuses)
    if answer.status_code == 405:
        assert answer.headers["allow"]


def test_an_app_id_is_taken_once_for_all_developers(
    stack: Stack, developer: Developer, stranger: Developer
) -> None:
    body = {"app_id": developer.app_id, "name": "Mine"}
    is_a_problem(stack.api("POST", "/v1/apps", body, key=stranger.key), 409)
