"""Shapes of the secret settings, checked before anything is deployed.

A Worker that is given a malformed key fails at its first request; a deployment that is given one
should not begin. The messages name the shape that is wanted and never quote what was given.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from typing import cast

_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SHA256_HEX = re.compile(r"[0-9a-f]{64}")
KEY_ID_FORM = "1 to 64 letters, digits, hyphens and underscores"
"""Key ids stand in URLs and signatures as they are, so they hold nothing that needs escaping."""
KEY_BYTES = 32
"""Length of an HMAC-SHA256 key for download URLs and of an Ed25519 seed."""
MAX_ROOT_KEYS = 2
"""Two slots: the new key is put beside the old one, then the old one is taken out."""


def download_keys_problem(text: str) -> str | None:
    """What is wrong with the keys that sign download URLs, or None."""
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


PROBLEMS: Mapping[str, Callable[[str], str | None]] = {
    "downloadKeys": download_keys_problem,
    "signingKey": signing_key_problem,
    "rootKeyHashes": root_key_hashes_problem,
    "webhookUrl": webhook_url_problem,
    "webhookSecret": webhook_secret_problem,
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
