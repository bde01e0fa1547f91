"""The `Range` of a request (RFC 9110 14.2).

1. One range of bytes is honoured: `bytes=0-99`, `bytes=100-`, `bytes=-100`. What goes past the end
   is cut to the object; what begins past it is unsatisfiable.
2. Everything else is ignored, which the RFC leaves to the server: another unit, what is malformed,
   and several ranges. Those would cost one call of the store each, and their answer a boundary that
   no client of packages asks for; the whole is always a right answer.
"""

import re

from functions.ports.object_store import ByteRange

_UNIT = re.compile(r"bytes=", re.IGNORECASE)
_RANGE = re.compile(r"([0-9]*)-([0-9]*)")
_BLANK = " \t"
BEYOND = 2**62
"""Past the end of every object: greater numbers mean the same."""


def parse_range(header: str | None) -> ByteRange | None:
    """None where the whole is to be answered."""
    unit = _UNIT.match(header.strip(_BLANK)) if header is not None else None
    if header is None or unit is None:
        return None
    # Empty elements of a list count as not there (RFC 9110 5.6.1).
    listed = [part.strip(_BLANK) for part in header.strip(_BLANK)[unit.end() :].split(",")]
    ranges = [part for part in listed if part]
    match = _RANGE.fullmatch(ranges[0]) if len(ranges) == 1 else None
    return None if match is None else _byte_range(match[1], match[2])


def _byte_range(first: str, last: str) -> ByteRange | None:
    if not first:
        # `bytes=-0` asks for nothing and can only be unsatisfiable, as a range past the end is.
        suffix = _number(last) if last else None
        return (
            ByteRange(suffix=suffix) if suffix else (None if suffix is None else ByteRange(BEYOND))
        )
    offset = _number(first)
    if not last:
        return ByteRange(offset)
    end = _number(last)
    return None if end < offset else ByteRange(offset, end - offset + 1)


def _number(digits: str) -> int:
    digits = digits.lstrip("0")
    return int(digits or "0") if len(digits) <= 18 else BEYOND
