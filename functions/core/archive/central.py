"""The central directory: its records, and what each of them says about its entry."""

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from functions.core.archive import extra_fields, names
from functions.core.archive.end_record import SIGNATURE

if TYPE_CHECKING:
    from functions.core.archive.end_record import Directory
    from functions.core.archive.problems import Findings
    from functions.core.archive.ranges import Ranges

MAX_UNPACKED_BYTES = 2 * 1024**3
MAX_RATIO = 200
RATIO_FROM_BYTES = 1024 * 1024
"""Below this the ratio does not count: small files of one byte repeated are common and harmless."""
MAX_EMPTY_STREAM_BYTES = 16
"""An empty deflate stream has 2 bytes (some tools give their folders one), or 5 with a stored
block."""
STORED, DEFLATED = 0, 8
DESCRIPTOR = 0x0008
UTF8 = 0x0800
MAX_VERSION = 63
"""Of the format, in tenths: the newest that APPNOTE.TXT knows. Some readers refuse newer ones."""
LEVEL = 0x0006
"""How hard the packer tried; says nothing to a reader."""

_RECORD = struct.Struct("<4s6H3L5H2L")
_SIGNATURE = b"PK\x01\x02"
_ENCRYPTED = 0x0001 | 0x0040 | 0x2000
_KNOWN_FLAGS = _ENCRYPTED | DESCRIPTOR | UTF8 | LEVEL


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or folder, as the central directory describes it."""

    name: str
    raw_name: bytes
    flags: int
    method: int
    crc32: int
    compressed_size: int
    size: int
    offset: int
    """Of the local header."""
    attributes: int
    """External attributes: Unix mode in the upper 16 bits, those of DOS in the lowest 8."""
    extra_size: int
    """Of the record's extra fields, which says how long those of the local header may be."""
    data_offset: int = 0
    """Of the packed data; known once the local header was read."""

    @property
    def is_folder(self) -> bool:
        return self.name.endswith("/")


async def read_directory(
    found: "Findings", ranges: "Ranges", directory: "Directory"
) -> list[Entry] | None:
    """The entries in the order of the directory; None where these are not all of them."""
    records = await ranges.read(directory.offset, directory.size)
    entries: list[Entry] = []
    position = 0
    while position < len(records) and len(entries) < directory.entries:
        end = _end_of_record(records, position)
        if end is None:
            detail = f"Record {len(entries) + 1} of the central directory is damaged."
            found.report("zip-directory", detail, value=directory.offset + position)
            return None
        entry = _entry(found, records[position:end])
        if entry is None:
            return None
        entries.append(entry)
        position = end
    if len(entries) == directory.entries and position == len(records):
        return entries
    if records.startswith(_SIGNATURE, position) or position == len(records):
        detail = f"The directory does not have the {directory.entries} records that it should have."
        found.report("zip-entry-count", detail, value=directory.entries)
    else:
        detail = "Something else lies behind the records of the central directory."
        found.report("zip-directory", detail, value=directory.offset + position)
    return None


def _end_of_record(records: bytes, position: int) -> int | None:
    if position + _RECORD.size > len(records) or not records.startswith(_SIGNATURE, position):
        return None
    end = position + _RECORD.size + sum(_RECORD.unpack_from(records, position)[10:13])
    return end if end <= len(records) else None


def _entry(found: "Findings", record: bytes) -> Entry | None:
    """None where its place is not known."""
    (
        _, _, needed, flags, method, _, _, crc32, compressed_size, size,
        name_size, extra_size, _, disk, _, attributes, offset,
    ) = _RECORD.unpack_from(record)  # fmt: skip
    raw_name = record[_RECORD.size : _RECORD.size + name_size]
    extra = record[_RECORD.size + name_size : _RECORD.size + name_size + extra_size]
    name = names.decode(found, raw_name, is_utf8=bool(flags & UTF8))
    if SIGNATURE.search(record, _RECORD.size + name_size + extra_size):
        found.report("zip-comment", "The entry's comment holds a ZIP record.", name)
    fields = extra_fields.parse(found, name, extra)
    extra_fields.check(found, name, fields)
    claims = extra_fields.claims(
        (size, compressed_size, offset, disk), fields.get(extra_fields.ZIP64)
    )
    if claims is None or any(len(claim) != 1 for claim in claims):
        found.report("zip-zip64", "The entry and its ZIP64 extra field disagree.", name)
        return None
    size, compressed_size, offset, disk = (claim.pop() for claim in claims)
    check_version(found, name, needed)
    if disk:
        found.report("zip-disks", "The entry lies on another disk.", name, disk)
    return Entry(
        name, raw_name, flags, method, crc32, compressed_size, size, offset, attributes, extra_size
    )


def check_version(found: "Findings", name: str, needed: int) -> None:
    """For both headers of an entry. The upper byte says nothing of the version."""
    if needed & 0xFF > MAX_VERSION:
        detail = "The entry needs a newer version of the format than there is."
        found.report("zip-version", detail, name, needed & 0xFF)


def check_entry(found: "Findings", entry: Entry) -> None:
    """What holds of one entry by itself."""
    name, size, packed = entry.name, entry.size, entry.compressed_size
    if entry.flags & _ENCRYPTED:
        found.report(
            "zip-encrypted", "Encrypted entries are not accepted.", name, f"0x{entry.flags:04x}"
        )
    if entry.flags & ~_KNOWN_FLAGS:
        found.report("zip-flags", "The entry has unknown flags.", name, f"0x{entry.flags:04x}")
    if entry.method not in {STORED, DEFLATED}:
        found.report(
            "zip-method",
            f"Compression method {entry.method} is not accepted, only stored (0) and deflate (8).",
            name,
            entry.method,
        )
    if entry.method == STORED and size != packed:
        found.report("zip-size", f"A stored entry has two sizes: {packed} and {size}.", name, size)
    # Deflate adds 5 bytes a block; a packer that flushes often makes many of them, but not so many.
    if entry.method == DEFLATED and packed > 2 * size + 1024:
        found.report(
            "zip-size", f"{size} bytes cannot have been packed into {packed}.", name, packed
        )
    if entry.is_folder and (size or packed > MAX_EMPTY_STREAM_BYTES):
        found.report("zip-folder-content", "A folder has content.", name, size or packed)
    if size > RATIO_FROM_BYTES and size > MAX_RATIO * packed:
        found.report(
            "zip-ratio", f"The entry unpacks to more than {MAX_RATIO} times its size.", name, size
        )


def check_totals(found: "Findings", entries: list[Entry], archive_size: int) -> None:
    total = sum(entry.size for entry in entries)
    if total > MAX_UNPACKED_BYTES:
        found.report(
            "zip-unpacked-size",
            f"The archive unpacks to {total} bytes; at most {MAX_UNPACKED_BYTES} are accepted.",
            value=total,
        )
    elif total > RATIO_FROM_BYTES and total > MAX_RATIO * archive_size:
        found.report(
            "zip-ratio",
            f"The archive unpacks to {total} bytes, more than {MAX_RATIO} times its size.",
            value=total,
        )
