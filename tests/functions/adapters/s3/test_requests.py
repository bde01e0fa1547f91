"""What is sent: signed, once encoded, and with nothing that is not to be seen."""

import hashlib
from dataclasses import replace

import pytest

from functions.adapters.s3.bucket import ORIGIN_HEADER, Call, S3Bucket
from functions.adapters.s3.signed_chunks import CHUNK_BYTES, SignedChunks, framed_length
from functions.core.sigv4 import SIGNED_CHUNKS, UNSIGNED_PAYLOAD, ChunkSigner, Credentials
from functions.core.storages import PROFILES
from functions.ports.fetch import FetchError
from functions.ports.object_store import ByteRange, ObjectStoreError
from tests.contracts.bodies import Chunks
from tests.contracts.object_store import run
from tests.functions.adapters.s3.scripted import (
    ORIGIN_SECRET,
    SECRET,
    Answer,
    Storage,
    found,
    refusal,
)

STORED = Answer(200, headers={"etag": '"e"'})
HELLO = hashlib.sha256(b"hello").hexdigest()
AN_HOUR = 3_600_000


def a_bucket(endpoint: str = "https://storage.stowage.test") -> S3Bucket:
    return S3Bucket(PROFILES["minio"], endpoint, "us-east-1", "a-bucket", Credentials("id", SECRET))


def signed_headers(headers: dict[str, str]) -> set[str]:
    part = headers["authorization"].split("SignedHeaders=")[1]
    return set(part.split(",")[0].split(";"))


def test_a_key_is_encoded_once_and_the_path_style() -> None:
    sent = a_bucket().request(Call("get", "GET", "a b/%41+ü?#"), AN_HOUR)
    assert sent.url == "https://storage.stowage.test/a-bucket/a%20b/%2541%2B%C3%BC%3F%23"


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        ("https://storage.test:443", "https://storage.test/"),
        ("http://storage.test:80", "http://storage.test/"),
        ("http://storage.test:443", "http://storage.test:443/"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000/"),
    ],
)
def test_the_port_that_a_scheme_implies_is_not_signed(endpoint: str, host: str) -> None:
    """No client sends it, and the server signs what it was sent."""
    call = Call("get", "GET", "k")
    sent = a_bucket(endpoint).request(call, AN_HOUR)
    assert sent.url.startswith(host)
    plain = a_bucket(host.rstrip("/")).request(call, AN_HOUR)
    assert sent.headers["authorization"] == plain.headers["authorization"]


@pytest.mark.parametrize("key", [".", "..", "a/../b", "a/./b", "a/..", "", "k" * 1025, "\ud800"])
def test_a_key_that_a_url_would_change_is_refused_before_anything_is_sent(key: str) -> None:
    storage = Storage()

    async def scenario() -> None:
        with pytest.raises(ObjectStoreError):
            await storage.store.put(key, b"x", length=1, content_type="x/y")
        with pytest.raises(ObjectStoreError):
            await storage.store.get(key)
        # Without a key it would be the bucket that is deleted.
        with pytest.raises(ObjectStoreError):
            await storage.store.delete(key)

    run(scenario())
    assert storage.requests == []


@pytest.mark.parametrize("value", ["a\r\nx-amz-acl: public-read", "ü", "\x00"])
def test_what_cannot_stand_in_a_header_is_refused_before_anything_is_sent(value: str) -> None:
    storage = Storage()

    async def scenario() -> None:
        store = storage.store
        with pytest.raises(ObjectStoreError, match="printable"):
            await store.put("k", b"", length=0, content_type="x/y", metadata={"origin": value})
        with pytest.raises(ObjectStoreError, match="printable"):
            await store.put("k", b"", length=0, content_type="x/y", cache_control=value)
        with pytest.raises(ObjectStoreError, match="printable"):
            await store.create_multipart("k", content_type=value)

    run(scenario())
    assert storage.requests == []


def test_dots_that_are_no_segment_are_part_of_a_key() -> None:
    sent = a_bucket().request(Call("get", "GET", "a..b/.../.c"), AN_HOUR)
    assert sent.url.endswith("/a-bucket/a..b/.../.c")


def test_conditions_and_promises_are_signed() -> None:
    storage = Storage(script=[STORED])
    run(
        storage.store.put(
            "k",
            b"hello",
            length=5,
            content_type="x/y",
            cache_control="no-store",
            sha256=HELLO,
            metadata={"origin": "test"},
        )
    )
    (sent,) = storage.requests
    assert signed_headers(dict(sent.headers)) == {
        "cache-control",
        "content-type",
        "host",
        "if-none-match",
        "x-amz-checksum-sha256",
        "x-amz-content-sha256",
        "x-amz-date",
        "x-amz-meta-origin",
    }
    assert sent.headers["x-amz-content-sha256"] == HELLO
    assert sent.length == 5


def test_b2_is_sent_none_of_what_it_refuses_and_still_verifies_the_digest() -> None:
    storage = Storage(PROFILES["b2"], script=[Answer(404), STORED, found(), found()])

    async def scenario() -> None:
        await storage.store.put("k", Chunks(b"hello"), length=5, content_type="x/y", sha256=HELLO)
        await storage.store.head("k")
        await storage.store.get("k")

    run(scenario())
    names = {name for request in storage.requests for name in request.headers}
    assert not any(name.startswith("x-amz-checksum") for name in names)
    assert not names & {"if-none-match", "x-amz-tagging", "x-amz-sdk-checksum-algorithm"}
    put = storage.requests[1]
    assert put.headers["x-amz-content-sha256"] == HELLO
    assert put.headers["x-amz-meta-stowage-sha256"] == HELLO


def test_a_stream_of_unknown_digest_is_signed_in_chunks_where_a_cut_one_would_be_kept() -> None:
    for name, expected in (("minio", SIGNED_CHUNKS), ("b2", UNSIGNED_PAYLOAD)):
        storage = Storage(PROFILES[name], script=[STORED])
        run(
            storage.store.put(
                "k", Chunks(b"hello"), length=5, content_type="x/y", create_only=False
            )
        )
        (sent,) = storage.requests
        assert sent.headers["x-amz-content-sha256"] == expected
        assert "content-encoding" not in sent.headers
        assert sent.length == (framed_length(5) if expected == SIGNED_CHUNKS else 5)


@pytest.mark.parametrize(
    "size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES]
)
def test_a_framed_body_has_the_length_that_was_announced(size: int) -> None:
    headers = {"x-amz-date": "20260131T120000Z", "authorization": "Signature=00"}

    async def framed() -> bytes:
        signer = ChunkSigner(headers, Credentials("id", SECRET), "us-east-1")
        pieces = [b"x" * 1000 for _ in range(size // 1000)]
        body = SignedChunks(Chunks(*pieces, b"x" * (size % 1000)), size, signer)
        return b"".join([chunk async for chunk in body])

    data = run(framed())
    assert len(data) == framed_length(size)
    assert data.endswith(b"\r\n\r\n")
    assert data.count(b"chunk-signature=") == -(-size // CHUNK_BYTES) + 1


@pytest.mark.parametrize("length", [4, 6])
def test_a_framed_body_of_another_length_has_no_end(length: int) -> None:
    headers = {"x-amz-date": "20260131T120000Z", "authorization": "Signature=00"}
    sent: list[bytes] = []

    async def scenario() -> None:
        signer = ChunkSigner(headers, Credentials("id", SECRET), "us-east-1")
        async for chunk in SignedChunks(Chunks(b"hello"), length, signer):
            sent.append(chunk)

    with pytest.raises(ObjectStoreError):
        run(scenario())
    assert not any(chunk.startswith(b"0;") for chunk in sent)


def test_the_origin_secret_goes_along_unsigned() -> None:
    storage = Storage(script=[found()])
    run(storage.store.get("k", ByteRange(0, 1)))
    headers = dict(storage.requests[0].headers)
    assert headers[ORIGIN_HEADER] == ORIGIN_SECRET
    assert ORIGIN_HEADER not in signed_headers(headers)
    assert ORIGIN_HEADER not in a_bucket().request(Call("get", "GET", "k"), AN_HOUR).headers


def test_no_secret_stands_in_an_error_or_a_description() -> None:
    storage = Storage()
    failures = (
        refusal(403, "SignatureDoesNotMatch"),
        Answer(403, f"<html>{ORIGIN_SECRET}</html>".encode()),
        FetchError("refused"),
        Answer(200),
    )
    for failure in failures:
        storage.script = [failure] * 4
        with pytest.raises(ObjectStoreError) as caught:
            run(storage.store.get("k"))
        assert SECRET not in str(caught.value)
        assert ORIGIN_SECRET not in str(caught.value)
    shown = repr(storage.connection) + repr(replace(storage.connection.bucket, name="other"))
    assert SECRET not in shown
    assert ORIGIN_SECRET not in shown
