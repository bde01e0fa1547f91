"""Listing buckets and objects, and what a browser of an allowed origin may do."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.local.s3_client import (
    READER,
    UNBOUND,
    UPLOADS,
    Signed,
    boto_client,
    error_code,
    path_of,
    presign,
    sign,
    start_s3,
)
from tests.local.workerd_host import Answer, WorkerdHost

pytestmark = pytest.mark.cloud

KEYS = [
    "a/1",
    "a/2",
    "a/b/3",
    "a0",
    "b c+d&e",
    "b/1",
    "c/ä\u00a0",
    "c/漢",
    "c/\uffee",
    "c/🦊",
    "z",
]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerdHost]:
    started = start_s3(tmp_path_factory.mktemp("s3"))
    client = boto_client(started)
    for key in KEYS:
        client.put_object(Bucket=UPLOADS, Key=key, Body=key.encode())
    yield started
    started.close()


@pytest.fixture
def client(host: WorkerdHost) -> Any:
    return boto_client(host)


def names(page: Any) -> list[str]:
    return [entry["Key"] for entry in page.get("Contents", [])] + [
        entry["Prefix"] for entry in page.get("CommonPrefixes", [])
    ]


@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2"])
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_pages_give_every_key_once_and_in_order(client: Any, operation: str, size: int) -> None:
    pages = list(
        client.get_paginator(operation).paginate(
            Bucket=UPLOADS, PaginationConfig={"PageSize": size}
        )
    )
    assert [key for page in pages for key in names(page)] == sorted(KEYS, key=str.encode)
    assert all(len(names(page)) <= size for page in pages)


@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2"])
@pytest.mark.parametrize("size", [1, 2, 1000])
def test_a_delimiter_rolls_keys_up_into_common_prefixes(
    client: Any, operation: str, size: int
) -> None:
    pages = client.get_paginator(operation).paginate(
        Bucket=UPLOADS, Delimiter="/", PaginationConfig={"PageSize": size}
    )
    found = sorted(name for page in pages for name in names(page))
    assert found == ["a/", "a0", "b c+d&e", "b/", "c/", "z"]


def test_a_prefix_and_a_delimiter_open_one_folder(client: Any) -> None:
    page = client.list_objects_v2(Bucket=UPLOADS, Prefix="a/", Delimiter="/")
    assert names(page) == ["a/1", "a/2", "a/b/"]
    assert (page["KeyCount"], page["IsTruncated"]) == (3, False)
    assert page["Contents"][0]["Size"] == 3
    assert page["Contents"][0]["ETag"].startswith('"')
    assert page["Contents"][0]["StorageClass"] == "STANDARD"


def test_start_after_marker_and_max_keys_choose_the_part(client: Any) -> None:
    assert names(client.list_objects_v2(Bucket=UPLOADS, StartAfter="b/1"))[0] == "c/ä\u00a0"
    assert names(client.list_objects(Bucket=UPLOADS, Marker="b/1"))[0] == "c/ä\u00a0"
    page = client.list_objects_v2(Bucket=UPLOADS, MaxKeys=0)
    assert (names(page), page["IsTruncated"]) == ([], False)


def test_keys_are_encoded_when_asked_for_and_escaped_otherwise(host: WorkerdHost) -> None:
    plain = sign(host, "GET", path_of(UPLOADS) + "?list-type=2&prefix=b%20").send(host)
    assert "<Key>b c+d&amp;e</Key>" in plain.text
    encoded = sign(host, "GET", path_of(UPLOADS) + "?encoding-type=url&list-type=2&prefix=b%20")
    assert "<Key>b%20c%2Bd%26e</Key>" in encoded.send(host).text


@pytest.mark.parametrize(
    "query",
    [
        "list-type=3",
        "list-type=2&max-keys=-1",
        "list-type=2&max-keys=x",
        "list-type=2&continuation-token=guess",
        "list-type=2&encoding-type=base64",
    ],
)
def test_a_bad_parameter_is_refused(host: WorkerdHost, query: str) -> None:
    answer = sign(host, "GET", f"{path_of(UPLOADS)}?{query}").send(host)
    assert (answer.status, error_code(answer)) == (400, "InvalidArgument")


def test_the_buckets_are_those_of_the_token(host: WorkerdHost, client: Any) -> None:
    listed = client.list_buckets()["Buckets"]
    assert [bucket["Name"] for bucket in listed] == [UNBOUND, UPLOADS]
    reader = boto_client(host, READER).list_buckets()["Buckets"]
    assert [bucket["Name"] for bucket in reader] == [UPLOADS]
    assert client.head_bucket(Bucket=UPLOADS)["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert client.get_bucket_location(Bucket=UPLOADS)["LocationConstraint"] == "auto"


ORIGIN = "https://dev.stowage.test"


def preflight(
    host: WorkerdHost, origin: str, method: str, headers: str, bucket: str = UPLOADS
) -> Answer:
    asked = {
        "origin": origin,
        "access-control-request-method": method,
        "access-control-request-headers": headers,
    }
    return Signed("OPTIONS", path_of(bucket, "temp/x"), asked).send(host)


@pytest.mark.parametrize("origin", [ORIGIN, "https://a.partner.test"])
def test_a_preflight_of_an_allowed_origin_is_granted(host: WorkerdHost, origin: str) -> None:
    answer = preflight(host, origin, "PUT", "content-type,If-None-Match, x-amz-checksum-sha256")
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == origin
    assert answer.headers["access-control-allow-methods"] == "PUT"
    assert answer.headers["access-control-allow-headers"] == (
        "content-type, if-none-match, x-amz-checksum-sha256"
    )
    assert answer.headers["access-control-max-age"] == "600"
    assert "Origin" in answer.headers["vary"]


@pytest.mark.parametrize(
    ("origin", "method", "headers", "bucket"),
    [
        ("https://evil.test", "PUT", "content-type", UPLOADS),
        ("https://dev.stowage.test.evil.test", "PUT", "content-type", UPLOADS),
        (ORIGIN, "DELETE", "content-type", UPLOADS),
        (ORIGIN, "PUT", "authorization", UPLOADS),
        (ORIGIN, "PUT", "content-type", "stowage-dev-repositories"),
    ],
)
def test_any_other_preflight_is_refused(
    host: WorkerdHost, origin: str, method: str, headers: str, bucket: str
) -> None:
    answer = preflight(host, origin, method, headers, bucket)
    assert answer.status == 403
    assert "access-control-allow-origin" not in answer.headers


def test_a_page_of_an_allowed_origin_may_read_the_answer_and_the_error(host: WorkerdHost) -> None:
    signed = presign(host, "PUT", path_of(UPLOADS, KEYS[0]))
    answer = signed.send(host, KEYS[0].encode(), origin=ORIGIN)
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-expose-headers"] == "ETag"
    refused = Signed("PUT", signed.path[:-1], {}).send(host, b"x", origin=ORIGIN)
    assert refused.status == 403
    assert refused.headers["access-control-allow-origin"] == ORIGIN
    foreign = signed.send(host, KEYS[0].encode(), origin="https://evil.test")
    assert "access-control-allow-origin" not in foreign.headers


@pytest.mark.parametrize("bucket", ["__proto__", "constructor", "toString"])
def test_a_bucket_named_like_a_property_of_any_object_is_just_unknown(
    host: WorkerdHost, bucket: str
) -> None:
    assert preflight(host, ORIGIN, "PUT", "content-type", bucket).status == 403
    answer = host.request("s3", "GET", f"/{bucket}/x", headers={"origin": ORIGIN})
    assert answer.status == 403
    assert b"<Code>" in answer.body
