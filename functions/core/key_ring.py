"""Secret keys of one purpose, of which one is in use."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class KeyRing:
    """HMAC keys of 32 bytes by id; `current` signs, all verify, so that a key can be rotated."""

    current: str
    keys: Mapping[str, bytes] = field(repr=False)
