"""A reader as those that unpack while they download: it goes from local header to local header,
believes a deflate stream about its end, and never sees the directory."""

import struct
import zlib

from tests.functions.core.zip_bytes import DEFLATED, DESCRIPTOR, LEFT_OUT, LOCAL, SIGNATURE, UTF8


def read_from_the_front(archive: bytes) -> dict[str, bytes]:
    """The files that it finds; of two with one name the later."""
    found: dict[str, bytes] = {}
    position = 0
    while archive.startswith(b"PK\x03\x04", position):
        fields = LOCAL.unpack_from(archive, position)
        flags, method = fields[2], fields[3]
        name_end = position + LOCAL.size + fields[9]
        name = archive[position + LOCAL.size : name_end]
        zip64 = _zip64(archive[name_end : name_end + fields[10]])
        position = name_end + fields[10]
        packed = fields[7]
        if packed == LEFT_OUT and zip64:
            packed = struct.unpack_from("<Q", zip64, 8 if fields[8] == LEFT_OUT else 0)[0]
        if method == DEFLATED:
            content, position = _inflated(archive, position)
        elif flags & DESCRIPTOR and not packed:
            end = archive.index(SIGNATURE, position)
            content, position = archive[position:end], end
        else:
            content, position = archive[position : position + packed], position + packed
        if flags & DESCRIPTOR:
            position += 4 if archive.startswith(SIGNATURE, position) else 0
            position += 12 if zip64 is None else 20
        text = name.decode("utf-8" if flags & UTF8 else "cp437")
        if not text.endswith("/"):
            found[text] = content
    return found


def _inflated(archive: bytes, position: int) -> tuple[bytes, int]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    content = inflater.decompress(archive[position:])
    return content, len(archive) - len(inflater.unused_data)


def _zip64(extra: bytes) -> bytes | None:
    position = 0
    while position + 4 <= len(extra):
        tag, size = struct.unpack_from("<HH", extra, position)
        if tag == 1:
            return extra[position + 4 : position + 4 + size]
        position += 4 + size
    return None
