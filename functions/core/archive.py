"""ZIP archives, read by ranges and never whole, with our own reader: the standard library's accepts
what other parsers read differently.

Owns the structure of an archive: end record, central directory, local headers. Whatever in it two
parsers could disagree about is a problem: bytes before, between or behind the parts, names that
differ, appear twice or leave the folder, ZIP64, encryption, several disks, a stored entry whose end
only the directory knows. That compressed data ends where the structure says is for
`archive_content` to see. Layout: APPNOTE.TXT 6.3.10
(https://pkware.cachefly.net/webdocs/APPNOTE/).
"""

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from functions.core import archive_names
from functions.core.archive_names import ArchiveProblem

if TYPE_CHECKING:
    from functions.core.byte_source import ByteSource

MAX_ENTRIES = 10_000
MAX_DIRECTORY_BYTES = 4 * 1024 * 1024
"""Bounds the memory for names: about 400 bytes for each of the most entries."""
MAX_UNPACKED_BYTES = 2 * 1024**3
MAX_RATIO = 200
RATIO_FROM_BYTES = 1024 * 1024
"""Below this an entry's ratio does not count: small files of one byte repeated are common and
harmless."""
MAX_PROBLEMS = 100

_END = struct.Struct("<4s4H2LH")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_END_SIGNATURE = b"PK\x05\x06"
_ZIP64_LOCATOR = b"PK\x06\x07"
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_DESCRIPTOR = 0x8
_UTF8 = 0x800
STORED, DEFLATED = 0, 8
# Extra fields that give a second size, name or encryption scheme: parsers differ in heeding them.
_REFUSED_EXTRAS = {
    0x0001: "ZIP64",
    0x7075: "Unicode path",
    0x0017: "encryption",
    0x9901: "encryption",
}


@dataclass(frozen=True, slots=True)
class Entry:
    name: str
    raw_name: bytes
    flags: int
    method: int
    crc32: int
    compressed_size: int
    size: int
    offset: int
    """Of the local header."""
    mode: int
    """Unix file type and permissions; 0 where the archive has none."""

    @property
    def is_directory(self) -> bool:
        return self.name.endswith("/")

    @property
    def has_descriptor(self) -> bool:
        return bool(self.flags & _DESCRIPTOR)


class Archive:
    """What was found: `entries` in the order of the central directory, and every problem (at most
    100). `entries` is only to be trusted where there are no problems."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.problems: list[ArchiveProblem] = []

    def report(self, slug: str, detail: str, path: str | None = None) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(ArchiveProblem(slug, detail, path))


@dataclass(frozen=True, slots=True)
class _Directory:
    offset: int
    size: int
    entries: int


async def read_archive(source: "ByteSource") -> Archive:
    """Reads the end record, the central directory and every local header. Never raises for what the
    archive holds.

    Raises: SourceChangedError, ObjectStoreError.
    """
    archive = Archive()
    directory = await _read_end(archive, source)
    if directory is None:
        return archive
    await _read_directory(archive, source, directory)
    archive_names.check(archive.report, [(entry.name, entry.mode) for entry in archive.entries])
    for entry in archive.entries:
        _check_entry(archive, entry)
    _check_totals(archive)
    if len(archive.entries) == directory.entries:
        await _check_layout(archive, source, directory)
    return archive


async def _read_end(archive: Archive, source: "ByteSource") -> _Directory | None:
    tail_size = _END.size
    offset = source.size - tail_size
    tail = await source.read(max(offset, 0), tail_size)
    if len(tail) < tail_size or not tail.startswith(_END_SIGNATURE):
        archive.report(
            "zip-end-record",
            "The file does not end with a ZIP end record: it is no ZIP archive, was cut off, "
            "has data behind the archive "
            "or an archive comment. Pack it again without a comment.",
        )
        return None
    _, disk, first_disk, here, entries, size, start, comment = _END.unpack(tail)
    if disk or first_disk or here != entries:
        archive.report("zip-disks", "The archive is spread over several disks.")
    if comment:
        archive.report("zip-end-record", "The archive's comment is cut off.")
    locator = await source.read(max(offset - 20, 0), 20)
    if locator.startswith(_ZIP64_LOCATOR) or entries == 0xFFFF or 0xFFFFFFFF in (size, start):
        archive.report("zip-zip64", "ZIP64 archives are not accepted; pack it as a plain ZIP.")
    elif start + size != offset:
        archive.report(
            "zip-layout", "The central directory does not end where the end record begins."
        )
    if entries == 0:
        archive.report("zip-empty", "The archive has no entries.")
    if entries > MAX_ENTRIES or size > MAX_DIRECTORY_BYTES:
        archive.report(
            "zip-too-many-entries",
            f"The archive has {entries} entries in a directory of {size} bytes; at most "
            f"{MAX_ENTRIES} entries and "
            f"{MAX_DIRECTORY_BYTES} bytes are accepted.",
        )
    return None if archive.problems else _Directory(start, size, entries)


async def _read_directory(archive: Archive, source: "ByteSource", directory: _Directory) -> None:
    position = directory.offset
    end = directory.offset + directory.size
    for number in range(directory.entries):
        fixed = await source.read(position, min(_CENTRAL.size, end - position))
        if len(fixed) < _CENTRAL.size or not fixed.startswith(b"PK\x01\x02"):
            archive.report(
                "zip-directory", f"Entry {number + 1} of the central directory is damaged."
            )
            return
        fields = _CENTRAL.unpack(fixed)
        name_size, extra_size, comment_size = fields[10:13]
        position += _CENTRAL.size
        if position + name_size + extra_size + comment_size > end:
            archive.report(
                "zip-directory", f"Entry {number + 1} of the central directory is cut off."
            )
            return
        rest = await source.read(position, name_size + extra_size)
        position += name_size + extra_size + comment_size
        archive.entries.append(_entry(archive, fields, rest[:name_size], rest[name_size:]))
    if position != end:
        archive.report("zip-directory", "The central directory has bytes behind its last entry.")


def _entry(archive: Archive, fields: tuple[int, ...], raw_name: bytes, extra: bytes) -> Entry:
    flags, method = fields[3], fields[4]
    name = archive_names.decode(archive.report, raw_name, is_utf8=bool(flags & _UTF8))
    _check_extra(archive, name, extra)
    if fields[13]:
        archive.report("zip-disks", "The entry lies on another disk.", name)
    return Entry(
        name=name,
        raw_name=raw_name,
        flags=flags,
        method=method,
        crc32=fields[7],
        compressed_size=fields[8],
        size=fields[9],
        offset=fields[16],
        mode=fields[15] >> 16,
    )


def _check_extra(archive: Archive, name: str, extra: bytes) -> None:
    position = 0
    while position < len(extra):
        if position + 4 > len(extra):
            # Up to three bytes of zero are what zipalign pads with.
            if any(extra[position:]):
                archive.report("zip-extra", "An extra field is damaged.", name)
            return
        tag, size = struct.unpack_from("<HH", extra, position)
        position += 4 + size
        if tag in _REFUSED_EXTRAS:
            archive.report(
                "zip-extra", f"The extra field for {_REFUSED_EXTRAS[tag]} is not accepted.", name
            )
        if position > len(extra):
            archive.report("zip-extra", "An extra field is cut off.", name)


def _check_entry(archive: Archive, entry: Entry) -> None:
    if entry.flags & _ENCRYPTED:
        archive.report("zip-encrypted", "Encrypted entries are not accepted.", entry.name)
    if entry.method not in {STORED, DEFLATED}:
        archive.report(
            "zip-method",
            f"Compression method {entry.method} is not accepted, only stored (0) and deflate (8).",
            entry.name,
        )
    if entry.method == STORED and entry.size != entry.compressed_size:
        archive.report("zip-size", "A stored entry has two different sizes.", entry.name)
    if entry.is_directory and entry.size:
        archive.report("zip-size", "A folder has content.", entry.name)
    if entry.size > RATIO_FROM_BYTES and entry.size > MAX_RATIO * entry.compressed_size:
        archive.report(
            "zip-ratio", f"The entry unpacks to more than {MAX_RATIO} times its size.", entry.name
        )


def _check_totals(archive: Archive) -> None:
    total = sum(entry.size for entry in archive.entries)
    if total > MAX_UNPACKED_BYTES:
        archive.report(
            "zip-unpacked-size",
            f"The archive unpacks to {total} bytes; at most {MAX_UNPACKED_BYTES} are accepted.",
        )


async def _check_layout(archive: Archive, source: "ByteSource", directory: _Directory) -> None:
    """The local headers, in the order in which they lie: each begins where the one before it ended,
    so that a reader from the front finds what a reader from the back finds."""
    entries = sorted(archive.entries, key=lambda entry: entry.offset)
    starts = [entry.offset for entry in entries] + [directory.offset]
    if starts[0] != 0:
        archive.report("zip-layout", "The archive does not begin with its first entry.")
        return
    for entry, following in zip(entries, starts[1:], strict=True):
        header = await source.read(entry.offset, LOCAL_HEADER.size + len(entry.raw_name))
        if len(header) < LOCAL_HEADER.size or not header.startswith(b"PK\x03\x04"):
            archive.report("zip-local-header", "The entry has no local header.", entry.name)
            return
        fields = LOCAL_HEADER.unpack_from(header)
        if entry.method == STORED and entry.size and not any(fields[6:9]):
            archive.report(
                "zip-descriptor",
                "The entry is stored and has its size only behind its data, where a reader from "
                "the front cannot find it. Pack it with its size, or compressed.",
                entry.name,
            )
        elif not _agrees(entry, fields, header[LOCAL_HEADER.size :]):
            archive.report(
                "zip-local-header", "The local header and the central directory differ.", entry.name
            )
        extra_start = entry.offset + LOCAL_HEADER.size + fields[9]
        _check_extra(archive, entry.name, await source.read(extra_start, fields[10]))
        end = extra_start + fields[10] + entry.compressed_size
        if not await _ends_at(source, entry, end, following):
            archive.report(
                "zip-layout",
                "The entry overlaps the next one, has unknown bytes behind it or a wrong data "
                "descriptor.",
                entry.name,
            )
            return


def _agrees(entry: Entry, local: tuple[int, ...], raw_name: bytes) -> bool:
    _, _, flags, method, _, _, crc32, compressed_size, size, name_size, _ = local
    if (flags, method, name_size, raw_name) != (
        entry.flags,
        entry.method,
        len(entry.raw_name),
        entry.raw_name,
    ):
        return False
    sizes = (crc32, compressed_size, size)
    if entry.has_descriptor and not any(sizes):
        return True
    return sizes == (entry.crc32, entry.compressed_size, entry.size)


async def _ends_at(source: "ByteSource", entry: Entry, end: int, following: int) -> bool:
    if not entry.has_descriptor:
        return end == following
    descriptor = struct.pack("<3L", entry.crc32, entry.compressed_size, entry.size)
    found = await source.read(end, following - end) if 12 <= following - end <= 16 else b""
    return found in {descriptor, b"PK\x07\x08" + descriptor}
