"""The presigned PUT of an upload: exactly the pinned bytes, once, or nothing is stored."""

import base64
import hashlib
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.credentials import Credentials

from tests.local.s3_client import (
    STRANGER,
    UPLOADS,
    WRITER,
    Signed,
    boto_client,
    empty,
    error_code,
    keys_of,
    path_of,
    presign,
    start_s3,
    turn_clock,
)
from tests.local.workerd_host import Answer, WorkerdHost

pytestmark = pytest.mark.cloud

KEY = "temp/0198f0a0-0000-7000-8000-000000000000/package.mosis"
PACKAGE = b"PK\x03\x04" + b"package bytes" * 1000
SHA256 = base64.b64encode(hashlib.sha256(PACKAGE).digest()).decode()
PINNED = {
    "content-length": str(len(PACKAGE)),
    "content-type": "application/zip",
    "if-none-match": "*",
    "x-amz-checksum-sha256": SHA256,
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerdHost]:
    host = start_s3(tmp_path_factory.mktemp("s3"))
    yield host
    host.close()


@pytest.fixture
def host(running: WorkerdHost) -> WorkerdHost:
    empty(running)
    return running


def a_presigned_put(host: WorkerdHost, credentials: Credentials = WRITER, **query: int) -> Signed:
    return presign(host, "PUT", path_of(UPLOADS, KEY), PINNED, credentials=credentials, **query)


def assert_refused(host: WorkerdHost, answer: Answer, status: int, code: str) -> None:
    assert (answer.status, error_code(answer)) == (status, code), answer.text
    assert keys_of(host) == []


def test_the_right_bytes_are_stored_with_type_and_checksum(host: WorkerdHost) -> None:
    answer = a_presigned_put(host).send(host, PACKAGE)
    assert answer.status == 200, answer.text
    assert answer.headers["etag"] == f'"{hashlib.md5(PACKAGE, usedforsecurity=False).hexdigest()}"'
    stored = boto_client(host).get_object(Bucket=UPLOADS, Key=KEY, ChecksumMode="ENABLED")
    assert stored["Body"].read() == PACKAGE
    assert stored["ContentType"] == "application/zip"
    assert stored["ChecksumSHA256"] == SHA256


def test_boto3s_own_presigned_url_works(host: WorkerdHost) -> None:
    parameters: dict[str, Any] = {
        "Bucket": UPLOADS,
        "Key": KEY,
        "ContentLength": len(PACKAGE),
        "ContentType": "application/zip",
        "ChecksumSHA256": SHA256,
        "IfNoneMatch": "*",
    }
    client = boto_client(host, request_checksum_calculation="when_required")
    url = urlsplit(str(client.generate_presigned_url("put_object", Params=parameters)))
    assert parse_qs(url.query)["X-Amz-SignedHeaders"] == [
        "content-length;content-type;host;if-none-match;x-amz-checksum-sha256"
    ]
    answer = Signed("PUT", f"{url.path}?{url.query}", PINNED).send(host, PACKAGE)
    assert answer.status == 200, answer.text


def test_a_forged_signature_is_refused(host: WorkerdHost) -> None:
    forged = presign(host, "PUT", path_of(UPLOADS, KEY), PINNED)
    last = "0" if forged.path[-1] != "0" else "1"
    answer = Signed("PUT", forged.path[:-1] + last, forged.headers).send(host, PACKAGE)
    assert_refused(host, answer, 403, "SignatureDoesNotMatch")


def test_a_signature_by_an_unknown_key_or_another_secret_is_refused(host: WorkerdHost) -> None:
    answer = a_presigned_put(host, STRANGER).send(host, PACKAGE)
    assert_refused(host, answer, 403, "InvalidAccessKeyId")
    guessed = Credentials(WRITER.access_key, "guessed")
    answer = a_presigned_put(host, guessed).send(host, PACKAGE)
    assert_refused(host, answer, 403, "SignatureDoesNotMatch")


def test_an_expired_url_is_refused(host: WorkerdHost) -> None:
    signed = a_presigned_put(host, expires=1)
    deadline = time.monotonic() + 20
    while True:
        answer = signed.send(host, PACKAGE)
        if answer.status != 200 or time.monotonic() > deadline:
            break
        empty(host)
    assert "Request has expired" in answer.text
    assert_refused(host, answer, 403, "AccessDenied")


@pytest.mark.parametrize("expires", [0, -1, 604_801, 10**12])
def test_a_lifetime_out_of_bounds_is_refused(host: WorkerdHost, expires: int) -> None:
    answer = a_presigned_put(host, expires=expires).send(host, PACKAGE)
    assert_refused(host, answer, 400, "AuthorizationQueryParametersError")


def test_a_url_dated_in_the_future_is_refused(
    host: WorkerdHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn_clock(monkeypatch, 3600)
    answer = a_presigned_put(host).send(host, PACKAGE)
    assert_refused(host, answer, 403, "AccessDenied")
    assert "not yet valid" in answer.text


@pytest.mark.parametrize("body", [PACKAGE + b"x", PACKAGE[:-1], b""])
def test_a_body_of_another_length_is_refused(host: WorkerdHost, body: bytes) -> None:
    answer = a_presigned_put(host).send(host, body, content_length=str(len(body)))
    assert_refused(host, answer, 403, "SignatureDoesNotMatch")


def test_bytes_beyond_the_signed_length_are_not_stored(host: WorkerdHost) -> None:
    """The length is as signed, the client sends more: only the signed ones could count."""
    answer = a_presigned_put(host).send(host, b"x" + PACKAGE)
    assert_refused(host, answer, 400, "BadDigest")


def test_another_content_type_is_refused(host: WorkerdHost) -> None:
    answer = a_presigned_put(host).send(host, PACKAGE, content_type="text/html")
    assert_refused(host, answer, 403, "SignatureDoesNotMatch")


def test_other_bytes_of_the_same_length_are_refused(host: WorkerdHost) -> None:
    answer = a_presigned_put(host).send(host, bytes(len(PACKAGE)))
    assert_refused(host, answer, 400, "BadDigest")


def test_another_checksum_is_refused(host: WorkerdHost) -> None:
    other = bytes(len(PACKAGE))
    checksum = base64.b64encode(hashlib.sha256(other).digest()).decode()
    answer = a_presigned_put(host).send(host, other, x_amz_checksum_sha256=checksum)
    assert_refused(host, answer, 403, "SignatureDoesNotMatch")


@pytest.mark.parametrize("path", [path_of(UPLOADS, "temp/other/package.mosis"), path_of(UPLOADS)])
def test_another_key_is_refused(host: WorkerdHost, path: str) -> None:
    signed = a_presigned_put(host)
    query = signed.path.partition("?")[2]
    answer = Signed("PUT", f"{path}?{query}", signed.headers).send(host, PACKAGE)
    assert_refused(host, answer, 403, "SignatureDoesNotMatch")


@pytest.mark.parametrize("name", ["content-type", "if-none-match", "x-amz-checksum-sha256"])
def test_a_signed_header_that_is_left_out_is_refused(host: WorkerdHost, name: str) -> None:
    answer = a_presigned_put(host).send(host, PACKAGE, **{name: None})
    assert_refused(host, answer, 403, "SignatureDoesNotMatch")


@pytest.mark.parametrize(
    "name", ["x-amz-meta-note", "x-amz-tagging", "x-amz-acl", "x-amz-content-sha256"]
)
def test_an_amz_header_that_was_not_signed_is_refused(host: WorkerdHost, name: str) -> None:
    answer = a_presigned_put(host).send(host, PACKAGE, **{name: "x"})
    assert_refused(host, answer, 403, "AccessDenied")


@pytest.mark.parametrize(
    "added",
    [
        "&X-Amz-Expires=900",
        "&x-id=PutObject",
        "&X-Amz-Signature=0",
        "&tagging",
    ],
)
def test_an_added_or_doubled_parameter_is_refused(host: WorkerdHost, added: str) -> None:
    signed = a_presigned_put(host)
    answer = Signed("PUT", signed.path + added, signed.headers).send(host, PACKAGE)
    assert answer.status in {400, 403}
    assert keys_of(host) == []


def test_another_method_is_refused(host: WorkerdHost) -> None:
    assert a_presigned_put(host).send(host, PACKAGE).status == 200
    signed = a_presigned_put(host)
    for method in ("GET", "DELETE"):
        answer = Signed(method, signed.path, {}).send(host)
        assert (answer.status, error_code(answer)) == (403, "SignatureDoesNotMatch")
    assert keys_of(host) == [KEY]


def test_a_replay_is_refused_and_leaves_the_first_bytes(host: WorkerdHost) -> None:
    signed = a_presigned_put(host)
    assert signed.send(host, PACKAGE).status == 200
    answer = signed.send(host, PACKAGE)
    assert (answer.status, error_code(answer)) == (412, "PreconditionFailed")
    assert boto_client(host).get_object(Bucket=UPLOADS, Key=KEY)["Body"].read() == PACKAGE


def test_a_body_without_a_length_is_refused_before_the_signature_is_looked_at(
    host: WorkerdHost,
) -> None:
    signed = a_presigned_put(host)
    forged = Signed("PUT", signed.path[:-4], {**signed.headers, "transfer-encoding": "chunked"})
    answer = forged.send(host, b"3\r\nabc\r\n0\r\n\r\n", content_length=None)
    assert_refused(host, answer, 411, "MissingContentLength")


def test_two_kinds_of_authentication_at_once_are_refused(host: WorkerdHost) -> None:
    answer = a_presigned_put(host).send(host, PACKAGE, authorization="AWS4-HMAC-SHA256 x")
    assert_refused(host, answer, 400, "InvalidArgument")


def test_a_url_signed_for_another_host_name_is_refused(host: WorkerdHost) -> None:
    answer = a_presigned_put(host).send(host, PACKAGE, host=f"localhost:{host.ports['s3']}")
    assert_refused(host, answer, 403, "SignatureDoesNotMatch")
