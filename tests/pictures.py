"""Pictures for tests, made at run time."""

import io
import struct
import zlib
from typing import Any

from PIL import Image


def gradient(width: int, height: int, *, alpha: bool = True) -> Image.Image:
    """Red grows to the right, green downwards, alpha (where there is one) to the left."""
    pixels = bytearray()
    for y in range(height):
        for x in range(width):
            red, green = x * 255 // (width - 1), y * 255 // (height - 1)
            pixels += bytes((red, green, 64, 255 - red) if alpha else (red, green, 64))
    return Image.frombytes("RGBA" if alpha else "RGB", (width, height), bytes(pixels))


def saved(picture: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    output = io.BytesIO()
    picture.save(output, form, **options)
    return output.getvalue()


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def icon(side: int = 128, *, colour: tuple[int, int, int, int] = (200, 30, 30, 255)) -> bytes:
    return saved(Image.new("RGBA", (side, side), colour))


def screenshot(width: int = 360, height: int = 640, form: str = "PNG", *, grey: int = 128) -> bytes:
    return saved(Image.new("RGB", (width, height), (grey, grey, grey)), form)


def png_chunk(kind: bytes, body: bytes) -> bytes:
    checked = kind + body
    return struct.pack(">I", len(body)) + checked + struct.pack(">I", zlib.crc32(checked))


def png_chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    found: list[tuple[bytes, bytes]] = []
    position = 8
    while position < len(png):
        (length,) = struct.unpack_from(">I", png, position)
        found.append((png[position + 4 : position + 8], png[position + 8 : position + 8 + length]))
        position += 12 + length
    return found


def png_of(chunks: list[tuple[bytes, bytes]]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(kind, body) for kind, body in chunks)


def with_chunk(png: bytes, kind: bytes, body: bytes) -> bytes:
    """A further chunk behind the header."""
    first, *others = png_chunks(png)
    return png_of([first, (kind, body), *others])


def claiming(png: bytes, width: int, height: int) -> bytes:
    """The same data under a header that says another size."""
    (kind, body), *others = png_chunks(png)
    return png_of([(kind, struct.pack(">II", width, height) + body[8:]), *others])


def exif(orientation: int, order: str = "<") -> bytes:
    """A TIFF block that holds an orientation."""
    mark = b"II*\x00" if order == "<" else b"MM\x00*"
    return mark + struct.pack(f"{order}IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
