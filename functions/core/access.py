"""Who calls, and what that role may do.

Owns API keys: `stw_{id hex}_{base64url of 32 bytes}` for keys in the database and
`stw_root_{base64url of 32 bytes}` for the root operator key. Only the SHA-256 (lower-case hex, of
the 32 bytes) is ever stored.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from functions.core import events, fields
from functions.core.ids import is_id, new_id
from functions.core.platform import ATTEMPTS
from functions.core.problems import (
    FieldError,
    busy,
    forbidden,
    invalid,
    not_found,
    unauthorized,
)
from functions.core.times import LAST_MS
from functions.ports.records import ConflictError, Records, Row, Statement

if TYPE_CHECKING:
    from functions.ports.clock import Clock
    from functions.ports.entropy import Entropy

Role: TypeAlias = Literal["operator", "developer", "tenant"]
ROLES: tuple[Role, ...] = ("operator", "developer", "tenant")
SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Caller:
    role: Role
    subject_id: str | None
    """The developer's or tenant's id; None for operators."""
    key_id: str
    """`root` for the root operator key; the id of the link of a caller by a link."""
    is_link: bool = False
    """A tenant in a browser, by a link: only what takes links lets it in (`core.tenant_links`)."""

    @property
    def actor(self) -> str:
        """How events name the caller."""
        return f"{'link' if self.is_link else 'key'}:{self.key_id}"


@dataclass(frozen=True, slots=True)
class ApiKey:
    id: str
    role: Role
    subject_id: str | None
    created_at: int
    expires_at: int | None
    revoked_at: int | None


def secret_hash(secret: bytes) -> str:
    return hashlib.sha256(secret).hexdigest()


def format_key(key_id: str, secret: bytes) -> str:
    """The text that is given out once. `key_id` is an id or `root`."""
    encoded = base64.urlsafe_b64encode(secret).rstrip(b"=").decode()
    return f"stw_{key_id.replace('-', '')}_{encoded}"


def parse_key(text: str) -> tuple[str, bytes] | None:
    """The key's id (or `root`) and secret; None where the text is no key of ours."""
    scheme, _, rest = text.partition("_")
    label, _, encoded = rest.partition("_")
    if scheme != "stw" or len(encoded) != 43:
        return None
    try:
        secret = base64.b64decode(encoded + "=", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if label == "root":
        return "root", secret
    groups = (label[:8], label[8:12], label[12:16], label[16:20], label[20:])
    key_id = "-".join(groups)
    return (key_id, secret) if is_id(key_id) else None


async def authenticate(
    records: Records, clock: "Clock", root_hashes: Sequence[str], authorization: str | None
) -> Caller:
    """The caller behind an `Authorization` header.

    Raises: ProblemError 401 for a header that is missing or malformed and for a key that is
    unknown, wrong, expired or revoked; the answer does not say which.
    """
    scheme, _, text = (authorization or "").partition(" ")
    parsed = parse_key(text.strip()) if scheme.lower() == "bearer" else None
    if parsed is None:
        raise unauthorized()
    key_id, secret = parsed
    digest = secret_hash(secret)
    if key_id == "root":
        # Every slot is compared, so the time does not tell which of the two matched.
        matches = [hmac.compare_digest(digest.encode(), known.encode()) for known in root_hashes]
        if not any(matches):
            raise unauthorized()
        return Caller("operator", None, "root")
    rows = await records.fetch(Statement("SELECT * FROM api_key WHERE id = ?", (key_id,)))
    if not rows or not hmac.compare_digest(digest.encode(), str(rows[0]["secret_sha256"]).encode()):
        raise unauthorized()
    key = _api_key(rows[0])
    if key.revoked_at is not None or (
        key.expires_at is not None and key.expires_at <= clock.now_ms()
    ):
        raise unauthorized()
    return Caller(key.role, key.subject_id, key.id)


def require_operator(caller: Caller) -> None:
    """Raises: ProblemError 404 for a tenant (DESIGN 6: nothing of the platform is shown to it), 403
    for a developer."""
    if caller.role == "tenant":
        raise not_found("resource")
    if caller.role != "operator":
        raise forbidden("Only an operator's key may do this.")


def require_developer(caller: Caller) -> str:
    """The developer's id.

    Raises: ProblemError 404 for a tenant, 403 for an operator, who owns no apps.
    """
    if caller.role == "tenant":
        raise not_found("resource")
    if caller.role != "developer" or caller.subject_id is None:
        raise forbidden("Only a developer's key may do this.")
    return caller.subject_id


def require_tenant_or_operator(caller: Caller) -> None:
    """Raises: ProblemError 403 for a developer."""
    if caller.role == "developer":
        raise forbidden("Only a tenant's or an operator's key may do this.")


def require_tenant(caller: Caller, tenant_id: str) -> None:
    """That the caller is this tenant, or an operator.

    Raises: ProblemError 404 for another tenant, 403 for a developer.
    """
    if caller.role == "developer":
        raise forbidden("Only the tenant's key or an operator's may do this.")
    if caller.role == "tenant" and caller.subject_id != tenant_id:
        raise not_found("tenant")


def key_statements(
    key_id: str,
    secret: bytes,
    role: Role,
    subject_id: str | None,
    actor: str,
    now: int,
    expires_at: int | None = None,
) -> list[Statement]:
    """Writes a new key and its first event; for batches that create its subject too."""
    values = (key_id, secret_hash(secret), role, subject_id, now, expires_at, 1)
    return [
        Statement(
            "INSERT INTO api_key (id, secret_sha256, role, subject_id, created_at, expires_at,"
            " revision) VALUES (?, ?, ?, ?, ?, ?, ?)",
            values,
        ),
        events.created(key_id, "api_key", actor, "active", now),
    ]


async def create_key(
    records: Records,
    clock: "Clock",
    entropy: "Entropy",
    role: str,
    subject_id: str | None,
    expires_at: int | None,
    *,
    actor: str = "operator",
) -> tuple[str, ApiKey]:
    """A new key and its record; the key's text cannot be had again. Each call makes another key.

    Raises: ProblemError 422 for an unknown role, a missing or unknown subject, an operator's key
    with a subject, or an expiry that has passed.
    """
    now = clock.now_ms()
    errors = await _key_errors(records, role, subject_id, expires_at, now)
    if errors:
        raise invalid(errors)
    key_id = new_id(clock, entropy)
    secret = entropy.token_bytes(SECRET_BYTES)
    known = cast("Role", role)
    await records.batch(key_statements(key_id, secret, known, subject_id, actor, now, expires_at))
    return format_key(key_id, secret), ApiKey(key_id, known, subject_id, now, expires_at, None)


async def list_keys(
    records: Records, *, after: str | None = None, limit: int = 100
) -> Sequence[ApiKey]:
    """Keys in order of their ids (their time of creation), from behind the id `after`."""
    rows = await records.fetch(
        Statement("SELECT * FROM api_key WHERE id > ? ORDER BY id LIMIT ?", (after or "", limit))
    )
    return [_api_key(row) for row in rows]


async def revoke_key(
    records: Records, clock: "Clock", key_id: str, *, actor: str = "operator"
) -> ApiKey:
    """Takes effect at the key's next use. A revoked key stays as it is.

    Raises: ProblemError 404 for an unknown key, 409 `busy` where other changes kept winning.
    """
    if not is_id(key_id):
        raise not_found("API key")
    for _ in range(ATTEMPTS):
        rows = await records.fetch(Statement("SELECT * FROM api_key WHERE id = ?", (key_id,)))
        if not rows:
            raise not_found("API key")
        if rows[0]["revoked_at"] is not None:
            return _api_key(rows[0])
        now = clock.now_ms()
        change = events.Transition(
            "api_key",
            key_id,
            cast("int", rows[0]["revision"]),
            actor,
            "revoked",
            "active",
            "revoked",
            now,
        )
        try:
            await records.batch([change.event(), change.update({"revoked_at": now})])
        except ConflictError:
            continue
        return replace(_api_key(rows[0]), revoked_at=now)
    raise busy()


async def _key_errors(
    records: Records, role: str, subject_id: str | None, expires_at: int | None, now: int
) -> list[FieldError]:
    found = fields.Collector()
    if role not in ROLES:
        found.add("/role", f"must be one of {', '.join(ROLES)}")
    elif role == "operator":
        if subject_id is not None:
            found.add("/subject_id", "an operator's key has no subject; leave it out")
    elif subject_id is None or not await _subject_exists(records, role, subject_id):
        found.add("/subject_id", f"must be the id of an existing {role}")
    if expires_at is not None and expires_at <= now:
        found.add("/expires_at", "must lie in the future")
    elif expires_at is not None and expires_at > LAST_MS:
        found.add("/expires_at", "must not lie behind the year 9999 (UTC)")
    return found.errors


_SUBJECTS = {
    "developer": "SELECT id FROM developer WHERE id = ? AND deleted_at IS NULL",
    "tenant": "SELECT id FROM tenant WHERE id = ? AND deleted_at IS NULL",
}


async def _subject_exists(records: Records, role: str, subject_id: str) -> bool:
    if not is_id(subject_id):
        return False
    return bool(await records.fetch(Statement(_SUBJECTS[role], (subject_id,))))


def _api_key(row: Row) -> ApiKey:
    return ApiKey(
        id=cast("str", row["id"]),
        role=cast("Role", row["role"]),
        subject_id=cast("str | None", row["subject_id"]),
        created_at=cast("int", row["created_at"]),
        expires_at=cast("int | None", row["expires_at"]),
        revoked_at=cast("int | None", row["revoked_at"]),
    )
