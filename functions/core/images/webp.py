"""WebP (RFC 9649), chunk by chunk.

The rules:
1. A RIFF of the form WEBP inside the file; what lies behind it is not looked at.
2. The simple forms are one VP8 or VP8L chunk. The extended form begins with VP8X, has exactly one
   of them, and its canvas has that chunk's size.
3. ANIM, ANMF and the flag for them make it an animation, EXIF may turn it.
"""

import struct
from collections.abc import Iterator

from functions.core.images.exif import UPRIGHT, orientation
from functions.core.images.picture import (
    Picture,
    animated,
    count_parts,
    damaged,
    rotated,
    unsupported,
)

RIFF = b"RIFF"
FORM = b"WEBP"

_HEADER = struct.Struct("<4sI")
_ANIMATION_FLAG = 0x02
_VP8_START = b"\x9d\x01\x2a"
_VP8L_SIGNATURE = 0x2F


def is_webp(data: bytes) -> bool:
    return data.startswith(RIFF) and data[8:12] == FORM


def read(data: bytes) -> Picture:
    """Raises: PictureError."""
    if not is_webp(data):
        raise unsupported("The file is not a WebP.")
    parts = _chunks(data)
    kind, body = next(parts, (b"", b""))
    if kind in _SIZES:
        return Picture("WebP", *_SIZES[kind](body))
    if kind != b"VP8X" or len(body) < 10:
        raise damaged("The WebP begins with none of the chunks that the standard knows.")
    if body[0] & _ANIMATION_FLAG:
        raise animated()
    canvas = (1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little"))
    if _sizes(parts) != [canvas]:
        raise damaged("The WebP's canvas is not exactly one picture of its size.")
    return Picture("WebP", *canvas)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    end = _HEADER.size + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise damaged("The WebP ends early.")
    position = _HEADER.size + len(FORM)
    seen = 0
    while position < end:
        seen += 1
        count_parts(seen)
        if position + _HEADER.size > end:
            raise damaged("The WebP ends within a chunk.")
        kind, size = _HEADER.unpack_from(data, position)
        start = position + _HEADER.size
        if start + size > end:
            raise damaged("A chunk of the WebP goes past its end.")
        yield kind, data[start : start + size]
        position = start + size + size % 2


def _sizes(parts: Iterator[tuple[bytes, bytes]]) -> list[tuple[int, int]]:
    """The size of every picture in the rest of an extended file."""
    found: list[tuple[int, int]] = []
    for kind, body in parts:
        if kind in {b"ANIM", b"ANMF"}:
            raise animated()
        if kind == b"EXIF" and orientation(body) != UPRIGHT:
            raise rotated()
        if kind in _SIZES:
            found.append(_SIZES[kind](body))
    return found


def _lossy(body: bytes) -> tuple[int, int]:
    """Width and height of a VP8 key frame (RFC 6386 9.1)."""
    # Bit 0 of the frame tag is 0 for a key frame.
    if len(body) < 10 or body[0] & 1 or body[3:6] != _VP8_START:
        raise damaged("The WebP's picture does not begin with a key frame.")
    width, height = struct.unpack_from("<HH", body, 6)
    # The two highest bits ask for scaling, which is no part of the size.
    return _positive(width & 0x3FFF, height & 0x3FFF)


def _lossless(body: bytes) -> tuple[int, int]:
    """Width and height of a VP8L picture: 14 bits each, then one for alpha and three for a version
    that is 0."""
    bits = int.from_bytes(body[1:5], "little")
    if len(body) < 5 or body[0] != _VP8L_SIGNATURE or bits >> 29:
        raise damaged("The WebP's picture does not begin as a lossless one.")
    return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1


def _positive(width: int, height: int) -> tuple[int, int]:
    if not width or not height:
        raise damaged("The WebP's width or height is 0.")
    return width, height


_SIZES = {b"VP8 ": _lossy, b"VP8L": _lossless}
