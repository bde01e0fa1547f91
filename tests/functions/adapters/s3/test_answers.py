"""What the storage's answers mean, also those that no well-behaved server gives."""

import base64
import hashlib

import pytest

from functions.adapters.s3 import documents
from functions.adapters.s3.documents import DocumentError
from functions.core.storages import PROFILES
from functions.ports.multipart_store import (
    Part,
    PartsRefusedError,
    PendingUpload,
    UploadNotFoundError,
)
from functions.ports.object_store import (
    ByteRange,
    ChecksumMismatchError,
    ObjectInfo,
    ObjectStoreError,
    PreconditionFailedError,
    RangeNotSatisfiableError,
    StoredObject,
    UnavailableError,
)
from tests.contracts.object_store import content_of, run
from tests.functions.adapters.s3.scripted import Answer, Storage, found, refusal

DIGEST = hashlib.sha256(b"hello").digest()
DIGEST_HEADER = base64.b64encode(DIGEST).decode()
NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


def page(inner: str, *, namespace: str = NAMESPACE, name: str = "ListBucketResult") -> Answer:
    return Answer(200, f"<?xml version='1.0'?>\n<{name} {namespace}>{inner}</{name}>".encode())


CONTENTS = (
    "<Contents><Key>{key}</Key><Size>5</Size><ETag>&quot;e&quot;</ETag>"
    "<LastModified>2026-01-31T12:00:00.123Z</LastModified></Contents>"
)


def test_a_missing_object_is_none_but_a_missing_bucket_is_an_error() -> None:
    async def scenario() -> None:
        assert await Storage(script=[refusal(404, "NoSuchKey")]).store.get("k") is None
        assert await Storage(script=[Answer(404)]).store.head("k") is None
        with pytest.raises(ObjectStoreError, match="NoSuchBucket"):
            await Storage(script=[refusal(404, "NoSuchBucket")]).store.get("k")
        await Storage(script=[refusal(404, "NoSuchKey")]).store.delete("k")

    run(scenario())


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("PreconditionFailed", 412, PreconditionFailedError),
        ("BadDigest", 400, ChecksumMismatchError),
        ("XAmzContentSHA256Mismatch", 400, ChecksumMismatchError),
        ("NoSuchUpload", 404, UploadNotFoundError),
        ("InvalidPart", 400, PartsRefusedError),
        ("EntityTooSmall", 400, PartsRefusedError),
        ("SlowDown", 503, UnavailableError),
        ("AccessDenied", 403, ObjectStoreError),
    ],
)
def test_a_code_is_told_in_the_ports_terms(
    code: str, status: int, expected: type[ObjectStoreError]
) -> None:
    storage = Storage(script=[refusal(status, code)])
    with pytest.raises(expected, match=code) as caught:
        run(storage.store.complete_multipart("k", "u", [Part(1, "e", 5)]))
    assert type(caught.value) is expected


def test_a_failure_behind_a_200_is_a_failure() -> None:
    storage = Storage(script=[refusal(200, "InternalError")])
    with pytest.raises(UnavailableError):
        run(storage.store.complete_multipart("k", "u", [Part(1, "e", 5)]))


def test_a_completion_may_be_kept_alive_by_white_space() -> None:
    result = "<CompleteMultipartUploadResult><ETag>e-1</ETag></CompleteMultipartUploadResult>"
    storage = Storage(script=[Answer(200, f"  \n{result}".encode()), found()])
    info = run(storage.store.complete_multipart("k", "u", [Part(1, "e", 5)]))
    assert info.etag == "an-etag"


def test_what_is_known_of_an_object_stands_in_its_headers() -> None:
    answer = found(
        content_type="x/y",
        cache_control="no-store",
        x_amz_checksum_sha256=DIGEST_HEADER,
        x_amz_meta_origin="test",
        x_amz_meta_stowage_sha256="0" * 64,
        etag='W/"weakened"',
    )
    info = run(Storage(script=[answer]).store.head("k"))
    assert info is not None
    assert (info.key, info.size, info.etag) == ("k", 5, "weakened")
    assert (info.content_type, info.cache_control) == ("x/y", "no-store")
    assert info.uploaded_at == 1_769_860_800_000
    assert info.metadata == {"origin": "test"}
    # What another profile would keep there itself is no more than a claim.
    assert info.sha256 == DIGEST.hex()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x_amz_checksum_sha256": DIGEST_HEADER, "x_amz_checksum_type": "COMPOSITE"},
        {"x_amz_checksum_sha256": DIGEST_HEADER + "-3"},
        {"x_amz_checksum_sha256": "no base64"},
        {"x_amz_checksum_sha256": base64.b64encode(b"short").decode()},
    ],
)
def test_a_digest_of_digests_is_none_of_the_object(headers: dict[str, str]) -> None:
    info = run(Storage(script=[found(**headers)]).store.head("k"))
    assert info is not None
    assert info.sha256 is None


def test_b2_tells_the_digest_that_was_kept_beside_the_object() -> None:
    answer = found(x_amz_meta_stowage_sha256=DIGEST.hex())
    info = run(Storage(PROFILES["b2"], script=[answer]).store.head("k"))
    assert info is not None
    assert (info.sha256, info.metadata) == (DIGEST.hex(), {})


@pytest.mark.parametrize(
    "headers",
    [
        {"content_length": ""},
        {"content_length": "five"},
        {"content_length": "-5"},
        {"last_modified": ""},
        {"last_modified": "yesterday"},
    ],
)
def test_an_answer_without_what_every_object_has_is_an_error(headers: dict[str, str]) -> None:
    with pytest.raises(ObjectStoreError):
        run(Storage(script=[found(**headers)]).store.get("k"))


def test_a_part_tells_where_it_lies() -> None:
    answer = found(b"ell", content_range="bytes 1-3/5")
    answer.status = 206
    stored = run(Storage(script=[answer]).store.get("k", ByteRange(1, 3)))
    assert isinstance(stored, StoredObject)
    assert (stored.offset, stored.length, stored.info.size) == (1, 3, 5)


def test_a_part_without_its_range_is_an_error() -> None:
    answer = found(b"ell")
    answer.status = 206
    with pytest.raises(ObjectStoreError):
        run(Storage(script=[answer]).store.get("k", ByteRange(1, 3)))


def test_a_range_that_the_storage_overlooks_gives_the_whole() -> None:
    stored = run(Storage(script=[found()]).store.get("k", ByteRange(1, 3)))
    assert isinstance(stored, StoredObject)
    assert (stored.offset, stored.length) == (0, 5)
    assert run(content_of(stored)) == b"hello"


def test_a_range_of_nothing_is_outside_even_where_the_storage_answers_it() -> None:
    answer = found(b"")
    with pytest.raises(RangeNotSatisfiableError):
        run(Storage(script=[answer]).store.get("k", ByteRange(suffix=1)))
    assert answer.is_closed


def test_a_known_etag_counts_where_the_storage_overlooks_it() -> None:
    answer = found()
    unless = frozenset({"other", "an-etag"})
    info = run(Storage(script=[answer]).store.get("k", unless_etags=unless))
    assert isinstance(info, ObjectInfo)
    assert answer.is_closed


def test_an_object_that_is_replaced_between_two_calls_is_asked_for_again() -> None:
    unless = frozenset({"old"})
    unchanged = Answer(304)
    replaced = found(etag='"new"')
    storage = Storage(script=[unchanged, replaced, found(b"newer", etag='"new"')])
    stored = run(storage.store.get("k", unless_etags=unless))
    assert isinstance(stored, StoredObject)
    assert storage.methods() == ["GET", "HEAD", "GET"]
    restless = Storage(script=[Answer(304), found(etag='"new"')] * 3)
    with pytest.raises(UnavailableError):
        run(restless.store.get("k", unless_etags=unless))
    gone = Storage(script=[Answer(304), Answer(404)])
    assert run(gone.store.get("k", unless_etags=unless)) is None


def test_a_range_outside_tells_the_size() -> None:
    storage = Storage(script=[refusal(416, "InvalidRange"), found()])
    with pytest.raises(RangeNotSatisfiableError) as caught:
        run(storage.store.get("k", ByteRange(9)))
    assert caught.value.size == 5


@pytest.mark.parametrize("namespace", [NAMESPACE, ""])
def test_a_listing_is_read_with_and_without_a_namespace(namespace: str) -> None:
    answer = page(CONTENTS.format(key="a&amp;b"), namespace=namespace)
    found_page = run(Storage(script=[answer]).store.list_objects(""))
    (info,) = found_page.objects
    assert (info.key, info.size, info.etag, info.uploaded_at) == (
        "a&b", 5, "e", 1_769_860_800_123,
    )  # fmt: skip
    assert found_page.cursor is None


def test_encoded_keys_are_decoded_where_the_listing_says_so() -> None:
    key = CONTENTS.format(key="a+b%2Bc%25%0A%F0%9F%99%82")
    encoded = page(f"<EncodingType>url</EncodingType>{key}")
    (info,) = run(Storage(script=[encoded]).store.list_objects("")).objects
    assert info.key == "a b+c%\n🙂"
    (info,) = run(Storage(script=[page(key)]).store.list_objects("")).objects
    assert info.key == "a+b%2Bc%25%0A%F0%9F%99%82"


def test_a_listing_goes_on_with_its_token() -> None:
    more = "<IsTruncated>true</IsTruncated><NextContinuationToken>a/b+c=</NextContinuationToken>"
    storage = Storage(script=[page(more), page("")])

    async def scenario() -> None:
        first = await storage.store.list_objects("p/", limit=1)
        assert first.cursor == "a/b+c="
        await storage.store.list_objects("p/", first.cursor, limit=1)

    run(scenario())
    assert "continuation-token=a%2Fb%2Bc%3D&" in storage.requests[1].url
    assert "max-keys=1&prefix=p%2F" in storage.requests[1].url


def test_parts_and_uploads_are_listed_to_their_last_page() -> None:
    part = '<Part><PartNumber>{0}</PartNumber><ETag>"e{0}"</ETag><Size>5</Size></Part>'
    more = "<IsTruncated>true</IsTruncated><NextPartNumberMarker>1</NextPartNumberMarker>"
    storage = Storage(
        script=[
            page(part.format(1) + more, name="ListPartsResult"),
            page(part.format(2), name="ListPartsResult"),
        ]
    )
    assert run(storage.store.list_parts("k", "u")) == (Part(1, "e1", 5), Part(2, "e2", 5))
    assert "part-number-marker=1&" in storage.requests[1].url
    upload = (
        "<Upload><Key>{0}</Key><UploadId>u</UploadId>"
        "<Initiated>2026-01-31T12:00:00Z</Initiated></Upload>"
    )
    more = (
        "<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
        "<NextKeyMarker>b%2Bc</NextKeyMarker><NextUploadIdMarker>u</NextUploadIdMarker>"
    )
    storage = Storage(
        script=[
            page(upload.format("b%2Bc") + more, name="ListMultipartUploadsResult"),
            page(upload.format("d"), name="ListMultipartUploadsResult"),
        ]
    )
    started = 1_769_860_800_000
    assert run(storage.store.list_multiparts("")) == (
        PendingUpload("b+c", "u", started),
        PendingUpload("d", "u", started),
    )
    assert "key-marker=b%2Bc&" in storage.requests[1].url


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no XML",
        b"<ListBucketResult>",
        b"<Other></Other>",
        b"<!DOCTYPE ListBucketResult><ListBucketResult></ListBucketResult>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><ListBucketResult>&a;</ListBucketResult>',
        b"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
        b"<ListBucketResult><Contents><Key>k</Key></Contents></ListBucketResult>",
    ],
)
def test_what_is_no_listing_is_an_error(data: bytes) -> None:
    with pytest.raises(ObjectStoreError):
        run(Storage(script=[Answer(200, data)]).store.list_objects(""))


def test_a_document_type_is_refused_in_every_encoding() -> None:
    text = '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'
    with pytest.raises(DocumentError, match="document type"):
        documents.parse(text.encode("utf-16"))


def test_a_document_without_end_is_not_read_to_its_end() -> None:
    endless = Answer(200, b"x" * (documents.MAX_BYTES + 1))
    with pytest.raises(ObjectStoreError, match="more than"):
        run(Storage(script=[endless]).store.list_objects(""))
    assert endless.is_closed


def test_a_refusal_of_a_proxy_is_told_by_its_status() -> None:
    storage = Storage(script=[Answer(403, b"<html>who are you?</html>")])
    with pytest.raises(ObjectStoreError, match="answered 403") as caught:
        run(storage.store.get("k"))
    assert "who are you" not in str(caught.value)
