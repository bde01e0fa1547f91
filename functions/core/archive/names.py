"""Names inside an archive: which ones every system unpacks to the same place inside the folder."""

import re
import stat
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from functions.core.archive.central import Entry
    from functions.core.archive.problems import Findings, Rule

MAX_NAME_BYTES = 1024
MAX_COMPONENT_BYTES = 255
"""The longest file name that the common file systems take."""

_NUL = "\x00"
_CONTROL = re.compile("[\x01-\x1f\x7f-\x9f\u2028\u2029]")
_DROPPED = re.compile(r"[ .]+$")
"""What Windows drops at the end of a component, so that `.. ` becomes `..`."""
_REPLACED = str.maketrans('<>"|?*', "______")
"""What readers on Windows replace."""

_DOS_FOLDER = 0x10
_DOS_NO_FILE = 0x08 | 0x40 | 0x400
"""Volume label, device, reparse point."""


def decode(found: "Findings", raw_name: bytes, *, is_utf8: bool) -> str:
    """The name; reported and made readable where its bytes mean different names to different
    readers."""
    try:
        return raw_name.decode("utf-8" if is_utf8 else "ascii")
    except UnicodeError:
        name = raw_name.decode("utf-8", "replace")
        found.report(
            "zip-name-encoding",
            "The name is marked as UTF-8 and is not."
            if is_utf8
            else "The name is neither ASCII nor marked as UTF-8, so each reader makes another name "
            "of it. Pack it with a tool that marks it, such as jar, 7z or Python's zipfile.",
            name,
            raw_name.hex(),
        )
        return name


def check(found: "Findings", entries: "Sequence[Entry]") -> None:
    """Checks each name, and then that no two of them are one on some system."""
    first: dict[str, Entry] = {}
    for entry in entries:
        for rule, detail in _wrong(entry.name):
            found.report(rule, detail, entry.name, entry.name)
        if not _is_plain(entry):
            found.report(
                "zip-file-type",
                "Only files and folders are accepted, no links, devices or labels, and a folder's "
                "name ends with '/'.",
                entry.name,
                f"0x{entry.attributes:08x}",
            )
        other = first.setdefault(_folded(entry.name), entry)
        if other is not entry:
            _report_equal(found, entry.name, other.name)
    _check_folders(found, first)


def _report_equal(found: "Findings", name: str, other: str) -> None:
    if name == other:
        found.report("zip-duplicate-name", "The name is there twice.", name, other)
    else:
        found.report(
            "zip-equal-names",
            f"On some systems the name is the same as {other!r}, which is there too.",
            name,
            other,
        )


def _check_folders(found: "Findings", first: "dict[str, Entry]") -> None:
    files = {folded for folded, entry in first.items() if not entry.is_folder}
    for folded, entry in first.items():
        slashes = (index for index, character in enumerate(folded) if character == "/")
        if any(folded[:index] in files for index in slashes):
            found.report(
                "zip-file-as-folder",
                "A folder on the way to this entry is a file in the archive.",
                entry.name,
                entry.name,
            )


def _wrong(name: str) -> "list[tuple[Rule, str]]":
    parts = name.removesuffix("/").split("/")
    rules: list[tuple[Rule, str, bool]] = [
        (
            "zip-name-too-long",
            f"The name has more than {MAX_NAME_BYTES} bytes, or a part of it more than "
            f"{MAX_COMPONENT_BYTES}.",
            len(name.encode()) > MAX_NAME_BYTES
            or any(len(part.encode()) > MAX_COMPONENT_BYTES for part in parts),
        ),
        ("zip-name-nul", "The name holds NUL.", _NUL in name),
        (
            "zip-name-control",
            "The name holds control characters or line separators.",
            _CONTROL.search(name) is not None,
        ),
        ("zip-name-backslash", "The name holds a backslash.", "\\" in name),
        ("zip-name-absolute", "The name is absolute.", name.startswith("/")),
        (
            "zip-name-drive",
            "The name holds a colon, which names a drive or a stream on Windows.",
            ":" in name,
        ),
        (
            "zip-name-empty",
            "The name, or a part of it, is empty.",
            "" in parts and not name.startswith("/"),
        ),
        (
            "zip-name-dots",
            "A part of the name is '.' or '..', or ends with a dot or a space, which Windows "
            "drops.",
            any(_DROPPED.search(part) for part in parts),
        ),
    ]
    return [(rule, detail) for rule, detail, is_broken in rules if is_broken]


def _folded(name: str) -> str:
    """The same for names that some file system or reader takes for one: case, Unicode form,
    invisible characters, and what Windows cannot have in a name."""
    if not name.isascii():
        visible = "".join(char for char in name if unicodedata.category(char) != "Cf")
        folded = unicodedata.normalize("NFD", visible).casefold()
        name = unicodedata.normalize("NFC", folded)
    return name.lower().translate(_REPLACED).rstrip("/")


def _is_plain(entry: "Entry") -> bool:
    kind = stat.S_IFMT(entry.attributes >> 16)
    is_dos_folder = bool(entry.attributes & _DOS_FOLDER)
    if entry.attributes & _DOS_NO_FILE or (is_dos_folder and not entry.is_folder):
        return False
    return kind in (0, stat.S_IFDIR if entry.is_folder else stat.S_IFREG)
