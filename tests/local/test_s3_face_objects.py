"""Objects through the S3 face: metadata, checksums, streamed payloads, ranges and conditions."""

import base64
import binascii
import hashlib
import os
import socket
import threading
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.s3_client import (
    UPLOADS,
    ChunkSigner,
    boto_client,
    empty,
    error_code,
    keys_of,
    path_of,
    sign,
    start_s3,
)
from tests.local.workerd_host import WorkerdHost

pytestmark = pytest.mark.cloud

UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerdHost]:
    host = start_s3(tmp_path_factory.mktemp("s3"))
    yield host
    host.close()


@pytest.fixture
def host(running: WorkerdHost) -> WorkerdHost:
    empty(running)
    return running


@pytest.fixture
def client(host: WorkerdHost) -> Any:
    return boto_client(host)


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def refusal(call: Callable[[], object]) -> tuple[int, str]:
    """Status and code of the error that boto3 raises for `call`."""
    with pytest.raises(ClientError) as caught:
        call()
    response: Any = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def test_metadata_and_headers_come_back_as_they_were_given(client: Any) -> None:
    given = {
        "ContentType": "text/x; charset=utf-8",
        "CacheControl": "public, max-age=60",
        "ContentDisposition": 'attachment; filename="a"',
        "ContentLanguage": "de",
        "ContentEncoding": "gzip",
        "Metadata": {"sha256": "abc", "two": "a b"},
    }
    client.put_object(Bucket=UPLOADS, Key="k", Body=b"body", **given)
    for found in (
        client.head_object(Bucket=UPLOADS, Key="k"),
        client.get_object(Bucket=UPLOADS, Key="k"),
    ):
        assert {name: found[name] for name in given} == given
        assert found["ContentLength"] == 4
        assert found["ETag"] == '"841a2d689ad86bd1611447453c22c6fc"'
    client.put_object(Bucket=UPLOADS, Key="bare", Body=b"")
    found = client.get_object(Bucket=UPLOADS, Key="bare")
    assert (found["ContentType"], found["ContentLength"]) == ("application/octet-stream", 0)


def test_response_parameters_replace_headers_of_the_answer(client: Any) -> None:
    client.put_object(Bucket=UPLOADS, Key="k", Body=b"body", ContentType="text/x")
    found = client.get_object(
        Bucket=UPLOADS,
        Key="k",
        ResponseContentType="text/y",
        ResponseContentDisposition='attachment; filename="ä"',
    )
    assert found["ContentType"] == "text/y"


def test_deleting_is_idempotent_and_several_at_once_work(client: Any, host: WorkerdHost) -> None:
    keys = ["a&b<c>", "d e", "f"]
    for key in keys:
        client.put_object(Bucket=UPLOADS, Key=key, Body=b"x")
    client.delete_object(Bucket=UPLOADS, Key="f")
    client.delete_object(Bucket=UPLOADS, Key="f")
    assert keys_of(host) == keys[:2]
    wanted = {"Objects": [{"Key": key} for key in keys]}
    deleted = client.delete_objects(Bucket=UPLOADS, Delete=wanted)["Deleted"]
    assert [entry["Key"] for entry in deleted] == keys
    assert keys_of(host) == []
    assert refusal(lambda: client.get_object(Bucket=UPLOADS, Key="f")) == (404, "NoSuchKey")
    assert refusal(lambda: client.head_object(Bucket=UPLOADS, Key="f")) == (404, "404")


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"<Delete/>", "MalformedXML"), (b"junk", "MalformedXML"), (b"", "MalformedXML")],
)
def test_a_malformed_delete_is_refused(host: WorkerdHost, body: bytes, code: str) -> None:
    answer = sign(host, "POST", path_of(UPLOADS) + "?delete", body=body).send(host, body)
    assert (answer.status, error_code(answer)) == (400, code)


BODY = b"hello" * 20_000
# Check values of the published catalogue of CRCs ("123456789").
CHECKSUMS = {
    "x-amz-checksum-crc32": (b"123456789", bytes.fromhex("cbf43926")),
    "x-amz-checksum-crc32c": (b"123456789", bytes.fromhex("e3069283")),
    "x-amz-checksum-crc64nvme": (b"123456789", bytes.fromhex("ae8b14860a799888")),
    "x-amz-checksum-sha1": (BODY, hashlib.sha1(BODY, usedforsecurity=False).digest()),
    "x-amz-checksum-sha256": (BODY, hashlib.sha256(BODY).digest()),
    "content-md5": (BODY, hashlib.md5(BODY, usedforsecurity=False).digest()),
}


@pytest.mark.parametrize("name", CHECKSUMS)
@pytest.mark.parametrize("payload", ["signed", "UNSIGNED-PAYLOAD"])
def test_a_checksum_lets_its_bytes_pass_and_no_others(
    host: WorkerdHost, name: str, payload: str
) -> None:
    body, digest = CHECKSUMS[name]
    headers = {name: base64_of(digest)}
    if payload != "signed":
        headers["x-amz-content-sha256"] = payload
    path = path_of(UPLOADS, "sum")
    wrong = bytes([body[0] ^ 1]) + body[1:]
    signed = sign(host, "PUT", path, headers, wrong).send(host, wrong)
    assert (signed.status, error_code(signed)) == (400, "BadDigest"), signed.text
    assert keys_of(host) == []
    answer = sign(host, "PUT", path, headers, body).send(host, body)
    assert answer.status == 200, answer.text
    if name != "content-md5":
        assert answer.headers[name] == base64_of(digest)
    assert sign(host, "GET", path).send(host).body == body


def test_bytes_that_are_not_the_signed_payload_are_refused(host: WorkerdHost) -> None:
    answer = sign(host, "PUT", path_of(UPLOADS, "k"), body=b"signed").send(host, b"forged")
    assert (answer.status, error_code(answer)) == (400, "XAmzContentSHA256Mismatch")
    assert keys_of(host) == []


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"x-amz-checksum-crc32": "AAAAAA=", "x-amz-checksum-sha1": "x"}, "InvalidRequest"),
        ({"x-amz-checksum-crc32": "AAAA"}, "InvalidRequest"),
        ({"x-amz-checksum-rot13": "AAAAAA=="}, "InvalidRequest"),
        ({"content-md5": "AAAA"}, "InvalidDigest"),
    ],
)
def test_a_malformed_checksum_is_refused(
    host: WorkerdHost, headers: dict[str, str], code: str
) -> None:
    answer = sign(host, "PUT", path_of(UPLOADS, "k"), headers, b"x").send(host, b"x")
    assert (answer.status, error_code(answer)) == (400, code)
    assert keys_of(host) == []


def test_boto3s_default_checksum_is_verified(client: Any, host: WorkerdHost) -> None:
    answer = client.put_object(Bucket=UPLOADS, Key="k", Body=BODY)
    assert answer["ChecksumCRC32"] == base64_of(zlib.crc32(BODY).to_bytes(4, "big"))
    lie = base64_of(zlib.crc32(b"other").to_bytes(4, "big"))
    wrong = refusal(
        lambda: client.put_object(Bucket=UPLOADS, Key="lie", Body=BODY, ChecksumCRC32=lie)
    )
    assert wrong == (400, "BadDigest")
    assert keys_of(host) == ["k"]


def trailed(
    body: bytes, sizes: int = 8192, checksum: int | None = None
) -> tuple[dict[str, str], bytes]:
    """Headers and aws-chunked bytes with a CRC32 trailer."""
    pieces = [body[start : start + sizes] for start in range(0, len(body), sizes)]
    crc = base64_of((binascii.crc32(body) if checksum is None else checksum).to_bytes(4, "big"))
    framed = b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces)
    framed += b"0\r\nx-amz-checksum-crc32:" + crc.encode() + b"\r\n\r\n"
    headers = {
        "content-encoding": "aws-chunked",
        "x-amz-content-sha256": UNSIGNED_TRAILER,
        "x-amz-decoded-content-length": str(len(body)),
        "x-amz-trailer": "x-amz-checksum-crc32",
    }
    return headers, framed


def test_a_payload_with_an_unsigned_trailer_is_decoded_and_its_checksum_verified(
    host: WorkerdHost,
) -> None:
    body = os.urandom(300_000)
    headers, framed = trailed(body)
    path = path_of(UPLOADS, "k")
    answer = sign(host, "PUT", path, headers).send(host, framed)
    assert answer.status == 200, answer.text
    stored = sign(host, "GET", path).send(host)
    assert stored.body == body
    assert "content-encoding" not in stored.headers
    headers, framed = trailed(body, checksum=1)
    answer = sign(host, "PUT", path_of(UPLOADS, "wrong"), headers).send(host, framed)
    assert (answer.status, error_code(answer)) == (400, "BadDigest")
    assert keys_of(host) == ["k"]


# What replaces what in the framed bytes, and the code of the refusal.
SPOILT: dict[str, tuple[bytes, bytes, str]] = {
    "another trailer": (b"checksum-crc32:", b"checksum-crc33:", "MalformedTrailerError"),
    "no last chunk": (b"0\r\nx-amz-checksum-crc32", b"", "InvalidRequest"),
    "no size": (b"0\r\nx-amz", b"zz\r\nx-amz", "InvalidRequest"),
    "a longer chunk": (b"2000\r\n", b"1fff\r\n", "InvalidRequest"),
    "another chunk": (b"0\r\nx-amz", b"5\r\nextra\r\n0\r\nx-amz", "IncompleteBody"),
    "a second body": (b"==\r\n\r\n", b"==\r\n\r\nmore", "InvalidRequest"),
    "no end": (b"==\r\n\r\n", b"==", "IncompleteBody"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_chunked_payload_is_refused(host: WorkerdHost, name: str) -> None:
    old, new, code = SPOILT[name]
    headers, framed = trailed(os.urandom(20_000))
    assert old in framed
    answer = sign(host, "PUT", path_of(UPLOADS, "k"), headers).send(host, framed.replace(old, new))
    assert (answer.status, error_code(answer)) == (400, code), answer.text
    assert keys_of(host) == []


@pytest.mark.parametrize("spoilt", [None, 0, 1, 2, "order"])
@pytest.mark.parametrize("trailer", [False, True])
def test_signed_chunks_are_verified_one_by_one(
    host: WorkerdHost, spoilt: int | str | None, trailer: bool
) -> None:
    pieces = [b"a" * 65_536, b"b" * 1024, b""]
    body = b"".join(pieces)
    headers = {
        "content-encoding": "aws-chunked",
        "x-amz-content-sha256": f"{SIGNED}-TRAILER" if trailer else SIGNED,
        "x-amz-decoded-content-length": str(len(body)),
        **({"x-amz-trailer": "x-amz-checksum-crc32"} if trailer else {}),
    }
    signed = sign(host, "PUT", path_of(UPLOADS, "k"), headers)
    signer = ChunkSigner(signed)
    chunks = [signer.chunk(piece) for piece in pieces]
    crc = base64_of(binascii.crc32(body).to_bytes(4, "big"))
    end = (signer.trailer("x-amz-checksum-crc32", crc) if trailer else b"") + b"\r\n"
    if isinstance(spoilt, int):
        line, _, rest = chunks[spoilt].partition(b"\r\n")
        last = b"0" if line[-1:] != b"0" else b"1"
        chunks[spoilt] = line[:-1] + last + b"\r\n" + rest
    elif spoilt == "order":
        chunks[0], chunks[1] = chunks[1], chunks[0]
    answer = signed.send(host, b"".join(chunks) + end)
    if spoilt is None:
        assert answer.status == 200, answer.text
        assert sign(host, "GET", signed.path).send(host).body == body
    else:
        assert (answer.status, error_code(answer)) == (403, "SignatureDoesNotMatch")
        assert keys_of(host) == []


def test_a_client_that_leaves_half_way_stores_nothing(host: WorkerdHost) -> None:
    body = os.urandom(200_000)
    signed = sign(host, "PUT", path_of(UPLOADS, "k"), {"content-length": str(len(body))}, body)
    lines = [f"PUT {signed.path} HTTP/1.1", f"host: 127.0.0.1:{host.ports['s3']}"]
    lines += [f"{name}: {value}" for name, value in signed.headers.items()]
    with socket.create_connection(("127.0.0.1", host.ports["s3"])) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body[:150_000])
    assert keys_of(host) == []
    whole = signed.send(host, body)
    assert whole.status == 200, whole.text


def test_racing_create_only_puts_have_one_winner(host: WorkerdHost) -> None:
    statuses: list[int] = []

    def put(number: int) -> None:
        body = bytes([number]) * 50_000
        signed = sign(host, "PUT", path_of(UPLOADS, "raced"), {"if-none-match": "*"}, body)
        statuses.append(signed.send(host, body).status)

    threads = [threading.Thread(target=put, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [412] * 7


def test_fifty_megabytes_go_in_and_out(client: Any) -> None:
    body = os.urandom(50_000_000)
    client.put_object(Bucket=UPLOADS, Key="big", Body=body)
    found = client.get_object(Bucket=UPLOADS, Key="big")["Body"].read()
    assert hashlib.sha256(found).digest() == hashlib.sha256(body).digest()


def test_the_acl_that_says_what_is_so_anyway_is_taken(host: WorkerdHost) -> None:
    for value in ("private", ""):
        signed = sign(host, "PUT", path_of(UPLOADS, "k"), {"x-amz-acl": value}, b"x")
        assert signed.send(host, b"x").status == 200


@pytest.mark.parametrize(
    "header",
    ["x-amz-tagging", "x-amz-acl", "x-amz-object-lock-mode"],
)
def test_a_header_that_r2_does_not_implement_is_named(host: WorkerdHost, header: str) -> None:
    answer = sign(host, "PUT", path_of(UPLOADS, "k"), {header: "x"}, b"x").send(host, b"x")
    assert (answer.status, error_code(answer)) == (501, "NotImplemented")
    assert header in answer.text
    assert keys_of(host) == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", path_of(UPLOADS, "k") + "?select"),
        ("GET", path_of(UPLOADS, "k") + "?partNumber=1"),
        ("GET", path_of(UPLOADS, "k") + "?tagging"),
        ("GET", path_of(UPLOADS, "k") + "?versionId=1"),
        ("GET", path_of(UPLOADS) + "?acl"),
        ("GET", path_of(UPLOADS) + "?versioning"),
        ("PUT", path_of(UPLOADS) + "?policy"),
        ("POST", path_of(UPLOADS) + "?restore"),
    ],
)
def test_an_operation_that_is_not_there_answers_501(
    host: WorkerdHost, method: str, path: str
) -> None:
    body = None if method == "GET" else b""
    answer = sign(host, method, path).send(host, body)
    assert (answer.status, error_code(answer)) == (501, "NotImplemented")


def test_a_key_that_is_too_long_is_refused(host: WorkerdHost) -> None:
    answer = sign(host, "PUT", path_of(UPLOADS, "x" * 1025), body=b"x").send(host, b"x")
    assert (answer.status, error_code(answer)) == (400, "KeyTooLongError")
