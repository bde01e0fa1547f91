"""What reading an archive costs: how many calls, how many bytes, how much of them at once."""

import asyncio
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.archive import CONTENT_BYTES, content, ranges
from functions.core.archive.ranges import Ranges, Span
from functions.core.byte_source import SourceChangedError
from functions.core.validation import check_archive
from tests.contracts.object_store import run
from tests.functions.core.archive_reading import Source, read
from tests.functions.core.bad_archives.parts import OPEN, A
from tests.functions.core.zip_bytes import DEFLATED, STORED, Member, build, deflated, zip64

KIB, MIB = 1024, 1024 * 1024


def noise(size: int) -> bytes:
    """Bytes that do not compress, the same each time."""
    return random.Random(size).randbytes(size)  # noqa: S311  (no secret)


def package(count: int, size: int, method: int = DEFLATED) -> Source:
    """An archive of `count` entries of `size` packed bytes and more."""
    data = deflated(noise(size), 1) if method == DEFLATED else noise(size)
    return Source(
        build(
            *(
                Member(f"assets/{number}.bin".encode(), noise(size), method, data)
                for number in range(count)
            )
        )
    )


def test_a_small_archive_is_read_in_one_call() -> None:
    source = package(20, 40 * KIB)
    assert source.archive().problems == ()
    assert source.reads == [(0, len(source.content))]


@pytest.mark.parametrize(("count", "size"), [(3, 8 * MIB), (100, 300 * KIB), (400, 60 * KIB)])
@pytest.mark.parametrize("method", [DEFLATED, STORED])
def test_of_a_large_archive_little_is_read(count: int, size: int, method: int) -> None:
    source = package(count, size, method)
    assert source.archive().problems == ()
    assert len(source.reads) <= count + 3
    directory = count * 80
    headers = count * 256
    assert source.bytes_read <= ranges.TAIL_BYTES + directory + headers + CONTENT_BYTES
    assert source.bytes_read < len(source.content) / 15


def test_without_content_only_the_end_and_the_headers_are_read() -> None:
    source = package(100, 300 * KIB)
    assert run(check_archive(source.read, len(source.content), content_bytes=0)) == []
    assert source.bytes_read <= ranges.TAIL_BYTES + 100 * 256


def test_many_entries_are_read_in_a_limited_number_of_calls() -> None:
    source = package(3000, 4 * KIB)
    assert source.archive().problems == ()
    assert len(source.reads) <= ranges.MAX_READS + len(source.content) // ranges.MAX_READ_BYTES + 2
    assert source.bytes_read < 1.1 * len(source.content) + CONTENT_BYTES


def test_no_read_is_longer_than_a_window() -> None:
    for source in (package(3000, 4 * KIB), package(2, 5 * MIB), package(12, 400 * KIB)):
        source.archive()
        assert max(length for _, length in source.reads) <= ranges.MAX_READ_BYTES


def test_no_more_than_six_reads_go_on_at_a_time() -> None:
    source = package(100, 300 * KIB)
    going_on = most = 0

    async def read_range(offset: int, length: int) -> bytes:
        nonlocal going_on, most
        going_on += 1
        most = max(most, going_on)
        await asyncio.sleep(0)
        going_on -= 1
        return await source.read(offset, length)

    assert run(check_archive(read_range, len(source.content))) == []
    assert 1 < most <= ranges.PARALLEL


def test_a_stored_entry_without_its_size_in_front_is_read_through_in_windows() -> None:
    large = replace(OPEN, name=b"large", content=noise(5 * MIB))
    source = Source(build(large, A))
    assert source.archive().problems == ()
    assert max(length for _, length in source.reads) <= ranges.MAX_READ_BYTES
    # A record across the border of two windows is seen, too.
    for shift in range(5):
        at = ranges.MAX_READ_BYTES - shift
        broken = large.content[:at] + b"PK\x07\x08" + large.content[at + 4 :]
        (found,) = read(build(replace(large, content=broken))).problems
        assert found.slug == "zip-descriptor-stored"


def test_a_local_header_with_long_extra_fields_costs_one_more_call() -> None:
    padded = Member(local_extra=zip64(120, len(A.data)) + b"\xfe\xca\x60\xea" + bytes(60_000))
    source = Source(build(padded, Member(b"big", noise(2 * MIB))))
    assert source.archive().problems == ()
    assert len(source.reads) <= 6


def test_the_smallest_entries_are_checked_as_far_as_the_bytes_go() -> None:
    liar = replace(A, packed=A.data[:-1] + b"?")
    large = [Member(f"{number}".encode(), noise(700 * KIB)) for number in range(3)]
    for members in ([liar, *large], [*large, liar]):
        assert {found.path for found in read(build(*members)).problems} == {"a.txt"}
    # 700 KiB fit into a MiB once, not twice.
    broken = [replace(member, packed=member.data[:-1]) for member in large]
    assert len(read(build(*broken)).problems) == 1


def test_a_folder_is_looked_into_whatever_else_there_is() -> None:
    hidden = Member(b"d/", b"", packed=deflated(b"") + b"hi")
    source = Source(build(Member(b"big", noise(2 * MIB)), hidden))
    found = run(check_archive(source.read, len(source.content), content_bytes=0))
    assert [problem.slug for problem in found] == ["zip-data-trailing"]


def test_a_bomb_that_lies_is_left_as_soon_as_it_gives_more_than_it_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inflated = 0
    original = content.zlib.crc32

    def counting(data: bytes, before: int = 0) -> int:
        nonlocal inflated
        inflated += len(data)
        return original(data, before)

    bomb = build(Member(content=b"tiny", packed=deflated(bytes(200 * MIB))[: 900 * KIB]))
    monkeypatch.setattr(content.zlib, "crc32", counting)
    assert "zip-data-size" in {problem.slug for problem in read(bomb).problems}
    assert inflated <= content.WINDOW_BYTES


@pytest.mark.parametrize("unpacked_window", [7, 258, 2294, 2295, 5000])
def test_where_the_unpacked_windows_end_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, unpacked_window: int
) -> None:
    # So regular that the last byte of the stream unpacks to several windows.
    member = Member(content=bytes(2295))
    monkeypatch.setattr(content, "WINDOW_BYTES", unpacked_window)
    assert read(build(member)).problems == ()
    (found,) = read(build(replace(member, packed=member.data + b"hidden"))).problems
    assert found.slug == "zip-data-trailing"


def test_a_read_that_fails_ends_the_reading_and_leaves_no_other_going_on() -> None:
    source = package(100, 300 * KIB)
    going_on = calls = 0

    async def read_range(offset: int, length: int) -> bytes:
        nonlocal going_on, calls
        calls += 1
        if calls == 4:
            raise SourceChangedError("changed")
        going_on += 1
        await asyncio.sleep(0)
        going_on -= 1
        return await source.read(offset, length)

    async def scenario() -> None:
        with pytest.raises(SourceChangedError):
            await check_archive(read_range, len(source.content))
        assert going_on == 0

    run(scenario())


@given(st.lists(st.tuples(st.integers(0, 90_000), st.integers(1, 40_000)), min_size=1, max_size=30))
def test_each_span_is_given_as_it_lies_whatever_is_read_together(
    pairs: list[tuple[int, int]],
) -> None:
    source = Source(noise(100_000))
    spans = [Span(start, min(start + length, 100_000)) for start, length in sorted(pairs)]

    async def scenario() -> list[bytes]:
        return [piece async for piece in Ranges(source.read, 100_000).read_spans(spans)]

    assert run(scenario()) == [source.content[span.start : span.end] for span in spans]
