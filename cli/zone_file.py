"""DNS records in the form of a zone file (RFC 1035 5.1), to paste or to append.

Names are written in full with their final dot, so that it does not matter which zone they are put
into. What came from elsewhere cannot begin a line of its own: comments are one line each, and every
character that means something is escaped.
"""

import re
from typing import TYPE_CHECKING, cast

from cli.platform_api import Document

if TYPE_CHECKING:
    from collections.abc import Sequence

TTL_SECONDS = 300
"""Short, so that a mistake is soon over."""
_STRING_BYTES = 255
"""A TXT record is made of strings of at most so many bytes (RFC 1035 3.3)."""


def zone_lines(hostname: Document) -> list[str]:
    """The hostname's records, each under a comment that says what it is for."""
    lines = [comment(f"{hostname['name']}: {hostname['state']}. {hostname['explanation']}")]
    lines += [comment(str(text)) for text in cast("Sequence[object]", hostname["warnings"])]
    for record in cast("Sequence[Document]", hostname["records"]):
        needed = "" if record["required"] else ", optional"
        lines.append(comment(f"{record['purpose']} ({record['state']}{needed})"))
        lines.append(record_line(record))
    return lines


def record_line(record: Document) -> str:
    kind, value = str(record["type"]), str(record["value"])
    data = strings(value) if kind == "TXT" else absolute(value)
    return f"{absolute(str(record['name']))} {TTL_SECONDS} IN {kind} {data}"


def absolute(name: str) -> str:
    """The name with its final dot; what is no plain character of a name is escaped."""
    escaped = "".join(
        chr(byte) if re.match(rb"[A-Za-z0-9._*-]", bytes([byte])) else f"\\{byte:03}"
        for byte in name.encode()
    )
    return escaped.rstrip(".") + "."


def strings(text: str) -> str:
    """The text as quoted strings, as many as it takes."""
    data = text.encode()
    parts = [data[at : at + _STRING_BYTES] for at in range(0, len(data), _STRING_BYTES)] or [b""]
    return " ".join(f'"{"".join(map(_quoted, part))}"' for part in parts)


def comment(text: str) -> str:
    return "; " + " ".join(text.split())


def _quoted(byte: int) -> str:
    if byte in b'"\\':
        return f"\\{chr(byte)}"
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03}"
