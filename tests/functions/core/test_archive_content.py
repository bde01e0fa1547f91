"""Deflated entries are what the archive says; stored ones are not read."""

import random
import struct
import zlib

import pytest

from functions.adapters.local.clock import FixedClock
from functions.adapters.local.object_store import MemoryObjectStore
from functions.core import archive_content
from functions.core.archive import Archive, read_archive
from functions.core.archive_content import check_contents
from functions.core.byte_source import ByteSource
from functions.ports.object_store import ByteRange, ObjectInfo, StoredObject
from tests.contracts.object_store import run
from tests.functions.core.world import a_package

MIB = 1024 * 1024


class MeasuringStore(MemoryObjectStore):
    """Counts calls and bytes that were read."""

    calls = 0
    bytes_read = 0
    longest = 0

    async def get(
        self,
        key: str,
        byte_range: ByteRange | None = None,
        *,
        unless_etags: frozenset[str] | None = None,
    ) -> StoredObject | ObjectInfo | None:
        stored = await super().get(key, byte_range, unless_etags=unless_etags)
        if isinstance(stored, StoredObject):
            self.calls += 1
            self.bytes_read += stored.length
            self.longest = max(self.longest, stored.length)
        return stored


def noise(size: int) -> bytes:
    """Bytes that do not compress, the same each time."""
    return random.Random(size).randbytes(size)  # noqa: S311  (no secret)


def checked(content: bytes) -> tuple[Archive, MeasuringStore]:
    async def scenario() -> tuple[Archive, MeasuringStore]:
        store = MeasuringStore(FixedClock())
        info = await store.put("k", content, length=len(content), content_type="application/zip")
        source = ByteSource(store, "k", info.etag, info.size)
        archive = await read_archive(source)
        # The structure is sound: only the contents can tell.
        assert archive.problems == []
        await check_contents(archive, source)
        return archive, store

    return run(scenario())


def details(content: bytes) -> list[str]:
    problems = checked(content)[0].problems
    assert {problem.slug for problem in problems} <= {"zip-content"}
    return [problem.detail for problem in problems]


def deflated(content: bytes, level: int = 9) -> bytes:
    deflater = zlib.compressobj(level, wbits=-15)
    return deflater.compress(content) + deflater.flush()


def archive_of(packed: bytes, crc32: int, size: int, method: int = 8) -> bytes:
    """One entry with these numbers in both headers, whatever `packed` is."""
    numbers = struct.pack("<3L", crc32, len(packed), size)
    versions = struct.pack("<4H", 20, 0, method, 0)
    local = b"PK\x03\x04" + versions + b"\x21\x00" + numbers + struct.pack("<2H", 1, 0) + b"a"
    central = (
        b"PK\x01\x02\x14\x00" + versions + b"\x21\x00" + numbers
        + struct.pack("<5H2L", 1, 0, 0, 0, 0, 0, 0) + b"a"
    )  # fmt: skip
    start = len(local) + len(packed)
    end = b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, 1, 1, len(central), start, 0)
    return local + packed + central + end


CONTENTS = [
    b"",
    b"x",
    b"word " * 1000,
    noise(3 * MIB + 17),
    bytes(range(256)) * 4096,
    noise(MIB + 1),
    noise(1000) * 3000,
    (noise(1000) * 3000)[: 2 * MIB],
]


@pytest.mark.parametrize("level", [0, 1, 9])
@pytest.mark.parametrize("content", CONTENTS, ids=lambda content: str(len(content)))
def test_a_sound_stream_of_any_size_has_no_problems(content: bytes, level: int) -> None:
    packed = deflated(content, level)
    assert details(archive_of(packed, zlib.crc32(content), len(content))) == []
    assert details(a_package()) == []


@pytest.mark.parametrize("content", CONTENTS, ids=lambda content: str(len(content)))
def test_bytes_behind_the_end_of_a_stream_are_a_problem(content: bytes) -> None:
    packed = deflated(content)
    for hidden in (b"\x00", b"PK\x03\x04" + b"x" * 100, b"x" * (2 * MIB)):
        found = details(archive_of(packed + hidden, zlib.crc32(content), len(content)))
        assert found == ["There are bytes behind the end of the compressed data."]


@pytest.mark.parametrize("unpacked_window", [7, 258, 2294, 2295, 5000])
@pytest.mark.parametrize("packed_window", [1, 5, None])
def test_where_the_windows_end_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, packed_window: int | None, unpacked_window: int
) -> None:
    # So regular that the last byte of the stream unpacks to several windows.
    content = bytes(2295)
    packed = deflated(content)
    monkeypatch.setattr(archive_content, "PACKED_WINDOW_BYTES", packed_window or len(packed))
    monkeypatch.setattr(archive_content, "UNPACKED_WINDOW_BYTES", unpacked_window)
    assert details(archive_of(packed, zlib.crc32(content), len(content))) == []
    # With windows as long as the stream, all that is hidden lies in the next one.
    (found,) = details(archive_of(packed + b"hidden", zlib.crc32(content), len(content)))
    assert "behind the end" in found


def test_a_stream_that_gives_more_than_declared_is_left_at_once() -> None:
    """The directory promises 10 bytes; the stream has 100 MB."""
    deflater = zlib.compressobj(9, wbits=-15)
    packed = b"".join(deflater.compress(bytes(MIB)) for _ in range(100)) + deflater.flush()
    inflated = 0
    original = zlib.crc32

    def counting(content: bytes, before: int = 0) -> int:
        nonlocal inflated
        inflated += len(content)
        return original(content, before)

    bomb = archive_of(packed, 0, 10)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archive_content.zlib, "crc32", counting)
        assert details(bomb) == ["The entry unpacks to more bytes than the archive says."]
    assert inflated <= archive_content.UNPACKED_WINDOW_BYTES


@pytest.mark.parametrize(
    ("packed", "crc32", "size", "detail"),
    [
        (deflated(b"abc" * 100)[:-1], 0, 300, "cut off"),
        (b"", 0, 0, "cut off"),
        (b"\xff" * 20, 0, 300, "damaged"),
        (deflated(b"abc"), zlib.crc32(b"abc"), 4, "fewer bytes"),
        (deflated(b"abc"), zlib.crc32(b"abc"), 2, "more bytes"),
        (deflated(b"abc"), zlib.crc32(b"abd"), 3, "CRC-32"),
    ],
)
def test_a_stream_that_is_not_what_the_archive_says_is_a_problem(
    packed: bytes, crc32: int, size: int, detail: str
) -> None:
    (found,) = details(archive_of(packed, crc32, size))
    assert detail in found


def test_stored_content_is_not_read() -> None:
    content = noise(20 * MIB)
    archive, store = checked(archive_of(content, zlib.crc32(content), len(content), method=0))
    assert archive.problems == []
    assert store.bytes_read < MIB


def test_deflated_content_is_read_once_and_in_windows() -> None:
    content = noise(8 * MIB)
    packed = deflated(content)
    archive, store = checked(archive_of(packed, zlib.crc32(content), len(content)))
    assert archive.problems == []
    assert store.longest <= archive_content.PACKED_WINDOW_BYTES
    assert store.bytes_read < len(packed) + MIB
    assert store.calls < 20
