"""One object from a storage to another, and everything that may go wrong on the way."""

import base64
import hashlib

import pytest
from botocore.exceptions import ClientError

from cli import object_copy
from cli.copy_journal import Copied
from cli.object_copy import SHA256_METADATA, Corrupt, Order, Side, copy_object, delete_copy
from cli.s3_buckets import Changed, Exists, Listed, find
from tests.cli.fake_s3 import FakeS3

DATA = b"0123456789" * 1000
DIGEST = hashlib.sha256(DATA).hexdigest()


def checksum(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def an_order(source: Side, key: str = "key", replaces: str | None = None) -> Order:
    listed = find(source.client, source.bucket, key)
    assert listed is not None
    return Order(listed, replaces)


def copied(source: FakeS3, target: FakeS3, replaces: str | None = None) -> Copied | None:
    return copy_object(
        source.side(), target.side(), an_order(source.side(), replaces=replaces), lambda _: None
    )


def test_the_copy_has_the_bytes_and_what_belongs_to_them() -> None:
    source, target, seen = FakeS3(), FakeS3(), list[int]()
    source.put(
        "key",
        DATA,
        ContentType="text/x-test",
        CacheControl="no-store",
        Metadata={"origin": "test"},
        ChecksumSHA256=checksum(DATA),
    )
    done = copy_object(source.side(), target.side(), an_order(source.side()), seen.append)
    assert done is not None
    assert (done.size, done.sha256) == (len(DATA), DIGEST)
    stored = target.objects["key"]
    assert (stored.data, stored.checksum) == (DATA, checksum(DATA))
    assert stored.headers == {
        "ContentType": "text/x-test",
        "CacheControl": "no-store",
        "Metadata": {"origin": "test"},
    }
    assert sum(seen) == len(DATA)


def test_a_target_without_checksums_keeps_the_digest_in_its_metadata_and_gives_it_back() -> None:
    source, middle, target = FakeS3(), FakeS3(), FakeS3()
    source.put("key", DATA)
    plain = middle.side(keeps_checksums=False)
    assert copy_object(source.side(), plain, an_order(source.side()), lambda _: None)
    assert middle.objects["key"].headers["Metadata"] == {SHA256_METADATA: DIGEST}
    assert copy_object(plain, target.side(), an_order(plain), lambda _: None)
    assert target.objects["key"].headers["Metadata"] == {}
    assert target.objects["key"].checksum == checksum(DATA)


def test_bytes_that_are_not_those_of_the_sources_own_digest_are_not_copied() -> None:
    source, target = FakeS3(), FakeS3()
    source.put("key", DATA, ChecksumSHA256=checksum(DATA))
    source.objects["key"].data = DATA[:-1] + b"X"
    with pytest.raises(Corrupt, match="SHA-256"):
        copied(source, target)
    assert target.data() == {}


def test_bytes_that_end_early_are_not_copied() -> None:
    source, target = FakeS3(), FakeS3()
    source.put("key", DATA)
    order = an_order(source.side())
    source.objects["key"].data = DATA[:-1]
    with pytest.raises(Corrupt, match="instead of"):
        copy_object(source.side(), target.side(), order, lambda _: None)
    assert target.data() == {}


def test_an_object_that_changed_since_it_was_listed_is_not_copied() -> None:
    source, target = FakeS3(), FakeS3()
    source.put("key", DATA)
    order = an_order(source.side())
    source.put("key", b"newer")
    with pytest.raises(Changed):
        copy_object(source.side(), target.side(), order, lambda _: None)
    assert target.data() == {}


def test_what_lies_in_the_target_is_not_replaced_unless_it_is_the_known_object() -> None:
    source, target = FakeS3(), FakeS3()
    source.put("key", DATA)
    target.put("key", b"other")
    with pytest.raises(Exists):
        copied(source, target)
    with pytest.raises(Exists):
        copied(source, target, replaces="0" * 32)
    assert target.data() == {"key": b"other"}
    assert copied(source, target, replaces=target.objects["key"].etag)
    assert target.data() == {"key": DATA}


def test_without_conditional_puts_a_look_before_keeps_what_is_there() -> None:
    source, target = FakeS3(), FakeS3()
    source.put("key", DATA)
    target.put("key", b"other")
    plain = target.side(conditional_put=False)
    with pytest.raises(Exists):
        copy_object(source.side(), plain, an_order(source.side()), lambda _: None)
    assert target.data() == {"key": b"other"}
    replaces = target.objects["key"].etag
    order = an_order(source.side(), replaces=replaces)
    assert copy_object(source.side(), plain, order, lambda _: None)
    assert target.data() == {"key": DATA}


def test_an_object_that_is_deleted_while_it_is_copied_does_not_come_back() -> None:
    source, target = FakeS3(), FakeS3()
    source.put("key", DATA)
    order = an_order(source.side())

    def deleted_behind_our_back(call: str, key: str) -> None:
        if call == "put":
            source.objects.pop(key)

    target.before = deleted_behind_our_back
    assert copy_object(source.side(), target.side(), order, lambda _: None) is None
    assert target.data() == {}
    assert copy_object(source.side(), target.side(), order, lambda _: None) is None


def test_a_target_that_stores_fewer_bytes_is_found_out() -> None:
    source, target = FakeS3(), FakeS3()
    source.put("key", DATA)
    order = an_order(source.side())

    def shortened(call: str, key: str) -> None:
        if call == "head" and key in target.objects:
            target.objects[key].data = DATA[:5]

    target.before = shortened
    with pytest.raises(Corrupt, match=f"5 bytes of {len(DATA)}"):
        copy_object(source.side(), target.side(), order, lambda _: None)


def test_an_object_too_large_for_one_put_goes_in_parts_and_is_read_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(object_copy, "MOST_IN_ONE_PUT", 4000)
    monkeypatch.setattr(object_copy, "PART_BYTES", 3000)
    source, target, calls = FakeS3(), FakeS3(), list[str]()
    source.put("key", DATA, ContentType="text/x-test")
    target.before = lambda call, key: calls.append(call)
    assert copied(source, target)
    assert target.data() == {"key": DATA}
    assert target.objects["key"].headers["ContentType"] == "text/x-test"
    assert calls == ["create", "part", "part", "part", "part", "complete", "get"]


def test_parts_that_fail_are_aborted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_copy, "MOST_IN_ONE_PUT", 4000)
    monkeypatch.setattr(object_copy, "PART_BYTES", 3000)
    source, target = FakeS3(), FakeS3()
    source.put("key", DATA)
    target.put("key", b"other")
    with pytest.raises(Exists):
        copied(source, target)
    assert target.data() == {"key": b"other"}
    assert (target.parts, target.aborted) == ({}, 1)


def test_parts_that_came_out_wrong_are_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_copy, "MOST_IN_ONE_PUT", 4000)
    monkeypatch.setattr(object_copy, "PART_BYTES", 3000)
    source, target = FakeS3(), FakeS3()
    source.put("key", DATA)

    def flipped(call: str, key: str) -> None:
        if call == "get":
            target.objects[key].data = b"X" + DATA[1:]

    target.before = flipped
    with pytest.raises(Corrupt, match="it was deleted"):
        copied(source, target)
    assert target.data() == {}


def test_other_refusals_are_passed_on() -> None:
    source, target = FakeS3(), FakeS3()
    source.put("key", DATA)

    def denied(call: str, key: str) -> None:
        raise ClientError(
            {"ResponseMetadata": {"HTTPStatusCode": 403}},  # pyright: ignore[reportArgumentType]
            call,
        )

    order = an_order(source.side())
    source.before = denied
    with pytest.raises(ClientError):
        copy_object(source.side(), target.side(), order, lambda _: None)


def test_a_copy_is_deleted_only_while_it_is_still_ours() -> None:
    target = FakeS3()
    target.put("key", DATA)
    ours = Copied("key", len(DATA), "s", target.objects["key"].etag, DIGEST)
    target.put("key", b"another")
    assert not delete_copy(target.side(), ours)
    assert target.data() == {"key": b"another"}
    assert delete_copy(target.side(), Copied("key", 7, "s", target.objects["key"].etag, DIGEST))
    assert target.data() == {}
    assert not delete_copy(target.side(), ours)


def test_an_object_is_listed_with_its_bare_etag() -> None:
    source = FakeS3()
    source.put("key", DATA)
    found = find(source.side().client, "bucket", "key")
    assert found == Listed("key", len(DATA), source.objects["key"].etag)
