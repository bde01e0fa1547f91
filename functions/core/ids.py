"""Identifiers: UUIDv7 text (RFC 9562), so that rows sort by their time of creation."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functions.ports.clock import Clock
    from functions.ports.entropy import Entropy

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def new_id(clock: "Clock", entropy: "Entropy") -> str:
    """48 bits of time, then 74 random ones."""
    return id_at(clock.now_ms(), entropy.token_bytes(10))


def id_at(now_ms: int, chance: bytes) -> str:
    """The id of this time and these ten bytes, of which six bits are not used."""
    number = (now_ms & (2**48 - 1)) << 80
    number |= int.from_bytes(chance, "big")
    number = (number & ~(0xF << 76)) | (0x7 << 76)
    number = (number & ~(0x3 << 62)) | (0x2 << 62)
    text = f"{number:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def is_id(text: str) -> bool:
    """Whether `text` is written the way our ids are: lower case, with dashes."""
    return UUID.fullmatch(text) is not None
