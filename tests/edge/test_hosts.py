"""Where a host leads: how long what was learnt counts, and what an outage of the database
changes."""

from collections.abc import Iterator

import pytest

from functions.ports.records import Statement
from tests.contracts.object_store import run
from tests.edge import site
from tests.edge.memory import MemoryEdge
from tests.edge.site import DIGITS, INDEX, LOCATION_ONE, LOCATION_TWO, ONE, ONE_AGAIN, TWO, UNKNOWN


@pytest.fixture
def edge() -> Iterator[MemoryEdge]:
    made = MemoryEdge()
    yield made
    made.close()


def sql(edge: MemoryEdge, statement: str, *parameters: str) -> None:
    run(edge.records.batch([Statement(statement, parameters)]))


def move(edge: MemoryEdge) -> None:
    """Tenant one's hostname is tenant two's from now on."""
    sql(
        edge,
        "UPDATE hostname SET location_id = ?, tenant_id = ? WHERE name = ?",
        LOCATION_TWO,
        site.TENANT_TWO,
        ONE,
    )


def remove(edge: MemoryEdge) -> None:
    sql(edge, "UPDATE hostname SET state = 'removed', deleted_at = 1 WHERE name = ?", ONE)


def queries(edge: MemoryEdge, host: str = ONE) -> int:
    return edge.get(host, INDEX).calls.count("sql")


def test_an_isolate_asks_for_a_host_once(edge: MemoryEdge) -> None:
    assert [queries(edge) for _ in range(3)] == [1, 0, 0]
    assert [queries(edge, ONE_AGAIN) for _ in range(2)] == [1, 0]


def test_a_new_isolate_finds_it_in_the_data_centres_cache(edge: MemoryEdge) -> None:
    queries(edge)
    edge.plane = edge.isolate()
    assert queries(edge) == 0


def test_the_cache_counts_for_thirty_seconds(edge: MemoryEdge) -> None:
    queries(edge)
    edge.clock.advance(milliseconds=29_999)
    edge.plane = edge.isolate()
    assert edge.get(ONE, INDEX).body == DIGITS
    edge.plane = edge.isolate()
    edge.clock.advance(seconds=31)
    assert queries(edge) == 1


def test_a_host_that_is_often_asked_for_is_looked_after_behind_the_answers(
    edge: MemoryEdge,
) -> None:
    queries(edge)
    move(edge)
    edge.clock.advance(seconds=15)
    answer = edge.get(ONE, INDEX)
    assert (answer.body, answer.calls.count("sql")) == (DIGITS, 1)
    assert edge.get(ONE, INDEX).body == site.of_two(DIGITS)


@pytest.mark.parametrize("step", [1, 3, 7, 11, 30])
def test_a_change_is_followed_within_thirty_seconds(edge: MemoryEdge, step: int) -> None:
    for change, status in ((move, 200), (remove, 404)):
        edge.get(ONE, INDEX)
        change(edge)
        for _ in range(30 // step):
            edge.clock.advance(seconds=step)
            edge.get(ONE, INDEX)
        edge.clock.advance(seconds=30 % step + 1)
        answer = edge.get(ONE, INDEX)
        assert answer.status == status
        if status == 200:
            assert answer.body == site.of_two(DIGITS)


def test_a_new_host_is_found_within_ten_seconds(edge: MemoryEdge) -> None:
    assert edge.get(UNKNOWN, INDEX).status == 404
    made = site.hostname(UNKNOWN, site.TENANT_ONE, LOCATION_ONE)
    run(edge.records.batch([made]))
    edge.clock.advance(seconds=10)
    assert edge.get(UNKNOWN, INDEX).body == DIGITS


@pytest.mark.parametrize("tag", [f"host:{ONE}", f"hosts-of:{LOCATION_ONE}"])
def test_a_purge_of_its_tags_makes_a_removal_known_to_new_isolates(
    edge: MemoryEdge, tag: str
) -> None:
    edge.get(ONE, INDEX)
    remove(edge)
    edge.cache.purge([tag])
    edge.plane = edge.isolate()
    assert edge.get(ONE, INDEX).status == 404


def test_a_purge_of_a_locations_files_does_not_forget_where_its_hosts_lead(
    edge: MemoryEdge,
) -> None:
    edge.get(ONE, INDEX)
    edge.cache.purge([f"location:{LOCATION_ONE}"])
    edge.records.broken = True
    edge.plane = edge.isolate()
    answer = edge.get(ONE, INDEX)
    assert (answer.body, answer.store) == (DIGITS, ("get",))


def test_the_removal_of_a_hostname_leaves_the_files_to_the_others(edge: MemoryEdge) -> None:
    edge.get(ONE, INDEX)
    edge.get(ONE_AGAIN, INDEX)
    edge.cache.purge([f"host:{ONE}"])
    assert edge.get(ONE_AGAIN, INDEX).store == ()


def test_an_outage_stops_no_known_host_in_new_isolates_neither(edge: MemoryEdge) -> None:
    for host in (ONE, TWO):
        edge.get(host, INDEX)
    edge.records.broken = True
    for seconds in (1, 31, 3_600, 82_000):
        edge.clock.advance(seconds=seconds)
        edge.plane = edge.isolate()
        for host, body in ((ONE, DIGITS), (TWO, site.of_two(DIGITS))):
            answer = edge.get(host, INDEX)
            assert (answer.status, answer.body) == (200, body)


def test_an_outage_makes_an_unknown_host_unavailable_and_not_unknown(
    edge: MemoryEdge, caplog: pytest.LogCaptureFixture
) -> None:
    edge.records.broken = True
    answer = edge.get(ONE, INDEX)
    assert (answer.status, answer.headers["cache-control"]) == (503, "no-store")
    assert int(answer.headers["retry-after"]) > 0
    assert b"s3cret" not in answer.body
    assert "s3cret inside" in caplog.text
    edge.records.broken = False
    assert edge.get(ONE, INDEX).status == 200


def test_an_outage_of_more_than_a_day_stops_what_nobody_asked_the_database_for(
    edge: MemoryEdge,
) -> None:
    edge.get(ONE, INDEX)
    edge.records.broken = True
    edge.clock.advance(seconds=86_400)
    edge.plane = edge.isolate()
    assert edge.get(ONE, INDEX).status == 503


def test_a_removed_host_does_not_come_back_in_an_outage(edge: MemoryEdge) -> None:
    edge.get(ONE, INDEX)
    remove(edge)
    edge.clock.advance(seconds=30)
    assert edge.get(ONE, INDEX).status == 404
    edge.records.broken = True
    edge.plane = edge.isolate()
    assert edge.get(ONE, INDEX).status == 503


def test_the_database_is_asked_again_every_ten_seconds_of_an_outage(edge: MemoryEdge) -> None:
    edge.get(ONE, INDEX)
    edge.records.broken = True
    edge.clock.advance(seconds=31)
    assert [queries(edge) for _ in range(3)] == [1, 0, 0]
    edge.clock.advance(seconds=10)
    assert queries(edge) == 1


def test_a_location_in_a_bucket_that_is_declared_no_more_is_not_served_from_the_cache(
    edge: MemoryEdge,
) -> None:
    edge.get(ONE, INDEX)
    edge.records.broken = True
    edge.plane = edge.isolate(buckets=(site.MORE,))
    assert edge.get(ONE, INDEX).status == 503


def test_the_platforms_own_names_are_not_looked_for(edge: MemoryEdge) -> None:
    for host in (site.ZONE, f"api.{site.ZONE}", f"x.y.{site.ZONE}"):
        answer = edge.get(host, INDEX)
        assert (answer.status, answer.calls) == (404, ())
