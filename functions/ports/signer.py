"""Ed25519 signatures of the platform."""

from typing import Protocol


class Signer(Protocol):
    @property
    def key_id(self) -> str: ...

    async def sign(self, statement: bytes) -> bytes:
        """The 64 bytes of the signature."""
        ...
