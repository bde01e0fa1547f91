"""Ranges and conditions of reading and writing through the S3 face."""

from collections.abc import Iterator

import pytest

from tests.local.s3_client import UPLOADS, empty, error_code, keys_of, path_of, sign, start_s3
from tests.local.workerd_host import WorkerdHost

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerdHost]:
    host = start_s3(tmp_path_factory.mktemp("s3"))
    yield host
    host.close()


@pytest.fixture
def host(running: WorkerdHost) -> WorkerdHost:
    empty(running)
    return running


@pytest.mark.parametrize(
    ("header", "status", "body", "content_range"),
    [
        ("bytes=0-0", 206, b"0", "bytes 0-0/10"),
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-99", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=5-99", 206, b"56789", "bytes 5-9/10"),
        ("bytes=0-1,3-4", 200, b"0123456789", None),
        ("bytes=4-2", 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
    ],
)
def test_a_range_gives_its_bytes(
    host: WorkerdHost, header: str, status: int, body: bytes, content_range: str | None
) -> None:
    path = path_of(UPLOADS, "digits")
    sign(host, "PUT", path, body=b"0123456789").send(host, b"0123456789")
    answer = sign(host, "GET", path, {"range": header}).send(host)
    assert (answer.status, answer.body) == (status, body)
    assert answer.headers.get("content-range") == content_range
    assert answer.headers["content-length"] == str(len(body))


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-20", "bytes=-0"])
def test_a_range_beyond_the_object_is_not_satisfiable(host: WorkerdHost, header: str) -> None:
    path = path_of(UPLOADS, "digits")
    sign(host, "PUT", path, body=b"0123456789").send(host, b"0123456789")
    answer = sign(host, "GET", path, {"range": header}).send(host)
    assert (answer.status, error_code(answer)) == (416, "InvalidRange")
    assert answer.headers["content-range"] == "bytes */10"


ETAG = '"b068931cc450442b63f5b3d276ea4297"'  # of b"name"
PAST, FUTURE = "Mon, 01 Jan 2001 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"if-match": ETAG}, 200),
        ({"if-match": "*"}, 200),
        ({"if-match": '"other"'}, 412),
        ({"if-none-match": ETAG}, 304),
        ({"if-none-match": f'"other", W/{ETAG}'}, 304),
        ({"if-none-match": '"other"'}, 200),
        ({"if-modified-since": PAST}, 200),
        ({"if-modified-since": FUTURE}, 304),
        ({"if-unmodified-since": PAST}, 412),
        ({"if-unmodified-since": FUTURE}, 200),
        ({"if-match": ETAG, "if-unmodified-since": PAST}, 200),
        ({"if-none-match": '"other"', "if-modified-since": FUTURE}, 200),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_reading_on_a_condition(
    host: WorkerdHost, method: str, headers: dict[str, str], status: int
) -> None:
    path = path_of(UPLOADS, "k")
    sign(host, "PUT", path, body=b"name").send(host, b"name")
    answer = sign(host, method, path, headers).send(host)
    assert answer.status == status
    if status == 304:
        assert (answer.headers["etag"], answer.body) == (ETAG, b"")
    if status == 200:
        assert answer.body == (b"name" if method == "GET" else b"")


@pytest.mark.parametrize(
    ("headers", "status", "stored"),
    [
        ({"if-none-match": "*"}, 412, b"name"),
        ({"if-none-match": ETAG}, 412, b"name"),
        ({"if-none-match": '"other"'}, 200, b"new"),
        ({"if-match": ETAG}, 200, b"new"),
        ({"if-match": '"other"'}, 412, b"name"),
        ({"if-unmodified-since": PAST}, 412, b"name"),
    ],
)
def test_writing_on_a_condition(
    host: WorkerdHost, headers: dict[str, str], status: int, stored: bytes
) -> None:
    path = path_of(UPLOADS, "k")
    sign(host, "PUT", path, body=b"name").send(host, b"name")
    assert sign(host, "PUT", path, headers, b"new").send(host, b"new").status == status
    assert sign(host, "GET", path).send(host).body == stored


def test_overwriting_only_what_is_there_refuses_a_new_key(host: WorkerdHost) -> None:
    signed = sign(host, "PUT", path_of(UPLOADS, "new"), {"if-match": ETAG}, b"x")
    assert signed.send(host, b"x").status == 412
    assert keys_of(host) == []
