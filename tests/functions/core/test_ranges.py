import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.ranges import BEYOND, parse_range
from functions.ports.object_store import ByteRange


@pytest.mark.parametrize(
    ("header", "byte_range"),
    [
        ("bytes=0-0", ByteRange(0, 1)),
        ("bytes=7-", ByteRange(7)),
        ("bytes=-3", ByteRange(suffix=3)),
        (" bytes=1-2 ", ByteRange(1, 2)),
        ("bytes=\t1-2,", ByteRange(1, 2)),
        ("bytes=-0", ByteRange(BEYOND)),
        (f"bytes={'9' * 5000}-", ByteRange(BEYOND)),
        (f"bytes={'0' * 5000}1-{'9' * 5000}", ByteRange(1, BEYOND)),
        (f"bytes=-{'9' * 5000}", ByteRange(suffix=BEYOND)),
    ],
)
def test_one_range_of_bytes_is_read(header: str, byte_range: ByteRange) -> None:
    assert parse_range(header) == byte_range


@pytest.mark.parametrize(
    "header",
    [None, "", "bytes", "bytes=", "bytes=,", "bytes=0-1,2-3", "bytes=3-2", "bytes=\u0661-\u0662"],
)
def test_everything_else_is_no_range(header: str | None) -> None:
    assert parse_range(header) is None


@given(st.text(max_size=30))
def test_no_header_crashes_the_reader(text: str) -> None:
    parse_range(text)
    parse_range(f"bytes={text}")


@given(st.integers(0, 10**17), st.integers(0, 10**6))
def test_ranges_are_read_exactly(first: int, length: int) -> None:
    assert parse_range(f"bytes={first}-{first + length}") == ByteRange(first, length + 1)
