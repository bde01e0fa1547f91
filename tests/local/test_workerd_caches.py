"""The Cache API as Workers find it: one cache for each data centre, tags, purges by tag and by
nothing that Cloudflare does not have."""

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.local.workerd_host import Answer, Json, WorkerdHost, a_worker

pytestmark = pytest.mark.cloud

SOURCE = """
import js
from pyodide.ffi import to_js
from workers import Response, WorkerEntrypoint


class Default(WorkerEntrypoint):
    async def fetch(self, request):
        asked = js.URL.new(request.url)
        key = asked.searchParams.get("key")
        cache = js.caches.default
        if asked.searchParams.get("named"):
            cache = await js.caches.open(asked.searchParams.get("named"))
        headers = {name: value for name, value in request.headers.items()
                   if name.startswith("x-send-")}
        headers = {name.removeprefix("x-send-"): value for name, value in headers.items()}
        native = js.Headers.new(to_js(list(headers.items())))
        try:
            return await getattr(self, "on_" + asked.pathname.strip("/"))(
                cache, key, native, request)
        except Exception as error:
            return Response(str(error), status=500)

    async def on_put(self, cache, key, headers, request):
        init = to_js({"status": 200, "headers": headers}, dict_converter=js.Object.fromEntries)
        body = await request.text()
        await cache.put(key, js.Response.new(body, init))
        return Response("put")

    async def on_match(self, cache, key, headers, request):
        init = to_js({"headers": headers}, dict_converter=js.Object.fromEntries)
        found = await cache.match(js.Request.new(key, init))
        return Response("miss", status=404) if found is None else found

    async def on_delete(self, cache, key, headers, request):
        return Response(str(await cache.delete(key)))

    async def on_part(self, cache, key, headers, request):
        init = to_js({"status": 206}, dict_converter=js.Object.fromEntries)
        await cache.put(key, js.Response.new("x", init))
        return Response("put")
"""
KEEP = {"cache-control": "public, max-age=1000"}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerdHost]:
    started = WorkerdHost(tmp_path_factory.mktemp("caches"))
    try:
        started.apply(
            workers=[a_worker(started.folder, "edge", SOURCE)],
            routes=[{"pattern": "*/*", "script": "edge"}],
            data_centres=["here", "there"],
        )
        yield started
    finally:
        started.close()


def url(name: str, host: str = "cdn.example") -> str:
    return f"https://{host}/kept/{name}"


def ask(
    host: WorkerdHost,
    action: str,
    key: str,
    body: bytes = b"",
    *,
    where: str = "here",
    named: str = "",
    **headers: str,
) -> Answer:
    sent = {f"x-send-{name.replace('_', '-')}": value for name, value in headers.items()}
    path = f"/{action}?key={quote(key, safe='')}&named={named}"
    asked = {"x-stowage-data-centre": where, **sent}
    return host.request("edge", "POST", path, body, asked)


def put(host: WorkerdHost, key: str, body: bytes = b"0123456789", **more: Any) -> None:
    answer = ask(host, "put", key, body, **{"cache_control": "max-age=1000", **more})
    assert answer.text == "put"


def purge(host: WorkerdHost, **what: Any) -> None:
    told: Json = {"at": time.time_ns() // 1_000_000, **what}
    assert host.admin("POST", "/caches/purge", told).status == 200


def is_kept(host: WorkerdHost, key: str, **more: Any) -> bool:
    return ask(host, "match", key, **more).status == 200


def test_what_was_put_is_matched_with_its_headers_but_the_tags(host: WorkerdHost) -> None:
    put(host, url("a"), content_type="text/x", x_note="n", cache_tag="one, Two")
    answer = ask(host, "match", url("a"))
    assert (answer.status, answer.body) == (200, b"0123456789")
    assert (answer.headers["content-type"], answer.headers["x-note"]) == ("text/x", "n")
    assert not [name for name in answer.headers if "tag" in name or "x-local" in name]


def test_a_range_is_cut_from_the_whole(host: WorkerdHost) -> None:
    put(host, url("range"))
    part = ask(host, "match", url("range"), range="bytes=2-4")
    assert (part.status, part.body) == (206, b"234")
    assert part.headers["content-range"] == "bytes 2-4/10"
    assert ask(host, "match", url("range"), range="bytes=10-").status == 416


def test_each_data_centre_keeps_its_own(host: WorkerdHost) -> None:
    put(host, url("centre"))
    assert not is_kept(host, url("centre"), where="there")
    put(host, url("centre"), b"other", where="there")
    assert ask(host, "match", url("centre")).body == b"0123456789"
    assert ask(host, "delete", url("centre"), where="there").text == "True"
    assert is_kept(host, url("centre"))


def test_a_named_cache_is_another(host: WorkerdHost) -> None:
    put(host, url("named"))
    assert not is_kept(host, url("named"), named="mine")
    put(host, url("named"), named="mine")
    assert is_kept(host, url("named"), named="mine")


def test_a_purge_by_tag_reaches_every_data_centre_and_nothing_else(host: WorkerdHost) -> None:
    for where in ("here", "there"):
        put(host, url("tagged"), where=where, cache_tag="a , Version:x/7,,")
        put(host, url("other"), where=where, cache_tag="version:x/77")
    purge(host, tags=["version:X/7"])
    for where in ("here", "there"):
        assert not is_kept(host, url("tagged"), where=where)
        assert is_kept(host, url("other"), where=where)
    put(host, url("tagged"), cache_tag="version:x/7")
    assert is_kept(host, url("tagged"))


def test_a_purge_by_url_does_not_reach_a_key_of_a_workers_own(host: WorkerdHost) -> None:
    put(host, url("file"))
    purge(host, files=[url("file")])
    assert is_kept(host, url("file"))


@pytest.mark.parametrize(
    "what",
    [{"purge_everything": True}, {"hosts": ["host.example"]}, {"prefixes": ["host.example/kept/"]}],
)
def test_a_purge_by_host_prefix_or_of_everything(host: WorkerdHost, what: Json) -> None:
    put(host, url("a", "host.example"))
    put(host, url("a", "another.example"))
    purge(host, **what)
    assert not is_kept(host, url("a", "host.example"))
    assert is_kept(host, url("a", "another.example")) == ("purge_everything" not in what)


def test_purges_that_came_before_the_isolate_count_too(host: WorkerdHost) -> None:
    put(host, url("before"), cache_tag="before")
    put(host, url("kept"))
    host.daemon.purges = [{"at": time.time_ns() // 1_000_000, "tags": ["before"]}]
    host.apply()
    assert is_kept(host, url("kept"))
    assert not is_kept(host, url("before"))
    host.daemon.purges = []


@pytest.mark.parametrize(
    "headers",
    [
        {"cache_control": "no-store"},
        {"cache_control": "private"},
        {"set_cookie": "a=b"},
        {"content_length": "600000000"},
    ],
)
def test_what_may_not_be_stored_or_is_too_large_is_not(
    host: WorkerdHost, headers: dict[str, Any]
) -> None:
    put(host, url("refused"), **headers)
    assert not is_kept(host, url("refused"))


def test_a_part_is_refused(host: WorkerdHost) -> None:
    answer = ask(host, "part", url("part"))
    assert answer.status == 500
    assert "206" in answer.text


def test_an_unknown_data_centre_is_refused(host: WorkerdHost) -> None:
    assert ask(host, "match", url("a"), where="nowhere").status == 400
