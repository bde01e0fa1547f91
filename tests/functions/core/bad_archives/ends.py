"""Archives that are bad at their end: end record, ZIP64, directory."""

import struct
from dataclasses import replace

from tests.functions.core.bad_archives.parts import INNER, PLAIN, SIZES, STORE, A, B, Cases
from tests.functions.core.zip_bytes import LEFT_OUT, Member, build, extra, zip64

CASES: Cases = {
    "zip-end-record": {
        "nothing": b"",
        "two bytes": b"PK",
        "zeros": bytes(1000),
        "the first half": PLAIN[: len(PLAIN) // 2],
        "a byte short": PLAIN[:-1],
    },
    "zip-trailing-data": {
        "a byte": build(A, tail=b"\x00"),
        "a comment that is not announced": build(A, tail=b"hello"),
        "a comment that is shorter than announced": build(A, end={"comment_size": 9}, tail=b"hi"),
        "an end record in the comment": build(A, comment=b"PK\x05\x06" + bytes(100)),
    },
    "zip-several-end-records": {
        "another archive in the comment": build(
            Member(b"fileb"), end={"comment_size": len(INNER)}, tail=INNER
        ),
        "an end record in stored data": build(
            replace(STORE, content=struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 1, 1, 0)),
        ).replace(
            struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 1, 1, 0),
            struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 1, 1, 46 + 5 + 22),
        ),
    },
    "zip-comment": {
        "a record in the archive's": build(A, comment=b"see PK\x01\x02"),
        "a record in the entry's": build(replace(A, comment=b"see PK\x05\x06"), B),
    },
    "zip-disks": {
        "this one is not the first": build(A, end={"disk": 1, "first_disk": 1}),
        "fewer entries on this disk": build(A, end={"entries_here": 0}),
        "an entry on another": build(replace(A, central={"disk": 3})),
        "in the ZIP64 record": build(A, end64={"first_disk": 1}, end={"first_disk": 0xFFFF}),
    },
    "zip-zip64": {
        "offset left out and no record": build(A, end={"directory_offset": LEFT_OUT}),
        "count left out and no record": build(A, end={"entries": 0xFFFF, "entries_here": 0xFFFF}),
        "another count": build(A, end64={"entries": 2, "entries_here": 2}),
        "another offset": build(A, end64={"directory_offset": 3}),
        "another size": build(A, end={"directory_size": 3}, end64={}),
        "the locator points elsewhere": build(A, locator={"record_offset": 0}),
        "the locator names two disks": build(A, locator={"disks": 2}),
        "no record before the locator": build(A, end64={"signature": b"PK\x06\x08"}),
        "an extensible data sector": build(A, locator={}, extensible=bytes(20)),
        "a record that lies about its size": build(A, end64={"record_size": 45}),
        "only the locator's bytes, in the last comment": build(
            A, replace(B, comment=b"PK\x06\x07" + bytes(16))
        ),
        "size left out without a field": build(replace(A, central={"size": LEFT_OUT})),
        "a field too short": build(
            replace(
                A, central={"size": LEFT_OUT, "compressed_size": LEFT_OUT}, central_extra=zip64(5)
            )
        ),
        "a field too long": build(
            replace(A, central={"size": LEFT_OUT}, central_extra=zip64(*SIZES))
        ),
        "a field of odd length": build(replace(A, central_extra=extra(1, bytes(7)))),
        "a size that is said twice": build(replace(A, central_extra=zip64(SIZES[0] + 1))),
        "an offset that is said twice": build(replace(A, central_extra=zip64(*SIZES, 1))),
        "the local field left out": build(replace(A, local={"size": LEFT_OUT})),
        "a local field too long": build(replace(A, local_extra=zip64(*SIZES, 0))),
    },
    "zip-empty": {"an end record alone": build()},
    "zip-prepended-data": {
        "all offsets hold": build(A, prefix=b"#!/bin/sh\n"),
        "all offsets are off": b"#!/bin/sh\n" + PLAIN,
        "another archive": INNER + PLAIN,
    },
    "zip-directory": {
        "no record": build(replace(A, central={"signature": b"PK\x01\x03"})),
        "a record longer than the directory": build(replace(A, central={"comment_size": 9})),
        "a signature behind it": build(
            A, behind_directory=b"PK\x05\x05\x00\x00", end={"directory_size": 51 + 6}
        ),
        "another end record behind it": build(A, behind_directory=build(A)[-22:]),
        "bytes behind it": build(A, behind_directory=b"????"),
        "it would begin behind its end": build(A, end={"directory_offset": 1 << 30}),
    },
    "zip-too-many-entries": {
        "counted": build(A, end={"entries": 10_001, "entries_here": 10_001}),
        "in the ZIP64 record": build(
            A,
            end={"entries": 0xFFFF, "entries_here": 0xFFFF},
            end64={"entries": 2**40, "entries_here": 2**40},
        ),
        "a directory too long": build(A, end={"directory_size": 2**22 + 1}),
    },
    "zip-entry-count": {
        "one too many": build(A, B, end={"entries": 3, "entries_here": 3}),
        "one too few": build(A, B, end={"entries": 1, "entries_here": 1}),
    },
}
