"""Who may call the REST face: the operator's token everything, and API tokens that the stack made
what their policies say. A Worker that is given too small a token fails here as on Cloudflare."""

import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response

from local.home import Credentials
from local.provider.account_kinds import (
    ANALYTICS_READ_GROUP,
    CACHE_PURGE_GROUP,
    CERTIFICATES_GROUP,
    D1_READ_GROUP,
    D1_WRITE_GROUP,
)
from local.rest.envelope import failure
from local.world import Item, World

_ACCOUNT_SCOPE = "com.cloudflare.api.account"
_ZONE_SCOPE = "com.cloudflare.api.account.zone"
_DATABASE = r"/client/v4/accounts/([^/]+)/d1/database/[^/]+"


@dataclass(frozen=True, slots=True)
class Grant:
    """A request that an API token may be granted."""

    methods: frozenset[str]
    path: re.Pattern[str]
    """With the account or the zone that it belongs to."""
    scope: str
    groups: frozenset[str]
    """Permission groups, each of which is enough."""


_GRANTS = (
    Grant(
        frozenset({"POST"}),
        re.compile(r"/client/v4/zones/([^/]+)/purge_cache"),
        _ZONE_SCOPE,
        frozenset({CACHE_PURGE_GROUP}),
    ),
    # Of the export, Cloudflare documents no permission; it reads, so the one that reads is taken to
    # be enough.
    Grant(
        frozenset({"POST"}),
        re.compile(_DATABASE + "/export"),
        _ACCOUNT_SCOPE,
        frozenset({D1_READ_GROUP, D1_WRITE_GROUP}),
    ),
    Grant(
        frozenset({"POST"}),
        re.compile(_DATABASE + "/(?:query|import)"),
        _ACCOUNT_SCOPE,
        frozenset({D1_WRITE_GROUP}),
    ),
    Grant(
        frozenset({"POST"}),
        re.compile(r"/client/v4/accounts/([^/]+)/analytics_engine/sql"),
        _ACCOUNT_SCOPE,
        frozenset({ANALYTICS_READ_GROUP}),
    ),
    Grant(
        frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"}),
        re.compile(r"/client/v4/zones/([^/]+)/(?:custom_hostnames(?:/[^/]+)?|dcv_delegation/uuid)"),
        _ZONE_SCOPE,
        frozenset({CERTIFICATES_GROUP}),
    ),
)


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
    for grant in _GRANTS:
        found = grant.path.fullmatch(path)
        if found is None or method not in grant.methods:
            continue
        policies = [one for one in token["policies"] if _is_about(one, grant, found[1])]
        return bool(policies) and all(one["effect"] == "allow" for one in policies)
    return False


def _is_about(policy: Item, grant: Grant, owner: str) -> bool:
    groups = {one["id"] for one in policy["permissionGroups"]}
    named = cast("dict[str, Any]", json.loads(policy["resources"]))
    resources = {f"{grant.scope}.{owner}", f"{grant.scope}.*"}
    return bool(groups & grant.groups) and bool(resources & named.keys())
