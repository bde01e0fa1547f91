"""Links by which a tenant reaches its hostnames in a browser, without a key.

A link's URL ends in `#` and a token: what follows `#` is sent to no server, so the token reaches no
log and no referrer; the page sends it in the header `Authorization`. A token is

    stl.{key id}.{link id}.{expiry, ms}.{HMAC-SHA256 over the tag and these three, by line feeds}

in base64url. Its signature comes from keys that only the api holds, its end is part of what is
signed, and its row can be revoked. Only endpoints for hostnames take it (`HostnameCaller`).
"""

import base64
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from functions.core import fields, tenants
from functions.core.access import Caller
from functions.core.ids import is_id, new_id
from functions.core.key_ring import KeyRing
from functions.core.problems import Problem, ProblemError, not_found, unauthorized
from functions.ports.records import Records, Row, Statement

if TYPE_CHECKING:
    from functions.ports.clock import Clock
    from functions.ports.entropy import Entropy

TAG = "stowage-tenant-link-v1"
SCHEME = "stl"
PAGE_PATH = "/hostnames/"
SHORTEST_SECONDS = 60
LONGEST_SECONDS = 90 * 24 * 3600
USUAL_SECONDS = 7 * 24 * 3600

_TOKEN = re.compile(
    rf"{SCHEME}\.([A-Za-z0-9_-]{{1,64}})\.([0-9a-f-]{{36}})\.([0-9]{{1,15}})\.([A-Za-z0-9_-]+)"
)


@dataclass(frozen=True, slots=True)
class TenantLink:
    id: str
    tenant_id: str
    created_by: str
    created_at: int
    expires_at: int
    revoked_at: int | None


def token_of(link_id: str, expires_at: int, keys: KeyRing) -> str:
    """The secret part of a link's URL."""
    mark = _mac(keys.keys[keys.current], keys.current, link_id, str(expires_at))
    return f"{SCHEME}.{keys.current}.{link_id}.{expires_at}.{mark}"


def is_token(authorization: str | None) -> bool:
    """Whether an `Authorization` header brings a link's token, good or not."""
    scheme, _, text = (authorization or "").partition(" ")
    return scheme.lower() == "bearer" and text.strip().startswith(f"{SCHEME}.")


async def create_link(
    records: Records,
    clock: "Clock",
    entropy: "Entropy",
    keys: KeyRing,
    api_url: str,
    caller: Caller,
    tenant_id: str,
    expires_in_seconds: int = USUAL_SECONDS,
) -> tuple[TenantLink, str]:
    """A new link and its URL, which cannot be had again. Each call makes another link.

    Raises: ProblemError 404 for another tenant's, 403 for a developer, 422.
    """
    await tenants.reach(records, caller, tenant_id)
    found = fields.Collector()
    if not SHORTEST_SECONDS <= expires_in_seconds <= LONGEST_SECONDS:
        found.add("/expires_in_seconds", f"must be {SHORTEST_SECONDS} to {LONGEST_SECONDS}")
    found.check()
    now = clock.now_ms()
    link = TenantLink(
        new_id(clock, entropy), tenant_id, caller.actor, now, now + expires_in_seconds * 1000, None
    )
    await records.batch(
        [
            Statement(
                "INSERT INTO tenant_link (id, tenant_id, created_by, created_at, expires_at)"
                " VALUES (?, ?, ?, ?, ?)",
                (link.id, tenant_id, link.created_by, now, link.expires_at),
            )
        ]
    )
    token = token_of(link.id, link.expires_at, keys)
    return link, f"{api_url}{PAGE_PATH}#{token}"


async def list_links(
    records: Records,
    caller: Caller,
    tenant_id: str,
    *,
    after: str | None = None,
    limit: int = 100,
) -> Sequence[TenantLink]:
    """The tenant's links, the oldest first, from behind the id `after`: also those that have ended.

    Raises: as `create_link`.
    """
    await tenants.reach(records, caller, tenant_id)
    rows = await records.fetch(
        Statement(
            "SELECT * FROM tenant_link WHERE tenant_id = ? AND id > ? ORDER BY id LIMIT ?",
            (tenant_id, after or "", limit),
        )
    )
    return [_link_of(row) for row in rows]


async def revoke_link(
    records: Records, clock: "Clock", caller: Caller, tenant_id: str, link_id: str
) -> None:
    """Takes effect at the link's next use. A revoked one stays as it is.

    Raises: as `create_link`; ProblemError 404 for a link that the tenant has not.
    """
    await tenants.reach(records, caller, tenant_id)
    link = await _find(records, link_id)
    if link is None or link.tenant_id != tenant_id:
        raise not_found("link")
    await records.batch(
        [
            Statement(
                "UPDATE tenant_link SET revoked_at = ?, revoked_by = ?"
                " WHERE id = ? AND revoked_at IS NULL",
                (clock.now_ms(), caller.actor, link_id),
            )
        ]
    )


async def authenticate(
    records: Records, clock: "Clock", keys: KeyRing, authorization: str
) -> Caller:
    """The tenant behind the token of a link.

    Raises: ProblemError 401 for a token that is malformed or not ours; `link-expired` and
    `link-revoked` only to whom has a right one.
    """
    _, _, text = authorization.partition(" ")
    match = _TOKEN.fullmatch(text.strip())
    secret = keys.keys.get(match[1]) if match else None
    if match is None or secret is None or not is_id(match[2]):
        raise _bad()
    if not hmac.compare_digest(_mac(secret, *match.groups()[:3]).encode(), match[4].encode()):
        raise _bad()
    if int(match[3]) <= clock.now_ms():
        raise _ended("link-expired", "This link has expired. Ask for a new one.")
    link = await _find(records, match[2])
    if link is None:
        raise _bad()
    if link.revoked_at is not None:
        raise _ended("link-revoked", "This link was revoked. Ask for a new one.")
    return Caller("tenant", link.tenant_id, link.id, is_link=True)


async def find_link(records: Records, caller: Caller) -> TenantLink | None:
    """The link that a caller came by."""
    return await _find(records, caller.key_id) if caller.is_link else None


async def _find(records: Records, link_id: str) -> TenantLink | None:
    """None also where the tenant is gone."""
    rows = await records.fetch(
        Statement(
            "SELECT tenant_link.* FROM tenant_link JOIN tenant ON tenant.id = tenant_link.tenant_id"
            " WHERE tenant_link.id = ? AND tenant.deleted_at IS NULL",
            (link_id,),
        )
    )
    return _link_of(rows[0]) if rows else None


def _mac(secret: bytes, key_id: str, link_id: str, expires_at: str) -> str:
    text = "\n".join([TAG, key_id, link_id, expires_at])
    digest = hmac.digest(secret, text.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _bad() -> ProblemError:
    return unauthorized("This link is not valid. Use it exactly as you were given it.")


def _ended(slug: str, detail: str) -> ProblemError:
    return ProblemError(Problem(slug, "Unauthorized", 401, detail))


def _link_of(row: Row) -> TenantLink:
    return TenantLink(
        id=cast("str", row["id"]),
        tenant_id=cast("str", row["tenant_id"]),
        created_by=cast("str", row["created_by"]),
        created_at=cast("int", row["created_at"]),
        expires_at=cast("int", row["expires_at"]),
        revoked_at=cast("int | None", row["revoked_at"]),
    )
