"""Shapes of the secret settings, checked before anything is deployed.

A Worker that is given a malformed key fails at its first request; a deployment that is given one
should not begin. The messages name the shape that is wanted and never quote what was given.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import cast

_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SHA256_HEX = re.compile(r"[0-9a-f]{64}")
KEY_ID_FORM = "1 to 64 letters, digits, hyphens and underscores"
"""Key ids stand in URLs and signatures as they are, so they hold nothing that needs escaping."""
KEY_BYTES = 32
"""Length of an HMAC-SHA256 key and of an Ed25519 seed."""
MAX_ROOT_KEYS = 2
"""Two slots: the new key is put beside the old one, then the old one is taken out."""
STORAGE_ROLES = ("edge", "api", "jobs", "publisher")
"""Whose keys storageKeys may hold. No two share one, or each would have the other's rights."""

STORAGE_ORIGIN_HEADER = "x-stowage-origin"
"""Carries `storageOriginSecret`."""

_ACCESS_KEY_ID = re.compile(r"[A-Za-z0-9._-]{3,128}")
# Stands in an expression of the zone's firewall, so it holds no quotes; long enough not to be
# guessed.
_ORIGIN_SECRET = re.compile(r"[A-Za-z0-9_-]{32,128}")
_MAX_ORIGIN_SECRETS = 2


def key_ring_problem(text: str) -> str | None:
    """What is wrong with the keys that sign download URLs, or tenants' links, or None."""
    wanted = (
        'must be JSON {"current": KEY_ID, "keys": {KEY_ID: base64 of '
        f"{KEY_BYTES} bytes}}}}, nothing else, whose current key is among the keys; a key id is "
        f"{KEY_ID_FORM}"
    )
    document = _object(text)
    keys = _mapping(document.get("keys")) if document else None
    if not document or not keys or set(document) != {"current", "keys"}:
        return wanted
    if not all(map(is_key_id, keys)) or not all(map(_is_key, keys.values())):
        return wanted
    # In this order: what is no text may not be looked up in a mapping.
    if not is_key_id(document["current"]) or document["current"] not in keys:
        return wanted
    return None


def signing_key_problem(text: str) -> str | None:
    """What is wrong with the platform's signing key, or None."""
    document = _object(text)
    well_formed = (
        document is not None
        and set(document) == {"id", "seed"}
        and is_key_id(document["id"])
        and _is_key(document["seed"])
    )
    if not well_formed:
        return (
            f'must be JSON {{"id": KEY_ID, "seed": base64 of the {KEY_BYTES}-byte Ed25519 seed}}, '
            f"nothing else; a key id is {KEY_ID_FORM}"
        )
    return None


def root_key_hashes_problem(text: str) -> str | None:
    """What is wrong with the hashes of the root operator keys, or None."""
    hashes = _parsed(text)
    if not isinstance(hashes, list):
        hashes = []
    found = cast("list[object]", hashes)
    well_formed = all(isinstance(one, str) and _SHA256_HEX.fullmatch(one) for one in found)
    if not 1 <= len(found) <= MAX_ROOT_KEYS or not well_formed:
        return (
            f"must be a JSON list of 1 to {MAX_ROOT_KEYS} SHA-256 digests in lower-case hex, "
            "one for each root operator key"
        )
    return None


def webhook_url_problem(text: str) -> str | None:
    """What is wrong with the webhook's URL, or None."""
    if not re.fullmatch(r"https://[^\s/?#]+(/\S*)?", text):
        return "must be an https:// URL: what it is told is nobody else's to read"
    return None


def webhook_secret_problem(text: str) -> str | None:
    """What is wrong with the webhook's secret, or None."""
    if not text or not text.isprintable():
        return "must be printable text: it travels in the header cf-webhook-auth"
    return None


def storage_keys_problem(text: str) -> str | None:
    """What is wrong with the Workers' keys of the storage servers, or None."""
    servers = _object(text) or {}
    wanted = (
        'must be JSON {"minio": {"edge": {"access_key_id": ID, "secret_access_key": KEY}, "api": '
        '{...}, "jobs": {...}}}, nothing else: servers minio and b2, roles '
        f"{', '.join(STORAGE_ROLES)}, an id of letters, digits, dots, hyphens and underscores"
    )
    roles = [_mapping(one) for one in servers.values()]
    if not servers or not set(servers) <= {"minio", "b2"} or not all(roles):
        return wanted
    for one in roles:
        if not set(one or ()) <= set(STORAGE_ROLES) or not all(map(_is_pair, (one or {}).values())):
            return wanted
    return None


def storage_key_ids(text: str) -> Mapping[str, Mapping[str, str]]:
    """The access key ids of well-formed keys, by server and role. They are public: every presigned
    URL and every signed request names one."""
    return {
        server: {role: pair["access_key_id"] for role, pair in roles.items()}
        for server, roles in _storage_keys(text).items()
    }


def storage_keys_of(text: str, role: str, servers: Iterable[str]) -> str:
    """The part of well-formed keys that one Worker is given: JSON, its own pair for each server."""
    given = {server: _storage_keys(text)[server][role] for server in servers}
    return json.dumps(given, sort_keys=True, separators=(",", ":"))


def storage_secret_key(text: str, role: str, server: str) -> str:
    """The secret half of a role's key."""
    return _storage_keys(text)[server][role]["secret_access_key"]


def storage_origin_secret_problem(text: str) -> str | None:
    """What is wrong with the secret that the Workers send to a proxied server, or None."""
    found = storage_origin_secrets(text)
    well_formed = all(map(_ORIGIN_SECRET.fullmatch, found)) and len(set(found)) == len(found)
    if len(found) > _MAX_ORIGIN_SECRETS or not well_formed:
        return (
            "must be 32 to 128 letters, digits, hyphens and underscores; while it is rotated two "
            "of them, the new one first, with a comma between"
        )
    return None


def storage_origin_secrets(text: str) -> list[str]:
    """The secrets that the firewall lets through. The Workers send the first."""
    return text.split(",")


PROBLEMS: Mapping[str, Callable[[str], str | None]] = {
    "downloadKeys": key_ring_problem,
    "tenantLinkKeys": key_ring_problem,
    "signingKey": signing_key_problem,
    "rootKeyHashes": root_key_hashes_problem,
    "webhookUrl": webhook_url_problem,
    "webhookSecret": webhook_secret_problem,
    "storageKeys": storage_keys_problem,
    "storageOriginSecret": storage_origin_secret_problem,
}


def signing_key_id(text: str) -> str | None:
    """The id of a well-formed signing key, which is public; None when it is malformed."""
    document = _object(text)
    key_id = document.get("id") if document else None
    return key_id if isinstance(key_id, str) else None


def is_key_id(value: object) -> bool:
    """Whether this is text that may be a key's id."""
    return isinstance(value, str) and _KEY_ID.fullmatch(value) is not None


def is_base64_of(text: str, size: int) -> bool:
    """Whether the text is standard base64, padded, of exactly `size` bytes."""
    try:
        return len(base64.b64decode(text, validate=True)) == size
    except (binascii.Error, ValueError):
        return False


def _storage_keys(text: str) -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    return cast("Mapping[str, Mapping[str, Mapping[str, str]]]", json.loads(text))


def _is_pair(value: object) -> bool:
    pair = _mapping(value)
    if pair is None or set(pair) != {"access_key_id", "secret_access_key"}:
        return False
    key_id, secret = pair["access_key_id"], pair["secret_access_key"]
    return (
        isinstance(key_id, str)
        and _ACCESS_KEY_ID.fullmatch(key_id) is not None
        and isinstance(secret, str)
        and bool(secret)
        and secret.isprintable()
    )


def _is_key(value: object) -> bool:
    return isinstance(value, str) and is_base64_of(value, KEY_BYTES)


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _object(text: str) -> dict[str, object] | None:
    return _mapping(_parsed(text))


def _mapping(value: object) -> dict[str, object] | None:
    return cast("dict[str, object]", value) if isinstance(value, dict) else None
