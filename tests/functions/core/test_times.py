from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.times import (
    amz_date,
    http_date,
    parse_amz_date,
    parse_http_date,
    parse_rfc3339,
    rfc3339,
)

MOMENT = 1_790_000_000_045


def test_a_time_is_written_in_each_form() -> None:
    assert rfc3339(MOMENT) == "2026-09-21T14:13:20.045Z"
    assert http_date(MOMENT) == "Mon, 21 Sep 2026 14:13:20 GMT"
    assert amz_date(MOMENT) == "20260921T141320Z"


@given(st.integers(0, 253_402_300_799_999))
def test_every_time_is_read_back(ms: int) -> None:
    assert datetime.fromisoformat(rfc3339(ms)) == datetime.fromtimestamp(ms // 1000, UTC).replace(
        microsecond=ms % 1000 * 1000
    )
    assert parse_http_date(http_date(ms), MOMENT) == ms // 1000 * 1000
    assert parse_amz_date(amz_date(ms)) == ms // 1000 * 1000
    assert parse_rfc3339(rfc3339(ms)) == ms


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("Mon, 21 Sep 2026 14:13:20 GMT", 1_790_000_000_000),
        (" Mon, 21 Sep 2026 14:13:20 GMT ", 1_790_000_000_000),
        ("Monday, 21-Sep-26 14:13:20 GMT", 1_790_000_000_000),
        ("Mon Sep 21 14:13:20 2026", 1_790_000_000_000),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777_000),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777_000),
        ("Sun Nov  6 08:49:37 1994", 784_111_777_000),
        ("Mon, 21 Sep 2026 14:13:60 GMT", 1_790_000_040_000),
        ("Mon, 21 Sep 2026 16:13:20 +0200", None),
        ("Mon, 21 Sep 26 14:13:20 GMT", None),
        ("mon, 21 sep 2026 14:13:20 gmt", None),
        ("Mon, 1 Sep 2026 14:13:20 GMT", None),
        ("Sun Nov 6 08:49:37 1994", None),
        ("nonsense", None),
        ("", None),
        ("Mon, 99 Sep 2026 14:13:20 GMT", None),
        ("Mon, 31 Feb 2026 14:13:20 GMT", None),
        ("Friday, 31-Dec-99 23:59:61 GMT", None),
        ("Fri, 31 Dec 9999 23:59:60 GMT", None),
    ],
)
def test_a_date_of_a_client_is_read_or_is_none(text: str, ms: int | None) -> None:
    assert parse_http_date(text, MOMENT) == ms


def test_a_year_of_two_digits_lies_at_most_fifty_years_ahead() -> None:
    for text, year in (("01-Sep-76", 2076), ("30-Sep-76", 1976), ("30-Sep-77", 1977)):
        read = parse_http_date(f"Monday, {text} 00:00:00 GMT", MOMENT)
        assert read is not None
        assert http_date(read).split()[3] == str(year)


@given(st.text(max_size=40))
def test_no_date_crashes_the_reader(text: str) -> None:
    parse_http_date(text, MOMENT)
    assert parse_amz_date(text) is None


@pytest.mark.parametrize("text", ["2026-09-31T14:13:20.045Z", "2026-09-21T25:13:20.045Z"])
def test_a_day_or_hour_that_does_not_exist_is_no_time(text: str) -> None:
    assert parse_rfc3339(text) is None
    assert parse_amz_date(text.replace("-", "").replace(":", "").replace(".045", "")) is None
