"""Checking Ed25519 signatures of developers (RFC 8032)."""

from typing import Protocol


class Verifier(Protocol):
    async def verify(self, public_key: bytes, signature: bytes, statement: bytes) -> bool:
        """Whether the owner of `public_key` (32 bytes) made `signature` (64 bytes) over
        `statement`. False for whatever cannot be that, such as bytes of another length or a key
        that is no point of the curve: all of them come from strangers."""
        ...
