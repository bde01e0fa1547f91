"""ZIP archives made byte by byte, in which every field can be lied about."""

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

LOCAL = struct.Struct("<4s5H3L2H")
CENTRAL = struct.Struct("<4s6H3L5H2L")
END = struct.Struct("<4s4H2LH")
LOCATOR = struct.Struct("<4sLQL")
END64 = struct.Struct("<4sQ2H2L4Q")

LOCAL_FIELDS = (
    "signature", "needed", "flags", "method", "time", "date", "crc32", "compressed_size", "size",
    "name_size", "extra_size",
)  # fmt: skip
CENTRAL_FIELDS = (
    "signature", "made_by", "needed", "flags", "method", "time", "date", "crc32",
    "compressed_size", "size", "name_size", "extra_size", "comment_size", "disk", "internal",
    "attributes", "offset",
)  # fmt: skip
END_FIELDS = (
    "signature", "disk", "first_disk", "entries_here", "entries", "directory_size",
    "directory_offset", "comment_size",
)  # fmt: skip
LOCATOR_FIELDS = ("signature", "disk", "record_offset", "disks")
END64_FIELDS = (
    "signature", "record_size", "made_by", "needed", "disk", "first_disk", "entries_here",
    "entries", "directory_size", "directory_offset",
)  # fmt: skip

STORED, DEFLATED = 0, 8
DESCRIPTOR, UTF8 = 0x8, 0x800
LEFT_OUT = 0xFFFFFFFF
SIGNATURE = b"PK\x07\x08"

Lies = Mapping[str, int | bytes]


def deflated(content: bytes, level: int = 9) -> bytes:
    deflater = zlib.compressobj(level, wbits=-15)
    return deflater.compress(content) + deflater.flush()


def extra(tag: int, data: bytes) -> bytes:
    return struct.pack("<HH", tag, len(data)) + data


def zip64(*values: int) -> bytes:
    return extra(0x0001, struct.pack(f"<{len(values)}Q", *values))


def descriptor(
    content: bytes, packed: bytes, form: str = "<LLL", signature: bytes = SIGNATURE
) -> bytes:
    return signature + struct.pack(form, zlib.crc32(content), len(packed), len(content))


@dataclass(frozen=True)
class Member:
    """One entry, true as far as nothing else is said. `local` and `central` are the lies of the two
    headers, by the names of their fields, which may also be `name`."""

    name: bytes = b"a.txt"
    content: bytes = b"hello " * 20
    method: int = DEFLATED
    packed: bytes | None = None
    """None: the content, compressed with the method."""
    flags: int = 0
    attributes: int = 0
    local: Lies = field(default_factory=dict[str, "int | bytes"])
    central: Lies = field(default_factory=dict[str, "int | bytes"])
    local_extra: bytes = b""
    central_extra: bytes = b""
    comment: bytes = b""
    behind: bytes | None = None
    """What follows the data; None: a data descriptor where the flags announce one."""
    before: bytes = b""
    """Bytes before the local header."""

    @property
    def data(self) -> bytes:
        if self.packed is not None:
            return self.packed
        return deflated(self.content) if self.method == DEFLATED else self.content

    @property
    def tail(self) -> bytes:
        if self.behind is not None:
            return self.behind
        return descriptor(self.content, self.data) if self.flags & DESCRIPTOR else b""


STREAMED = Member(flags=DESCRIPTOR, local={"crc32": 0, "compressed_size": 0, "size": 0})
"""As a tool writes an entry that cannot go back to its header."""


def build(
    *members: Member,
    end: Lies | None = None,
    locator: Lies | None = None,
    end64: Lies | None = None,
    prefix: bytes = b"",
    before_directory: bytes = b"",
    behind_directory: bytes = b"",
    extensible: bytes = b"",
    comment: bytes = b"",
    tail: bytes = b"",
    is_reversed: bool = False,
) -> bytes:
    """The archive, with its directory reversed where that is said, and with a ZIP64 end record and
    locator where one of the two has lies (or `{}`)."""
    archive = prefix
    records: list[bytes] = []
    for member in members:
        archive += member.before
        records.append(_central(member, len(archive)))
        archive += entry(member)
    archive += before_directory
    start = len(archive)
    directory = b"".join(reversed(records) if is_reversed else records)
    archive += directory + behind_directory
    counts = {"entries_here": len(members), "entries": len(members)}
    place = {"directory_size": len(directory), "directory_offset": start}
    if locator is not None or end64 is not None:
        record_offset = len(archive)
        archive += _pack(
            END64,
            END64_FIELDS,
            {
                "signature": b"PK\x06\x06",
                "record_size": 44 + len(extensible),
                "made_by": 45,
                "needed": 45,
            }
            | counts
            | place,
            end64,
        )
        archive += extensible
        truth = {"signature": b"PK\x06\x07", "record_offset": record_offset, "disks": 1}
        archive += _pack(LOCATOR, LOCATOR_FIELDS, truth, locator)
    truth = {"signature": b"PK\x05\x06", "comment_size": len(comment)} | counts | place
    return archive + _pack(END, END_FIELDS, truth, end) + comment + tail


def entry(member: Member) -> bytes:
    """Local header, data and what follows it."""
    return _local(member) + member.data + member.tail


def _headers(member: Member) -> dict[str, int | bytes]:
    return {
        "needed": 20,
        "flags": member.flags,
        "method": member.method,
        "date": 0x21,
        "crc32": zlib.crc32(member.content),
        "compressed_size": len(member.data),
        "size": len(member.content),
    }


def _local(member: Member) -> bytes:
    name = bytes(member.local.get("name", member.name))
    truth = _headers(member) | {
        "signature": b"PK\x03\x04",
        "name_size": len(name),
        "extra_size": len(member.local_extra),
    }
    return _pack(LOCAL, LOCAL_FIELDS, truth, member.local) + name + member.local_extra


def _central(member: Member, offset: int) -> bytes:
    name = bytes(member.central.get("name", member.name))
    truth = _headers(member) | {
        "signature": b"PK\x01\x02",
        "made_by": 0x0314,
        "name_size": len(name),
        "extra_size": len(member.central_extra),
        "comment_size": len(member.comment),
        "attributes": member.attributes,
        "offset": offset,
    }
    packed = _pack(CENTRAL, CENTRAL_FIELDS, truth, member.central)
    return packed + name + member.central_extra + member.comment


def _pack(record: struct.Struct, fields: tuple[str, ...], truth: Lies, lies: Lies | None) -> bytes:
    said = {**truth, **(lies or {})}
    return record.pack(*(said.get(name, 0) for name in fields))
