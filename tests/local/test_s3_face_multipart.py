"""Uploads in parts and copies through the S3 face, as boto3 and presigned URLs use them."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.local.s3_client import (
    READER,
    UPLOADS,
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

PART = 5 * 1024 * 1024
FIRST, LAST = b"1" * PART, b"2" * 100


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
    """Of a bucket without objects and without uploads under way."""
    client = boto_client(host, request_checksum_calculation="when_required")
    for one in client.list_multipart_uploads(Bucket=UPLOADS).get("Uploads", []):
        client.abort_multipart_upload(Bucket=UPLOADS, Key=one["Key"], UploadId=one["UploadId"])
    return client


def refusal(call: Callable[[], object]) -> tuple[int, str]:
    with pytest.raises(ClientError) as caught:
        call()
    response: Any = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def begun(client: Any, key: str = "k", **given: Any) -> str:
    return client.create_multipart_upload(Bucket=UPLOADS, Key=key, **given)["UploadId"]


def sent(client: Any, upload: str, number: int, body: bytes, key: str = "k") -> dict[str, Any]:
    answer = client.upload_part(
        Bucket=UPLOADS, Key=key, UploadId=upload, PartNumber=number, Body=body
    )
    return {"PartNumber": number, "ETag": answer["ETag"]}


def completed(client: Any, upload: str, parts: list[Any], key: str = "k", **given: Any) -> Any:
    return client.complete_multipart_upload(
        Bucket=UPLOADS, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}, **given
    )


def content(client: Any, key: str = "k") -> bytes:
    return client.get_object(Bucket=UPLOADS, Key=key)["Body"].read()


def test_parts_in_any_order_become_one_object(client: Any, host: WorkerdHost) -> None:
    upload = begun(client, ContentType="text/x", Metadata={"origin": "test"})
    last = sent(client, upload, 7, LAST)
    first = sent(client, upload, 2, FIRST)
    assert keys_of(host) == []
    done = completed(client, upload, [first, last])
    assert done["ETag"].endswith('-2"')
    head = client.head_object(Bucket=UPLOADS, Key="k")
    assert (head["ContentLength"], head["ContentType"]) == (PART + 100, "text/x")
    assert (head["Metadata"], head["ETag"]) == ({"origin": "test"}, done["ETag"])
    assert content(client) == FIRST + LAST
    ranged = client.get_object(Bucket=UPLOADS, Key="k", Range=f"bytes={PART - 1}-{PART}")
    assert ranged["Body"].read() == b"12"


def test_an_upload_that_is_over_is_unknown(client: Any) -> None:
    upload = begun(client)
    part = sent(client, upload, 1, LAST)
    completed(client, upload, [part])
    assert refusal(lambda: completed(client, upload, [part])) == (404, "NoSuchUpload")
    assert refusal(lambda: sent(client, upload, 1, LAST)) == (404, "NoSuchUpload")
    for unknown in ("nothing", "../../x", "a" * 2000):
        assert refusal(lambda one=unknown: sent(client, one, 1, LAST)) == (404, "NoSuchUpload")


def test_an_upload_belongs_to_its_key(client: Any) -> None:
    upload = begun(client, "k")
    assert refusal(lambda: sent(client, upload, 1, LAST, "other")) == (404, "NoSuchUpload")


def test_a_part_sent_again_takes_the_place_of_the_first(client: Any) -> None:
    upload = begun(client)
    old = sent(client, upload, 1, b"old")
    new = sent(client, upload, 1, b"new")
    assert refusal(lambda: completed(client, upload, [old])) == (400, "InvalidPart")
    completed(client, upload, [new])
    assert content(client) == b"new"


def test_parts_are_listed_in_pages(client: Any) -> None:
    upload = begun(client)
    parts = [sent(client, upload, number, b"x" * number) for number in (3, 1, 2)]
    listed = client.list_parts(Bucket=UPLOADS, Key="k", UploadId=upload)["Parts"]
    assert [(one["PartNumber"], one["Size"]) for one in listed] == [(1, 1), (2, 2), (3, 3)]
    assert {one["ETag"] for one in listed} == {one["ETag"] for one in parts}
    page = client.list_parts(Bucket=UPLOADS, Key="k", UploadId=upload, MaxParts=2)
    assert (page["IsTruncated"], page["NextPartNumberMarker"]) == (True, 2)
    rest = client.list_parts(
        Bucket=UPLOADS, Key="k", UploadId=upload, PartNumberMarker=page["NextPartNumberMarker"]
    )
    assert ([one["PartNumber"] for one in rest["Parts"]], rest["IsTruncated"]) == ([3], False)


def test_uploads_under_way_are_listed_by_prefix_and_page(client: Any) -> None:
    mine = {key: begun(client, key) for key in ("p/b", "p/a", "q/a")}
    second = begun(client, "p/a")
    found = client.list_multipart_uploads(Bucket=UPLOADS, Prefix="p/")["Uploads"]
    assert [one["Key"] for one in found] == ["p/a", "p/a", "p/b"]
    assert {one["UploadId"] for one in found} == {mine["p/a"], mine["p/b"], second}
    page = client.list_multipart_uploads(Bucket=UPLOADS, MaxUploads=1)
    assert page["IsTruncated"]
    rest = client.list_multipart_uploads(
        Bucket=UPLOADS,
        KeyMarker=page["NextKeyMarker"],
        UploadIdMarker=page["NextUploadIdMarker"],
    )
    assert [one["Key"] for one in rest["Uploads"]] == ["p/a", "p/b", "q/a"]
    for one in [*page["Uploads"], *rest["Uploads"]]:
        client.abort_multipart_upload(Bucket=UPLOADS, Key=one["Key"], UploadId=one["UploadId"])
    assert "Uploads" not in client.list_multipart_uploads(Bucket=UPLOADS)


def test_an_aborted_upload_leaves_nothing(client: Any, host: WorkerdHost) -> None:
    upload = begun(client)
    sent(client, upload, 1, LAST)

    def abort() -> None:
        client.abort_multipart_upload(Bucket=UPLOADS, Key="k", UploadId=upload)

    abort()
    assert refusal(abort) == (404, "NoSuchUpload")
    assert keys_of(host) == []
    assert "Uploads" not in client.list_multipart_uploads(Bucket=UPLOADS)


def test_wrong_parts_are_refused_and_the_upload_stays(client: Any, host: WorkerdHost) -> None:
    upload = begun(client)
    small = sent(client, upload, 1, b"small")
    large = sent(client, upload, 2, FIRST)
    larger = sent(client, upload, 3, FIRST + b"1")
    assert refusal(lambda: completed(client, upload, [small, large])) == (400, "EntityTooSmall")
    assert refusal(lambda: completed(client, upload, [large, larger])) == (400, "InvalidPart")
    assert refusal(lambda: completed(client, upload, [large, small])) == (400, "InvalidPartOrder")
    missing = {"PartNumber": 9, "ETag": small["ETag"]}
    assert refusal(lambda: completed(client, upload, [large, missing])) == (400, "InvalidPart")
    assert keys_of(host) == []
    completed(client, upload, [large])
    assert content(client) == FIRST


@pytest.mark.parametrize("body", [b"", b"junk", b"<CompleteMultipartUpload/>"])
def test_a_malformed_completion_is_refused(host: WorkerdHost, client: Any, body: bytes) -> None:
    upload = begun(client)
    answer = sign(host, "POST", f"{path_of(UPLOADS, 'k')}?uploadId={upload}", body=body).send(
        host, body
    )
    assert (answer.status, error_code(answer)) == (400, "MalformedXML")


@pytest.mark.parametrize("number", ["0", "10001", "x", "-1"])
def test_a_part_number_out_of_range_is_refused(host: WorkerdHost, client: Any, number: str) -> None:
    upload = begun(client)
    path = f"{path_of(UPLOADS, 'k')}?partNumber={number}&uploadId={upload}"
    answer = sign(host, "PUT", path, body=b"x").send(host, b"x")
    assert (answer.status, error_code(answer)) == (400, "InvalidArgument")


def test_a_part_number_without_an_upload_is_refused(host: WorkerdHost) -> None:
    answer = sign(host, "PUT", f"{path_of(UPLOADS, 'k')}?partNumber=1", body=b"x").send(host, b"x")
    assert (answer.status, error_code(answer)) == (400, "InvalidArgument")
    assert keys_of(host) == []


def test_a_part_with_a_digest_of_the_sdk_is_not_implemented_as_on_r2(client: Any) -> None:
    upload = begun(client)
    for algorithm in ("SHA256", "SHA1"):
        assert refusal(
            lambda one=algorithm: client.upload_part(
                Bucket=UPLOADS,
                Key="k",
                UploadId=upload,
                PartNumber=1,
                Body=b"x",
                ChecksumAlgorithm=one,
            )
        ) == (501, "NotImplemented")
    answer = client.upload_part(
        Bucket=UPLOADS,
        Key="k",
        UploadId=upload,
        PartNumber=1,
        Body=b"x",
        ChecksumAlgorithm="CRC32",
    )
    assert answer["ChecksumCRC32"]


def test_a_part_with_other_bytes_than_signed_is_refused(host: WorkerdHost, client: Any) -> None:
    upload = begun(client)
    signed = sign(host, "PUT", f"{path_of(UPLOADS, 'k')}?partNumber=1&uploadId={upload}", body=b"x")
    answer = signed.send(host, b"y")
    assert (answer.status, error_code(answer)) == (400, "XAmzContentSHA256Mismatch")
    assert "Parts" not in client.list_parts(Bucket=UPLOADS, Key="k", UploadId=upload)


def test_a_presigned_part_pins_its_length_and_place(client: Any) -> None:
    upload = begun(client)
    place = {"Bucket": UPLOADS, "Key": "k", "UploadId": upload, "PartNumber": 1}
    url = client.generate_presigned_url("upload_part", {**place, "ContentLength": 3}, 60)
    assert httpx.put(url, content=b"four").status_code == 403
    moved = url.replace("partNumber=1", "partNumber=2")
    assert httpx.put(moved, content=b"abc").status_code == 403
    answer = httpx.put(url, content=b"abc")
    assert answer.status_code == 200
    completed(client, upload, [{"PartNumber": 1, "ETag": answer.headers["etag"]}])
    assert content(client) == b"abc"


def test_a_create_only_completion_never_replaces(client: Any) -> None:
    client.put_object(Bucket=UPLOADS, Key="k", Body=b"there")
    upload = begun(client)
    part = sent(client, upload, 1, b"new")
    assert refusal(lambda: completed(client, upload, [part], IfNoneMatch="*")) == (
        412,
        "PreconditionFailed",
    )
    assert content(client) == b"there"
    etag = client.head_object(Bucket=UPLOADS, Key="k")["ETag"]
    assert refusal(lambda: completed(client, upload, [part], IfMatch='"other"'))[0] == 412
    completed(client, upload, [part], IfMatch=etag)
    assert content(client) == b"new"


def test_of_racing_create_only_completions_one_wins(host: WorkerdHost, client: Any) -> None:
    uploads = [begun(client) for _ in range(6)]
    parts = [
        sent(client, upload, 1, f"writer {number}".encode())
        for number, upload in enumerate(uploads)
    ]
    results: list[object] = [None] * len(uploads)

    def race(number: int) -> None:
        try:
            completed(client, uploads[number], [parts[number]], IfNoneMatch="*")
            results[number] = number
        except ClientError as error:
            results[number] = error.response.get("Error", {}).get("Code")

    threads = [threading.Thread(target=race, args=(number,)) for number in range(len(uploads))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [one for one in results if isinstance(one, int)]
    assert len(winners) == 1
    assert [one for one in results if not isinstance(one, int)] == ["PreconditionFailed"] * 5
    assert content(client) == f"writer {winners[0]}".encode()


def test_a_reader_may_list_parts_and_nothing_more(host: WorkerdHost, client: Any) -> None:
    reader = boto_client(host, READER, request_checksum_calculation="when_required")
    upload = begun(client)
    sent(client, upload, 1, LAST)
    assert reader.list_parts(Bucket=UPLOADS, Key="k", UploadId=upload)["Parts"]
    assert refusal(lambda: begun(reader)) == (403, "AccessDenied")
    assert refusal(lambda: sent(reader, upload, 2, LAST)) == (403, "AccessDenied")
    assert refusal(lambda: completed(reader, upload, [{"PartNumber": 1, "ETag": "x"}]))[0] == 403


def test_uploads_outlive_a_reload(host: WorkerdHost, client: Any) -> None:
    upload = begun(client)
    part = sent(client, upload, 1, LAST)
    host.apply(entry_hosts={"api": "api2.stowage.test", "cdn": "cdn2.stowage.test"})
    assert client.list_parts(Bucket=UPLOADS, Key="k", UploadId=upload)["Parts"]
    completed(client, upload, [part])
    assert content(client) == LAST


def test_boto3_sends_a_large_file_in_parts_by_itself(client: Any, tmp_path: Any) -> None:
    from boto3.s3.transfer import TransferConfig

    data = bytes(range(256)) * (12 * 4096)
    (tmp_path / "large").write_bytes(data)
    config = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART)
    client.upload_file(str(tmp_path / "large"), UPLOADS, "large", Config=config)
    assert hashlib.sha256(content(client, "large")).digest() == hashlib.sha256(data).digest()


def test_what_r2_has_not_is_not_implemented(host: WorkerdHost) -> None:
    for method, query in (("GET", "partNumber=1"), ("HEAD", "partNumber=1"), ("POST", "select")):
        answer = sign(host, method, f"{path_of(UPLOADS, 'k')}?{query}", body=b"").send(host, b"")
        assert answer.status == 501, (method, query)
    headers = {"x-amz-tagging": "a=b"}
    answer = sign(host, "POST", f"{path_of(UPLOADS, 'k')}?uploads=", headers=headers, body=b"")
    assert answer.send(host, b"").status == 501
