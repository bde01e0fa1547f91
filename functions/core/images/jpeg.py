"""JPEG (ITU-T T.81), marker by marker.

The rules:
1. SOI, then segments that lie inside the file, up to EOI. What lies behind EOI is no part of the
   picture and is not looked at.
2. One frame, before the first scan: baseline, extended or progressive with Huffman coding, 8 bits,
   grey or three colours. Other frames are read by few decoders, and each in its own way.
3. At most `MAX_SCANS` scans: each makes a decoder go through the whole picture again.
4. Exif metadata may turn it.
"""

import re
import struct
from dataclasses import dataclass

from functions.core.images import exif
from functions.core.images.picture import (
    Picture,
    PictureError,
    PictureProblem,
    count_parts,
    damaged,
    rotated,
    unsupported,
)

SIGNATURE = b"\xff\xd8\xff"
MAX_SCANS = 100
"""Common encoders write about ten."""

_SOF = struct.Struct(">BHHB")
_FRAMES = (0xC0, 0xC1, 0xC2)
# DHT, JPG and DAC lie among the frames' numbers.
_OTHER_FRAMES = frozenset(range(0xC3, 0xD0)) - {0xC4, 0xC8, 0xCC}
_EOI, _SOS, _APP1 = 0xD9, 0xDA, 0xE1
_MARKER = re.compile(rb"\xff+([^\xff])", re.DOTALL)
# In the entropy-coded data FF 00 is a byte of data, and RST0 to RST7 belong to it. A `+` would make
# a search through many FF quadratic.
_MARKER_IN_SCAN = re.compile(rb"\xff([^\xff\x00\xd0-\xd7])", re.DOTALL)


def read(data: bytes) -> Picture:
    """Raises: PictureError."""
    if not data.startswith(SIGNATURE):
        raise unsupported("The file is not a JPEG.")
    walk = _Walk()
    position = 2
    while True:
        # Behind a scan's header comes its data, which only the next marker ends.
        found = (
            _MARKER_IN_SCAN.search(data, position)
            if walk.in_scan
            else _MARKER.match(data, position)
        )
        if found is None:
            raise damaged("The JPEG ends early or has bytes between its segments.")
        marker = found[1][0]
        if marker == _EOI:
            return walk.end()
        start = found.end() + 2
        end = found.end() + int.from_bytes(data[found.end() : start], "big")
        if end < start or end > len(data):
            raise damaged("A segment of the JPEG goes past the end of the file.")
        walk.take(marker, data[start:end])
        position = end


@dataclass(slots=True)
class _Walk:
    """What has been seen so far."""

    picture: Picture | None = None
    segments: int = 0
    scans: int = 0
    in_scan: bool = False

    def take(self, marker: int, body: bytes) -> None:
        self.segments += 1
        count_parts(self.segments)
        self.in_scan = marker == _SOS
        if marker in _FRAMES:
            self._frame(body)
        elif marker in _OTHER_FRAMES:
            raise unsupported("The JPEG is neither baseline nor progressive with Huffman coding.")
        elif marker == _SOS:
            self._scan()
        elif marker == _APP1 and body.startswith(exif.PREFIX):
            if exif.orientation(body) != exif.UPRIGHT:
                raise rotated()
        elif marker < 0xC0 or 0xD0 <= marker <= 0xD8:
            raise damaged("The JPEG has a marker where none may be.")

    def end(self) -> Picture:
        if self.picture is None or not self.scans:
            raise damaged("The JPEG has no image data.")
        return self.picture

    def _frame(self, body: bytes) -> None:
        if self.picture is not None:
            raise damaged("The JPEG has more than one frame.")
        if len(body) < _SOF.size:
            raise damaged("The JPEG's frame header is too short.")
        precision, height, width, components = _SOF.unpack_from(body)
        if len(body) != _SOF.size + 3 * components or not width or not height:
            raise damaged("The JPEG's frame header contradicts itself.")
        if precision != 8 or components not in (1, 3):
            raise unsupported("The JPEG is not grey or RGB with 8 bits a channel (CMYK is not).")
        self.picture = Picture("JPEG", width, height)

    def _scan(self) -> None:
        if self.picture is None:
            raise damaged("The JPEG has a scan before its frame.")
        self.scans += 1
        if self.scans > MAX_SCANS:
            raise PictureError(
                PictureProblem(
                    "image-scans", f"The JPEG has more than {MAX_SCANS} scans. Save it anew."
                )
            )
