"""DNS messages as DNS over HTTPS carries them (RFC 1035, 4.1; RFC 8484): one question, and the
records of its very name in the answer."""

import struct
from ipaddress import IPv4Address, IPv6Address

from functions.ports.name_resolver import RecordType

TYPES: dict[RecordType, int] = {"A": 1, "CNAME": 5, "TXT": 16, "AAAA": 28}
MEDIA_TYPE = "application/dns-message"
MOST_BYTES = 65_535

_HEADER = struct.Struct("!6H")
_RECORD = struct.Struct("!HHIH")
_INTERNET = 1
_RECURSION_DESIRED = 0x0100
_IS_ANSWER = 0x8000
_IS_TRUNCATED = 0x0200
_NO_ERROR, _NO_SUCH_NAME = 0, 3
_POINTER = 0xC0


class UnusableMessageError(ValueError):
    """The bytes are no whole answer to the question."""


def question(name: str, kind: RecordType) -> bytes:
    """The id is 0, so that caches see the same question in the same bytes (RFC 8484, 4.1)."""
    labels = b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.split("."))
    header = _HEADER.pack(0, _RECURSION_DESIRED, 1, 0, 0, 0)
    return header + labels + b"\0" + struct.pack("!HH", TYPES[kind], _INTERNET)


def records(message: bytes, name: str, kind: RecordType) -> tuple[str, ...]:
    """The values at the name, sorted, each once; none for a name without such records and for one
    that does not exist.

    Raises: UnusableMessageError.
    """
    try:
        return _records(message, name, kind)
    except (struct.error, IndexError, ValueError) as error:
        raise UnusableMessageError(f"the DNS answer cannot be read: {error}") from error


def _records(message: bytes, name: str, kind: RecordType) -> tuple[str, ...]:
    _, flags, questions, answers, _, _ = _HEADER.unpack_from(message)
    code = flags & 0xF
    if not flags & _IS_ANSWER or flags & _IS_TRUNCATED or code not in (_NO_ERROR, _NO_SUCH_NAME):
        raise ValueError(f"its flags are {flags:#06x}")
    at = _HEADER.size
    for _ in range(questions):
        asked, at = _name(message, at)
        if asked != name:
            raise ValueError("it is about another name")
        at += 4
    found: set[str] = set()
    for _ in range(answers):
        owner, at = _name(message, at)
        number, network, _, length = _RECORD.unpack_from(message, at)
        at += _RECORD.size
        if at + length > len(message):
            raise ValueError("a record is cut")
        if owner == name and number == TYPES[kind] and network == _INTERNET:
            found.add(_value(message, at, length, kind))
        at += length
    return tuple(sorted(found))


def _value(message: bytes, at: int, length: int, kind: RecordType) -> str:
    data = message[at : at + length]
    match kind:
        case "A":
            return str(IPv4Address(data))
        case "AAAA":
            return str(IPv6Address(data))
        case "CNAME":
            return _name(message, at)[0]
        case "TXT":
            return _strings(data).decode("utf-8", "replace")


def _strings(data: bytes) -> bytes:
    """A TXT record's strings as one."""
    at, found = 0, bytearray()
    while at < len(data):
        end = at + 1 + data[at]
        if end > len(data):
            raise ValueError("a text is cut")
        found += data[at + 1 : end]
        at = end
    return bytes(found)


def _name(message: bytes, at: int) -> tuple[str, int]:
    """The name that begins at `at`, in lower case, and where what follows it begins. A pointer
    leads back only, so that every name ends."""
    labels: list[str] = []
    behind: int | None = None
    limit = at
    while True:
        length = message[at]
        if length & _POINTER == _POINTER:
            target = (length & ~_POINTER) << 8 | message[at + 1]
            if target >= limit:
                raise ValueError("a name points forward")
            behind = at + 2 if behind is None else behind
            at = limit = target
            continue
        if length & _POINTER:
            raise ValueError("a label of an unknown kind")
        if length == 0:
            return ".".join(labels), at + 1 if behind is None else behind
        label = message[at + 1 : at + 1 + length]
        if len(label) != length:
            raise ValueError("a name is cut")
        labels.append(label.decode("latin-1").lower())
        at += 1 + length
