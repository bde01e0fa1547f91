"""Signatures of webhooks, as Standard Webhooks 1.0 has them (symmetric, `v1`).

Signed is `id.timestamp.body`, by HMAC-SHA256. During a rotation the header carries a signature of
each secret, and the receiver is content with any.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functions.ports.entropy import Entropy

SECRET_PREFIX = "whsec_"  # noqa: S105  (how a secret begins)
SECRET_BYTES = 32
"""The specification wants 24 to 64."""


def new_secret(entropy: "Entropy") -> str:
    """As its receiver is shown it."""
    return SECRET_PREFIX + base64.b64encode(entropy.token_bytes(SECRET_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """The key in a secret's text: what stands in base64 behind `whsec_`, and the bytes of every
    other text."""
    if secret.startswith(SECRET_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
        except binascii.Error:
            pass
    return secret.encode()


def signed_headers(
    secrets: Sequence[str], message_id: str, now_ms: int, body: bytes
) -> dict[str, str]:
    """The headers that go with a body. `message_id` holds no full stop, or it could pass for
    another; without a secret there is no signature."""
    timestamp = str(now_ms // 1000)
    headers = {"webhook-id": message_id, "webhook-timestamp": timestamp}
    signed = f"{message_id}.{timestamp}.".encode() + body
    signatures = [_signature(key_of(secret), signed) for secret in secrets]
    if signatures:
        headers["webhook-signature"] = " ".join(signatures)
    return headers


def _signature(key: bytes, signed: bytes) -> str:
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
