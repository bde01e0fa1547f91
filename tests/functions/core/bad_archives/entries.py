"""Archives whose entries are bad by themselves: their fields, types and contents."""

import struct
from dataclasses import replace

from functions.core.archive import central
from tests.functions.core.bad_archives.parts import (
    FOLDER,
    OPEN,
    SIZES,
    STORE,
    A,
    Cases,
    file_type,
    lying,
    unicode_path,
)
from tests.functions.core.zip_bytes import Member, build, deflated, descriptor, entry, extra, zip64

CASES: Cases = {
    "zip-extra-field": {
        "cut off": build(replace(A, central_extra=struct.pack("<HH", 0x5455, 9))),
        "cut off in the local header": build(replace(A, local_extra=struct.pack("<HH", 0x5455, 9))),
        "three bytes": build(replace(A, local_extra=b"   ")),
        "ZIP64 twice": build(replace(A, local_extra=zip64(*SIZES) * 2)),
        "a second name twice": build(replace(A, central_extra=unicode_path(b"a.txt") * 2)),
    },
    "zip-unicode-path": {
        "another name": build(replace(A, central_extra=unicode_path(b"b.txt"))),
        "another name in the local header": build(replace(A, local_extra=unicode_path(b"b.txt"))),
        "another name with a CRC-32 that does not hold": build(
            replace(A, central_extra=unicode_path(b"b.txt", b"stale"))
        ),
        "an unknown version": build(replace(A, central_extra=unicode_path(b"a.txt", version=2))),
        "cut off": build(replace(A, central_extra=extra(0x7075, b"\x01"))),
    },
    "zip-encrypted": {
        "the flag": build(replace(A, flags=0x1)),
        "strong encryption": build(replace(A, flags=0x41)),
        "an encrypted directory": build(replace(A, flags=0x2000)),
        "an extra field of WinZip": build(replace(A, central_extra=extra(0x9901, bytes(7)))),
        "an extra field of PKWARE": build(replace(A, local_extra=extra(0x0017, bytes(7)))),
    },
    "zip-version": {
        "in the directory": build(replace(A, central={"needed": 64})),
        "in the local header": build(replace(A, local={"needed": 255})),
    },
    "zip-flags": {
        "patched data": build(replace(A, flags=0x20)),
        "enhanced deflating": build(replace(A, flags=0x10)),
        "an unused one": build(replace(A, flags=0x80)),
        "a reserved one": build(replace(A, flags=0x8000)),
    },
    "zip-method": {
        "bzip2": build(replace(A, method=12, packed=b"BZ")),
        "deflate64": build(replace(A, method=9, packed=deflated(A.content))),
        "WinZip's encryption": build(replace(A, method=99, packed=b"AE")),
    },
    "zip-size": {
        "two sizes of a stored entry": build(
            replace(STORE, central={"size": 7}, local={"size": 7})
        ),
        "packed into far more": build(
            replace(A, content=b"x", packed=deflated(b"x") + bytes(2000))
        ),
    },
    "zip-ratio": {
        "one entry": build(Member(content=bytes(central.RATIO_FROM_BYTES + 1))),
        "all together": build(
            *(Member(f"{number}".encode(), bytes(central.RATIO_FROM_BYTES)) for number in range(4))
        ),
    },
    "zip-unpacked-size": {
        "more than is accepted": build(
            *(lying(size=2**31 - 1, compressed_size=2**30, name=name) for name in (b"a", b"b"))
        ),
    },
    "zip-file-type": {
        "a symbolic link": file_type(0o120777),
        "a device": file_type(0o020666),
        "a pipe": file_type(0o010666),
        "a socket": file_type(0o140666),
        "a folder without a slash": file_type(0o040755),
        "a folder to DOS without a slash": file_type(0, dos=0x10),
        "a volume label": file_type(0, dos=0x08),
        "a reparse point": file_type(0, dos=0x400),
        "a file with a slash": build(replace(FOLDER, attributes=0o100644 << 16)),
    },
    "zip-folder-content": {
        "stored": build(replace(FOLDER, content=b"x")),
        "compressed": build(Member(b"d/", b"x")),
        "only packed bytes": build(Member(b"d/", b"", packed=deflated(b"") * 20)),
    },
    "zip-data-damaged": {
        "no stream": build(replace(A, packed=b"\xff" * 20)),
        "cut off": build(replace(A, packed=A.data[:-1])),
        "nothing": build(Member(content=b"", packed=b"")),
    },
    "zip-data-size": {
        "more bytes": build(lying(size=SIZES[0] - 1)),
        "fewer bytes": build(lying(size=SIZES[0] + 1)),
        "a bomb that says that it is small": build(
            Member(content=b"tiny", packed=deflated(bytes(10**6)))
        ),
    },
    "zip-data-crc": {
        "compressed": build(lying(crc32=1)),
        "stored": build(replace(STORE, packed=b"st0red")),
        "stored, with its size behind it": build(
            replace(
                OPEN, packed=bytes(len(OPEN.content)), behind=descriptor(OPEN.content, OPEN.content)
            )
        ),
    },
    "zip-data-trailing": {
        "a byte": build(replace(A, packed=A.data + b"\x00")),
        "an entry that only a reader from the front sees": build(
            replace(A, packed=A.data + entry(Member(b"hidden")))
        ),
        "in a folder": build(Member(b"d/", b"", packed=deflated(b"") + b"hi")),
    },
}
