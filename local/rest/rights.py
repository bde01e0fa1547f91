"""What an API token that a deployment made may do on the REST face.

The folder's own token may do everything. A token made as an `AccountToken` has the rights of its
permission groups, where the table here knows a request that needs one, and no other: a Worker that
is given too small a token fails here as it would on Cloudflare.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from local.provider.account_kinds import PERMISSION_GROUPS
from local.world import Item, World

_NAMES = {str(group["id"]): str(group["name"]) for group in PERMISSION_GROUPS}


@dataclass(frozen=True, slots=True)
class Right:
    """A request, and the permission groups each of which is enough for it."""

    method: str
    path: re.Pattern[str]
    groups: frozenset[str]
    resource: str
    """Of a policy that gives it, before the id in the path."""


_ACCOUNT = r"/client/v4/accounts/([^/]+)"
_ACCOUNT_RESOURCE = "com.cloudflare.api.account."

# developers.cloudflare.com/api lists the accepted permissions of most endpoints. That of the export
# lists none; it reads, so the reading group is taken to be enough.
RIGHTS = (
    Right(
        "POST",
        re.compile(_ACCOUNT + r"/d1/database/[^/]+/export"),
        frozenset({"D1 Read", "D1 Write"}),
        _ACCOUNT_RESOURCE,
    ),
    Right(
        "POST",
        re.compile(_ACCOUNT + r"/d1/database/[^/]+/(?:query|import)"),
        frozenset({"D1 Write"}),
        _ACCOUNT_RESOURCE,
    ),
    Right(
        "POST",
        re.compile(r"/client/v4/zones/([^/]+)/purge_cache"),
        frozenset({"Cache Purge"}),
        "com.cloudflare.api.account.zone.",
    ),
)


def made_token(world: World, value: str) -> Item | None:
    """The AccountToken whose value this is."""
    digest = hashlib.sha256(value.encode()).hexdigest()
    for token in world.all("AccountToken"):
        if hmac.compare_digest(str(token["_secret"]), digest):
            return token
    return None


def may(token: Item, method: str, path: str) -> bool:
    for right in RIGHTS:
        match = right.path.fullmatch(path)
        if match is not None and right.method == method:
            return _is_given(cast("Iterable[Item]", token["policies"]), right, match[1])
    return False


def _is_given(policies: Iterable[Item], right: Right, owner: str) -> bool:
    return any(
        policy["effect"] == "allow"
        and right.resource + owner in json.loads(str(policy["resources"]))
        and any(_NAMES.get(str(one["id"])) in right.groups for one in policy["permissionGroups"])
        for policy in policies
    )
