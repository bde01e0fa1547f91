"""The front Worker: routing by Host, and requests that reach a Worker as they were sent."""

import json
import socket
from collections.abc import Iterator

import pytest

from tests.local.workerd_host import Json, WorkerdHost, a_worker

pytestmark = pytest.mark.cloud

ECHO = """
import json
from workers import Response, WorkerEntrypoint

class Default(WorkerEntrypoint):
    async def fetch(self, request):
        return Response(json.dumps({
            "worker": self.env.NAME,
            "url": request.url,
            "headers": dict(request.headers),
            "body": await request.text() if request.body else "",
        }), headers={"x-raw": "1"})
"""

ROUTES: list[Json] = [
    {"pattern": "*/*", "script": "edge"},
    {"pattern": "api.stowage.test/*", "script": "api"},
    {"pattern": "*.wild.test/*", "script": "api"},
    {"pattern": "edge.wild.test/*", "script": "edge"},
    {"pattern": "api.stowage.test/special/*", "script": "edge"},
    {"pattern": "www.stowage.test/*", "script": None},
]


def named(host: WorkerdHost, name: str) -> Json:
    return a_worker(host.folder, name, ECHO, [{"name": "NAME", "type": "plain_text", "text": name}])


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerdHost]:
    started = WorkerdHost(tmp_path_factory.mktemp("front"))
    try:
        started.apply(workers=[named(started, "edge"), named(started, "api")], routes=ROUTES)
        yield started
    finally:
        started.close()


@pytest.mark.parametrize(
    ("entry", "name", "path", "worker"),
    [
        ("edge", "apt.tenant.example", "/dists/x", "edge"),
        ("edge", "api.stowage.test", "/v1", "api"),
        ("edge", "API.Stowage.test:8787", "/v1", "api"),
        ("edge", "api.stowage.test", "/special/x", "edge"),
        ("edge", "deep.wild.test", "/", "api"),
        ("edge", "edge.wild.test", "/", "edge"),
        ("api", "127.0.0.1", "/v1", "api"),
        ("cdn", "127.0.0.1", "/assets/x", "edge"),
    ],
)
def test_the_most_specific_route_answers(
    host: WorkerdHost, entry: str, name: str, path: str, worker: str
) -> None:
    answer = host.request(entry, "GET", path, headers={"Host": name})
    assert answer.json()["worker"] == worker


def test_the_api_and_cdn_entries_stand_for_their_hosts(host: WorkerdHost) -> None:
    for entry, name in (("api", "api.stowage.test"), ("cdn", "cdn.stowage.test")):
        seen = host.request(entry, "GET", "/a?b=c").json()
        assert seen["url"] == f"http://{name}/a?b=c"
        assert seen["headers"]["host"] == name


def test_a_route_without_a_script_and_no_route_say_that_nothing_is_behind_them(
    host: WorkerdHost,
) -> None:
    answer = host.request("edge", "GET", "/", headers={"Host": "www.stowage.test"})
    assert answer.status == 522
    assert "www.stowage.test has no script" in answer.text
    try:
        host.apply(routes=ROUTES[1:])
        answer = host.request("edge", "GET", "/x", headers={"Host": "nobody.test"})
        assert answer.status == 522
        assert "no route matches nobody.test/x" in answer.text
    finally:
        host.apply(routes=ROUTES)


PATHS = [
    "/a/../b",
    "/a/./b",
    "/..",
    "/%2e%2e/%2E%2e/etc/passwd",
    "/a%2f..%2Fb",
    "//a//b/",
    "/a%5c..%5Cb\\c",
    "/%00",
    "/bad%zzescape%",
    "/plus+and%2Bplus?x=a+b&y=%2B&x=2&empty=&flag",
    "/q?a/../b=%2e%2e&&=",
    "/;a=b,c:d@e!$&'()*~|^{}\"[]",
]


@pytest.mark.parametrize("entry", ["edge", "api"])
@pytest.mark.parametrize("path", PATHS)
def test_path_and_query_reach_the_worker_byte_for_byte(
    host: WorkerdHost, entry: str, path: str
) -> None:
    name = "api.stowage.test" if entry == "api" else "tenant.example"
    answer = host.request(entry, "GET", path, headers={"Host": name})
    assert answer.json()["url"] == f"http://{name}{path}"


def test_headers_reach_the_worker_but_none_that_is_not_the_clients_to_set(
    host: WorkerdHost,
) -> None:
    seen = host.request(
        "edge",
        "GET",
        "/",
        headers={
            "Host": "tenant.example:8787",
            "Accept-Encoding": "identity;q=0.5, gzip",
            "If-None-Match": '"x"',
            "CF-Connecting-IP": "203.0.113.9",
            "X-Stowage-Original-URL": "http%3A%2F%2Fevil.test%2F",
        },
    ).json()
    assert seen["headers"]["host"] == "tenant.example:8787"
    assert seen["headers"]["accept-encoding"] == "identity;q=0.5, gzip"
    assert seen["headers"]["if-none-match"] == '"x"'
    assert seen["headers"]["cf-connecting-ip"] == "127.0.0.1"
    assert seen["url"] == "http://tenant.example:8787/"
    assert not [name for name in seen["headers"] if name.startswith("x-stowage")]


def raw(host: WorkerdHost, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", host.ports["edge"]), timeout=30) as connection:
        connection.sendall(request)
        chunks = list(iter(lambda: connection.recv(65536), b""))
    return b"".join(chunks)


def test_a_request_in_absolute_form_is_served_by_its_host(host: WorkerdHost) -> None:
    answer = raw(
        host,
        b"GET http://apt.tenant.example/dists/../x?y HTTP/1.1\r\n"
        b"Host: apt.tenant.example\r\nConnection: close\r\n\r\n",
    )
    head, body = answer.split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 200 ")
    assert json.loads(body)["url"] == "http://apt.tenant.example/dists/../x?y"


@pytest.mark.parametrize(
    "request_head",
    [
        b"GET * HTTP/1.1\r\nHost: x.test\r\n",
        b"GET /<script> HTTP/1.1\r\nHost: x.test\r\n",
        b"GET / HTTP/1.1\r\nHost: bad host\r\n",
        b"GET / HTTP/1.1\r\nHost: x.test/evil\r\n",
    ],
)
def test_a_request_without_a_proper_path_or_host_is_refused(
    host: WorkerdHost, request_head: bytes
) -> None:
    assert raw(host, request_head + b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_a_chunked_body_reaches_the_worker(host: WorkerdHost) -> None:
    answer = host.request(
        "edge",
        "POST",
        "/",
        b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
        {"Host": "tenant.example", "Transfer-Encoding": "chunked"},
    )
    assert answer.json()["body"] == "hello world"


def test_a_head_request_has_the_headers_and_no_body(host: WorkerdHost) -> None:
    answer = host.request("edge", "HEAD", "/", headers={"Host": "tenant.example"})
    assert (answer.status, answer.headers["x-raw"], answer.body) == (200, "1", b"")
