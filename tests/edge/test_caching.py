"""What the edge keeps, for how long, and what it never keeps."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from functions.adapters.local.object_store import BytesBody
from functions.ports.object_store import ObjectInfo
from tests.contracts.object_store import run
from tests.edge import site
from tests.edge.memory import NOW, CountingStore, MemoryEdge
from tests.edge.site import DIGITS, ICON, INDEX, LOCATION_ONE, ONE, ONE_AGAIN, REPOSITORIES, TWO

INDEX_KEY = f"{LOCATION_ONE}{INDEX}"
DEB = "/pool/main/libstdc++_1:2~rc1+3_amd64.deb"
WARM, COLD, COMPARED = (), ("get",), ("get",)


@pytest.fixture
def edge() -> Iterator[MemoryEdge]:
    made = MemoryEdge()
    # Whatever is asked of the database for a host is remembered before the test begins.
    for host in (ONE, ONE_AGAIN, TWO):
        made.get(host, "/no")
    yield made
    made.close()


@pytest.mark.parametrize("order", [(ONE, TWO), (TWO, ONE)])
def test_two_hosts_on_the_same_path_each_get_their_own_cold_and_warm(
    edge: MemoryEdge, order: tuple[str, str]
) -> None:
    expected = {ONE: DIGITS, TWO: site.of_two(DIGITS)}
    for store in (COLD, WARM, WARM):
        for host in order:
            answer = edge.get(host, INDEX)
            assert (answer.status, answer.body, answer.store) == (200, expected[host], store)


def test_two_hostnames_of_one_location_share_what_is_kept(edge: MemoryEdge) -> None:
    assert edge.get(ONE, INDEX).store == COLD
    for host in (ONE_AGAIN, ONE.upper(), f"{ONE}:8080"):
        answer = edge.get(host, INDEX)
        assert (answer.body, answer.store) == (DIGITS, WARM)


def test_neither_host_nor_query_nor_token_is_part_of_a_key(edge: MemoryEdge) -> None:
    edge.get(ONE, f"{INDEX}?token=s3cret")
    edge.get(site.CDN, site.package_path(60, edge.now_ms()))
    objects = [key for key in edge.cache.keys if key.startswith("objects/")]
    assert len(objects) == 2
    for key in objects:
        for part in (ONE, site.CDN, "?", "s3cret", "sig="):
            assert part not in key
    assert edge.get(ONE, INDEX).store == WARM


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (INDEX, {"range": "bytes=2-4"}, 206),
        (INDEX, {"range": "bytes=0-9"}, 206),
        (INDEX, {"range": "bytes=99-"}, 416),
        ("/no", {}, 404),
        ("/%ff", {}, 400),
    ],
)
def test_nothing_but_whole_objects_is_kept(
    edge: MemoryEdge, path: str, headers: dict[str, str], status: int
) -> None:
    edge.forget()
    assert edge.get(ONE, path, **headers).status == status
    assert not [key for key in edge.cache.keys if key.startswith("objects/")]


def test_head_of_what_is_not_kept_keeps_nothing(edge: MemoryEdge) -> None:
    edge.forget()
    assert edge.ask(ONE, "HEAD", INDEX, {}).store == ("head",)
    assert edge.cache.keys == ()


@pytest.mark.parametrize(
    "headers",
    [{"if-none-match": "*"}, {"if-match": '"other"'}, {"if-modified-since": "{date}"}],
)
def test_a_condition_on_what_is_not_kept_keeps_the_whole(
    edge: MemoryEdge, headers: dict[str, str]
) -> None:
    date = edge.ask(ONE, "HEAD", INDEX, {}).headers["last-modified"]
    asked = {name: value.replace("{date}", date) for name, value in headers.items()}
    assert edge.ask(ONE, "GET", INDEX, asked).store == COLD
    answer = edge.get(ONE, INDEX)
    assert (answer.body, answer.store) == (DIGITS, WARM)


def test_ranges_are_cut_from_the_whole_that_is_kept(edge: MemoryEdge) -> None:
    edge.get(ONE, INDEX)
    answer = edge.get(ONE, INDEX, range="bytes=-3")
    assert (answer.status, answer.body, answer.store) == (206, b"789", WARM)
    assert answer.headers["content-range"] == "bytes 7-9/10"


def test_an_index_file_is_seen_changed_after_thirty_seconds_at_most(edge: MemoryEdge) -> None:
    edge.get(ONE, INDEX)
    edge.replace(REPOSITORIES, INDEX_KEY, b"changed")
    edge.clock.advance(milliseconds=14_999)
    assert edge.get(ONE, INDEX).body == DIGITS
    edge.clock.advance(milliseconds=15_001)
    answer = edge.get(ONE, INDEX)
    assert (answer.body, answer.store) == (b"changed", COMPARED)
    assert edge.get(ONE, INDEX).store == WARM


def test_what_is_often_asked_for_is_looked_after_behind_the_answers(edge: MemoryEdge) -> None:
    edge.get(ONE, INDEX)
    edge.replace(REPOSITORIES, INDEX_KEY, b"changed")
    edge.clock.advance(seconds=15)
    # The answer is the copy's; the look at the store comes behind it.
    assert edge.get(ONE, INDEX).body == DIGITS
    answer = edge.get(ONE, INDEX)
    assert (answer.body, answer.store) == (b"changed", WARM)


def test_an_isolate_begins_one_look_at_a_time(edge: MemoryEdge) -> None:
    edge.get(ONE, INDEX)
    edge.break_stores()
    edge.clock.advance(seconds=15)
    assert edge.get(ONE, INDEX).store == ("get",)
    assert edge.get(ONE, INDEX).store == ()
    edge.clock.advance(seconds=10)
    assert edge.get(ONE, INDEX).store == ("get",)


@pytest.mark.parametrize(
    ("host", "path", "bucket", "seconds"),
    [(ONE, INDEX, REPOSITORIES, 30), (site.CDN, ICON, site.ASSETS, 300)],
)
def test_an_unchanged_object_is_not_read_again(
    edge: MemoryEdge, host: str, path: str, bucket: str, seconds: int
) -> None:
    edge.get(host, path)
    opened = edge.stores[bucket].opened
    for later in (seconds, seconds // 2, seconds):
        edge.clock.advance(seconds=later)
        assert edge.get(host, path).store == COMPARED
        assert edge.get(host, path).store == WARM
    assert edge.stores[bucket].opened == opened


def test_the_age_of_a_copy_is_told_and_forgotten_when_it_was_compared(edge: MemoryEdge) -> None:
    assert "age" not in edge.get(ONE, INDEX).headers
    edge.clock.advance(seconds=10)
    assert edge.get(ONE, INDEX).headers["age"] == "10"
    assert edge.ask(ONE, "HEAD", INDEX, {}).headers["age"] == "10"
    assert edge.get(ONE, INDEX, if_none_match="*").headers["age"] == "10"
    edge.clock.advance(seconds=20)
    assert "age" not in edge.get(ONE, INDEX).headers


def test_an_immutable_file_is_kept_for_a_day_without_a_look(edge: MemoryEdge) -> None:
    edge.get(ONE, DEB)
    edge.clock.advance(seconds=86_399)
    answer = edge.get(ONE, DEB)
    assert (answer.store, answer.headers.get("age")) == (WARM, None)
    edge.clock.advance(seconds=1)
    assert edge.get(ONE, DEB).store == COLD


@pytest.mark.parametrize("asked", [{}, {"range": "bytes=2-4"}, {"if-none-match": "*"}])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_failing_store_is_answered_for_by_what_is_kept_for_a_day(
    edge: MemoryEdge, method: str, asked: dict[str, str]
) -> None:
    expected = edge.ask(ONE, method, INDEX, asked)
    edge.get(ONE, INDEX)
    edge.break_stores()
    edge.clock.advance(seconds=86_000)
    answer = edge.ask(ONE, method, INDEX, asked)
    assert (answer.status, answer.body) == (expected.status, expected.body)
    assert answer.headers["age"] == "86000"
    edge.clock.advance(seconds=400)
    assert edge.ask(ONE, method, INDEX, asked).status == 503


def test_a_failing_store_is_unavailable_where_nothing_is_kept(edge: MemoryEdge) -> None:
    edge.break_stores()
    answer = edge.get(ONE, INDEX)
    assert (answer.status, answer.headers["cache-control"]) == (503, "no-store")
    edge.break_stores(broken=False)
    assert edge.get(ONE, INDEX).status == 200


def test_a_range_of_a_stale_copy_is_the_stores(edge: MemoryEdge) -> None:
    edge.get(ONE, INDEX)
    edge.replace(REPOSITORIES, INDEX_KEY, b"abcdefghij")
    edge.clock.advance(seconds=30)
    answer = edge.get(ONE, INDEX, range="bytes=2-4")
    assert (answer.status, answer.body) == (206, b"cde")
    assert edge.get(ONE, INDEX, range="bytes=99-").status == 416


def test_what_is_gone_from_the_store_is_gone_from_the_cache(edge: MemoryEdge) -> None:
    edge.get(ONE, INDEX)
    run(edge.stores[REPOSITORIES].delete(INDEX_KEY))
    edge.clock.advance(seconds=30)
    assert edge.get(ONE, INDEX).status == 404
    edge.break_stores()
    assert edge.get(ONE, INDEX).status == 503


@pytest.mark.parametrize(
    ("host", "path", "tag"),
    [
        (ONE, INDEX, f"location:{LOCATION_ONE}"),
        (ONE, DEB, f"location:{LOCATION_ONE}"),
        (site.CDN, ICON, f"app:{site.APP}"),
        (site.CDN, "package", f"version:{site.APP}/7"),
        (site.CDN, "package", f"app:{site.APP}"),
    ],
)
def test_a_purge_by_tag_empties_the_cache_of_it(
    edge: MemoryEdge, host: str, path: str, tag: str
) -> None:
    path = site.package_path(60, edge.now_ms()) if path == "package" else path
    edge.get(host, path)
    edge.get(TWO, INDEX)
    edge.cache.purge([tag])
    assert edge.get(host, path).store == COLD
    assert edge.get(TWO, INDEX).store == WARM


def test_a_token_is_asked_for_before_the_cache(edge: MemoryEdge) -> None:
    path = site.package_path(60, edge.now_ms())
    assert edge.get(site.CDN, path).store == COLD
    assert edge.get(site.CDN, path).store == WARM
    # Another token for the same package finds what is kept, and no token finds nothing.
    assert edge.get(site.CDN, site.package_path(61, edge.now_ms())).store == WARM
    bare = path.partition("?")[0]
    for refused in (bare, f"{bare}?", path + "x", path.replace("&sig=", "&sig=x")):
        assert edge.get(site.CDN, refused).status == 403
    edge.clock.advance(seconds=61)
    assert edge.get(site.CDN, path).status == 403


def test_what_another_deployment_kept_in_another_form_is_not_read(edge: MemoryEdge) -> None:
    edge.get(ONE, INDEX)
    for note in ("", "{}", "[]", '["etag"]', "[1, 2, 3, 4, 5]", '[{"id": "x", "more": 1}, 5]'):
        for key in edge.cache.keys:
            run(edge.cache.keep_note(key, note, tags=(), seconds=1000))
        edge.plane = edge.isolate()
        answer = edge.get(ONE, INDEX)
        assert (answer.status, answer.body, answer.calls.count("sql")) == (200, DIGITS, 1)


def test_a_look_behind_an_answer_keeps_no_body_under_another_ones_etag(edge: MemoryEdge) -> None:
    class Replacing(CountingStore):
        """Between the answer "unchanged" and the next look into the cache, another request has kept
        a newer object."""

        async def get(self, key: str, *arguments: Any, **options: Any) -> Any:
            found = await super().get(key, *arguments, **options)
            if isinstance(found, ObjectInfo):
                note = json.dumps(["newer", 5, NOW, edge.now_ms()])
                kept = edge.cache.keep(
                    f"objects/repositories/{REPOSITORIES}/{key}",
                    note,
                    BytesBody(b"newer"),
                    5,
                    tags=(),
                    seconds=1000,
                )
                await kept.storing
            return found

    edge.stores[REPOSITORIES] = store = Replacing(edge.clock, edge.calls)
    run(store.replace(INDEX_KEY, DIGITS))
    edge.plane = edge.isolate()
    edge.get(ONE, INDEX)
    edge.clock.advance(seconds=20)
    edge.get(ONE, INDEX)
    answer = edge.get(ONE, INDEX)
    assert (answer.body, answer.headers["etag"]) == (b"newer", '"newer"')


def test_a_large_object_passes_by_the_cache() -> None:
    edge = MemoryEdge(max_cached_bytes=9)
    assert edge.get(ONE, INDEX).store == COLD
    assert edge.get(ONE, INDEX).store == COLD
    assert edge.get(ONE, INDEX, if_none_match="*").status == 304
    assert edge.get(ONE, DEB).status == 200
    assert edge.get(ONE, DEB).store == WARM
    edge.close()
