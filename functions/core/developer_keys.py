"""The public keys with which developers sign their packages.

A developer has any number of them, so that a new one can be registered before the old one is
revoked. A revoked key stays revoked for ever and is kept: its signatures were good when they were
made. Two developers may register the same key: what is signed names the developer.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from functions.core import access, events, fields
from functions.core.ids import is_id, new_id
from functions.core.platform import ATTEMPTS
from functions.core.problems import busy, conflict, not_found
from functions.ports.records import ConflictError, Records, Row, Statement

if TYPE_CHECKING:
    from functions.ports.clock import Clock
    from functions.ports.entropy import Entropy

KEY_BYTES = 32

_SIGN_BIT = 0x7F
WEAK = frozenset(
    bytes.fromhex(text)
    for text in (
        "00" * 32,
        "01" + "00" * 31,
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    )
)
"""The points of small order, as they stand in a key but for the sign, in each way to write them:
with one of them as the key, a signature can be made that holds for any text."""


@dataclass(frozen=True, slots=True)
class DeveloperKey:
    id: str
    developer_id: str
    name: str | None
    public_key: str
    """Base64 of the 32 bytes (RFC 8032)."""
    created_at: int
    revoked_at: int | None
    revision: int


async def register_key(
    records: Records,
    clock: "Clock",
    entropy: "Entropy",
    caller: access.Caller,
    public_key: str,
    name: str | None = None,
) -> tuple[DeveloperKey, bool]:
    """The key of the calling developer, and whether it is new; registering one again changes
    nothing.

    Raises: ProblemError 403/404 (role), 422, 409 `developer-key-revoked`.
    """
    developer_id = access.require_developer(caller)
    found = fields.Collector()
    if name is not None:
        found.name(name)
    raw = decoded(public_key, KEY_BYTES)
    if raw is None:
        found.add("/public_key", "must be the base64 of the 32 bytes of an Ed25519 public key")
    elif is_weak(raw):
        found.add("/public_key", "must not be a point of small order, which proves nothing")
    found.check()
    for _ in range(ATTEMPTS):
        known = await _find(
            records, "developer_id = ? AND public_key = ?", (developer_id, public_key)
        )
        if known is not None and known.revoked_at is not None:
            raise conflict(
                "developer-key-revoked",
                "This key was revoked, and stays so. Make another one and register that.",
            )
        if known is not None:
            return known, False
        now = clock.now_ms()
        key = DeveloperKey(new_id(clock, entropy), developer_id, name, public_key, now, None, 1)
        try:
            await records.batch(
                [
                    Statement(
                        "INSERT INTO developer_key (id, developer_id, name, public_key, created_at,"
                        " revision) VALUES (?, ?, ?, ?, ?, 1)",
                        (key.id, developer_id, name, public_key, now),
                    ),
                    events.created(key.id, "developer_key", caller.actor, "active", now),
                ]
            )
        except ConflictError:
            continue
        return key, True
    raise busy()


async def list_keys(
    records: Records,
    caller: access.Caller,
    developer_id: str | None,
    *,
    after: str | None = None,
    limit: int = 100,
) -> Sequence[DeveloperKey]:
    """The developer's keys, the oldest first, from behind the id `after`. Operators name the
    developer, a developer may leave it out.

    Raises: ProblemError 404 for another developer's keys and for tenants, 422 where an operator
    names nobody.
    """
    if caller.role == "tenant":
        raise not_found("resource")
    wanted = developer_id if developer_id is not None else caller.subject_id
    if wanted is None:
        found = fields.Collector()
        found.add("?developer_id", "must be the id of a developer")
        found.check()
    if caller.role == "developer" and wanted != caller.subject_id:
        raise not_found("developer")
    rows = await records.fetch(
        Statement(
            "SELECT * FROM developer_key WHERE developer_id = ? AND id > ? ORDER BY id LIMIT ?",
            (wanted, after or "", limit),
        )
    )
    return [_key_of(row) for row in rows]


async def revoke_key(
    records: Records, clock: "Clock", caller: access.Caller, key_id: str
) -> DeveloperKey:
    """Takes effect at the next creation and at the next validation; versions that were validated
    stay as they are. A revoked key stays as it is.

    Raises: ProblemError 404 for an unknown key, another developer's, and tenants; 409 `busy`.
    """
    for _ in range(ATTEMPTS):
        key = await find_key(records, key_id) if caller.role != "tenant" else None
        if key is None or (caller.role == "developer" and key.developer_id != caller.subject_id):
            raise not_found("developer key")
        if key.revoked_at is not None:
            return key
        now = clock.now_ms()
        change = events.Transition(
            "developer_key", key.id, key.revision, caller.actor, "revoked", "active", "revoked", now
        )
        try:
            await records.batch([change.event(), change.update({"revoked_at": now})])
        except ConflictError:
            continue
        return replace(key, revoked_at=now, revision=key.revision + 1)
    raise busy()


async def find_key(records: Records, key_id: str) -> DeveloperKey | None:
    return await _find(records, "id = ?", (key_id,)) if is_id(key_id) else None


def decoded(text: str, length: int) -> bytes | None:
    """The `length` bytes of which `text` is the base64; None where it is not, or not the one way to
    write them."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if len(raw) == length and base64.b64encode(raw).decode() == text else None


def is_weak(public_key: bytes) -> bool:
    return public_key[:-1] + bytes([public_key[-1] & _SIGN_BIT]) in WEAK


async def _find(records: Records, where: str, parameters: tuple[str, ...]) -> DeveloperKey | None:
    rows = await records.fetch(Statement(f"SELECT * FROM developer_key WHERE {where}", parameters))  # noqa: S608
    return _key_of(rows[0]) if rows else None


def _key_of(row: Row) -> DeveloperKey:
    return DeveloperKey(
        id=cast("str", row["id"]),
        developer_id=cast("str", row["developer_id"]),
        name=cast("str | None", row["name"]),
        public_key=cast("str", row["public_key"]),
        created_at=cast("int", row["created_at"]),
        revoked_at=cast("int | None", row["revoked_at"]),
        revision=cast("int", row["revision"]),
    )
