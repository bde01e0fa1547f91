"""Randomness, as a port: ids and secrets can be repeated in tests."""

from typing import Protocol


class Entropy(Protocol):
    def token_bytes(self, size: int) -> bytes:
        """`size` bytes from a cryptographically secure source."""
        ...
