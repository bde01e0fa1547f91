"""What is tried again, how often and how long after; and what is not."""

from collections.abc import Awaitable, Callable

import pytest

from functions.adapters.s3.multipart import S3MultipartStore
from functions.adapters.s3.retries import Retries, seconds_of
from functions.core.storages import PROFILES
from functions.ports.fetch import FetchError
from functions.ports.multipart_store import Part
from functions.ports.object_store import (
    ObjectStoreError,
    PreconditionFailedError,
    UnavailableError,
)
from tests.contracts.bodies import Chunks
from tests.contracts.object_store import run
from tests.functions.adapters.s3.scripted import (
    NO_CONNECTION,
    SLOW_DOWN,
    Answer,
    Storage,
    found,
    refusal,
)

Operation = Callable[[S3MultipartStore], Awaitable[object]]

EMPTY_PAGE = Answer(200, b"<ListBucketResult></ListBucketResult>")
EMPTY_PARTS = Answer(200, b"<ListPartsResult></ListPartsResult>")
EMPTY_UPLOADS = Answer(200, b"<ListMultipartUploadsResult></ListMultipartUploadsResult>")


async def put(store: S3MultipartStore, *, create_only: bool = True) -> object:
    return await store.put(
        "k", b"hello", length=5, content_type="text/plain", create_only=create_only
    )


async def put_stream(store: S3MultipartStore) -> object:
    return await store.put("k", Chunks(b"hello"), length=5, content_type="text/plain")


REPEATABLE: dict[str, tuple[Operation, Answer]] = {
    "head": (lambda store: store.head("k"), found()),
    "get": (lambda store: store.get("k"), found()),
    "list": (lambda store: store.list_objects(""), EMPTY_PAGE),
    "delete": (lambda store: store.delete("k"), Answer(204)),
    "create-only put of bytes": (put, Answer(200, headers={"etag": '"e"'})),
    "put part of bytes": (
        lambda store: store.put_part("k", "u", 1, b"hello", length=5),
        Answer(200, headers={"etag": '"e"'}),
    ),
    "list parts": (lambda store: store.list_parts("k", "u"), EMPTY_PARTS),
    "list uploads": (lambda store: store.list_multiparts(""), EMPTY_UPLOADS),
    "abort": (lambda store: store.abort_multipart("k", "u"), Answer(204)),
}
ONCE: dict[str, Operation] = {
    "replacing put": lambda store: put(store, create_only=False),
    "streamed put": put_stream,
    "streamed part": lambda store: store.put_part("k", "u", 1, Chunks(b"hello"), length=5),
    "create upload": lambda store: store.create_multipart("k", content_type="x/y"),
    "complete": lambda store: store.complete_multipart("k", "u", [Part(1, "e", 5)]),
}
TEMPORARY: dict[str, Answer | FetchError] = {
    "no connection": NO_CONNECTION,
    "slow down": SLOW_DOWN,
    "internal error": refusal(500, "InternalError"),
    "time-out": refusal(400, "RequestTimeout"),
    "conflict": refusal(409, "ConditionalRequestConflict"),
    "too many requests": Answer(429),
    "a proxy's page": Answer(502, b"<html>bad gateway</html>"),
    "a proxy without a server": Answer(521),
    "an unknown code": refusal(503, "Busy"),
    "a refusal that breaks off": Answer(503, b"<Error>", breaks=True),
}
PERMANENT: dict[str, Answer] = {
    "denied": refusal(403, "AccessDenied"),
    "forbidden": Answer(403),
    "invalid": refusal(400, "InvalidArgument"),
    "not implemented": refusal(501, "NotImplemented"),
    "no such bucket": refusal(404, "NoSuchBucket"),
    "a redirect": Answer(307, headers={"location": "https://elsewhere.test/"}),
    "wrong digest": refusal(400, "BadDigest"),
}


@pytest.mark.parametrize("failure", TEMPORARY.values(), ids=TEMPORARY)
@pytest.mark.parametrize(("operation", "answer"), REPEATABLE.values(), ids=REPEATABLE)
def test_what_may_be_repeated_is_tried_again(
    operation: Operation, answer: Answer, failure: Answer | FetchError
) -> None:
    storage = Storage(script=[failure, failure, answer])
    run(_awaited(operation(storage.store)))
    assert len(storage.requests) == 3
    assert len({request.url for request in storage.requests}) == 1


@pytest.mark.parametrize("failure", TEMPORARY.values(), ids=TEMPORARY)
@pytest.mark.parametrize("operation", ONCE.values(), ids=ONCE)
def test_what_may_not_be_repeated_is_tried_once(
    operation: Operation, failure: Answer | FetchError
) -> None:
    storage = Storage(script=[failure])
    with pytest.raises(UnavailableError):
        run(_awaited(operation(storage.store)))
    assert (len(storage.requests), storage.waits) == (1, [])


@pytest.mark.parametrize("failure", PERMANENT.values(), ids=PERMANENT)
@pytest.mark.parametrize(
    "operation", [operation for operation, _ in REPEATABLE.values()], ids=REPEATABLE
)
def test_a_refusal_is_final(operation: Operation, failure: Answer) -> None:
    storage = Storage(script=[failure])
    with pytest.raises(ObjectStoreError) as caught:
        run(_awaited(operation(storage.store)))
    assert not isinstance(caught.value, UnavailableError)
    assert (len(storage.requests), storage.waits) == (1, [])


def test_attempts_are_bounded_and_further_and_further_apart() -> None:
    retries = Retries(attempts=5, base_seconds=1.0, cap_seconds=3.0)
    storage = Storage(script=[SLOW_DOWN] * 5, retries=retries)
    with pytest.raises(UnavailableError):
        run(storage.store.head("k"))
    assert len(storage.requests) == 5
    spans = (1.0, 2.0, 3.0, 3.0)
    assert all(0 <= wait <= span for wait, span in zip(storage.waits, spans, strict=True))
    # Full jitter: not the spans themselves, and no two alike.
    assert len(set(storage.waits)) == 4


@pytest.mark.parametrize(("chance", "expected"), [(0.0, 0.0), (0.5, 1.0), (1.0, 2.0)])
def test_a_wait_is_any_part_of_its_span(chance: float, expected: float) -> None:
    assert Retries(base_seconds=1.0, cap_seconds=9.0).wait(2, chance, None) == expected


def test_the_storage_is_not_asked_again_sooner_than_it_wants() -> None:
    storage = Storage(script=[refusal(503, "SlowDown", retry_after="7"), found()])
    run(storage.store.head("k"))
    (wait,) = storage.waits
    assert wait == 7


def test_a_wait_that_outlives_the_deadline_is_not_begun() -> None:
    storage = Storage(script=[refusal(503, "SlowDown", retry_after="31"), found()])
    with pytest.raises(UnavailableError) as caught:
        run(storage.store.head("k"))
    assert caught.value.retry_after_seconds == 31
    assert (len(storage.requests), storage.waits) == (1, [])


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("3", 3.0), (" 3 ", 3.0), ("", None), ("-1", None), ("1e9", None)],
)
def test_only_whole_seconds_count_as_a_wish(header: str | None, seconds: float | None) -> None:
    assert seconds_of(header) == seconds


def test_a_call_ends_at_its_deadline_and_so_does_its_exchange() -> None:
    storage = Storage(script=[None], retries=Retries(deadline_seconds=0.01))
    with pytest.raises(UnavailableError, match="no answer within"):
        run(storage.store.head("k"))
    assert storage.cancelled == 1


def test_the_deadline_is_for_all_attempts_together() -> None:
    storage = Storage(
        script=[SLOW_DOWN, None], retries=Retries(base_seconds=0.0, deadline_seconds=0.05)
    )
    with pytest.raises(UnavailableError, match="no answer within"):
        run(storage.store.head("k"))
    assert (len(storage.requests), storage.cancelled) == (2, 1)


def test_a_long_body_has_more_time() -> None:
    retries = Retries(deadline_seconds=30, least_bytes_per_second=1000)
    assert (retries.deadline(None), retries.deadline(50_000)) == (30, 80)


def test_each_attempt_is_signed_anew() -> None:
    slow = refusal(503, "SlowDown", retry_after="3")
    storage = Storage(script=[slow, found()])
    run(storage.store.head("k"))
    dates = [request.headers["x-amz-date"] for request in storage.requests]
    assert dates[0] < dates[1]
    assert len({request.headers["authorization"] for request in storage.requests}) == 2


def test_a_listing_that_breaks_off_is_read_again() -> None:
    broken = Answer(200, b"<ListBucketResult>", breaks=True)
    storage = Storage(script=[broken, EMPTY_PAGE])
    assert run(storage.store.list_objects("")).objects == ()
    assert broken.is_closed


def test_a_repeated_put_that_meets_its_own_bytes_is_done() -> None:
    """The first attempt was stored, and its answer lost."""
    refused = refusal(412, "PreconditionFailed")
    storage = Storage(script=[NO_CONNECTION, refused, found(), found(b"hello")])
    assert run(storage.store.put("k", b"hello", length=5, content_type="t/p")).etag == "an-etag"
    assert storage.methods() == ["PUT", "PUT", "HEAD", "GET"]


@pytest.mark.parametrize("there", [b"other", b"hello, world"])
def test_a_repeated_put_that_meets_other_bytes_is_refused(there: bytes) -> None:
    refused = refusal(412, "PreconditionFailed")
    storage = Storage(script=[SLOW_DOWN, refused, found(there), found(there)])
    with pytest.raises(PreconditionFailedError):
        run(storage.store.put("k", b"hello", length=5, content_type="t/p"))


def test_a_first_put_that_meets_its_own_bytes_is_refused() -> None:
    """They are somebody else's."""
    storage = Storage(script=[refusal(412, "PreconditionFailed")])
    with pytest.raises(PreconditionFailedError):
        run(storage.store.put("k", b"hello", length=5, content_type="t/p"))
    assert storage.methods() == ["PUT"]


def test_without_conditional_puts_the_object_is_looked_for_first() -> None:
    missing, stored = Answer(404), Answer(200, headers={"etag": '"e"'})
    storage = Storage(PROFILES["b2"], script=[missing, SLOW_DOWN, stored])
    run(_awaited(put(storage.store)))
    assert storage.methods() == ["HEAD", "PUT", "PUT"]
    assert all("if-none-match" not in request.headers for request in storage.requests)
    storage = Storage(PROFILES["b2"], script=[found()])
    with pytest.raises(PreconditionFailedError):
        run(_awaited(put(storage.store)))
    assert storage.methods() == ["HEAD"]


async def _awaited(work: Awaitable[object]) -> object:
    return await work
