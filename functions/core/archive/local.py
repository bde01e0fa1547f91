"""The local headers and what lies between them: each entry begins where the one before it ended,
and says of itself what the directory says of it, so that a reader from the front finds what a
reader from the back finds.

Rules:
1. The first local header lies at the beginning of the file, the last entry ends where the directory
   begins, and nothing lies in between: no gap, no overlap.
2. Name, method and the flags that matter are those of the directory. So are CRC-32 and sizes; or,
   where a data descriptor follows, each of them may be left out (0).
3. A data descriptor says what the directory says, with sizes of 8 bytes exactly where the local
   header has a ZIP64 field, with or without its signature.
4. A stored entry whose size only follows it is read through: its end could be found in the wrong
   place.
"""

import struct
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from functions.core.archive import content, extra_fields
from functions.core.archive.central import DESCRIPTOR, LEVEL, STORED, check_version
from functions.core.archive.ranges import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from functions.core.archive.central import Entry
    from functions.core.archive.problems import Findings
    from functions.core.archive.ranges import Ranges

_HEADER = struct.Struct("<4s5H3L2H")
_SIGNATURE = b"PK\x03\x04"
_DESCRIPTOR_SIGNATURE = b"PK\x07\x08"
_LONGEST_DESCRIPTOR = 24
_EXTRA_GUESS = 64
"""Bytes of extra fields that are read with a header, beyond as many as the directory has."""


@dataclass(frozen=True, slots=True)
class _Local:
    """What the local header of `entry` says, where it matters for what lies behind it."""

    entry: "Entry"
    has_descriptor: bool
    has_zip64: bool
    is_open: bool
    """Stored, and the size of its data stands only behind it."""

    @property
    def end(self) -> int:
        return self.entry.data_offset + self.entry.compressed_size


async def check_locals(
    found: "Findings",
    ranges: "Ranges",
    entries: "Sequence[Entry]",
    directory_offset: int,
    content_bytes: int,
) -> "list[Entry]":
    """Gives the entries with their `data_offset`, in the order in which they lie. Of their content
    at most `content_bytes` packed bytes are checked.

    Raises: what the range reads raise.
    """
    ordered = sorted(entries, key=lambda entry: entry.offset)
    first, last = ordered[0], ordered[-1]
    if first.offset != 0:
        detail = f"The first entry begins at byte {first.offset}, and not at the beginning."
        found.report("zip-prepended-data", detail, first.name, first.offset)
        return ordered
    if last.offset + _HEADER.size > directory_offset:
        detail = "The entry's local header would lie in the directory or behind it."
        found.report("zip-local-header", detail, last.name, last.offset)
        return ordered
    affordable = content.affordable(ordered, content_bytes)
    spans = [_span(entry, with_content=entry.offset in affordable) for entry in ordered]
    spans.append(Span(max(directory_offset - _LONGEST_DESCRIPTOR, 0), directory_offset))
    walk = _Walk(found, ranges)
    number = 0
    async with aclosing(ranges.read_spans(spans)) as pieces:
        async for piece in pieces:
            entry = ordered[number] if number < len(ordered) else None
            position = directory_offset if entry is None else entry.offset
            lead = position - spans[number].start
            walk.close(position, piece[:lead])
            if entry is not None:
                is_affordable = entry.offset in affordable
                await walk.open(entry, piece[lead:], with_content=is_affordable)
            number += 1
    return walk.entries


def _span(entry: "Entry", *, with_content: bool) -> Span:
    """The header with the descriptor that may lie before it."""
    length = _HEADER.size + len(entry.raw_name) + entry.extra_size + _EXTRA_GUESS
    if with_content:
        length += entry.compressed_size + _LONGEST_DESCRIPTOR
    return Span(max(entry.offset - _LONGEST_DESCRIPTOR, 0), entry.offset + length)


class _Walk:
    """From header to header: `open` reads one, `close` looks at what follows its data."""

    def __init__(self, found: "Findings", ranges: "Ranges") -> None:
        self._found = found
        self._ranges = ranges
        self._before: _Local | None = None
        self.entries: list[Entry] = []

    async def open(self, entry: "Entry", piece: bytes, *, with_content: bool) -> None:
        """`piece` begins with the header, and may hold more or less than that."""
        self._before = None
        if len(piece) < _HEADER.size or not piece.startswith(_SIGNATURE):
            self._found.report(
                "zip-local-header", "The entry has no local header.", entry.name, entry.offset
            )
            self.entries.append(entry)
            return
        fields = _HEADER.unpack_from(piece)
        length = _HEADER.size + fields[9] + fields[10]
        if length > len(piece):
            piece = await self._ranges.read(entry.offset, length)
        raw_name = piece[_HEADER.size : _HEADER.size + fields[9]]
        extra = extra_fields.parse(
            self._found, entry.name, piece[_HEADER.size + fields[9] : length]
        )
        placed = replace(entry, data_offset=entry.offset + length)
        self.entries.append(placed)
        self._before = self._compare(placed, fields, raw_name, extra.get(extra_fields.ZIP64))
        extra_fields.check(self._found, entry.name, extra)
        check_version(self._found, entry.name, fields[1])
        await self._check_content(self._before, piece[length:], with_content=with_content)

    async def _check_content(self, local: _Local, data: bytes, *, with_content: bool) -> None:
        entry = local.entry
        if with_content:
            if len(data) < entry.compressed_size:
                data = await self._ranges.read(entry.data_offset, entry.compressed_size)
            content.check(self._found, entry, data[: entry.compressed_size])
        if local.is_open:
            async with aclosing(self._ranges.read_windows(entry.data_offset, local.end)) as windows:
                await content.check_open(self._found, entry, windows)

    def _compare(
        self, entry: "Entry", fields: tuple[int, ...], raw_name: bytes, zip64: bytes | None
    ) -> _Local:
        _, _, flags, method, _, _, crc32, compressed_size, size, _, _ = fields
        has_descriptor = bool(flags & DESCRIPTOR)
        name = entry.name
        if raw_name != entry.raw_name:
            self._found.report(
                "zip-local-name",
                "The entry has another name in its local header.",
                name,
                raw_name.decode("utf-8", "backslashreplace"),
            )
        if _flags_differ(flags, entry.flags):
            detail = "The entry has other flags in its local header."
            self._found.report("zip-local-flags", detail, name, f"0x{flags:04x}")
        if method != entry.method:
            detail = "The entry has another compression method in its local header."
            self._found.report("zip-local-method", detail, name, method)
        if crc32 not in _allowed(entry.crc32, has_descriptor):
            detail = "The entry has another CRC-32 in its local header."
            self._found.report("zip-local-crc", detail, name, f"0x{crc32:08x}")
        is_open = False
        claims = extra_fields.claims((size, compressed_size), zip64)
        if claims is None:
            detail = "The local header and its ZIP64 extra field disagree."
            self._found.report("zip-zip64", detail, name)
        elif not (
            claims[0] <= _allowed(entry.size, has_descriptor)
            and claims[1] <= _allowed(entry.compressed_size, has_descriptor)
        ):
            detail = "The entry has other sizes in its local header."
            self._found.report("zip-local-size", detail, name, compressed_size)
        else:
            is_open = entry.method == STORED and claims[1] != {entry.compressed_size}
        return _Local(entry, has_descriptor, zip64 is not None, is_open)

    def close(self, position: int, lead: bytes) -> None:
        """`position` is where the next header or the directory begins, `lead` the bytes before
        it."""
        local = self._before
        if local is None:
            return
        gap = position - local.end
        name = local.entry.name
        if gap < 0:
            detail = f"The entry's data would end {-gap} bytes behind the beginning of the next."
            self._found.report("zip-overlap", detail, name, -gap)
        elif not local.has_descriptor and gap:
            detail = f"{gap} unknown bytes lie behind the entry."
            self._found.report("zip-gap", detail, name, gap)
        elif local.has_descriptor:
            self._check_descriptor(local, gap, lead[len(lead) - gap :] if gap <= len(lead) else b"")

    def _check_descriptor(self, local: _Local, gap: int, descriptor: bytes) -> None:
        entry = local.entry
        form = "<LQQ" if local.has_zip64 else "<LLL"
        expected = struct.pack(form, entry.crc32, entry.compressed_size, entry.size)
        signed = _DESCRIPTOR_SIGNATURE + expected
        # Without a signature of its own, a CRC-32 that looks like one would be taken for it.
        is_bare = descriptor == expected and not expected.startswith(_DESCRIPTOR_SIGNATURE)
        if gap > len(signed):
            detail = f"{gap - len(signed)} unknown bytes lie behind the entry."
            self._found.report("zip-gap", detail, entry.name, gap - len(signed))
        elif descriptor != signed and not is_bare:
            detail = "The data descriptor is not what the directory says."
            self._found.report("zip-descriptor", detail, entry.name, descriptor.hex())
        elif is_bare and local.is_open:
            content.report_open(self._found, entry)


def _allowed(value: int, has_descriptor: bool) -> set[int]:
    return {value, 0} if has_descriptor else {value}


def _flags_differ(local: int, central: int) -> bool:
    if (local ^ central) & ~(DESCRIPTOR | LEVEL):
        return True
    # A reader from the back may look for a descriptor that only the directory announces; one that
    # only the local header announces is found by those who look for it there.
    return bool(central & DESCRIPTOR and not local & DESCRIPTOR)
