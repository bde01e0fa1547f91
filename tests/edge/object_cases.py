"""Ranges and conditions on one object (RFC 9110 13 and 14).

In the headers of a request stand `{etag}`, `{date}` (Last-Modified), `{earlier}` and `{later}` (by
one second), and `{rfc850}` and `{asctime}` (Last-Modified in HTTP's older forms).
"""

from tests.edge.case import BRIEF, PROBLEM, TEXT, Case, Headers
from tests.edge.site import DIGITS, INDEX


def whole(name: str, **asked: str) -> Case:
    headers = {name.replace("_", "-"): value for name, value in asked.items()}
    says: Headers = {"content-length": "10", "content-range": None, "etag": "{etag}"}
    return Case(name, 200, headers, says, DIGITS)


def part(name: str, said: str, body: bytes, **asked: str) -> Case:
    headers = {name.replace("_", "-"): value for name, value in asked.items()}
    says = {
        "content-range": f"bytes {said}/10",
        "content-length": str(len(body)),
        "etag": "{etag}",
        "last-modified": "{date}",
        "cache-control": BRIEF,
        "content-type": TEXT,
        "accept-ranges": "bytes",
    }
    return Case(name, 206, headers, says, body)


def unchanged(name: str, **asked: str) -> Case:
    headers = {name.replace("_", "-"): value for name, value in asked.items()}
    says = {
        "etag": "{etag}",
        "last-modified": "{date}",
        "cache-control": BRIEF,
        "content-type": None,
        "content-range": None,
        "content-encoding": None,
    }
    return Case(name, 304, headers, says, b"")


def refused(name: str, **asked: str) -> Case:
    headers = {name.replace("_", "-"): value for name, value in asked.items()}
    says = {"content-type": PROBLEM, "cache-control": "no-store", "etag": None}
    return Case(name, 412, headers, says)


def outside(name: str, size: int = 10, path: str = INDEX, **asked: str) -> Case:
    headers = {name.replace("_", "-"): value for name, value in asked.items()}
    says = {
        "content-range": f"bytes */{size}",
        "content-type": PROBLEM,
        "cache-control": "no-store",
    }
    return Case(name, 416, headers, says, store=None, path=path)


RANGES = (
    part("the first byte", "0-0", b"0", range="bytes=0-0"),
    part("some bytes", "2-4", b"234", range="bytes=2-4"),
    part("all bytes", "0-9", DIGITS, range="bytes=0-9"),
    part("an open range", "7-9", b"789", range="bytes=7-"),
    part("the whole as an open range", "0-9", DIGITS, range="bytes=0-"),
    part("a range over the end", "7-9", b"789", range="bytes=7-99"),
    part("a range far over the end", "7-9", b"789", range=f"bytes=7-{'9' * 40}"),
    part("a suffix", "7-9", b"789", range="bytes=-3"),
    part("a suffix longer than the object", "0-9", DIGITS, range="bytes=-99"),
    part("a suffix far longer than the object", "0-9", DIGITS, range=f"bytes=-{'9' * 40}"),
    part("a unit in capitals", "1-2", b"12", range="BYTES=1-2"),
    part("empty elements in the list", "1-2", b"12", range="bytes=, 1-2 ,"),
    part("leading zeros", "1-2", b"12", range="bytes=0001-000000000000000000002"),
    outside("past the end", range="bytes=10-"),
    outside("far past the end", range=f"bytes={'9' * 40}-"),
    outside("past the end, closed", range="bytes=99-100"),
    outside("no bytes", range="bytes=-0"),
    outside("of an empty object", 0, "/empty", range="bytes=0-"),
    outside("the last byte of an empty object", 0, "/empty", range="bytes=-1"),
    whole("two ranges", range="bytes=0-1,4-5"),
    whole("a hundred ranges", range="bytes=" + ",".join(["0-"] * 100)),
    whole("two ranges, one of them past the end", range="bytes=0-1,99-"),
    whole("a range backwards", range="bytes=5-2"),
    whole("another unit", range="lines=1-2"),
    whole("no unit", range="1-2"),
    whole("no number", range="bytes=-"),
    whole("no dash", range="bytes=1"),
    whole("letters", range="bytes=a-b"),
    whole("a negative number", range="bytes=--1"),
    whole("a blank before the sign", range="bytes =1-2"),
    whole("something behind it", range="bytes=1-2;q=1"),
    whole("an empty range", range=""),
)

OTHER = '"other"'

CONDITIONS = (
    unchanged("If-None-Match", if_none_match="{etag}"),
    unchanged("If-None-Match, weak", if_none_match="W/{etag}"),
    unchanged("If-None-Match, a list", if_none_match='"a", {etag} ,W/"b"'),
    unchanged("If-None-Match, a list with empty elements", if_none_match=',, {etag},,"b",'),
    unchanged("If-None-Match, a list without blanks", if_none_match='"a",W/{etag},"b"'),
    unchanged("If-None-Match, any", if_none_match="*"),
    whole("If-None-Match, another", if_none_match=OTHER),
    whole("If-None-Match without quotes", if_none_match="other"),
    whole("If-None-Match, unclosed", if_none_match='"unclosed'),
    whole("If-None-Match, two without a comma", if_none_match='{etag} "b"'),
    whole("If-None-Match, any in a list", if_none_match='"a", *'),
    whole("If-None-Match, a small w", if_none_match="w/{etag}"),
    whole("If-None-Match, empty", if_none_match=""),
    unchanged("If-Modified-Since, the very date", if_modified_since="{date}"),
    unchanged("If-Modified-Since, later", if_modified_since="{later}"),
    unchanged("If-Modified-Since in the form of RFC 850", if_modified_since="{rfc850}"),
    unchanged("If-Modified-Since in the form of asctime", if_modified_since="{asctime}"),
    whole("If-Modified-Since, earlier", if_modified_since="{earlier}"),
    whole("If-Modified-Since, no date", if_modified_since="yesterday"),
    whole("If-Modified-Since, no day", if_modified_since="Mon, 31 Feb 2050 00:00:00 GMT"),
    whole("If-Modified-Since, another zone", if_modified_since="Mon, 21 Sep 2150 16:13:20 +0200"),
    whole("If-Modified-Since, two dates", if_modified_since="{later}, {later}"),
    whole(
        "If-None-Match counts before If-Modified-Since",
        if_none_match=OTHER,
        if_modified_since="{later}",
    ),
    unchanged(
        "If-None-Match counts before an earlier If-Modified-Since",
        if_none_match="{etag}",
        if_modified_since="{earlier}",
    ),
    whole("If-Match", if_match="{etag}"),
    whole("If-Match, a list", if_match='"a", {etag}'),
    whole("If-Match, any", if_match="*"),
    refused("If-Match, another", if_match=OTHER),
    refused("If-Match, weak", if_match="W/{etag}"),
    refused("If-Match, nonsense", if_match="nonsense"),
    whole("If-Unmodified-Since, the very date", if_unmodified_since="{date}"),
    whole("If-Unmodified-Since, later", if_unmodified_since="{later}"),
    whole("If-Unmodified-Since in the form of asctime", if_unmodified_since="{asctime}"),
    whole("If-Unmodified-Since, no date", if_unmodified_since="yesterday"),
    refused("If-Unmodified-Since, earlier", if_unmodified_since="{earlier}"),
    whole(
        "If-Match counts before If-Unmodified-Since",
        if_match="{etag}",
        if_unmodified_since="{earlier}",
    ),
    unchanged("If-Match holds, then If-None-Match", if_match="{etag}", if_none_match="{etag}"),
    refused("If-Match fails, whatever else", if_match=OTHER, if_none_match="{etag}"),
    refused(
        "If-Unmodified-Since fails before If-Modified-Since",
        if_unmodified_since="{earlier}",
        if_modified_since="{later}",
    ),
    unchanged(
        "If-Unmodified-Since holds, then If-Modified-Since",
        if_unmodified_since="{date}",
        if_modified_since="{date}",
    ),
)

RANGES_WITH_CONDITIONS = (
    part("If-Range by ETag", "2-4", b"234", range="bytes=2-4", if_range="{etag}"),
    part("If-Range by date", "2-4", b"234", range="bytes=2-4", if_range="{date}"),
    part("If-Range by date of RFC 850", "2-4", b"234", range="bytes=2-4", if_range="{rfc850}"),
    part("If-Range by date of asctime", "2-4", b"234", range="bytes=2-4", if_range="{asctime}"),
    part("If-Match and a range", "2-4", b"234", range="bytes=2-4", if_match="{etag}"),
    part("If-None-Match and a range", "2-4", b"234", range="bytes=2-4", if_none_match=OTHER),
    part("a range not changed", "2-4", b"234", range="bytes=2-4", if_modified_since="{earlier}"),
    *(
        Case(
            f"If-Range, {name}, {span}",
            200,
            {"range": span, "if-range": condition},
            {"content-range": None},
            DIGITS,
            None,
        )
        for span in ("bytes=2-4", "bytes=99-")
        for name, condition in (
            ("another", OTHER),
            ("weak", "W/{etag}"),
            ("a list", '{etag}, "b"'),
            ("later", "{later}"),
            ("earlier", "{earlier}"),
            ("no date", "yesterday"),
            ("any", "*"),
        )
    ),
    outside("If-Range holds, past the end", range="bytes=10-", if_range="{etag}"),
    whole("If-Range without a range", if_range=OTHER),
    whole("If-Range with two ranges", range="bytes=0-1,4-5", if_range="{etag}"),
    unchanged("If-None-Match before the range", range="bytes=2-4", if_none_match="{etag}"),
    unchanged("If-None-Match, past the end", range="bytes=99-", if_none_match="{etag}"),
    unchanged("If-Modified-Since before the range", range="bytes=2-4", if_modified_since="{date}"),
    refused("If-Match before the range", range="bytes=2-4", if_match=OTHER),
    # What these decide on past the end costs a second look at the object.
    Case(
        "If-Modified-Since, past the end",
        304,
        {"range": "bytes=99-", "if-modified-since": "{date}"},
        {"etag": "{etag}"},
        b"",
        None,
    ),
    Case("If-Match, past the end", 412, {"range": "bytes=99-", "if-match": OTHER}, store=None),
)
