"""The one thing that Exif metadata says of how a picture is shown."""

import struct

UPRIGHT = 1
TURNED = range(2, 9)
"""Mirrored, turned, or both."""
PREFIX = b"Exif\x00\x00"
_ORIENTATION = 0x0112
_SHORT = 3
_ENTRY_BYTES = 12


def orientation(exif: bytes) -> int:
    """The orientation in a block of Exif metadata (TIFF, with or without `PREFIX`): `UPRIGHT`, also
    where nothing readable is said, or one of `TURNED`."""
    tiff = exif.removeprefix(PREFIX)
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(tiff[:4])
    if order is None:
        return UPRIGHT
    try:
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, start)
        for index in range(count):
            entry = start + 2 + index * _ENTRY_BYTES
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, entry)
            if tag == _ORIENTATION and kind == _SHORT:
                return value if value in TURNED else UPRIGHT
    except struct.error:
        # The block ends early.
        return UPRIGHT
    return UPRIGHT
