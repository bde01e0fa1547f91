"""Who may call the REST face: the operator's token everything, and API tokens that the stack made
what their policies say."""

import hashlib
import hmac
import json
import re
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response

from local.home import Credentials
from local.provider.account_kinds import CACHE_PURGE_GROUP
from local.rest.envelope import failure
from local.world import Item, World

_ZONE_SCOPE = "com.cloudflare.api.account.zone"
_GRANTS = (("POST", re.compile(r"/client/v4/zones/([^/]+)/purge_cache"), CACHE_PURGE_GROUP),)
"""What an API token may be granted: method, path with the zone, permission group."""


class Authority:
    def __init__(self, world: World, credentials: Credentials) -> None:
        self._world = world
        self._credentials = credentials

    def refusal(self, request: Request) -> Response | None:
        """None: the request may go on."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            return failure(401, 10000, "Authentication error: no bearer token was sent")
        if hmac.compare_digest(token.encode(), self._credentials.api_token.encode()):
            return None
        made = self._made(token)
        if made is None:
            return failure(403, 9109, "Invalid access token; `stowage env` prints the right one")
        if not _may(made, request.method, request.url.path):
            return failure(403, 10000, "Authentication error: the token's policies do not say so")
        return None

    def _made(self, token: str) -> Item | None:
        digest = hashlib.sha256(token.encode()).hexdigest()
        return self._world.find("AccountToken", _secret=digest, status="active")


def _may(token: Item, method: str, path: str) -> bool:
    for granted_method, pattern, group in _GRANTS:
        found = pattern.fullmatch(path)
        if found is None or method != granted_method:
            continue
        resource = f"{_ZONE_SCOPE}.{found[1]}"
        policies = [one for one in token["policies"] if _is_about(one, group, resource)]
        return bool(policies) and all(one["effect"] == "allow" for one in policies)
    return False


def _is_about(policy: Item, group: str, resource: str) -> bool:
    groups = {one["id"] for one in policy["permissionGroups"]}
    named = cast("dict[str, Any]", json.loads(policy["resources"]))
    return group in groups and bool({resource, f"{_ZONE_SCOPE}.*"} & named.keys())
