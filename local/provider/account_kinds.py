"""Tokens and alerts of the account."""

# A kind that needs less than its base class gives still has its signature.
# ruff: noqa: ARG002
import hashlib
import json
import secrets
import uuid
from typing import Any, ClassVar, cast

from local.provider.kind import Kind, Refusal, Scene
from local.provider.property_values import is_unknown
from local.provider.schema import Failure, Item

_R2_SCOPE = "com.cloudflare.edge.r2.bucket"
_ACCOUNT_SCOPE = "com.cloudflare.api.account"
_ZONE_SCOPE = "com.cloudflare.api.account.zone"


def _group(identifier: str, name: str, scope: str) -> Item:
    return {"id": identifier, "name": name, "scopes": [scope]}


# The first id is Cloudflare's own; the others have its form.
READ_GROUP = "6a018a9f2fc74eb6b293b0c548f38b39"
WRITE_GROUP = "2efd5506f9c8494dacb1fa10a3e7d5b6"
CACHE_PURGE_GROUP = "e17beae8b8cb423a99b1730f21238bed"
CERTIFICATES_GROUP = "c03055bc037c4ea9afb9a9f104b7b721"
D1_READ_GROUP = "192192df92ee43ac90f2aeeffce67e35"
D1_WRITE_GROUP = "09b2857d1c31407795e75e3fed8617a1"
ANALYTICS_READ_GROUP = "b89a480218d04ceb98b4fe57ca29dc1f"
PERMISSION_GROUPS: list[Item] = [
    _group(READ_GROUP, "Workers R2 Storage Bucket Item Read", _R2_SCOPE),
    _group(WRITE_GROUP, "Workers R2 Storage Bucket Item Write", _R2_SCOPE),
    _group("b4992e1108244f5d8bfbd5744320c2e1", "Workers R2 Storage Read", _ACCOUNT_SCOPE),
    _group("bf7481a1826f439697cb59a20b22293e", "Workers R2 Storage Write", _ACCOUNT_SCOPE),
    _group("1a71c399035b4950a1bd1466bbe4f420", "Workers Scripts Read", _ACCOUNT_SCOPE),
    _group("e086da7e2179491d91ee5f35b3ca210a", "Workers Scripts Write", _ACCOUNT_SCOPE),
    _group(D1_READ_GROUP, "D1 Read", _ACCOUNT_SCOPE),
    _group(D1_WRITE_GROUP, "D1 Write", _ACCOUNT_SCOPE),
    _group(CACHE_PURGE_GROUP, "Cache Purge", _ZONE_SCOPE),
    _group(CERTIFICATES_GROUP, "SSL and Certificates Write", _ZONE_SCOPE),
    _group(ANALYTICS_READ_GROUP, "Account Analytics Read", _ACCOUNT_SCOPE),
]


def permission_groups(arguments: Item) -> Item:
    """`getAccountApiTokenPermissionGroupsList`: the groups, by name and scope where these are said
    (percent-encoded scopes too, as the API wants them)."""
    name = arguments.get("name")
    scope = str(arguments.get("scope") or "").replace("%2E", ".")
    limit = int(arguments.get("maxItems") or 1000)
    found = [
        group
        for group in PERMISSION_GROUPS
        if (not name or group["name"] == str(name).replace("%20", " "))
        and (not scope or scope in group["scopes"])
    ]
    return {
        "accountId": arguments.get("accountId"),
        "id": arguments.get("accountId"),
        **{key: arguments[key] for key in ("name", "scope", "maxItems") if key in arguments},
        "results": [
            group | {"category": "Developer Platform", "isSelectable": True} for group in found
        ][:limit],
    }


class AccountToken(Kind):
    name = "AccountToken"
    defaults: ClassVar[Item] = {"status": "active"}
    unrefreshed = frozenset({"value"})
    secrets = frozenset({"value"})

    def check(self, scene: Scene, inputs: Item) -> list[Failure]:
        failures: list[Failure] = []
        policies = inputs.get("policies")
        known = cast("list[Any]", policies) if isinstance(policies, list) else []
        for index, policy in enumerate(known):
            resources = cast("Item", policy).get("resources") if isinstance(policy, dict) else None
            if isinstance(resources, str) and not is_unknown(resources):
                reason = _wrong_resources(resources)
                if reason:
                    failures.append(Failure(f"policies[{index}].resources", reason))
        return failures

    def create(self, scene: Scene, inputs: Item) -> Item:
        _check_groups(inputs)
        value = secrets.token_hex(20)
        now = scene.now()
        return self.filled(inputs) | {
            "_id": uuid.uuid4().hex,
            # Given once; the world keeps only what S3 signatures are checked with.
            "value": value,
            "_secret": hashlib.sha256(value.encode()).hexdigest(),
            "issuedOn": now,
            "modifiedOn": now,
        }

    def update(self, scene: Scene, item: Item, inputs: Item) -> Item:
        _check_groups(inputs)
        return self.merged(scene, item, inputs) | {"modifiedOn": scene.now()}


def _wrong_resources(text: str) -> str:
    try:
        found: Any = json.loads(text)
    except ValueError as error:
        return f"no JSON: {error}"
    return "" if isinstance(found, dict) and found else "not a JSON object that names resources"


def _check_groups(inputs: Item) -> None:
    known = {group["id"] for group in PERMISSION_GROUPS}
    for policy in inputs["policies"]:
        for group in policy["permissionGroups"]:
            if group["id"] not in known:
                raise Refusal(
                    f"The permission group {group['id']} does not exist; "
                    "getAccountApiTokenPermissionGroupsList gives those that do.",
                    400,
                    1001,
                )


class NotificationPolicyWebhooks(Kind):
    name = "NotificationPolicyWebhooks"
    unrefreshed = frozenset({"secret"})
    secrets = frozenset({"secret"})

    def create(self, scene: Scene, inputs: Item) -> Item:
        now = scene.now()
        return self.filled(inputs) | {
            "_id": uuid.uuid4().hex,
            # Cloudflare sends a test POST now; nothing leaves the local cloud, so it is noted only.
            "_test": f"skipped at {now}",
            "type": "generic",
            "createdAt": now,
            "lastSuccess": now,
        }


class NotificationPolicy(Kind):
    name = "NotificationPolicy"
    defaults: ClassVar[Item] = {"enabled": True}
    reported: ClassVar[Item] = {"description": ""}

    def create(self, scene: Scene, inputs: Item) -> Item:
        self._checked(scene, inputs)
        now = scene.now()
        return self.filled(inputs) | {"_id": uuid.uuid4().hex, "created": now, "modified": now}

    def update(self, scene: Scene, item: Item, inputs: Item) -> Item:
        self._checked(scene, inputs)
        return self.merged(scene, item, inputs) | {"modified": scene.now()}

    def _checked(self, scene: Scene, inputs: Item) -> None:
        for webhook in cast("list[Item]", inputs["mechanisms"].get("webhooks") or []):
            if scene.world.get("NotificationPolicyWebhooks", webhook["id"]) is None:
                raise Refusal(f"The webhook destination {webhook['id']} does not exist.", 400)
