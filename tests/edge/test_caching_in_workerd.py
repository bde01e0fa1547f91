"""The cache of the real Worker in workerd: tenants apart, data centres apart, purges in all of
them."""

import time

import pytest

from tests.edge import site
from tests.edge.site import DIGITS, ICON, INDEX, LOCATION_ONE, ONE, ONE_AGAIN, TWO
from tests.edge.workerd import WorkerdEdge

pytestmark = pytest.mark.cloud

HERE, THERE = "ams", "sin"
DSC = "/pool/main/hello_1.dsc"
"""Immutable: no look at the store comes behind an answer."""


@pytest.mark.parametrize("order", [(ONE, TWO), (TWO, ONE)])
def test_two_hosts_on_the_same_path_each_get_their_own_cold_and_warm(
    workerd_edge: WorkerdEdge, order: tuple[str, str]
) -> None:
    expected = {ONE: DIGITS, TWO: site.of_two(DIGITS)}
    workerd_edge.cool(TWO, INDEX)
    workerd_edge.cool(ONE, INDEX)
    for host in order:
        answer = workerd_edge.ask(host, "GET", INDEX, {})
        assert (answer.status, answer.body, answer.store) == (200, expected[host], ("get",))
    for host in order:
        answer = workerd_edge.ask_warm(host, INDEX)
        assert (answer.status, answer.body, answer.store) == (200, expected[host], ())


def test_two_hostnames_of_one_location_share_what_is_kept(workerd_edge: WorkerdEdge) -> None:
    workerd_edge.ask(ONE_AGAIN, "GET", "/no", {})
    workerd_edge.cool(ONE, INDEX)
    workerd_edge.warm(ONE, INDEX)
    answer = workerd_edge.ask(ONE_AGAIN, "GET", INDEX, {})
    assert (answer.body, answer.store) == (DIGITS, ())


def test_a_warm_answer_asks_the_cache_once_and_nothing_else(workerd_edge: WorkerdEdge) -> None:
    for headers in ({}, {"range": "bytes=2-4"}, {"if-none-match": "*"}):
        # The host is in the isolate's memory, or it is a second look into the same cache.
        assert set(workerd_edge.ask_warm(ONE, INDEX, headers).calls) == {"match"}


def test_what_a_cold_answer_keeps_is_whole_though_the_client_left(
    workerd_edge: WorkerdEdge,
) -> None:
    content = bytes(range(256)) * 20_000
    path = "/pool/main/large_1.deb"
    workerd_edge.put(site.REPOSITORIES, f"{LOCATION_ONE}{path}", content)
    workerd_edge.leave(ONE, path)
    answer = workerd_edge.ask_warm(ONE, path, {"range": "bytes=4000000-4000009"})
    assert (answer.status, answer.body) == (206, content[4_000_000:4_000_010])
    assert workerd_edge.ask(ONE, "GET", path, {}).body == content


def test_a_purge_by_tag_reaches_every_data_centre(workerd_edge: WorkerdEdge) -> None:
    for where in (HERE, THERE):
        for host, path in ((ONE, DSC), (TWO, DSC), (site.CDN, ICON)):
            workerd_edge.warm(host, path, where=where)
    workerd_edge.purge(tags=[f"location:{LOCATION_ONE}"])
    for where in (HERE, THERE):
        asked = [
            workerd_edge.ask(host, "GET", path, {}, where=where).store
            for host, path in ((ONE, DSC), (TWO, DSC), (site.CDN, ICON))
        ]
        assert asked == [("get",), (), ()]


def test_a_purge_by_url_reaches_nothing(workerd_edge: WorkerdEdge) -> None:
    workerd_edge.warm(ONE, DSC)
    workerd_edge.purge(files=[f"https://{ONE}{DSC}", f"https://{site.CDN}{DSC}"])
    assert workerd_edge.ask(ONE, "GET", DSC, {}).store == ()


def test_one_data_centre_knows_nothing_of_what_another_keeps(workerd_edge: WorkerdEdge) -> None:
    workerd_edge.cool(ONE, DSC)
    workerd_edge.warm(ONE, DSC, where=HERE)
    assert workerd_edge.ask(ONE, "GET", DSC, {}, where=THERE).store == ("get",)


def test_a_pulled_version_is_gone_though_the_url_is_good_and_the_caches_are_warm(
    workerd_edge: WorkerdEdge,
) -> None:
    path = site.package_path(3600, workerd_edge.now_ms())
    workerd_edge.publish()
    for where in (HERE, THERE):
        workerd_edge.warm(site.CDN, path, where=where)
    workerd_edge.pull()
    # 15 s are promised; nothing is purged here, so it is the list that each isolate reads.
    deadline = time.monotonic() + 60
    for where in (HERE, THERE):
        while (answer := workerd_edge.ask(site.CDN, "GET", path, {}, where=where)).status == 200:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert answer.status == 410
        assert answer.headers["cache-control"] == "no-store"
    assert workerd_edge.ask(site.CDN, "GET", path, {"range": "bytes=0-1"}).status == 410


def test_the_reserved_path_of_the_keys_serves_nothing(workerd_edge: WorkerdEdge) -> None:
    workerd_edge.warm(ONE, INDEX)
    key = f"objects/repositories/{site.REPOSITORIES}/{LOCATION_ONE}{INDEX}"
    for host in (site.CDN, ONE):
        assert workerd_edge.ask(host, "GET", f"/.stowage-cache/1/{key}", {}).status == 404
