"""The end of an archive: end record, ZIP64 end record and its locator, which say where the central
directory lies.

Readers look for the end record in different ways: the last one, the first one in the last 64 KiB,
the one whose comment ends with the file; and they take the ZIP64 record where they find its
locator, or only where the end record asks for it. So there must be one end record only, which ends
with the file, and whatever is said twice must be the same.
"""

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functions.core.archive.problems import Findings
    from functions.core.archive.ranges import Ranges

MAX_ENTRIES = 10_000
MAX_DIRECTORY_BYTES = 4 * 1024 * 1024
"""Bounds the memory for names: about 400 bytes for each of the most entries."""

SIGNATURE = re.compile(rb"PK(?:\x01\x02|\x03\x04|\x05\x05|\x05\x06|\x06\x06|\x06\x07|\x07\x08)")
"""Of any ZIP record."""

_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE = b"PK\x05\x06"
_LOCATOR = struct.Struct("<4sLQL")
_LOCATOR_SIGNATURE = b"PK\x06\x07"
_END64 = struct.Struct("<4sQ2H2L4Q")
_END64_SIGNATURE = b"PK\x06\x06"
_END64_SIZE = _END64.size - 12
_SATURATED = (0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)


@dataclass(frozen=True, slots=True)
class Directory:
    """The central directory as the end of the archive announces it."""

    offset: int
    size: int
    entries: int


@dataclass(frozen=True, slots=True)
class _End:
    position: int
    """Where the records of the end begin, and so where the directory must end."""
    disk: int
    first_disk: int
    entries_here: int
    entries: int
    size: int
    offset: int


async def read_end(found: "Findings", ranges: "Ranges") -> Directory | None:
    """None where the directory cannot be read."""
    tail = await ranges.read_tail()
    at = tail.rfind(_END_SIGNATURE, 0, max(len(tail) - _END.size, 0) + len(_END_SIGNATURE))
    if at < 0 or at + _END.size > len(tail):
        found.report(
            "zip-end-record",
            "The file has no ZIP end record: it is no ZIP archive, or was cut off.",
        )
        return None
    _check_comment(found, tail, at)
    end = _parse(tail, at, ranges.size - len(tail) + at)
    end = await _with_zip64(found, ranges, end)
    if end is None or not _is_readable(found, end):
        return None
    if not await _ends_with_directory(found, ranges, end):
        return None
    return Directory(end.offset, end.size, end.entries)


def _check_comment(found: "Findings", tail: bytes, at: int) -> None:
    comment = tail[at + _END.size :]
    announced: int = _END.unpack_from(tail, at)[7]
    if announced != len(comment):
        found.report(
            "zip-trailing-data",
            f"The end record announces a comment of {announced} bytes, but {len(comment)} bytes "
            "follow it. Nothing may lie behind the archive.",
            value=len(comment),
        )
    elif SIGNATURE.search(comment):
        found.report("zip-comment", "The archive's comment holds a ZIP record.")
    for match in re.finditer(_END_SIGNATURE, tail[:at]):
        other = match.start()
        if other + _END.size + _END.unpack_from(tail, other)[7] == len(tail):
            found.report(
                "zip-several-end-records",
                "Another end record lies before the last one, and its comment ends with the file "
                "too.",
                value=len(tail) - other,
            )


def _parse(tail: bytes, at: int, position: int) -> _End:
    _, disk, first_disk, here, entries, size, offset, _ = _END.unpack_from(tail, at)
    return _End(position, disk, first_disk, here, entries, size, offset)


async def _with_zip64(found: "Findings", ranges: "Ranges", end: _End) -> _End | None:
    """The end as the ZIP64 record says it, where there is one; None where the two disagree."""
    fields = (end.disk, end.first_disk, end.entries_here, end.entries, end.size, end.offset)
    saturated = [field == most for field, most in zip(fields, _SATURATED, strict=True)]
    locator = await ranges.read(end.position - _LOCATOR.size, _LOCATOR.size)
    if not locator.startswith(_LOCATOR_SIGNATURE):
        if any(saturated):
            found.report(
                "zip-zip64", "The end record leaves a value to a ZIP64 record, which is missing."
            )
            return None
        return end
    position = end.position - _LOCATOR.size - _END64.size
    record = await ranges.read(position, _END64.size)
    wrong = _wrong_zip64(locator, record, position)
    if wrong is not None:
        found.report("zip-zip64", wrong)
        return None
    values = _END64.unpack(record)[4:]
    for is_left_out, field, value in zip(saturated, fields, values, strict=True):
        if not is_left_out and field != value:
            found.report(
                "zip-zip64",
                f"The end record and the ZIP64 end record disagree: {field} and {value}.",
                value=value,
            )
            return None
    return _End(position, *values)


def _wrong_zip64(locator: bytes, record: bytes, position: int) -> str | None:
    _, disk, offset, disks = _LOCATOR.unpack(locator)
    if offset != position or disk != 0 or disks != 1:
        return "The ZIP64 locator does not point to a record right before it."
    if len(record) < _END64.size or not record.startswith(_END64_SIGNATURE):
        return "There is no ZIP64 end record before its locator."
    if _END64.unpack(record)[1] != _END64_SIZE:
        return "The ZIP64 end record has an extensible data sector, or lies about its size."
    return None


def _is_readable(found: "Findings", end: _End) -> bool:
    before = len(found.problems)
    if end.disk or end.first_disk or end.entries_here != end.entries:
        found.report(
            "zip-disks",
            "The archive is spread over several disks.",
            value=end.disk or end.first_disk or end.entries_here,
        )
    if end.entries == 0:
        found.report("zip-empty", "The archive has no entries.")
    if end.entries > MAX_ENTRIES or end.size > MAX_DIRECTORY_BYTES:
        found.report(
            "zip-too-many-entries",
            f"The archive has {end.entries} entries in a directory of {end.size} bytes; at most "
            f"{MAX_ENTRIES} entries and {MAX_DIRECTORY_BYTES} bytes are accepted.",
            value=end.entries,
        )
    return len(found.problems) == before


async def _ends_with_directory(found: "Findings", ranges: "Ranges", end: _End) -> bool:
    missing = end.position - (end.offset + end.size)
    if missing == 0:
        return True
    shifted = await ranges.read(end.position - end.size, 4)
    if missing > 0 and shifted == b"PK\x01\x02":
        found.report(
            "zip-prepended-data", f"{missing} bytes lie before the archive.", value=missing
        )
    else:
        found.report(
            "zip-directory",
            "The central directory does not end where the records behind it begin.",
            value=end.offset + end.size,
        )
    return False
