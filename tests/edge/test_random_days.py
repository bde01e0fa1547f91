"""Days of one index file in random order: replaced, asked for in every way, purged, with a store
that fails now and then. Whatever happens, an answer is whole, and no older than is promised."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.edge import site
from tests.edge.memory import MemoryEdge
from tests.edge.site import INDEX, LOCATION_ONE, ONE, REPOSITORIES, Answer

pytestmark = pytest.mark.thorough

KEY = f"{LOCATION_ONE}{INDEX}"
FRESH_MS = 30_000

REPLACE = st.tuples(st.just("replace"), st.integers(0, 99))
PASS = st.tuples(st.just("pass"), st.sampled_from([1, 5, 14, 15, 29, 30, 31, 100]))
ASK = st.tuples(
    st.just("ask"),
    st.sampled_from(["GET", "GET", "HEAD", "bytes=2-4", "bytes=-3", "bytes=99-", "known", "any"]),
)
DISTURB = st.one_of(
    st.tuples(st.sampled_from(["purge", "forget"]), st.none()),
    st.tuples(st.just("break"), st.booleans()),
)
# What disturbs is rare, or nothing would ever grow old.
EVENT = st.one_of(REPLACE, PASS, PASS, ASK, ASK, ASK, ASK, DISTURB)


class Day:
    def __init__(self) -> None:
        self.edge = MemoryEdge()
        self.is_broken = False
        self.contents: list[tuple[int, bytes]] = [(0, site.DIGITS)]
        """Since when the store had what, oldest first."""
        self.known = ""

    def live(self, event: str, value: object) -> None:
        edge = self.edge
        if event == "replace":
            content = f"content {value} ".encode() * 3
            edge.replace(REPOSITORIES, KEY, content)
            self.contents.append((edge.now_ms(), content))
        elif event == "pass":
            assert isinstance(value, int)
            edge.clock.advance(seconds=value)
        elif event == "purge":
            edge.cache.purge([f"location:{LOCATION_ONE}"])
        elif event == "forget":
            edge.forget()
        elif event == "break":
            self.is_broken = bool(value)
            edge.break_stores(broken=self.is_broken)
        else:
            self.ask(str(value))

    def ask(self, how: str) -> None:
        headers: dict[str, str] = {}
        if how.startswith("bytes"):
            headers["range"] = how
        elif how in ("known", "any"):
            headers["if-none-match"] = self.known if how == "known" and self.known else "*"
        answer = self.edge.ask(ONE, "HEAD" if how == "HEAD" else "GET", INDEX, headers)
        if answer.status == 503:
            assert self.is_broken
            return
        self.check(how, answer)

    def check(self, how: str, answer: Answer) -> None:
        if answer.status == 416:
            size = int(answer.headers["content-range"].removeprefix("bytes */"))
            assert size in {len(content) for content in self.recent()}
            return
        etag = answer.headers["etag"]
        of = [content for content in self.recent() if a_tag(content) == etag]
        assert of, (answer.status, etag, self.contents)
        content = of[-1]
        if answer.status == 304:
            assert answer.body == b""
        elif how == "HEAD":
            assert answer.headers["content-length"] == str(len(content))
        elif answer.status == 206:
            assert answer.body == (content[2:5] if how == "bytes=2-4" else content[-3:])
        else:
            assert (answer.status, answer.body) == (200, content)
            self.known = etag

    def recent(self) -> list[bytes]:
        """What the store had within the last 30 seconds; what it ever had while it fails."""
        since = 0 if self.is_broken else self.edge.now_ms() - FRESH_MS
        ends = [begun for begun, _ in self.contents[1:]] + [self.edge.now_ms() + 1]
        return [
            content for (_, content), end in zip(self.contents, ends, strict=True) if end > since
        ]


def a_tag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


@settings(max_examples=150, deadline=None)
@given(st.lists(EVENT, min_size=20, max_size=60))
def test_every_answer_is_whole_and_no_older_than_promised(events: list[tuple[str, object]]) -> None:
    day = Day()
    try:
        for event, value in events:
            day.live(event, value)
    finally:
        day.edge.close()
