"""Times as texts. Inside, a time is always an integer of milliseconds since 1970-01-01 UTC.

Names of days and months are English whatever the locale, so strftime's are not used; email.utils is
not used either, because it loads sockets, which costs a Worker 0.2 s of its start.
"""

import re
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_MS = 253_402_300_799_999
"""The end of the year 9999 UTC: RFC 3339 writes nothing later."""
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HTTP_DATE = re.compile(
    rf"(?:{'|'.join(_DAYS)}), ([0-9]{{2}}) ({'|'.join(_MONTHS)}) ([0-9]{{4}})"
    r" ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT"
)


def _moment(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)


def rfc3339(ms: int) -> str:
    """`2026-01-31T12:00:00.000Z`: always UTC, always three decimals."""
    moment = _moment(ms)
    return f"{moment.year:04d}-{moment:%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def http_date(ms: int) -> str:
    """`Sat, 31 Jan 2026 12:00:00 GMT`; fractions of a second are dropped."""
    moment = _moment(ms)
    day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
    return f"{day}, {moment:%d} {month} {moment.year:04d} {moment:%H:%M:%S} GMT"


def parse_http_date(text: str) -> int | None:
    """None where the text is no date in the form of `http_date`. RFC 9110's two obsolete forms
    count as none, which costs their senders, if there still are any, no more than a whole
    answer."""
    match = _HTTP_DATE.fullmatch(text.strip())
    if match is None:
        return None
    day, month, year, *clock = match.groups()
    return _milliseconds(int(year), _MONTHS.index(month) + 1, int(day), *map(int, clock))


def amz_date(ms: int) -> str:
    """`20260131T120000Z`, the form that SigV4 signs."""
    moment = _moment(ms)
    return f"{moment.year:04d}{moment:%m%dT%H%M%SZ}"


_AMZ_DATE = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})Z")
_RFC3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})\.([0-9]{3})Z"
)


def parse_amz_date(text: str) -> int | None:
    """None where the text is no time in the form of `amz_date`."""
    match = _AMZ_DATE.fullmatch(text)
    return None if match is None else _milliseconds(*map(int, match.groups()))


def parse_rfc3339(text: str) -> int | None:
    """None where the text is no time in the one form of `rfc3339`: what we wrote ourselves."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    *moment, thousandths = map(int, match.groups())
    seconds = _milliseconds(*moment)
    return None if seconds is None else seconds + thousandths


def _milliseconds(
    year: int, month: int, day: int, hour: int, minute: int, second: int
) -> int | None:
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    return (moment - _EPOCH) // timedelta(milliseconds=1)
