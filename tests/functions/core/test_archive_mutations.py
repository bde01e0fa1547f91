"""Archives that were changed at random: either they are refused, or every reader finds the same in
them. And reading them costs no more than a good one does."""

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.functions.core.archive_reading import Source, contents
from tests.functions.core.archive_tools import MAKERS, READERS, lay_out
from tests.functions.core.bad_archives.parts import OPEN, STORE, A, B
from tests.functions.core.good_archives import GOOD, STREAMED_64
from tests.functions.core.zip_bytes import STREAMED, Member, build

pytestmark = pytest.mark.thorough

SEEDS = [
    build(A, B, STORE),
    build(STREAMED, OPEN),
    build(A, STREAMED_64, end64={}),
    build(Member(b"d/", b"", 0), Member(b"d/a.txt"), comment=b"hello"),
    GOOD["macOS: ditto (new)"],
]
RECORDS = (b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x07\x08")
INTERESTING = (0, 1, 2, 4, 8, 9, 20, 0x800, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    """A good archive with a few bytes or fields changed, parts moved, cut out or put in."""
    archive = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 3))):
        _mutate(draw, archive)
    return bytes(archive)


def _mutate(draw: st.DrawFn, archive: bytearray) -> None:
    kind = draw(st.sampled_from(("byte", "field", "field", "cut", "insert", "copy")))
    position = draw(st.integers(0, max(len(archive) - 1, 0)))
    length = draw(st.integers(1, 40))
    if kind == "byte" and archive:
        archive[position] = draw(st.integers(0, 255))
    elif kind == "field":
        _lie(draw, archive)
    elif kind == "cut":
        del archive[position : position + length]
    elif kind == "insert":
        archive[position:position] = draw(st.binary(max_size=30))
    else:
        archive[position:position] = archive[position : position + length]


def _lie(draw: st.DrawFn, archive: bytearray) -> None:
    """Changes a number in one of the records."""
    signature = draw(st.sampled_from(RECORDS))
    found = [at for at in range(len(archive)) if archive.startswith(signature, at)]
    if not found:
        return
    at = draw(st.sampled_from(found)) + draw(st.integers(2, 22)) * 2
    form = draw(st.sampled_from(("<H", "<L")))
    if at + 4 <= len(archive):
        small = draw(st.one_of(st.sampled_from(INTERESTING), st.integers(0, 400)))
        struct.pack_into(form, archive, at, small & (0xFFFF if form == "<H" else 0xFFFFFFFF))


@settings(max_examples=600)
@given(mutations())
def test_a_changed_archive_is_refused_or_the_same_to_every_reader(archive: bytes) -> None:
    source = Source(archive)
    if source.archive().problems:
        return
    files = {name: content for name, content in contents(archive).items() if name[-1] != "/"}
    for reader, unpack in READERS.items():
        assert unpack(archive) == files, reader


@settings(max_examples=400)
@given(mutations())
def test_reading_a_changed_archive_costs_no_more_than_its_size(archive: bytes) -> None:
    source = Source(archive)
    source.archive()
    assert len(source.reads) <= 1
    assert source.bytes_read <= len(archive)


@settings(max_examples=200)
@given(st.binary(max_size=400))
def test_noise_is_refused(noise: bytes) -> None:
    for archive in (noise, noise + b"PK\x05\x06" + noise[:18].ljust(18, b"\x00")):
        assert Source(archive).archive().problems


BY_PYTHON = [name for name in MAKERS if name.startswith("Python")]


@pytest.mark.parametrize("maker", BY_PYTHON)
def test_a_flipped_bit_is_refused_or_the_same_to_readers_from_back_and_front(
    maker: str, tmp_path: Path
) -> None:
    lay_out(tmp_path)
    package = MAKERS[maker](tmp_path)

    @settings(max_examples=300)
    @given(st.integers(1, 2000), st.integers(0, 7))
    def flip(from_the_end: int, bit: int) -> None:
        archive = bytearray(package)
        archive[-(from_the_end % len(archive))] ^= 1 << bit
        changed = bytes(archive)
        if not Source(changed).archive().problems:
            assert READERS["Python"](changed) == READERS["from the front"](changed)

    flip()
