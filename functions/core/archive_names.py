"""Names inside an archive: which ones every system unpacks to the same place inside the folder."""

import re
import stat
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

MAX_NAME_BYTES = 1024
MAX_COMPONENT_BYTES = 255
"""The longest file name that the common file systems take."""

MAX_SHOWN_CHARACTERS = 500

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DRIVE = re.compile(r"[A-Za-z]:")

Report = Callable[[str, str, str | None], None]
"""Takes slug, detail and the name."""


@dataclass(frozen=True, slots=True)
class ArchiveProblem:
    slug: str
    detail: str
    path: str | None = None

    def to_member(self) -> dict[str, object]:
        """As it is kept and shown: cut, because names come from a stranger and a row has limits."""
        detail = self.detail[:MAX_SHOWN_CHARACTERS]
        member: dict[str, object] = {"slug": self.slug, "detail": detail}
        if self.path is not None:
            member["path"] = self.path[:MAX_SHOWN_CHARACTERS]
        return member


def decode(report: Report, raw_name: bytes, *, is_utf8: bool) -> str:
    """The name; reported and made readable where its bytes mean different names to different
    parsers."""
    try:
        return raw_name.decode("utf-8" if is_utf8 else "ascii")
    except UnicodeError:
        name = raw_name.decode("utf-8", "backslashreplace")
        report("zip-name", "The name is not ASCII and not marked as UTF-8.", name)
        return name


def check(report: Report, names: Sequence[tuple[str, int]]) -> None:
    """Checks all names with their Unix modes (0 where there is none)."""
    seen: dict[str, str] = {}
    for name, mode in names:
        wrong = _wrong(name)
        if wrong is not None:
            report("zip-name", wrong, name)
        if not _is_plain(name, mode):
            report(
                "zip-file-type", "Only files and folders are accepted, no links or devices.", name
            )
        # File systems that fold case or normalise would lay both on one file.
        folded = unicodedata.normalize("NFC", name.rstrip("/")).casefold()
        if folded in seen:
            report("zip-duplicate", f"The name is there twice, as {seen[folded]!r} too.", name)
        seen.setdefault(folded, name)
    files = {folded for folded, name in seen.items() if not name.endswith("/")}
    for folded, name in seen.items():
        if any(folded[:index] in files for index, char in enumerate(folded) if char == "/"):
            report("zip-duplicate", "A folder of this name is a file in the archive.", name)


def _wrong(name: str) -> str | None:
    path = name.removesuffix("/")
    if len(name.encode()) > MAX_NAME_BYTES:
        return f"The name has more than {MAX_NAME_BYTES} bytes."
    if "\\" in name or _CONTROL.search(name):
        return "The name has a backslash or a control character."
    if name.startswith("/") or _DRIVE.match(name):
        return "The name is absolute."
    parts = path.split("/")
    if any(part in {"", ".", ".."} for part in parts):
        return "The name is empty or has an empty or dot segment."
    if any(len(part.encode()) > MAX_COMPONENT_BYTES for part in parts):
        return f"A part of the name has more than {MAX_COMPONENT_BYTES} bytes."
    return None


def _is_plain(name: str, mode: int) -> bool:
    kind = stat.S_IFMT(mode)
    if kind == 0:
        return True
    return kind == (stat.S_IFDIR if name.endswith("/") else stat.S_IFREG)
