"""The table of what the edge answers, by the real Worker in workerd over a raw socket."""

import pytest

from tests.edge import site
from tests.edge.case import Case, check, filled
from tests.edge.table import FOUND, TABLE
from tests.edge.workerd import WorkerdEdge

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def facts(workerd_edge: WorkerdEdge) -> tuple[str, int]:
    answer = workerd_edge.ask(site.ONE, "HEAD", site.INDEX, {})
    return answer.headers["etag"], workerd_edge.modified_ms()


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.name)
def test_the_edge_answers_by_the_table(
    workerd_edge: WorkerdEdge, facts: tuple[str, int], case: Case
) -> None:
    case = filled(case, *facts)
    answer = workerd_edge.ask(case.host, case.method, case.path, case.asked)
    check(case, answer)
    if case.store is not None:
        assert tuple(call for call in answer.calls if call != "sql") == case.store


@pytest.mark.parametrize("target", FOUND)
def test_head_has_the_headers_of_get(workerd_edge: WorkerdEdge, target: tuple[str, str]) -> None:
    host, path = target
    got = workerd_edge.ask(host, "GET", path, {})
    head = workerd_edge.ask(host, "HEAD", path, {})
    assert (got.status, head.status, head.body) == (200, 200, b"")
    assert {**head.headers, "date": ""} == {**got.headers, "date": ""}
