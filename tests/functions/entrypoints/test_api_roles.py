"""Which key reaches what (DESIGN 6)."""

import pytest

from tests.functions.entrypoints.packages import a_package, announced
from tests.functions.entrypoints.world import ROOT_KEY, World, assert_problem

pytestmark = pytest.mark.anyio

APP = {"app_id": "org.example.new", "name": "New"}
VERSION = announced(a_package(), 2)

PACKAGE_ENDPOINTS = [
    ("POST", "/v1/apps", APP),
    ("POST", "/v1/apps/org.example.app/versions", VERSION),
    ("POST", "/v1/apps/org.example.app/versions", {"wrong": True}),
    ("GET", "/v1/versions/{version_id}", None),
    ("POST", "/v1/versions/{version_id}/complete", None),
    ("POST", "/v1/versions/{version_id}/multipart", None),
    ("GET", "/v1/versions/{version_id}/multipart", None),
    ("DELETE", "/v1/versions/{version_id}/multipart", None),
    ("POST", "/v1/versions/{version_id}/multipart/parts/1", None),
    ("POST", "/v1/versions/{version_id}/publish", None),
    ("GET", "/v1/apps/org.example.app/versions", None),
    ("POST", "/v1/versions/{version_id}/pull", {"reason": "It is broken."}),
    ("POST", "/v1/versions/{version_id}/restore", None),
    ("POST", "/v1/versions/{version_id}/rollback", None),
    ("PUT", "/v1/apps/org.example.app/icon", None),
    ("DELETE", "/v1/apps/org.example.app/icon", None),
    ("POST", "/v1/apps/org.example.app/screenshots", None),
    ("PUT", "/v1/apps/org.example.app/screenshots/order", {"numbers": [1]}),
    ("DELETE", "/v1/apps/org.example.app/screenshots/1", None),
]
OPERATOR_ENDPOINTS = [
    ("POST", "/v1/developers", {"name": "Eve"}),
    ("POST", "/v1/tenants", {"name": "Eve"}),
    ("POST", "/v1/repositories", {"tenant_id": "x", "hostname": "a.example", "distribution": "b"}),
    ("POST", "/v1/api-keys", {"role": "operator"}),
    ("GET", "/v1/api-keys", None),
    ("DELETE", "/v1/api-keys/x", None),
    ("POST", "/v1/backups", None),
    ("GET", "/v1/backups", None),
    ("GET", "/v1/backups/x", None),
    ("POST", "/v1/versions/x/reject", {"reason": "It is broken."}),
    ("GET", "/v1/purges", None),
    ("GET", "/v1/alert-webhook/deliveries", None),
    ("GET", "/v1/retention", None),
    ("GET", "/v1/reconcile", None),
    ("POST", "/v1/reconcile", {"repair": True}),
]


class Keys:
    def __init__(self, world: World) -> None:
        self.world = world

    async def make(self) -> "Keys":
        self.owner = await self.world.developer()
        self.stranger = await self.world.developer("org.example.other")
        self.tenant = (await self.world.made("/v1/tenants", {"name": "T"}))["key"]
        created = await self.world.made(
            "/v1/apps/org.example.app/versions", announced(a_package()), self.owner
        )
        self.version_id: str = created["version"]["id"]
        return self


@pytest.fixture
async def keys(world: World) -> Keys:
    return await Keys(world).make()


@pytest.mark.parametrize(("method", "path", "body"), PACKAGE_ENDPOINTS)
async def test_a_tenants_key_finds_no_package_endpoint(
    world: World, keys: Keys, method: str, path: str, body: object
) -> None:
    before = await world.dump()
    path = path.format(version_id=keys.version_id)
    assert_problem(await world.call(method, path, body, key=keys.tenant), 404, "not-found")
    assert await world.dump() == before


@pytest.mark.parametrize(("method", "path", "body"), OPERATOR_ENDPOINTS)
async def test_a_tenants_key_finds_no_operators_endpoint(
    world: World, keys: Keys, method: str, path: str, body: object
) -> None:
    assert_problem(await world.call(method, path, body, key=keys.tenant), 404, "not-found")


@pytest.mark.parametrize(("method", "path", "body"), [PACKAGE_ENDPOINTS[1], *PACKAGE_ENDPOINTS[3:]])
async def test_a_developers_key_finds_nothing_of_another_developer(
    world: World, keys: Keys, method: str, path: str, body: object
) -> None:
    before = await world.dump()
    path = path.format(version_id=keys.version_id)
    assert_problem(await world.call(method, path, body, key=keys.stranger), 404, "not-found")
    assert await world.dump() == before


@pytest.mark.parametrize(("method", "path", "body"), OPERATOR_ENDPOINTS)
async def test_a_developers_key_may_not_do_what_operators_do(
    world: World, keys: Keys, method: str, path: str, body: object
) -> None:
    before = await world.dump()
    assert_problem(await world.call(method, path, body, key=keys.owner), 403, "forbidden")
    assert await world.dump() == before


@pytest.mark.parametrize(("method", "path", "body"), PACKAGE_ENDPOINTS + OPERATOR_ENDPOINTS)
@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer x",
        "Basic b3A6eA==",
        "Bearer stw_root_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "Bearer stw_00000000000070008000000000000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ],
)
async def test_without_a_good_key_nothing_is_reached(
    world: World, method: str, path: str, body: object, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    answer = await world.call(method, path.format(version_id="x"), body, headers=headers)
    assert_problem(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_an_operator_sees_every_version(world: World, keys: Keys) -> None:
    answer = await world.call("GET", f"/v1/versions/{keys.version_id}", key=ROOT_KEY)
    assert answer.json()["version"]["id"] == keys.version_id


async def test_a_revoked_or_expired_key_is_no_key(world: World) -> None:
    made = await world.made("/v1/api-keys", {"role": "operator"})
    assert (await world.call("GET", "/v1/api-keys", key=made["key"])).status_code == 200
    path = f"/v1/api-keys/{made['api_key']['id']}"
    revoked = await world.call("DELETE", path, key=ROOT_KEY)
    assert revoked.status_code == 200
    assert revoked.json()["api_key"]["revoked_at"] is not None
    assert (await world.call("DELETE", path, key=ROOT_KEY)).json() == revoked.json()
    assert_problem(await world.call("GET", "/v1/api-keys", key=made["key"]), 401)

    soon = "2026-09-21T17:00:00.500+02:00"
    short = await world.made("/v1/api-keys", {"role": "operator", "expires_at": soon})
    assert short["api_key"]["expires_at"] == "2026-09-21T15:00:00.500Z"
    assert (await world.call("GET", "/v1/api-keys", key=short["key"])).status_code == 200
    world.clock.advance(seconds=86_400)
    assert_problem(await world.call("GET", "/v1/api-keys", key=short["key"]), 401)


async def test_a_key_is_made_for_an_existing_subject(world: World, keys: Keys) -> None:
    developer = await world.made("/v1/developers", {"name": "Ada"})
    body = {"role": "developer", "subject_id": developer["developer_id"]}
    made = await world.made("/v1/api-keys", body)
    assert made["api_key"]["role"] == "developer"
    answer = await world.call("POST", "/v1/apps", APP, key=made["key"])
    assert answer.json()["app"]["developer_id"] == developer["developer_id"]


async def test_keys_are_listed_without_their_secrets_page_by_page(world: World) -> None:
    made: list[str] = []
    for _ in range(101):
        made.append((await world.made("/v1/api-keys", {"role": "operator"}))["api_key"]["id"])
        world.clock.advance(milliseconds=1)
    first = (await world.call("GET", "/v1/api-keys", key=ROOT_KEY)).json()
    assert [key["id"] for key in first["api_keys"]] == made[:100]
    rest = await world.call("GET", f"/v1/api-keys?after={first['next']}", key=ROOT_KEY)
    assert [key["id"] for key in rest.json()["api_keys"]] == made[100:]
    assert rest.json()["next"] is None
    assert set(first["api_keys"][0]) == {
        "id",
        "role",
        "subject_id",
        "created_at",
        "expires_at",
        "revoked_at",
    }
