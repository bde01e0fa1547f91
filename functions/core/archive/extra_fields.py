"""Extra fields of a header, of which three kinds can change what an entry is: ZIP64 sizes, a second
name, encryption. All others are left alone.

A reader may take a ZIP64 value where the header leaves it out (holds its largest number), or
always; so both must lead to the same.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functions.core.archive.problems import Findings

ZIP64 = 0x0001
UNICODE_PATH = 0x7075
_ENCRYPTION = (0x0017, 0x9901)
_ONCE = frozenset({ZIP64, UNICODE_PATH, *_ENCRYPTION})

_WIDTHS = (8, 8, 8, 4)
"""Of size, compressed size, offset and disk in the ZIP64 field, in this order."""
_FORMS = {8: "<Q", 4: "<L"}
_LEFT_OUT = (0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFF)


def parse(found: "Findings", name: str, extra: bytes) -> Mapping[int, bytes]:
    """The fields that matter, by their tags."""
    fields: dict[int, bytes] = {}
    position = 0
    while position + 4 <= len(extra):
        tag, size = struct.unpack_from("<HH", extra, position)
        position += 4 + size
        if position > len(extra):
            found.report("zip-extra-field", "An extra field is cut off.", name, f"0x{tag:04x}")
            return fields
        if tag in fields:
            found.report("zip-extra-field", "An extra field is there twice.", name, f"0x{tag:04x}")
        elif tag in _ONCE:
            fields[tag] = extra[position - size : position]
    # Up to three bytes of zero are what zipalign pads with.
    if any(extra[position:]):
        found.report("zip-extra-field", "The extra fields end with a damaged one.", name)
    return fields


def check(found: "Findings", name: str, fields: Mapping[int, bytes]) -> None:
    """What holds of the fields themselves, whatever the header says."""
    for tag in _ENCRYPTION:
        if tag in fields:
            found.report(
                "zip-encrypted", "Encrypted entries are not accepted.", name, f"0x{tag:04x}"
            )
    path = fields.get(UNICODE_PATH)
    # Version 1, the CRC-32 of the header's name, the name. Whether that CRC-32 holds does not
    # matter where both names are the same.
    if path is not None and (path[:1] != b"\x01" or len(path) < 5 or path[5:] != name.encode()):
        found.report(
            "zip-unicode-path",
            "The extra field for a Unicode path gives the entry another name.",
            name,
            path[5:].decode("utf-8", "backslashreplace"),
        )


def claims(values: Sequence[int], zip64: bytes | None) -> list[set[int]] | None:
    """For each value of a header (size, compressed size, offset, disk, or the first of them) all
    that a reader may take it for; None where the ZIP64 field cannot be read in one way only."""
    left_out = [value == most for value, most in zip(values, _LEFT_OUT, strict=False)]
    if zip64 is None:
        return None if any(left_out) else [{value} for value in values]
    wanted = [number for number, is_left_out in enumerate(left_out) if is_left_out]
    # What is left out, or, where nothing is, as many as the field holds.
    given = wanted or _first(len(values), len(zip64))
    if sum(_WIDTHS[number] for number in given) != len(zip64):
        return None
    found = [
        set[int]() if is_left_out else {value}
        for value, is_left_out in zip(values, left_out, strict=True)
    ]
    position = 0
    for number in given:
        width = _WIDTHS[number]
        found[number].add(struct.unpack_from(_FORMS[width], zip64, position)[0])
        position += width
    return found


def _first(count: int, length: int) -> list[int]:
    numbers: list[int] = []
    for number in range(count):
        if sum(_WIDTHS[: number + 1]) <= length:
            numbers.append(number)
    return numbers
