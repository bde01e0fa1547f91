"""What the bad archives are made of."""

import struct
import zlib
from dataclasses import replace

from tests.functions.core.zip_bytes import STORED, STREAMED, UTF8, Member, build, extra

A, B = Member(b"a.txt"), Member(b"b/c.bin", b"\x00\x01" * 300)
PLAIN = build(A, B)
STORE = Member(b"s.txt", b"stored", STORED)
OPEN = replace(STREAMED, method=STORED)
"""Stored, and its size stands only behind it."""
SIZES = (len(A.content), len(A.data))
FOLDER = Member(b"d/", b"", STORED)
INNER = build(Member(b"inner.txt"))

Cases = dict[str, dict[str, bytes]]
"""By the rule that is broken and the way in which it is broken."""


def unicode_path(name: bytes, header: bytes = b"a.txt", version: int = 1) -> bytes:
    return extra(0x7075, struct.pack("<BL", version, zlib.crc32(header)) + name)


def named(*names: str) -> bytes:
    return build(*(Member(name.encode(), flags=UTF8) for name in names))


def lying(**lies: int | bytes) -> Member:
    """The same lies in both headers."""
    return replace(A, local=lies, central=lies)


def file_type(mode: int, name: bytes = b"a.txt", dos: int = 0) -> bytes:
    return build(replace(A, name=name, attributes=mode << 16 | dos))
