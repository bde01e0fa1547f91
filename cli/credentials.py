"""Makes the keys that a platform needs before its first deployment: the HMAC keys of download URLs
and of tenants' links, the Ed25519 key of the platform's signature with its public half, and the
root operator key with its hash.

The shapes are those that functions/settings.py names.
"""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cli.failures import Failure
from local.home import write_private

ROOT_KEY_PREFIX = "stw_root_"
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Credentials:
    """The keys of one platform. All but `platform_keys` are secret."""

    download_keys: str
    """Secret JSON: the current key id, and all keys that are still accepted."""
    tenant_link_keys: str
    """Secret JSON of the same form."""
    signing_key: str
    """Secret JSON: key id and seed."""
    platform_keys: tuple[dict[str, str | None], ...]
    """The public keys by which signatures are verified."""
    root_operator_key: str

    @property
    def root_key_hashes(self) -> str:
        """JSON list with the one hash of the root operator key's secret bytes."""
        return json.dumps([root_key_hash(self.root_operator_key)])

    def secret_settings(self) -> dict[str, str]:
        """The settings that a stack file holds encrypted."""
        return {
            "downloadKeys": self.download_keys,
            "tenantLinkKeys": self.tenant_link_keys,
            "signingKey": self.signing_key,
            "rootKeyHashes": self.root_key_hashes,
        }


def generate(now: datetime | None = None) -> Credentials:
    """New keys; `now` begins the validity of the public key."""
    signing_id = f"signing-{secrets.token_hex(4)}"
    private = Ed25519PrivateKey.generate()
    since = (now or datetime.now(UTC)).replace(microsecond=0)
    secret = base64.urlsafe_b64encode(secrets.token_bytes(_KEY_BYTES)).decode().rstrip("=")
    return Credentials(
        download_keys=_key_ring("download"),
        tenant_link_keys=_key_ring("link"),
        signing_key=json.dumps({"id": signing_id, "seed": _base64(private.private_bytes_raw())}),
        platform_keys=(
            {
                "id": signing_id,
                "algorithm": "Ed25519",
                "public_key": _base64(private.public_key().public_bytes_raw()),
                "not_before": since.isoformat().replace("+00:00", "Z"),
                "not_after": None,
            },
        ),
        root_operator_key=ROOT_KEY_PREFIX + secret,
    )


def root_key_hash(key: str) -> str:
    """SHA-256, in hex, of the secret bytes of a root operator key."""
    text = key.removeprefix(ROOT_KEY_PREFIX)
    return hashlib.sha256(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))).hexdigest()


def load_or_generate(path: Path) -> tuple[Credentials, bool]:
    """The keys kept in a file that only its owner may read, and whether they were made just now."""
    if path.exists():
        return _completed(path), False
    made = generate()
    document = {
        "downloadKeys": made.download_keys,
        "tenantLinkKeys": made.tenant_link_keys,
        "signingKey": made.signing_key,
        "platformKeys": list(made.platform_keys),
        "rootOperatorKey": made.root_operator_key,
    }
    write_private(path, json.dumps(document, indent=2) + "\n")
    return made, True


def load(path: Path) -> Credentials:
    """The keys in a file.

    Raises:
        Failure: it is missing or damaged. New keys would not fit what is deployed, so none are
            made.
    """
    try:
        document = cast("dict[str, object]", json.loads(path.read_text(encoding="utf-8")))
        return Credentials(
            download_keys=cast("str", document["downloadKeys"]),
            tenant_link_keys=cast("str", document.get("tenantLinkKeys", "")),
            signing_key=cast("str", document["signingKey"]),
            platform_keys=tuple(cast("list[dict[str, str | None]]", document["platformKeys"])),
            root_operator_key=cast("str", document["rootOperatorKey"]),
        )
    except FileNotFoundError as error:
        raise Failure(f"There are no keys in {path.parent}: run `stowage up` first.") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Failure(
            f"The keys in {path} cannot be read ({error}). Restore the file, or begin again with "
            "an empty local cloud: `make clean-cloud`, then `make up`."
        ) from error


def _completed(path: Path) -> Credentials:
    """The keys in a file, with those of links where it was written before there were any: nothing
    that is deployed knows of them yet."""
    found = load(path)
    if found.tenant_link_keys:
        return found
    document = json.loads(path.read_text(encoding="utf-8"))
    made = replace(found, tenant_link_keys=_key_ring("link"))
    document["tenantLinkKeys"] = made.tenant_link_keys
    write_private(path, json.dumps(document, indent=2) + "\n")
    return made


def _key_ring(purpose: str) -> str:
    """One new HMAC key, in use."""
    key_id = f"{purpose}-{secrets.token_hex(4)}"
    key = _base64(secrets.token_bytes(_KEY_BYTES))
    return json.dumps({"current": key_id, "keys": {key_id: key}})


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
