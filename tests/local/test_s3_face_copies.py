"""Copies of objects and of parts through the S3 face."""

from typing import Any

import pytest

from tests.local.s3_client import (
    UPLOADS,
    error_code,
    keys_of,
    path_of,
    sign,
)
from tests.local.test_s3_face_multipart import (
    begun,
    client,
    completed,
    content,
    host,
    refusal,
    running,
)
from tests.local.workerd_host import WorkerdHost

# The fixtures are found here by their names.
__all__ = ["client", "host", "running"]

pytestmark = pytest.mark.cloud


def test_a_copy_has_the_bytes_and_metadata_of_its_source(client: Any) -> None:
    client.put_object(
        Bucket=UPLOADS, Key="a b", Body=b"body", ContentType="text/x", Metadata={"m": "1"}
    )
    source = {"Bucket": UPLOADS, "Key": "a b"}
    client.copy_object(Bucket=UPLOADS, Key="same", CopySource=source)
    client.copy_object(
        Bucket=UPLOADS,
        Key="other",
        CopySource=source,
        MetadataDirective="REPLACE",
        ContentType="text/y",
        Metadata={"m": "2"},
    )
    same = client.get_object(Bucket=UPLOADS, Key="same")
    other = client.get_object(Bucket=UPLOADS, Key="other")
    assert (same["Body"].read(), same["ContentType"], same["Metadata"]) == (
        b"body",
        "text/x",
        {"m": "1"},
    )
    assert (other["ContentType"], other["Metadata"]) == ("text/y", {"m": "2"})


def test_a_copy_keeps_the_conditions_of_its_source(client: Any) -> None:
    etag = client.put_object(Bucket=UPLOADS, Key="from", Body=b"body")["ETag"]
    source = {"Bucket": UPLOADS, "Key": "from"}

    def copy(**given: Any) -> Any:
        return client.copy_object(Bucket=UPLOADS, Key="to", CopySource=source, **given)

    assert refusal(lambda: copy(CopySourceIfMatch='"other"')) == (412, "PreconditionFailed")
    assert refusal(lambda: copy(CopySourceIfNoneMatch=etag)) == (412, "PreconditionFailed")
    copy(CopySourceIfMatch=etag)
    assert content(client, "to") == b"body"


def test_a_copy_ignores_plain_conditions_on_its_destination_and_heeds_r2s_own(
    host: WorkerdHost, client: Any
) -> None:
    client.put_object(Bucket=UPLOADS, Key="from", Body=b"body")
    client.put_object(Bucket=UPLOADS, Key="to", Body=b"there")
    headers = {"x-amz-copy-source": f"{UPLOADS}/from"}
    guarded = {**headers, "cf-copy-destination-if-none-match": "*"}
    refused = sign(host, "PUT", path_of(UPLOADS, "to"), headers=guarded, body=b"").send(host, b"")
    assert (refused.status, error_code(refused)) == (412, "PreconditionFailed")
    assert content(client, "to") == b"there"
    plain = {**headers, "if-none-match": "*"}
    answer = sign(host, "PUT", path_of(UPLOADS, "to"), headers=plain, body=b"").send(host, b"")
    assert answer.status == 200
    assert content(client, "to") == b"body"


def test_a_part_can_be_copied(client: Any) -> None:
    client.put_object(Bucket=UPLOADS, Key="from", Body=b"0123456789")
    upload = begun(client)
    source = {"Bucket": UPLOADS, "Key": "from"}

    def copy(**given: Any) -> Any:
        return client.upload_part_copy(
            Bucket=UPLOADS, Key="k", UploadId=upload, PartNumber=1, CopySource=source, **given
        )

    assert refusal(lambda: copy(CopySourceRange="bytes=8-10")) == (416, "InvalidRange")
    part = copy(CopySourceRange="bytes=2-5")["CopyPartResult"]["ETag"]
    completed(client, upload, [{"PartNumber": 1, "ETag": part}])
    assert content(client) == b"2345"


@pytest.mark.parametrize(
    ("source", "status", "code"),
    [
        ("missing-bucket-of-nobody/k", 403, "AccessDenied"),
        (f"{UPLOADS}/missing", 404, "NoSuchKey"),
        (UPLOADS, 400, "InvalidArgument"),
        ("%zz", 400, "InvalidArgument"),
    ],
)
def test_a_source_that_is_not_there_is_refused(
    host: WorkerdHost, source: str, status: int, code: str
) -> None:
    headers = {"x-amz-copy-source": source}
    answer = sign(host, "PUT", path_of(UPLOADS, "to"), headers=headers, body=b"").send(host, b"")
    assert (answer.status, error_code(answer)) == (status, code)
    assert keys_of(host) == []


def test_a_copy_onto_itself_needs_other_metadata(client: Any) -> None:
    client.put_object(Bucket=UPLOADS, Key="k", Body=b"body")
    source = {"Bucket": UPLOADS, "Key": "k"}
    assert refusal(lambda: client.copy_object(Bucket=UPLOADS, Key="k", CopySource=source)) == (
        400,
        "InvalidRequest",
    )
    client.copy_object(
        Bucket=UPLOADS,
        Key="k",
        CopySource=source,
        MetadataDirective="REPLACE",
        ContentType="text/z",
    )
    assert client.head_object(Bucket=UPLOADS, Key="k")["ContentType"] == "text/z"
    assert content(client) == b"body"
