"""Archives with bad names."""

from dataclasses import replace

from tests.functions.core.bad_archives.parts import FOLDER, A, Cases, named, unicode_path
from tests.functions.core.zip_bytes import UTF8, build

CASES: Cases = {
    "zip-name-encoding": {
        "UTF-8 without the flag": build(replace(A, name="ü.txt".encode())),
        "Latin-1 without the flag": build(replace(A, name=b"\xfc.txt")),
        "Latin-1 with the flag": build(replace(A, name=b"\xfc.txt", flags=UTF8)),
        "a surrogate": build(replace(A, name=b"\xed\xa0\x80", flags=UTF8)),
        "longer than needed": build(replace(A, name=b"\xc0\xafx", flags=UTF8)),
        "UTF-8 in an extra field only": build(
            replace(A, name=b"\x81.txt", central_extra=unicode_path("ü.txt".encode(), b"\x81.txt"))
        ),
    },
    "zip-name-empty": {
        "no name": build(replace(A, name=b"")),
        "an empty part": named("a//b"),
        "two slashes at the end": build(replace(FOLDER, name=b"a//")),
    },
    "zip-name-nul": {"in the middle": named("a.txt\x00.png"), "at the end": named("a\x00")},
    "zip-name-control": {
        "a line feed": named("a\nb"),
        "delete": named("a\x7f"),
        "a C1 control": named("a\x85b"),
        "a line separator": named("a\u2028b"),
    },
    "zip-name-backslash": {"a path": named("a\\b"), "upwards": named("..\\..\\b")},
    "zip-name-absolute": {"one slash": named("/etc/passwd"), "two": named("//host/share")},
    "zip-name-drive": {
        "a drive": named("C:/a"),
        "only a drive": named("c:"),
        "a stream": named("a/b:c"),
    },
    "zip-name-dots": {
        "upwards": named("../a"),
        "upwards in the middle": named("a/../../b"),
        "upwards at the end": named("a/.."),
        "here": named("./a"),
        "with a space": named(".. /a"),
        "three": named("a/.../b"),
        "a dot at the end": named("a."),
        "a space at the end of a folder": named("a /b"),
    },
    "zip-name-too-long": {
        "a part": named("a" * 256),
        "a part in bytes": named("ü" * 128),
        "the whole": named("a/" * 512 + "b"),
    },
    "zip-duplicate-name": {"twice": named("a", "b", "a")},
    "zip-equal-names": {
        "case": named("read.me", "README", "Read.Me"),
        "a folder's case": build(replace(FOLDER, name=b"a/"), replace(FOLDER, name=b"A/")),
        "file and folder": build(replace(FOLDER, name=b"a/"), replace(A, name=b"a")),
        "case beyond ASCII": named("straße", "STRASSE"),
        "Unicode forms": named("\u00e9", "e\u0301"),
        "invisible characters": named("ab", "a\u200bb"),
        "what Windows replaces": named("a?", "a_"),
    },
    "zip-file-as-folder": {
        "beside its content": named("a", "a/b"),
        "the content first": named("x/y/z", "x"),
        "in another case": named("A", "a/b"),
    },
}
