"""What there is to check of a package and its signed statement; no I/O."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cli.failures import UsageFailure
from cli.package_file import PackageFile
from functions.core.statements import PackageStatement, SignedStatement
from functions.core.times import parse_rfc3339

_SKEW_MS = 300_000
"""How far two clocks may be apart."""


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class PlatformKey:
    public_key: Ed25519PublicKey
    not_before: int
    not_after: int | None


class Keys:
    """The platform's public keys by their ids, from the JSON that it publishes.

    Raises:
        UsageFailure: it is not that.
    """

    def __init__(self, document: object) -> None:
        self._keys: dict[str, PlatformKey] = {}
        try:
            listed = cast("dict[str, list[dict[str, str | None]]]", document)["keys"]
            for key in listed:
                if key["algorithm"] == "Ed25519":
                    self._keys[str(key["id"])] = _platform_key(key)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UsageFailure(
                "The file of --keys is not what /.well-known/stowage-keys.json of a platform "
                f"answers: {error}."
            ) from error

    def find(self, key_id: str) -> PlatformKey | None:
        return self._keys.get(key_id)


def check_package(named: PackageStatement, package: PackageFile) -> list[Check]:
    return [
        Check("size", package.size == named.size, f"{package.size} bytes, {named.size} signed"),
        Check("SHA-256", package.sha256 == named.sha256, f"{package.sha256}"),
    ]


def check_platform(signed: SignedStatement, keys: Keys, now: datetime) -> Check:
    """The platform's signature by a key that was valid when it signed, as far as that is known: the
    time of signing is told by the statement's file, and is not signed itself."""
    name = "platform's signature"
    key = keys.find(signed.signing_key_id)
    if key is None:
        return Check(name, ok=False, detail=f"there is no key {signed.signing_key_id}")
    if not _holds(key.public_key, signed.signature, signed.statement):
        detail = f"it is not one of key {signed.signing_key_id} over this statement"
        return Check(name, ok=False, detail=detail)
    now_ms = int(now.timestamp() * 1000)
    signed_at = parse_rfc3339(signed.signed_at or "") or now_ms
    if signed_at > now_ms + _SKEW_MS:
        return Check(name, ok=False, detail="it is of a time that is still to come")
    if signed_at < key.not_before:
        return Check(name, ok=False, detail="it is of a time when the key was not valid yet")
    if signed.signed_at is None:
        return Check(name, ok=True, detail=f"by key {signed.signing_key_id}, nobody says when")
    if key.not_after is not None and signed_at > key.not_after:
        return Check(name, ok=False, detail="it is of a time when the key was no longer valid")
    detail = f"by key {signed.signing_key_id}, at {signed.signed_at} as the statement's file says"
    return Check(name, ok=True, detail=detail)


def check_developer(signed: SignedStatement, pinned: Sequence[Ed25519PublicKey]) -> list[Check]:
    """The developer's signature by one of the pinned keys. Without any, a signature that is there
    must be one of the key that comes with it, which proves nothing about who that is."""
    name = "developer's signature"
    if signed.developer_signature is None:
        return [Check(name, ok=False, detail="there is none")] if pinned else []
    if pinned:
        found = any(_holds(key, signed.developer_signature, signed.statement) for key in pinned)
        detail = "by the given key" if found else "it is not one of the given key"
        return [Check(name, found, detail)]
    recorded = _public_key(signed.developer_public_key or "")
    holds = recorded is not None and _holds(recorded, signed.developer_signature, signed.statement)
    if not holds:
        return [Check(name, ok=False, detail="it is not one of the key that comes with it")]
    detail = (
        f"by key {signed.developer_public_key}, which the platform recorded; compare it with the "
        "developer's own word by --developer-key"
    )
    return [Check(name, ok=True, detail=detail)]


def _platform_key(key: dict[str, str | None]) -> PlatformKey:
    public_key = _public_key(str(key["public_key"]))
    if public_key is None:
        raise ValueError(f"the key {key['id']} has no public key of 32 bytes")
    not_after = key["not_after"]
    return PlatformKey(
        public_key,
        _moment(str(key["not_before"])),
        None if not_after is None else _moment(not_after),
    )


def _moment(text: str) -> int:
    found = parse_rfc3339(text)
    if found is None:
        raise ValueError(f"{text!r} is no time")
    return found


def _public_key(text: str) -> Ed25519PublicKey | None:
    try:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return None


def _holds(key: Ed25519PublicKey, signature: str, statement: str) -> bool:
    try:
        key.verify(base64.b64decode(signature, validate=True), statement.encode())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True
