"""PNG (W3C PNG, third edition), chunk by chunk.

The rules:
1. The signature, then IHDR, once, with a combination of depth and colour that the standard knows.
2. Every chunk lies inside the file and has the CRC-32 that it says.
3. The chunks that are needed to decode come in the standard's order: PLTE at most once and before
   the data (and always for a palette), IDAT chunks in one row, IEND, empty. Others that are needed
   are unknown to us, so the picture is refused.
4. acTL makes it an animation, eXIf may turn it.
5. Compressed metadata inflates to at most `MAX_METADATA_BYTES` in all.
6. What lies behind IEND is no part of the picture and is not looked at.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from functions.core.images.exif import UPRIGHT, orientation
from functions.core.images.picture import (
    Picture,
    PictureError,
    PictureProblem,
    animated,
    count_parts,
    damaged,
    rotated,
    unsupported,
)

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_METADATA_BYTES = 1024 * 1024
"""More than any colour profile or caption needs; a decoder may inflate all of it."""

_HEADER = struct.Struct(">I4s")
_IHDR = struct.Struct(">IIBBBBB")
# Colour type: the depths that go with it (table 8 of the standard).
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_PALETTE = 3
_GREY = (0, 4)
# What makes the pixels; everything else says something about them.
_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")


@dataclass(frozen=True, slots=True)
class Chunk:
    kind: bytes
    body: bytes


def chunks(data: bytes) -> Iterator[Chunk]:
    """Every chunk up to IEND, which comes last.

    Raises: PictureError where the file has another signature, ends early, has a wrong CRC-32 or too
    many chunks.
    """
    if not data.startswith(SIGNATURE):
        raise unsupported("The file is not a PNG.")
    view = memoryview(data)
    position = len(SIGNATURE)
    seen = 0
    while True:
        seen += 1
        count_parts(seen)
        start = position + _HEADER.size
        if start > len(data):
            raise damaged("The PNG ends before its IEND chunk.")
        length, kind = _HEADER.unpack_from(data, position)
        end = start + length
        if end + 4 > len(data):
            raise damaged("A chunk of the PNG goes past the end of the file.")
        if zlib.crc32(view[position + 4 : end]) != int.from_bytes(view[end : end + 4], "big"):
            raise damaged("A chunk of the PNG does not have the CRC-32 that it says.")
        yield Chunk(kind, bytes(view[start:end]))
        if kind == b"IEND":
            return
        position = end + 4


def read(data: bytes) -> Picture:
    """Raises: PictureError."""
    walk = _Walk()
    for chunk in chunks(data):
        walk.take(chunk)
    return walk.end()


def bare(data: bytes) -> bytes:
    """The same pixels without any metadata. For PNGs of our own making.

    Raises: PictureError.
    """
    kept = [SIGNATURE]
    for chunk in chunks(data):
        if chunk.kind in _PIXELS:
            kept.append(chunk_bytes(chunk))
    return b"".join(kept)


def chunk_bytes(chunk: Chunk) -> bytes:
    checked = chunk.kind + chunk.body
    length = len(chunk.body).to_bytes(4, "big")
    return length + checked + zlib.crc32(checked).to_bytes(4, "big")


@dataclass(slots=True)
class _Walk:
    """What has been seen so far."""

    width: int = 0
    height: int = 0
    colour: int = 0
    depth: int = 0
    seen: list[bytes] = field(default_factory=list[bytes])
    """Kinds of the critical chunks, a row of the same kind once."""
    metadata_bytes: int = 0

    def take(self, chunk: Chunk) -> None:
        if not self.seen and chunk.kind != b"IHDR":
            raise damaged("The PNG does not begin with an IHDR chunk.")
        # Bit 5 of the first letter: a decoder may leave the chunk out.
        if chunk.kind[0] & 0x20:
            self._ancillary(chunk)
        else:
            self._critical(chunk)

    def end(self) -> Picture:
        if b"IDAT" not in self.seen:
            raise damaged("The PNG has no image data.")
        if self.colour == _PALETTE and b"PLTE" not in self.seen:
            raise damaged("The PNG has no palette, which its colours need.")
        return Picture("PNG", self.width, self.height)

    def _critical(self, chunk: Chunk) -> None:
        if chunk.kind not in _PIXELS:
            raise unsupported("The PNG has a chunk that is needed to decode it and is not known.")
        if chunk.kind in self.seen:
            if chunk.kind != b"IDAT" or self.seen[-1] != b"IDAT":
                raise damaged("A chunk of the PNG is there twice, or its data is torn apart.")
            return
        if chunk.kind == b"IHDR":
            self._header(chunk.body)
        elif chunk.kind == b"PLTE":
            self._palette(chunk.body)
        elif chunk.kind == b"IEND" and chunk.body:
            raise damaged("The PNG's IEND chunk is not empty.")
        self.seen.append(chunk.kind)

    def _header(self, body: bytes) -> None:
        if len(body) != _IHDR.size:
            raise damaged("The PNG's IHDR chunk has another length than 13 bytes.")
        fields = _IHDR.unpack(body)
        self.width, self.height, self.depth, self.colour, *methods = fields
        if not 1 <= self.width < 2**31 or not 1 <= self.height < 2**31:
            raise damaged("The PNG's width or height is 0 or beyond the standard.")
        compression, filters, interlace = methods
        if self.depth not in _DEPTHS.get(self.colour, ()):
            raise damaged("The PNG's colour type and bit depth do not go together.")
        if compression or filters or interlace > 1:
            raise damaged("The PNG uses a method that the standard does not know.")

    def _palette(self, body: bytes) -> None:
        entries, rest = divmod(len(body), 3)
        most = 2**self.depth if self.colour == _PALETTE else 256
        if rest or not 1 <= entries <= most or self.colour in _GREY or b"IDAT" in self.seen:
            raise damaged("The PNG's palette has a wrong size or a wrong place.")

    def _ancillary(self, chunk: Chunk) -> None:
        if chunk.kind == b"acTL":
            raise animated()
        if chunk.kind == b"eXIf" and orientation(chunk.body) != UPRIGHT:
            raise rotated()
        packed = _packed(chunk)
        if packed is not None:
            self.metadata_bytes += _inflated(packed, MAX_METADATA_BYTES - self.metadata_bytes)


def _packed(chunk: Chunk) -> bytes | None:
    """The deflated part of a chunk of metadata: behind a keyword and, of an iTXt, a language."""
    _, _, rest = chunk.body.partition(b"\x00")
    if chunk.kind in {b"iCCP", b"zTXt"}:
        return rest[1:]
    if chunk.kind == b"iTXt" and rest[:1] == b"\x01":
        return rest[2:].partition(b"\x00")[2].partition(b"\x00")[2]
    return None


def _inflated(packed: bytes, limit: int) -> int:
    """How many bytes come out; what cannot be inflated counts as far as it goes."""
    try:
        size = len(zlib.decompressobj().decompress(packed, limit + 1))
    except zlib.error:
        return 0
    if size > limit:
        raise PictureError(
            PictureProblem(
                "image-metadata",
                f"The PNG's metadata unpacks to more than {MAX_METADATA_BYTES} bytes. Remove it.",
            )
        )
    return size
