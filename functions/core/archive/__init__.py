"""ZIP archives, read by ranges and never whole, with our own reader: the standard library's accepts
what other readers take differently.

Whatever in an archive two readers could disagree about is a problem, each rule under its own name
(`problems.Rule`). The parts: `end_record` finds the directory, `central` reads it, `names` and
`extra_fields` judge what is in it, `local` walks through the local headers, `content` looks into
the entries, `ranges` reads. Layout: APPNOTE.TXT 6.3.10 (https://pkware.cachefly.net/webdocs/APPNOTE/).
"""

from dataclasses import dataclass

from functions.core.archive import central, names
from functions.core.archive.central import Entry
from functions.core.archive.content import CONTENT_BYTES, read_entry
from functions.core.archive.end_record import read_end
from functions.core.archive.local import check_locals
from functions.core.archive.problems import ArchiveProblem, Findings
from functions.core.archive.ranges import Ranges, ReadRange

__all__ = [
    "CONTENT_BYTES",
    "Archive",
    "ArchiveProblem",
    "Entry",
    "ReadRange",
    "check_archive",
    "read_archive",
    "read_entry",
]


@dataclass(frozen=True, slots=True)
class Archive:
    """What was found. `entries` is only to be trusted where there are no problems."""

    entries: tuple[Entry, ...]
    """In the order of the central directory."""
    problems: tuple[ArchiveProblem, ...]

    def find(self, name: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.name == name), None)


async def check_archive(
    read_range: ReadRange, size: int, *, content_bytes: int = CONTENT_BYTES
) -> list[ArchiveProblem]:
    """Every problem of an archive of `size` bytes, at most 100 of them; none where every reader
    finds the same entries in it. `read_range(offset, length)` gives exactly that many bytes (fewer
    where the archive ends); it is called with ranges inside the archive, several at a time.

    Read are the end, the central directory, the local headers, and the content of the smallest
    entries, up to `content_bytes` packed bytes in all; an archive up to 1 MiB is read in one piece.

    Raises: what `read_range` raises, and nothing for what the archive holds.
    """
    return list((await read_archive(read_range, size, content_bytes=content_bytes)).problems)


async def read_archive(
    read_range: ReadRange, size: int, *, content_bytes: int = CONTENT_BYTES
) -> Archive:
    """As `check_archive`, with the entries."""
    found = Findings()
    entries: list[Entry] = []
    ranges = Ranges(read_range, size)
    directory = await read_end(found, ranges)
    if directory is not None:
        entries = await central.read_directory(found, ranges, directory) or []
    if directory is not None and entries:
        names.check(found, entries)
        for entry in entries:
            central.check_entry(found, entry)
        central.check_totals(found, entries, size)
        placed = await check_locals(found, ranges, entries, directory.offset, content_bytes)
        order = {entry.offset: entry for entry in placed}
        entries = [order[entry.offset] for entry in entries]
    return Archive(tuple(entries), tuple(found.problems))
