"""Randomness of the operating system, and one that can be repeated."""

import random
import secrets


class SystemEntropy:
    def token_bytes(self, size: int) -> bytes:
        return secrets.token_bytes(size)


class SeededEntropy:
    """The same bytes for the same seed. For tests only: it keeps nothing secret."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311  (repeatable on purpose)

    def token_bytes(self, size: int) -> bytes:
        return self._random.randbytes(size)
