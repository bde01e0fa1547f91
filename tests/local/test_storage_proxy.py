"""What clients meet in front of the S3 servers: signatures that stay valid, bytes that stream, the
zone's firewall, and what B2 does not have."""

import base64
import hashlib
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.local.storage_cloud import BUCKET, StorageCloud, until

# They start a daemon with servers of its own.
pytestmark = pytest.mark.cloud

FIFTY_MEGABYTES = 50_000_000
AWKWARD = [
    "with space",
    "ümlaut/日本/😀",
    "a+b=c&d,e;f:g@h$i",
    "percent%2Fencoded%",
    "question?mark#hash",
    "quotes'\"`<>|^{}[]\\",
    "tilde~(paren)*!",
    "tab\tinside",
]


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory, types_file: Path) -> Iterator[StorageCloud]:
    one = StorageCloud.start(tmp_path_factory.mktemp("storage"), types_file)
    try:
        one.run("minio", "b2")
        for server in ("minio", "b2"):
            one.client(server).create_bucket(Bucket=BUCKET)
        yield one
    finally:
        one.cloud.stop()


def keys_of(client: Any) -> list[str]:
    return [one["Key"] for one in client.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


@pytest.mark.parametrize("key", AWKWARD)
def test_a_key_with_awkward_characters_goes_through_with_its_signature(
    local: StorageCloud, key: str
) -> None:
    client = local.client()
    client.put_object(
        Bucket=BUCKET, Key=key, Body=key.encode(), ContentEncoding="gzip", Metadata={"m": "a  b"}
    )
    got = client.get_object(Bucket=BUCKET, Key=key)
    assert got["Body"].read() == key.encode()
    assert (got["ContentEncoding"], got["Metadata"]["m"]) == ("gzip", "a  b")
    assert client.head_object(Bucket=BUCKET, Key=key)["ContentLength"] == len(key.encode())
    client.delete_object(Bucket=BUCKET, Key=key)
    assert key not in keys_of(client)


def test_headers_that_a_client_signs_reach_the_server_as_they_are(local: StorageCloud) -> None:
    # botocore signs neither of them by itself.
    signed = {"accept-encoding": "br;q=0.5, gzip", "user-agent": "a  client", "range": "bytes=1-2"}
    client = local.client()
    client.put_object(Bucket=BUCKET, Key="signed", Body=b"0123")
    key = local.cloud.home.credentials().storage["minio"]["root"]
    request = AWSRequest("GET", f"{local.url()}/{BUCKET}/signed", headers=dict(signed))
    credentials = Credentials(key.access_key_id, key.secret_access_key)
    S3SigV4QueryAuth(credentials, "s3", "us-east-1").add_auth(request)
    answer = httpx.get(str(request.url), headers=signed)
    assert (answer.status_code, answer.content) == (206, b"12")
    other = httpx.get(str(request.url), headers=signed | {"accept-encoding": "gzip"})
    assert other.status_code == 403


def test_fifty_megabytes_go_through_curl_and_back_while_the_proxys_memory_stays_flat(
    local: StorageCloud, tmp_path: Path
) -> None:
    data = os.urandom(FIFTY_MEGABYTES)
    (tmp_path / "big").write_bytes(data)
    client = local.client()
    put, get = local.presigned("put_object", "big"), local.presigned("get_object", "big")
    before = resident(local)
    subprocess.run(["curl", "-sSf", "-T", str(tmp_path / "big"), put], check=True)
    subprocess.run(["curl", "-sSf", "-o", str(tmp_path / "back"), get], check=True)
    assert (tmp_path / "back").read_bytes() == data
    assert resident(local) - before < 20_000_000
    client.delete_object(Bucket=BUCKET, Key="big")


def resident(local: StorageCloud) -> int:
    """The most memory that the proxy has had, in bytes."""
    (pid,) = local.processes("workerd")
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the system does not tell")


def test_ranges_conditions_and_heads_are_answered_as_by_the_server(local: StorageCloud) -> None:
    client = local.client()
    etag = client.put_object(Bucket=BUCKET, Key="k", Body=b"0123456789")["ETag"]
    part = client.get_object(Bucket=BUCKET, Key="k", Range="bytes=2-4")
    assert part["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert (part["Body"].read(), part["ContentRange"]) == (b"234", "bytes 2-4/10")
    head = httpx.head(local.presigned("head_object", "k"))
    assert (head.status_code, head.headers["content-length"], head.content) == (200, "10", b"")
    for wanted, call in (
        ("(304)", {"IfNoneMatch": etag}),
        ("(PreconditionFailed)", {"IfMatch": '"other"'}),
        ("(InvalidRange)", {"Range": "bytes=10-"}),
    ):
        with pytest.raises(ClientError) as failed:
            client.get_object(Bucket=BUCKET, Key="k", **call)
        assert wanted in str(failed.value)
    with pytest.raises(ClientError, match="PreconditionFailed"):
        client.put_object(Bucket=BUCKET, Key="k", Body=b"again", IfNoneMatch="*")


@pytest.mark.parametrize("pinned", ["x-amz-checksum-sha256", "content-md5"])
def test_a_client_that_goes_half_way_stores_nothing(local: StorageCloud, pinned: str) -> None:
    """Where the upload pins its bytes: versitygw keeps what arrived of one that pins nothing."""
    client, data = local.client(), os.urandom(1_000_000)
    parameter, digest = {
        "x-amz-checksum-sha256": ("ChecksumSHA256", hashlib.sha256(data)),
        "content-md5": ("ContentMD5", hashlib.md5(data, usedforsecurity=False)),
    }[pinned]
    promised = base64.b64encode(digest.digest()).decode()
    url = urlsplit(local.presigned("put_object", "half", **{parameter: promised}))
    head = (
        f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\n"
        f"{pinned}: {promised}\r\nContent-Length: {len(data)}\r\nConnection: close\r\n\r\n"
    ).encode()
    with socket.create_connection((str(url.hostname), url.port or 0)) as connection:
        connection.sendall(head + data[:500_000])
    folder = local.cloud.home.storage_data / "minio" / "objects" / BUCKET
    until(lambda: not _is_open(local, folder))
    assert "half" not in keys_of(client)
    with socket.create_connection((str(url.hostname), url.port or 0)) as connection:
        connection.sendall(head + data)
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
    client.delete_object(Bucket=BUCKET, Key="half")


def _is_open(local: StorageCloud, folder: Path) -> bool:
    """Whether a server still writes an object of the folder."""
    opened = [
        str(one.readlink())
        for pid in local.processes("versitygw")
        for one in Path(f"/proc/{pid}/fd").iterdir()
        if one.is_symlink()
    ]
    # One that has no name yet counts as deleted.
    return any(one.startswith(str(folder)) and one.endswith("(deleted)") for one in opened)


def test_a_chunked_body_without_length_is_the_servers_to_judge(local: StorageCloud) -> None:
    client = local.client()
    answer = httpx.put(local.presigned("put_object", "chunked"), content=iter([b"a", b"b"]))
    stored = "chunked" in keys_of(client)
    assert (answer.status_code == 200) == stored


GUARD = (
    '(http.host eq "127.0.0.1" and not (any(http.request.headers["x-stowage-origin"][*] eq "SAYS")'
    ' or (http.request.method in {"PUT" "OPTIONS"}'
    ' and starts_with(http.request.uri.path, "/objects/temp/")'
    ' and http.request.uri.query contains "X-Amz-Signature=")'
    ' or any(http.request.headers["authorization"][*] contains "Credential=PUBLISHER/")))'
)


@pytest.fixture
def guarded(local: StorageCloud) -> Iterator[StorageCloud]:
    publisher = local.cloud.home.credentials().storage["minio"]["publisher"].access_key_id
    local.client().put_object(Bucket=BUCKET, Key="temp/k", Body=b"x")
    ruleset = local.guard(GUARD.replace("PUBLISHER", publisher))
    yield local
    local.unguard(ruleset)


def showing(client: Any, secret: str) -> Any:
    """The client, which sends the secret with every request."""

    def show(request: Any, **_: object) -> None:
        request.headers["x-stowage-origin"] = secret

    client.meta.events.register("before-send", show)
    return client


def test_the_zones_firewall_lets_through_who_shows_the_secret(guarded: StorageCloud) -> None:
    answer = httpx.get(f"{guarded.url()}/_health")
    assert answer.status_code == 403
    assert 'firewall rule "guarded"' in answer.text
    with pytest.raises(ClientError, match="403"):
        guarded.client().get_object(Bucket=BUCKET, Key="temp/k")
    with pytest.raises(ClientError, match="403"):
        showing(guarded.client(), "guessed").get_object(Bucket=BUCKET, Key="temp/k")
    shown = showing(guarded.client(), "SAYS")
    assert shown.get_object(Bucket=BUCKET, Key="temp/k")["Body"].read() == b"x"


def test_it_lets_through_presigned_uploads_and_nothing_that_only_looks_like_them(
    guarded: StorageCloud,
) -> None:
    presigned = guarded.presigned
    assert httpx.put(presigned("put_object", "temp/new"), content=b"x").status_code == 200
    blocked = [
        lambda: httpx.get(presigned("get_object", "temp/k")),
        lambda: httpx.head(presigned("head_object", "temp/k")),
        lambda: httpx.put(presigned("put_object", "other/k"), content=b"x"),
        lambda: httpx.put(f"{guarded.url()}/{BUCKET}/temp/k", content=b"x"),
        lambda: httpx.delete(presigned("delete_object", "temp/k")),
    ]
    for request in blocked:
        answer = request()
        assert (answer.status_code, "firewall" in answer.text or not answer.text) == (403, True)
    forged = presigned("put_object", "temp/new").replace("X-Amz-Signature=", "X-Amz-Signature=0")
    refused = httpx.put(forged, content=b"y")
    assert (refused.status_code, "SignatureDoesNotMatch" in refused.text) == (403, True)


@pytest.mark.parametrize("path", ["/objects/temp/%2e%2e/secret", "/objects/temp/../secret"])
def test_dot_segments_lead_past_no_rule(guarded: StorageCloud, path: str) -> None:
    url = urlsplit(guarded.url())
    with socket.create_connection((str(url.hostname), url.port or 0)) as connection:
        connection.sendall(
            f"PUT {path}?X-Amz-Signature=0 HTTP/1.1\r\nHost: {url.netloc}\r\n"
            "Content-Length: 0\r\nConnection: close\r\n\r\n".encode()
        )
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert b"firewall rule" in answer


def test_it_lets_the_publishers_signature_through_to_the_server(guarded: StorageCloud) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        guarded.client(role="publisher").get_object(Bucket=BUCKET, Key="temp/k")


def test_it_is_not_in_front_of_a_server_that_is_not_in_the_zone(guarded: StorageCloud) -> None:
    assert guarded.client("b2").list_buckets()["Buckets"]


def test_a_rule_that_is_turned_off_or_gone_blocks_nobody(local: StorageCloud) -> None:
    ruleset = local.guard('http.host eq "127.0.0.1"', enabled=False)
    assert httpx.get(f"{local.url()}/_health").status_code == 200
    local.unguard(ruleset)
    ruleset = local.guard('http.host eq "127.0.0.1"')
    assert httpx.get(f"{local.url()}/_health").status_code == 403
    local.unguard(ruleset)
    assert httpx.get(f"{local.url()}/_health").status_code == 200


EXPRESSIONS = [
    ('http.request.method eq "GET"', True),
    ('http.request.method ne "GET"', False),
    ('http.request.method in {"PUT" "POST"}', False),
    ('http.request.uri.path eq "/_health"', True),
    ('ends_with(http.request.uri.path, "health")', True),
    ('starts_with(http.request.uri.path, "/health")', False),
    ('http.request.uri.query eq "a=%20b"', True),
    ('http.request.uri.query contains "?"', False),
    ('http.host eq "other.test"', False),
    ('any(http.request.headers["X-Thing"][*] eq "one")', True),
    ('any(http.request.headers["x-thing"][*] contains "two")', False),
    ('any(http.request.headers["x-none"][*] eq "")', False),
    ('not http.host eq "a" and not (http.host eq "b" or http.host eq "127.0.0.1")', False),
    ('http.host eq "a" and http.host eq "b" or http.request.method eq "GET"', True),
]


@pytest.mark.parametrize(("expression", "blocked"), EXPRESSIONS)
def test_an_expression_is_true_of_a_request_or_not(
    local: StorageCloud, expression: str, blocked: bool
) -> None:
    ruleset = local.guard(expression)
    try:
        answer = httpx.get(f"{local.url()}/_health?a=%20b", headers={"x-thing": "one"})
        assert answer.status_code == (403 if blocked else 200)
    finally:
        local.unguard(ruleset)


def refused_by_b2(client: Any) -> dict[str, Callable[[], object]]:
    put = {"Bucket": BUCKET, "Key": "refused", "Body": b"x"}
    part = {"Bucket": BUCKET, "Key": "refused", "UploadId": "u", "PartNumber": 1, "Body": b"x"}
    return {
        "a checksum": lambda: client.put_object(**put, ChecksumSHA256="x"),
        "an algorithm": lambda: client.put_object(**put, ChecksumAlgorithm="CRC32"),
        "a part's checksum": lambda: client.upload_part(**part, ChecksumCRC32="x"),
        "a tag": lambda: client.put_object(**put, Tagging="a=b"),
        "tags": lambda: client.get_object_tagging(Bucket=BUCKET, Key="k"),
        "a policy": lambda: client.get_bucket_policy(Bucket=BUCKET),
        "a bucket's tags": lambda: client.get_bucket_tagging(Bucket=BUCKET),
        "create-only": lambda: client.put_object(**put, IfNoneMatch="*"),
        "a match": lambda: client.put_object(**put, IfMatch='"e"'),
    }


def test_b2_refuses_what_backblaze_does_not_have_and_stores_nothing(local: StorageCloud) -> None:
    client = local.client("b2")
    for what, call in refused_by_b2(client).items():
        with pytest.raises(ClientError) as failed:
            call()
        wanted = "NotImplemented" if what in ("create-only", "a match") else "InvalidArgument"
        assert f"({wanted})" in str(failed.value), what
    presigned = local.presigned("put_object", "refused", "b2", ChecksumSHA256="x")
    answer = httpx.put(presigned, content=b"x", headers={"x-amz-checksum-sha256": "x"})
    assert (answer.status_code, "x-amz-checksum-sha256" in answer.text) == (400, True)
    assert "refused" not in keys_of(client)


def test_b2_keeps_every_version_of_every_bucket(local: StorageCloud) -> None:
    client = local.client("b2")
    client.create_bucket(Bucket="versions")
    assert client.get_bucket_versioning(Bucket="versions")["Status"] == "Enabled"
    for body in (b"1", b"2"):
        client.put_object(Bucket="versions", Key="k", Body=body)
    client.delete_object(Bucket="versions", Key="k")
    listed = client.list_object_versions(Bucket="versions")
    assert (len(listed["Versions"]), len(listed["DeleteMarkers"])) == (2, 1)
    assert "Status" not in local.client("minio").get_bucket_versioning(Bucket=BUCKET)


def test_every_key_of_b2_may_use_every_bucket(local: StorageCloud) -> None:
    local.client("b2").put_object(Bucket=BUCKET, Key="shared", Body=b"content")
    for role in ("edge", "api", "jobs", "publisher"):
        got = local.client("b2", role).get_object(Bucket=BUCKET, Key="shared")
        assert got["Body"].read() == b"content"


def test_b2_keeps_lifecycle_rules_of_who_signs(local: StorageCloud) -> None:
    client = local.client("b2")
    rule = {
        "ID": "stowage:1",
        "Status": "Enabled",
        "Filter": {"Prefix": "temp/"},
        "Expiration": {"Days": 1},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    }

    def found() -> list[Any]:
        return client.get_bucket_lifecycle_configuration(Bucket="ruled")["Rules"]

    client.create_bucket(Bucket="ruled")
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        found()
    client.put_bucket_lifecycle_configuration(
        Bucket="ruled", LifecycleConfiguration={"Rules": [rule]}
    )
    assert found() == [rule]
    unsigned = httpx.delete(f"{local.url('b2')}/ruled?lifecycle")
    assert (unsigned.status_code, found()) == (403, [rule])
    client.delete_bucket_lifecycle(Bucket="ruled")
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        found()
    client.put_bucket_lifecycle_configuration(
        Bucket="ruled", LifecycleConfiguration={"Rules": [rule]}
    )
    client.delete_bucket(Bucket="ruled")
    with pytest.raises(ClientError, match="NoSuchBucket"):
        found()
    client.create_bucket(Bucket="ruled")
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        found()


def test_b2_does_everything_else_as_the_server_does(local: StorageCloud) -> None:
    client = local.client("b2")
    key = quote("a key")
    client.put_object(Bucket=BUCKET, Key=key, Body=b"content", Metadata={"a": "b"})
    got = client.get_object(
        Bucket=BUCKET, Key=key, IfMatch=client.head_object(Bucket=BUCKET, Key=key)["ETag"]
    )
    assert (got["Body"].read(), got["Metadata"]) == (b"content", {"a": "b"})
    with pytest.raises(ClientError, match="304"):
        client.get_object(Bucket=BUCKET, Key=key, IfNoneMatch=got["ETag"])
