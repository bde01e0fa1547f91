"""Ed25519 by the `cryptography` package."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class Ed25519Signer:
    """`seed` is the private key's 32 bytes (RFC 8032)."""

    def __init__(self, key_id: str, seed: bytes) -> None:
        self._key_id = key_id
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def key_id(self) -> str:
        return self._key_id

    @property
    def public_key(self) -> bytes:
        """32 bytes."""
        return self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    async def sign(self, statement: bytes) -> bytes:
        return self._key.sign(statement)
