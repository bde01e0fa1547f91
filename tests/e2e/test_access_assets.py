"""Who may do what with the assets bucket (`assets/**`): each role through the api, the edge and the
S3 face."""

from dataclasses import dataclass
from typing import Any, cast

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.e2e.packages import Developer, a_developer
from tests.e2e.stack import Stack
from tests.pictures import icon, screenshot

PUBLIC, PRIVATE = "org.example.shown", "org.example.hidden"
ROLES = ("nobody", "owner", "stranger", "operator", "tenant")


@dataclass(frozen=True)
class Cast:
    """Two apps of one developer with an icon and a screenshot each, and a key of every role."""

    stack: Stack
    keys: dict[str, str | None]

    def ask(self, role: str, method: str, path: str, data: bytes = b"") -> int:
        key = self.keys[role]
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        if data:
            headers["content-type"] = "application/json" if data[:1] == b"{" else "image/png"
        url = f"{self.stack.outputs['api_url']}/v1/apps/{path}"
        return self.stack.client.request(method, url, content=data, headers=headers).status_code


@pytest.fixture(scope="module")
def players(stack: Stack) -> Cast:
    owner = a_developer(stack, PUBLIC)
    hidden = {"app_id": PRIVATE, "name": "Hidden", "visibility": "private"}
    stack.made("/v1/apps", hidden, owner.key)
    stranger: Developer = a_developer(stack, "org.example.strange")
    tenant = stack.made("/v1/tenants", {"name": "Acme"})
    found = Cast(
        stack,
        {
            "nobody": None,
            "owner": owner.key,
            "stranger": stranger.key,
            "operator": stack.operator,
            "tenant": tenant["key"],
        },
    )
    for app_id in (PUBLIC, PRIVATE):
        assert found.ask("owner", "PUT", f"{app_id}/icon", icon()) == 200
        assert found.ask("owner", "POST", f"{app_id}/screenshots", screenshot()) == 201
    return found


@pytest.mark.parametrize("what", ["icon", "screenshots"])
@pytest.mark.parametrize(
    ("app_id", "statuses"),
    [(PUBLIC, (200, 200, 200, 200, 404)), (PRIVATE, (404, 200, 404, 200, 404))],
)
def test_the_api_lists_a_public_apps_images_for_everybody_but_tenants(
    players: Cast, app_id: str, statuses: tuple[int, ...], what: str
) -> None:
    found = tuple(players.ask(role, "GET", f"{app_id}/{what}") for role in ROLES)
    assert found == statuses


@pytest.mark.parametrize("app_id", [PUBLIC, PRIVATE])
@pytest.mark.parametrize(
    ("method", "path", "data"),
    [
        ("PUT", "icon", icon()),
        ("DELETE", "icon", b""),
        ("POST", "screenshots", screenshot()),
        ("PUT", "screenshots/order", b'{"numbers": [1]}'),
        ("DELETE", "screenshots/1", b""),
    ],
)
def test_the_api_changes_images_for_the_apps_developer_only(
    players: Cast, app_id: str, method: str, path: str, data: bytes
) -> None:
    others = ("nobody", "stranger", "operator", "tenant")
    found = tuple(players.ask(role, method, f"{app_id}/{path}", data) for role in others)
    assert found == (401, 404, 403, 404)
    assert players.ask("owner", "GET", f"{app_id}/icon") == 200


def shown_keys(app_id: str) -> list[str]:
    icons = [f"assets/{app_id}/icon-{pixels}.png" for pixels in (32, 64, 128)]
    return [*icons, f"assets/{app_id}/screenshots/1.png"]


def kept_keys(stack: Stack, app_id: str) -> list[str]:
    """Of the icon, under keys of its own."""
    answer = stack.client.get(
        f"{stack.account_url}/r2/buckets/{stack.outputs['buckets']['assets']}/objects",
        params={"prefix": f"assets/{app_id}/icons/"},
        headers={"authorization": f"Bearer {stack.api_token}"},
    )
    found = [one["key"] for one in answer.json()["result"]]
    assert len(found) == 3
    return found


@pytest.mark.parametrize("app_id", [PUBLIC, PRIVATE])
def test_the_cdn_host_shows_what_is_public_to_everybody_and_nothing_else(
    stack: Stack, players: Cast, app_id: str
) -> None:
    cdn = stack.outputs["cdn_url"]
    for key in shown_keys(app_id):
        for method in ("GET", "HEAD"):
            assert stack.client.request(method, f"{cdn}/{key}").status_code == 200
        for method in ("PUT", "POST", "DELETE", "PATCH"):
            answer = stack.client.request(method, f"{cdn}/{key}", content=b"x")
            assert answer.status_code == 405
    for key in kept_keys(stack, app_id):
        assert stack.client.get(f"{cdn}/{key}").status_code == 404
    for path in ("assets/", f"assets/{app_id}", f"assets/{app_id}/", f"assets/{app_id}/icon.png"):
        assert stack.client.get(f"{cdn}/{path}").status_code == 404


def test_no_other_host_shows_assets(stack: Stack, players: Cast) -> None:
    tenant = stack.made("/v1/tenants", {"name": "Acme"})
    stack.made(
        "/v1/repositories",
        {
            "tenant_id": tenant["tenant_id"],
            "hostname": "apt.assets.example",
            "distribution": "stable",
        },
    )
    for host in ("apt.assets.example", "unknown.example", "api.stowage.test"):
        for key in shown_keys(PUBLIC):
            assert stack.edge(host, f"/{key}").status_code == 404


def s3(stack: Stack, key_id: str, secret: str) -> Any:
    make = cast("Any", boto3).client
    return make(
        "s3",
        endpoint_url=stack.outputs["s3_url"],
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        region_name="auto",
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
    )


@pytest.mark.parametrize("operation", ["get", "head", "list", "put", "delete"])
def test_no_s3_credential_reaches_the_bucket(stack: Stack, players: Cast, operation: str) -> None:
    """Neither the publisher's, which is the only one that anybody is given, nor an invented one,
    nor none."""
    bucket, key = stack.outputs["buckets"]["assets"], shown_keys(PUBLIC)[0]
    calls: dict[str, tuple[str, dict[str, Any]]] = {
        "get": ("get_object", {"Key": key}),
        "head": ("head_object", {"Key": key}),
        "list": ("list_objects_v2", {}),
        "put": ("put_object", {"Key": key, "Body": b"x"}),
        "delete": ("delete_object", {"Key": key}),
    }
    name, arguments = calls[operation]
    for client in (
        s3(stack, stack.outputs["s3_access_key_id"], stack.outputs["s3_secret_access_key"]),
        s3(stack, "0" * 32, "0" * 64),
    ):
        with pytest.raises(ClientError) as refusal:
            getattr(client, name)(Bucket=bucket, **arguments)
        answer = cast("dict[str, Any]", refusal.value.response)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 403
    url = f"{stack.outputs['s3_url']}/{bucket}/{key}"
    assert httpx.get(url, timeout=60).status_code == 403
    assert httpx.put(url, content=b"x", timeout=60).status_code == 403
    assert stack.client.get(f"{stack.outputs['cdn_url']}/{key}").status_code == 200


def test_the_upload_url_cannot_be_turned_to_the_bucket(stack: Stack) -> None:
    developer = a_developer(stack, "org.example.turning")
    declared = {"version_code": 1, "version_name": "1", "size": 1, "sha256": "0" * 64}
    upload = stack.made(f"/v1/apps/{developer.app_id}/versions", declared, developer.key)["upload"]
    uploads, assets = stack.outputs["buckets"]["uploads"], stack.outputs["buckets"]["assets"]
    for url in (
        upload["url"].replace(f"/{uploads}/", f"/{assets}/"),
        upload["url"].replace(f"/{uploads}/temp/", f"/{assets}/assets/"),
    ):
        assert url != upload["url"]
        answer = httpx.put(url, content=b"x", headers=upload["headers"], timeout=60)
        assert answer.status_code == 403
