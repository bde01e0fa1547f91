"""One request to the edge and what the answer must be."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from functions.core.times import http_date
from tests.edge import site

Headers = Mapping[str, str | None]

GET, HEAD, NONE = ("get",), ("head",), ()
TEXT = "text/plain; charset=utf-8"
PROBLEM = "application/problem+json"
BRIEF = "public, max-age=30, stale-if-error=86400, no-transform"


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    status: int
    asked: Mapping[str, str] = field(default_factory=dict[str, str])
    says: Headers = field(default_factory=dict[str, str | None])
    """Headers of the answer; None: it has no such header."""
    body: bytes | None = None
    """None: not compared."""
    store: tuple[str, ...] | None = GET
    """What a bucket is asked when nothing is cached; None: not compared."""
    method: str = "GET"
    path: str = site.INDEX
    host: str = site.ONE


def filled(case: Case, etag: str, modified_ms: int) -> Case:
    """The case with the placeholders' values."""
    values = {
        "etag": etag,
        "date": http_date(modified_ms),
        "earlier": http_date(modified_ms - 1000),
        "later": http_date(modified_ms + 1000),
        "rfc850": rfc850(modified_ms),
        "asctime": asctime(modified_ms),
    }

    def fill(text: str) -> str:
        for name, value in values.items():
            text = text.replace("{" + name + "}", value)
        return text

    return Case(
        case.name,
        case.status,
        {name: fill(value) for name, value in case.asked.items()},
        {name: None if value is None else fill(value) for name, value in case.says.items()},
        case.body,
        case.store,
        case.method,
        case.path,
        case.host,
    )


def rfc850(ms: int) -> str:
    day, date, month, year, clock, _ = http_date(ms).split()
    name = {"Tue": "Tues", "Wed": "Wednes", "Thu": "Thurs", "Sat": "Satur"}.get(day[:3], day[:3])
    return f"{name}day, {date}-{month}-{year[2:]} {clock} GMT"


def asctime(ms: int) -> str:
    day, date, month, year, clock, _ = http_date(ms).split()
    return f"{day[:3]} {month} {int(date):2} {clock} {year}"


def check(case: Case, answer: site.Answer) -> None:
    """`case` with its values filled in."""
    assert answer.status == case.status, (answer.status, answer.body[:500])
    for name, value in case.says.items():
        assert answer.headers.get(name) == value, name
    if case.body is not None:
        assert answer.body == case.body
    if case.method == "HEAD" or case.status in (204, 304):
        assert answer.body == b""
    elif case.status != 405:
        assert answer.headers["content-length"] == str(len(answer.body))
    if case.status in (200, 206, 304) and case.store is not None:
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["date"].endswith(" GMT")
    said = repr(sorted(answer.headers.items())) + repr(answer.body)
    assert not [inside for inside in site.INSIDE if inside in said]
