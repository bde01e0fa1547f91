"""Hosts through an outage of the database, in isolates that are new: workerd is started again, and
all that is left is what lies on the disk, as in another isolate of the same data centre."""

from collections.abc import Iterator

import pytest

from tests.edge import site
from tests.edge.site import DIGITS, INDEX, ONE, TWO, UNKNOWN
from tests.edge.workerd import WorkerdEdge
from tests.local.workerd_host import Json

pytestmark = pytest.mark.cloud


def database(action: str) -> "Failing":
    return Failing(action)


class Failing:
    """What the database does to every call."""

    def __init__(self, action: str) -> None:
        self.action = action

    def __call__(self, question: Json) -> str:
        return self.action if question["binding"] == "DB" else "none"


@pytest.fixture
def edge(workerd_edge: WorkerdEdge) -> Iterator[WorkerdEdge]:
    yield workerd_edge
    workerd_edge.host.daemon.faults = lambda _question: "none"


def test_known_hosts_go_on_in_a_new_isolate_and_unknown_ones_are_unavailable(
    edge: WorkerdEdge,
) -> None:
    for host in (ONE, TWO):
        edge.know(host, INDEX)
    edge.host.apply()
    edge.host.daemon.faults = database("fail")
    for host, body in ((ONE, DIGITS), (TWO, site.of_two(DIGITS))):
        answer = edge.ask(host, "GET", INDEX, {})
        assert (answer.status, answer.body) == (200, body)
    # Files that no cache has come from their bucket, which does not fail.
    assert edge.ask(ONE, "GET", "/script.js", {}).status == 200
    answer = edge.ask(UNKNOWN, "GET", INDEX, {})
    assert (answer.status, answer.headers["cache-control"]) == (503, "no-store")
    edge.host.daemon.faults = database("none")
    assert edge.ask(UNKNOWN, "GET", INDEX, {}).status == 404


def test_a_database_that_does_not_answer_is_not_waited_for(edge: WorkerdEdge) -> None:
    edge.know(ONE, INDEX)
    edge.age_host(ONE, 31)
    edge.host.apply()
    edge.host.daemon.faults = database("hold")
    answer = edge.ask(ONE, "GET", INDEX, {})
    assert (answer.status, answer.body) == (200, DIGITS)
    assert edge.ask("nobody-knows.example", "GET", INDEX, {}).status == 503


def test_a_moved_host_is_followed_when_its_entry_is_old(edge: WorkerdEdge) -> None:
    made = site.hostname("moved.example", site.TENANT_ONE, site.LOCATION_ONE)
    edge.query(made.sql, *made.parameters)
    edge.know("moved.example", INDEX)
    edge.query(
        "UPDATE hostname SET location_id = ?, tenant_id = ? WHERE name = 'moved.example'",
        site.LOCATION_TWO,
        site.TENANT_TWO,
    )
    edge.age_host("moved.example", 31)
    edge.host.apply()
    answer = edge.ask("moved.example", "GET", INDEX, {})
    assert answer.body == site.of_two(DIGITS)
    edge.query("UPDATE hostname SET state = 'removed' WHERE name = 'moved.example'")
    edge.purge(tags=["host:moved.example"])
    edge.host.apply()
    assert edge.ask("moved.example", "GET", INDEX, {}).status == 404


def test_a_stale_index_file_outlives_an_outage_of_its_bucket(edge: WorkerdEdge) -> None:
    edge.warm(ONE, INDEX)
    edge.age_object(ONE, INDEX, 31)
    failing = database("none")
    edge.host.daemon.faults = lambda question: (
        "fail" if question["method"] in ("get", "head") else failing(question)
    )
    for headers, status in (
        ({}, 200),
        ({"range": "bytes=2-4"}, 206),
        ({"if-none-match": "*"}, 304),
    ):
        answer = edge.ask(ONE, "GET", INDEX, headers)
        assert answer.status == status
        assert int(answer.headers["age"]) >= 31
    assert edge.ask(ONE, "GET", "/a%20b/%C3%BC%20%E2%82%AC.txt", {}).status == 503


def test_a_stale_index_file_is_compared_and_kept_anew(edge: WorkerdEdge) -> None:
    path = "/dists/aged/Release"
    edge.put(site.REPOSITORIES, f"{site.LOCATION_ONE}{path}", b"first")
    edge.warm(ONE, path)
    edge.age_object(ONE, path, 31)
    answer = edge.ask(ONE, "GET", path, {})
    assert (answer.body, answer.store, answer.headers.get("age")) == (b"first", ("get",), None)
    edge.warm(ONE, path)
    edge.put(site.REPOSITORIES, f"{site.LOCATION_ONE}{path}", b"another")
    edge.age_object(ONE, path, 31)
    assert edge.ask(ONE, "GET", path, {}).body == b"another"
