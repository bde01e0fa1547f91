import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.conditions import failed, parse_etags, range_holds
from functions.core.times import http_date
from functions.ports.object_store import ObjectInfo

STORED = 1_790_000_000_999
NOW = STORED + 60_000
INFO = ObjectInfo("k", 10, "abc", STORED)


@pytest.mark.parametrize(
    ("header", "weak", "strong"),
    [
        ('"a"', {"a"}, {"a"}),
        ('W/"a"', {"a"}, set[str]()),
        ('"a", W/"b" ,"c,d"', {"a", "b", "c,d"}, {"a", "c,d"}),
        (',"a",, "b",', {"a", "b"}, {"a", "b"}),
        ('""', {""}, {""}),
        ('"\xe9"', {"\xe9"}, {"\xe9"}),
        ("*", set[str](), set[str]()),
        ('"a" "b"', set[str](), set[str]()),
        ('"a", b', set[str](), set[str]()),
        ('"a b"', set[str](), set[str]()),
        ('w/"a"', set[str](), set[str]()),
        ("", set[str](), set[str]()),
        (None, set[str](), set[str]()),
    ],
)
def test_a_list_of_etags_is_read_whole_or_not_at_all(
    header: str | None, weak: set[str], strong: set[str]
) -> None:
    assert parse_etags(header) == weak
    assert parse_etags(header, strong=True) == strong


def test_milliseconds_of_the_store_do_not_count() -> None:
    seen = http_date(STORED)
    assert failed({"if-modified-since": seen}, INFO, NOW) == 304
    assert failed({"if-unmodified-since": seen}, INFO, NOW) is None
    assert range_holds({"if-range": seen}, INFO, NOW)


def test_without_conditions_everything_is_answered() -> None:
    assert failed({}, INFO, NOW) is None
    assert range_holds({}, INFO, NOW)


@given(st.text(max_size=30))
def test_no_header_crashes_the_reader(text: str) -> None:
    for header in (text, f'"{text}"', f'W/"{text}", "x"'):
        parse_etags(header)
        for name in ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since"):
            failed({name: header}, INFO, NOW)
        range_holds({"if-range": header}, INFO, NOW)
