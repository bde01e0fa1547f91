"""Everybody and everything that the access table speaks of, on a deployed stack: a key of every
role, two apps, two tenants' repositories, and an object in every bucket."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from mypy_boto3_s3 import S3Client

from tests.e2e.packages import Developer, a_developer, a_package
from tests.e2e.stack import Stack, s3_client
from tests.pictures import icon, screenshot

PUBLIC, PRIVATE = "org.example.shown", "org.example.hidden"
HOSTNAMES = {"tenant": "apt.mine.example", "other tenant": "apt.theirs.example"}
BACKUP = "backups/access/dump.sql.gz"


@dataclass(frozen=True)
class Players:
    stack: Stack
    keys: Mapping[str, tuple[str | None, ...]]
    """The API keys of each role; each of them is answered the same."""
    names: Mapping[str, str]
    """What stands in the braces of the table's requests."""
    objects: Mapping[str, tuple[str, str]]
    """A bucket and a key in it for each row of the S3 table, by what the row calls it."""
    declared: Mapping[str, Any]
    """What was told of the version that waits for its upload."""

    @cached_property
    def s3(self) -> dict[str, S3Client]:
        """A client with each key of the S3 table, and one with none."""
        outputs = self.stack.outputs
        account = json.loads((self.stack.home / "credentials.json").read_text())["r2"]
        pairs = {
            "invented": ("0" * 32, "0" * 64),
            "presign": presign_token(self.stack),
            "publisher": (outputs["s3_access_key_id"], outputs["s3_secret_access_key"]),
            "account": (account["access_key_id"], account["secret_access_key"]),
        }
        place = (outputs["s3_url"], self.stack.region)
        none = s3_client(*place, "", "", is_signing=False)
        return {"none": none} | {name: s3_client(*place, *pair) for name, pair in pairs.items()}

    def path(self, request: str) -> tuple[str, str]:
        method, _, path = request.partition(" ")
        return method, path.format_map(self.names)


def presign_token(stack: Stack) -> tuple[str, str]:
    """From where the local cloud keeps what it was asked for: no output has it."""
    world = json.loads((stack.home / "world.json").read_text())
    (token,) = (
        one
        for one in world["resources"]["AccountToken"].values()
        if one["name"] == "stowage-dev-presign"
    )
    return token["_id"], token["_secret"]


def gathered(stack: Stack) -> Players:
    owner = a_developer(stack, PUBLIC)
    old = {
        app_id: _published(owner, app_id)["id"]
        for app_id in (PUBLIC, PRIVATE, f"{PUBLIC}.old", f"{PRIVATE}.old")
    }
    draft = owner.drafted(a_package(PUBLIC, 2))
    waiting = a_package(PUBLIC, 3)
    upload_id = owner.create(waiting)["upload"]["id"]
    parted, given_up = (_in_parts(owner, code) for code in (4, 5))
    tenants = {role: _tenant(stack, hostname) for role, hostname in HOSTNAMES.items()}
    answer = stack.api("GET", f"/v1/apps/{PUBLIC}/download").json()
    package = f"packages/{owner.developer_id}/{PUBLIC}/1/package.mosis"
    mine, theirs = (tenants[role][1] for role in HOSTNAMES)
    kept = _kept_icon(stack)
    buckets = stack.outputs["buckets"]
    found = Players(
        stack,
        _keys(stack, owner, {role: key for role, (key, _) in tenants.items()}),
        {
            "app": PUBLIC,
            "private": PRIVATE,
            "old_app": f"{PUBLIC}.old",
            "old_private": f"{PRIVATE}.old",
            "draft": draft["id"],
            "parted": parted,
            "given_up": given_up,
            "old": old[f"{PUBLIC}.old"],
            "upload": upload_id,
            "developer": owner.developer_id,
            "token": answer["download_url"].partition("?")[2],
            "icon": kept.rpartition("/")[2],
            "prefix": mine["s3_prefix"],
            "tenant_id": mine["tenant_id"],
        },
        {
            "`temp/**`": (buckets["uploads"], f"temp/{upload_id}/package.mosis"),
            "`packages/**`": (buckets["packages"], package),
            "`assets/**`, icons": (buckets["assets"], kept),
            "`assets/**`, screenshots": (
                buckets["assets"],
                f"assets/{PUBLIC}/screenshots/1.png",
            ),
            "a tenant's prefix": (mine["s3_bucket"], f"{mine['s3_prefix']}dists/stable/Release"),
            "another tenant's prefix": (theirs["s3_bucket"], f"{theirs['s3_prefix']}dists/theirs"),
            "`backups/**`": (buckets["backups"], BACKUP),
        },
        waiting.declared,
    )
    for planted in ("`temp/**`", "a tenant's prefix", "another tenant's prefix", "`backups/**`"):
        bucket, key = found.objects[planted]
        found.s3["account"].put_object(Bucket=bucket, Key=key, Body=b"planted")
    found.s3["account"].put_object(
        Bucket=mine["s3_bucket"],
        Key=f"{mine['s3_prefix']}.stowage/generations/1/files/a",
        Body=b"planted",
    )
    return found


def _published(owner: Developer, app_id: str) -> dict[str, Any]:
    """The version of an app of the same developer that has an icon and a screenshot, too."""
    app = Developer(owner.stack, owner.developer_id, owner.key, app_id)
    if app_id != owner.app_id:
        visibility = "private" if app_id.startswith(PRIVATE) else "public"
        body = {"app_id": app_id, "name": "An app", "visibility": visibility}
        owner.stack.made("/v1/apps", body, owner.key)
    for method, path, data in (("PUT", "icon", icon()), ("POST", "screenshots", screenshot())):
        answer = owner.stack.client.request(
            method,
            f"{owner.stack.outputs['api_url']}/v1/apps/{app_id}/{path}",
            content=data,
            headers={"authorization": f"Bearer {owner.key}", "content-type": "image/png"},
        )
        assert answer.is_success, answer.text
    return app.published(a_package(app_id, 1))


def _in_parts(owner: Developer, code: int) -> str:
    """The id of a version whose upload in parts is under way."""
    declared = {
        "version_code": code,
        "version_name": str(code),
        "size": 20_000_000,
        "sha256": "0" * 64,
    }
    created = owner.stack.made(f"/v1/apps/{owner.app_id}/versions", declared, owner.key)
    version_id = created["version"]["id"]
    owner.stack.made(f"/v1/versions/{version_id}/multipart", None, owner.key)
    return version_id


def _tenant(stack: Stack, hostname: str) -> tuple[str, dict[str, Any]]:
    """Its key, and a repository of it."""
    tenant = stack.made("/v1/tenants", {"name": hostname})
    repository = stack.made(
        "/v1/repositories",
        {"tenant_id": tenant["tenant_id"], "hostname": hostname, "distribution": "stable"},
    )["repository"]
    return tenant["key"], repository


def _kept_icon(stack: Stack) -> str:
    answer = stack.client.get(
        f"{stack.account_url}/r2/buckets/{stack.outputs['buckets']['assets']}/objects",
        params={"prefix": f"assets/{PUBLIC}/icons/"},
        headers={"authorization": f"Bearer {stack.api_token}"},
    )
    return answer.json()["result"][0]["key"]


def _keys(
    stack: Stack, owner: Developer, tenants: Mapping[str, str]
) -> dict[str, tuple[str | None, ...]]:
    root = json.loads((stack.home / "keys.json").read_text())
    subjects: tuple[dict[str, str], ...] = (
        {"role": "developer", "subject_id": owner.developer_id},
        {"role": "operator"},
    )
    revoked = [stack.made("/v1/api-keys", subject) for subject in subjects]
    for one in revoked:
        stack.api("DELETE", f"/v1/api-keys/{one['api_key']['id']}", key=stack.operator)
    soon = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
    expired = [stack.made("/v1/api-keys", {**subject, "expires_at": soon}) for subject in subjects]
    stranger = a_developer(stack, "org.example.strange")
    return {
        "nobody": (None,),
        "owner": (owner.key,),
        "other developer": (stranger.key,),
        **{role: (key,) for role, key in tenants.items()},
        "operator": (stack.operator,),
        "root": (root["rootOperatorKey"],),
        "revoked": tuple(one["key"] for one in revoked),
        "expired": tuple(_when_refused(stack, one["key"]) for one in expired),
    }


def _when_refused(stack: Stack, key: str) -> str:
    deadline = time.monotonic() + 60
    while stack.api("GET", f"/v1/apps/{PUBLIC}/versions", key=key).status_code != 401:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return key
