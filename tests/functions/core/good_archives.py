"""Good archives as the tools make them, byte by byte; for tools that are not on every machine, and
for what they do rarely."""

from dataclasses import replace

from tests.functions.core.bad_archives.parts import FOLDER, OPEN, SIZES, STORE, A, B, unicode_path
from tests.functions.core.zip_bytes import (
    DEFLATED,
    DESCRIPTOR,
    LEFT_OUT,
    STORED,
    STREAMED,
    UTF8,
    Member,
    build,
    deflated,
    descriptor,
    extra,
    zip64,
)

BOTH_LEFT_OUT = {"size": LEFT_OUT, "compressed_size": LEFT_OUT}
STREAMED_64 = replace(
    STREAMED,
    local={"crc32": 0} | BOTH_LEFT_OUT,
    local_extra=zip64(0, 0),
    behind=descriptor(A.content, A.data, "<LQQ"),
)
# The times of Info-ZIP, and user and group.
UT = extra(0x5455, bytes(5))
UT_LOCAL = extra(0x5455, bytes(9))
UX = extra(0x7875, b"\x01\x04\xe8\x03\x00\x00\x04\xe8\x03\x00\x00")

UNIX_FOLDER = replace(FOLDER, attributes=0o040755 << 16 | 0x10)
JAR_FOLDER = replace(
    STREAMED, name=b"META-INF/", content=b"", local_extra=extra(0xCAFE, b""),
    central_extra=extra(0xCAFE, b""), flags=DESCRIPTOR | UTF8, packed=deflated(b""),
)  # fmt: skip

SIMPLE: dict[str, bytes] = {
    "compressed": build(A, B),
    "stored": build(STORE),
    "folders, empty ones too": build(FOLDER, B, replace(UNIX_FOLDER, name=b"empty/")),
    "an empty file": build(Member(b"e", b"", STORED), Member(b"f", b"")),
    "a file in a folder that is not there": build(B),
    "nested archives, stored": build(replace(STORE, content=build(A)), replace(STORE, name=b"t")),
    "ASCII marked as UTF-8": build(replace(A, flags=UTF8)),
    "UTF-8 names": build(replace(A, name="ü/日本.txt".encode(), flags=UTF8)),
    "names with spaces and dots": build(replace(A, name=b".a b..c/ d.tar.gz")),
    "the longest names": build(replace(A, name=b"/".join([b"a" * 255] * 4)[:1023])),
    "levels of compression": build(replace(A, flags=2), replace(B, flags=4)),
    "executables": build(replace(A, attributes=0o100755 << 16)),
    "comments": build(replace(A, comment=b"an entry"), comment=b"hello"),
    "the longest comment": build(A, comment=b"x" * 65_535),
    "a CRC-32 that is 0": build(Member(b"e", b"\x9d\x0a\xd9\x6d", STORED)),
    "a directory in another order": build(A, B, STORE, is_reversed=True),
}
ZIP64: dict[str, bytes] = {
    "a record that says the same": build(A, B, end64={}),
    "a record for what is left out": build(
        A,
        end={
            "disk": 0xFFFF,
            "first_disk": 0xFFFF,
            "entries": 0xFFFF,
            "entries_here": 0xFFFF,
            "directory_size": LEFT_OUT,
            "directory_offset": LEFT_OUT,
        },
        end64={},
    ),
    "sizes in the local header, as Python forces them": build(
        replace(A, local=BOTH_LEFT_OUT, local_extra=zip64(*SIZES))
    ),
    "the size only in the directory, as Info-ZIP forces it": build(
        replace(
            A,
            local=BOTH_LEFT_OUT,
            local_extra=UT_LOCAL + zip64(*SIZES),
            central={"size": LEFT_OUT},
            central_extra=UT + zip64(SIZES[0]),
        ),
        end={"directory_offset": LEFT_OUT},
        end64={},
    ),
    "all of it, as Go does": build(
        replace(
            A,
            central=BOTH_LEFT_OUT | {"offset": LEFT_OUT},
            central_extra=zip64(*SIZES, 0),
        )
    ),
    "only the packed size": build(
        replace(
            A,
            local={"compressed_size": LEFT_OUT},
            local_extra=zip64(SIZES[1]),
            central={"compressed_size": LEFT_OUT},
            central_extra=zip64(SIZES[1]),
        )
    ),
    "kept though nothing is left out, as commons-compress does": build(
        replace(A, local_extra=zip64(*SIZES))
    ),
}
STREAMS: dict[str, bytes] = {
    "a descriptor": build(STREAMED, replace(STREAMED, name=b"b.txt")),
    "a descriptor without signature": build(
        replace(STREAMED, behind=descriptor(A.content, A.data, signature=b"")), B
    ),
    "a descriptor that repeats the sizes": build(replace(STREAMED, local={})),
    "a descriptor and the size alone, as bsdtar and zip do": build(
        replace(STREAMED, local={"crc32": 0, "compressed_size": 0})
    ),
    "a descriptor that the directory does not mention": build(
        replace(STREAMED, central={"flags": 0})
    ),
    "8-byte sizes": build(STREAMED_64, replace(STREAMED_64, name=b"b.txt")),
    "8-byte sizes without signature": build(
        replace(STREAMED_64, behind=descriptor(A.content, A.data, "<LQQ", b"")), B
    ),
    "8-byte sizes for an empty field": build(
        replace(STREAMED_64, local=STREAMED.local, local_extra=zip64())
    ),
    "stored": build(OPEN, replace(OPEN, name=b"b.txt")),
    "stored with its size in front": build(replace(OPEN, local={"crc32": 0})),
    "stored and empty": build(replace(OPEN, content=b"")),
    "a folder with an empty stream, as jar does": build(JAR_FOLDER, STREAMED),
}
EXTRAS: dict[str, bytes] = {
    "Info-ZIP": build(replace(A, local_extra=UT_LOCAL + UX, central_extra=UT + UX)),
    "7-Zip": build(replace(A, central_extra=extra(0x000A, bytes(32)), attributes=0x81A48020)),
    "jar": build(replace(A, local_extra=extra(0xCAFE, b""), central_extra=extra(0xCAFE, b""))),
    "zipalign": build(replace(STORE, local_extra=bytes(3)), A),
    "zipalign, pages": build(replace(STORE, local_extra=extra(0xD935, bytes(4000))), A),
    "a second name that is the first": build(
        replace(A, local_extra=unicode_path(b"a.txt"), central_extra=unicode_path(b"a.txt"))
    ),
}


def ditto() -> dict[str, bytes]:
    """As `ditto -c -k --sequesterRsrc --keepParent` and the Finder write a folder: descriptors for
    files, none for folders, Apple's double files under `__MACOSX`."""
    made: dict[str, bytes] = {}
    old = extra(0x5855, bytes(12))
    new = extra(0x5455, b"\x07" + bytes(12)) + UX
    for release, fields in (("old", old), ("new", new)):
        folder = replace(UNIX_FOLDER, local_extra=fields, central_extra=fields)
        file = replace(folder, flags=DESCRIPTOR, local=STREAMED.local, method=DEFLATED)
        file = replace(file, attributes=0o100644 << 16, content=b'{"id": 1}')
        made[f"ditto ({release})"] = build(
            replace(folder, name=b"App/"),
            replace(file, name=b"App/manifest.json"),
            replace(folder, name=b"__MACOSX/"),
            replace(folder, name=b"__MACOSX/App/"),
            replace(file, name=b"__MACOSX/App/._manifest.json", content=b"\x00\x05\x16\x07" * 20),
            replace(file, name=b"App/empty", content=b"", method=STORED, flags=0, local={}),
        )
    return made


GOOD = {
    f"{kind}: {name}": archive
    for kind, archives in (
        ("simple", SIMPLE),
        ("ZIP64", ZIP64),
        ("streamed", STREAMS),
        ("extra fields", EXTRAS),
        ("macOS", ditto()),
    )
    for name, archive in archives.items()
}
