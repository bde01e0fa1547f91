"""The table of what the edge answers, over memory."""

import hashlib
from collections.abc import Iterator

import pytest

from tests.edge.case import Case, check, filled
from tests.edge.memory import MemoryEdge
from tests.edge.site import DIGITS
from tests.edge.table import FOUND, TABLE

ETAG = f'"{hashlib.md5(DIGITS, usedforsecurity=False).hexdigest()}"'


@pytest.fixture(scope="module")
def edge() -> Iterator[MemoryEdge]:
    made = MemoryEdge()
    yield made
    made.close()


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.name)
def test_the_edge_answers_by_the_table(edge: MemoryEdge, case: Case) -> None:
    case = filled(case, ETAG, edge.modified_ms())
    answer = edge.ask(case.host, case.method, case.path, case.asked)
    check(case, answer)
    if case.store is not None:
        assert tuple(call for call in answer.calls if call != "sql") == case.store


@pytest.mark.parametrize("target", FOUND)
def test_head_has_the_headers_of_get(edge: MemoryEdge, target: tuple[str, str]) -> None:
    host, path = target
    got = edge.ask(host, "GET", path, {})
    head = edge.ask(host, "HEAD", path, {})
    assert (got.status, head.status, head.body) == (200, 200, b"")
    assert {**head.headers, "date": ""} == {**got.headers, "date": ""}


def test_the_table_has_no_two_cases_of_one_name() -> None:
    names = [case.name for case in TABLE]
    assert sorted(names) == sorted(set(names))
