"""Archives whose local headers, or what lies between them, are not what the directory says."""

from dataclasses import replace

from tests.functions.core.bad_archives.parts import INNER, OPEN, SIZES, A, B, Cases, lying
from tests.functions.core.zip_bytes import (
    DESCRIPTOR,
    LEFT_OUT,
    STORED,
    STREAMED,
    UTF8,
    Member,
    build,
    descriptor,
    entry,
    zip64,
)

CASES: Cases = {
    "zip-local-header": {
        "none": build(replace(A, local={"signature": b"PK\x03\x05"})),
        "behind the directory": build(A, replace(B, central={"offset": 1 << 20})),
    },
    "zip-local-name": {
        "another": build(replace(A, local={"name": b"b.txt"})),
        "a longer one": build(replace(A, local={"name": b"a.txt2"})),
        "another in bytes only": build(
            replace(A, name="é".encode(), flags=UTF8, local={"name": "e\u0301".encode()})
        ),
    },
    "zip-local-flags": {
        "encrypted": build(replace(A, local={"flags": 1})),
        "UTF-8": build(replace(A, local={"flags": UTF8})),
        "a descriptor that only the directory announces": build(
            replace(A, flags=DESCRIPTOR, local={"flags": 0}, behind=b"")
        ),
    },
    "zip-local-method": {"stored": build(replace(A, local={"method": STORED}))},
    "zip-local-crc": {
        "another": build(replace(A, local={"crc32": 1})),
        "left out without a descriptor": build(replace(A, local={"crc32": 0})),
        "another with a descriptor": build(replace(STREAMED, local={"crc32": 1})),
    },
    "zip-local-size": {
        "another size": build(replace(A, local={"size": 1})),
        "another packed size": build(replace(A, local={"compressed_size": 1})),
        "left out without a descriptor": build(replace(A, local={"size": 0, "compressed_size": 0})),
        "another size with a descriptor": build(replace(STREAMED, local={"size": 1})),
        "another in the ZIP64 field": build(replace(A, local_extra=zip64(1, SIZES[1]))),
        "another in the ZIP64 field alone": build(
            replace(
                A,
                local={"size": LEFT_OUT, "compressed_size": LEFT_OUT},
                local_extra=zip64(SIZES[0] + 1, SIZES[1]),
            )
        ),
    },
    "zip-overlap": {
        "two on the same data": build(A, replace(A, central={"offset": 0, "name": b"z.txt"})),
        "data up to the directory": build(lying(compressed_size=len(A.data) + 1)),
    },
    "zip-gap": {
        "between two entries": build(A, replace(B, before=b"????")),
        "an entry that the directory does not have": build(
            A, replace(B, before=entry(Member(b"hidden")))
        ),
        "before the directory": build(A, before_directory=b"?"),
        "a descriptor that nobody announces": build(
            replace(A, behind=descriptor(A.content, A.data)), B
        ),
        "behind a descriptor": build(STREAMED, replace(B, before=b"?")),
    },
    "zip-descriptor": {
        "another CRC-32": build(replace(STREAMED, behind=descriptor(b"other", A.data))),
        "another packed size": build(replace(STREAMED, behind=descriptor(A.content, b"1"))),
        "another size": build(
            replace(STREAMED, behind=descriptor(A.content, A.data)[:-4] + bytes(4))
        ),
        "another size without a signature": build(
            replace(STREAMED, behind=descriptor(A.content, A.data, signature=b"")[:-4] + bytes(4))
        ),
        "8 bytes without a ZIP64 field": build(
            replace(STREAMED, behind=descriptor(A.content, A.data, "<LQQ")[:16])
        ),
        "4 bytes with a ZIP64 field": build(
            replace(STREAMED, local_extra=zip64(0, 0), behind=descriptor(A.content, A.data))
        ),
        "another size of 8 bytes": build(
            replace(STREAMED, local_extra=zip64(0, 0), behind=descriptor(b"x", A.data, "<LQQ"))
        ),
        "none": build(replace(STREAMED, behind=b"")),
        "cut off": build(replace(STREAMED, behind=descriptor(A.content, A.data)[:-1])),
    },
    "zip-descriptor-stored": {
        "a signature in the data": build(replace(OPEN, content=b"x PK\x07\x08 y")),
        "an archive as data": build(replace(OPEN, content=INNER)),
        "no signature of its own": build(
            replace(OPEN, behind=descriptor(OPEN.content, OPEN.content, signature=b""))
        ),
    },
}
