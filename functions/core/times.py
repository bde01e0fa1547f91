"""Times as texts. Inside, a time is always an integer of milliseconds since 1970-01-01 UTC.

Names of days and months are English whatever the locale, so strftime's are not used; email.utils is
not used either, because it loads sockets, which costs a Worker 0.2 s of its start.
"""

import re
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_MS = 253_402_300_799_999
"""The end of the year 9999 UTC: RFC 3339 writes nothing later."""
_RFC3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_FIFTY_YEARS = timedelta(days=50 * 365.25)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY = rf"(?:{'|'.join(_DAYS)})"
_LONG_DAY = r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})"
_CLOCK = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
# RFC 9110 5.6.7: the preferred form, RFC 850's and asctime's. Other programs' forms are no dates.
_HTTP_DATES = tuple(
    re.compile(form)
    for form in (
        rf"{_DAY}, (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_CLOCK} GMT",
        rf"{_LONG_DAY}, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_CLOCK} GMT",
        rf"{_DAY} {_MONTH} (?P<day>[0-9]{{2}}| [0-9]) {_CLOCK} (?P<year>[0-9]{{4}})",
    )
)


def _moment(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)


def rfc3339(ms: int) -> str:
    """`2026-01-31T12:00:00.000Z`: always UTC, always three decimals."""
    moment = _moment(ms)
    return f"{moment.year:04d}-{moment:%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def parse_rfc3339(text: str) -> int | None:
    """Milliseconds of a time with its offset (`2026-01-31T12:00:00Z`), finer fractions dropped;
    None where the text is none."""
    if not _RFC3339.fullmatch(text):
        return None
    try:
        return (datetime.fromisoformat(text.upper()) - _EPOCH) // timedelta(milliseconds=1)
    except (ValueError, OverflowError):
        return None


def http_date(ms: int) -> str:
    """`Sat, 31 Jan 2026 12:00:00 GMT`; fractions of a second are dropped."""
    moment = _moment(ms)
    day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
    return f"{day}, {moment:%d} {month} {moment.year:04d} {moment:%H:%M:%S} GMT"


def parse_http_date(text: str, now_ms: int | None = None) -> int | None:
    """A date in any of the three forms of RFC 9110 5.6.7; None for every other text. A year of two
    digits that would lie more than 50 years after `now_ms` is one of the past; without `now_ms`
    such a date is none. The name of the day is not compared with the date."""
    text = text.strip(" \t")
    for form in _HTTP_DATES:
        match = form.fullmatch(text)
        if match is not None:
            try:
                return _ms_of(match, now_ms)
            except (ValueError, OverflowError):
                return None
    return None


def _ms_of(match: re.Match[str], now_ms: int | None) -> int | None:
    year = int(match["year"])
    if len(match["year"]) == 2:
        if now_ms is None:
            return None
        latest = _moment(now_ms) + _FIFTY_YEARS
        year += (latest.year - year) // 100 * 100
        if _date(match, year) > latest:
            year -= 100
    # A leap second has a name, but no place of its own in the milliseconds since 1970.
    moment = _date(match, year) + timedelta(seconds=int(match["second"] == "60"))
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _date(match: re.Match[str], year: int) -> datetime:
    month, second = _MONTHS.index(match["month"]) + 1, int(match["second"])
    return datetime(
        year,
        month,
        int(match["day"]),
        int(match["hour"]),
        int(match["minute"]),
        59 if second == 60 else second,
        tzinfo=UTC,
    )


def amz_date(ms: int) -> str:
    """`20260131T120000Z`, the form that SigV4 signs."""
    moment = _moment(ms)
    return f"{moment.year:04d}{moment:%m%dT%H%M%SZ}"
