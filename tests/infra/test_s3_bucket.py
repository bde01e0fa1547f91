"""A bucket is made, known again, looked at and deleted: over HTTP, as Backblaze takes it."""

import pickle
import secrets
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pulumi.dynamic import Config, ConfigureRequest

from infra.s3.bucket import BucketInUseError, BucketTakenError
from infra.s3.provider import S3BucketProvider
from infra.s3.server import StorageError
from tests.infra import s3_endpoint
from tests.infra.s3_endpoint import Endpoint, StoredBucket, an_endpoint

NAME = "stowage-prod-uploads"
OWNER = "stowage-prod"
# Numbers as the engine hands them over.
LIFECYCLE = [
    {"prefix": "temp/", "expire_days": 1.0, "noncurrent_days": 1.0, "abort_multipart_days": 7.0}
]
CORS = [
    {
        "origins": ["https://console.example.com"],
        "methods": ["PUT"],
        "headers": ["content-type"],
        "expose": ["etag"],
        "max_age_seconds": 3600.0,
    }
]


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    monkeypatch.setattr(sys, "tracebacklimit", 1000, raising=False)
    monkeypatch.setenv("STOWAGE_B2_ACCESS_KEY_ID", secrets.token_hex(12))
    monkeypatch.setenv("STOWAGE_B2_SECRET_ACCESS_KEY", secrets.token_hex(20))
    with an_endpoint() as running:
        yield running


@pytest.fixture
def bucket(endpoint: Endpoint) -> StoredBucket:
    """The bucket as it was before the stack came."""
    return endpoint.buckets.setdefault(NAME, StoredBucket())


def properties(server: Endpoint, **changes: Any) -> dict[str, Any]:
    return {
        "storage": "b2",
        "endpoint": server.url,
        "region": "us-west-004",
        "is_proxied": False,
        "bucket": NAME,
        "role": "uploads",
        "owner": OWNER,
        "adopt": False,
        "lifecycle": LIFECYCLE,
        "cors": CORS,
        **changes,
    }


def created(server: Endpoint, **changes: Any) -> dict[str, Any]:
    props = properties(server, **changes)
    made = S3BucketProvider().create({**props, "__provider": "x"})
    assert made.id == f"b2/{props['bucket']}"
    return made.outs or {}


def read(endpoint: Endpoint, props: dict[str, Any]) -> dict[str, Any] | None:
    found = S3BucketProvider().read("id", {**props, "__provider": "x"})
    return found.outs if found.id else None


def test_a_bucket_is_made_with_everything_that_it_is_told(endpoint: Endpoint) -> None:
    outputs = created(endpoint)
    assert outputs == properties(endpoint)
    assert read(endpoint, outputs) == outputs
    assert set(endpoint.buckets[NAME].settings) == {"lifecycle", "cors"}
    assert "policy" not in " ".join(endpoint.requests), "what a server does not take is not asked"


def test_nothing_is_sent_that_backblaze_refuses(endpoint: Endpoint) -> None:
    created(endpoint)
    puts = [
        headers
        for request, headers in zip(endpoint.requests, endpoint.headers, strict=True)
        if request.startswith("PUT") and "?" in request
    ]
    assert len(puts) == 2
    assert all("content-md5" in headers for headers in puts)
    assert not any("x-stowage-origin" in headers for headers in endpoint.headers)


def test_a_second_run_finds_nothing_to_change(endpoint: Endpoint) -> None:
    outputs = created(endpoint)
    diff = S3BucketProvider().diff("id", outputs, properties(endpoint))
    assert (diff.changes, diff.replaces) == (False, [])


@pytest.mark.parametrize(
    ("change", "replaces"),
    [
        ({"bucket": "another-name"}, ["bucket"]),
        ({"storage": "minio"}, ["storage"]),
        ({"endpoint": "https://s3.us-west-005.backblazeb2.com"}, []),
        ({"lifecycle": []}, []),
        ({"cors": []}, []),
        ({"policy": {"Version": "2012-10-17", "Statement": []}}, []),
        ({"is_proxied": True}, []),
    ],
)
def test_only_another_name_or_server_is_another_bucket(
    endpoint: Endpoint, change: dict[str, Any], replaces: list[str]
) -> None:
    diff = S3BucketProvider().diff("id", properties(endpoint), properties(endpoint, **change))
    assert (diff.changes, diff.replaces) == (True, replaces)


def test_taking_over_is_no_change_of_a_bucket_that_the_stack_has(endpoint: Endpoint) -> None:
    changed = properties(endpoint, adopt=True)
    assert not S3BucketProvider().diff("id", properties(endpoint), changed).changes


def test_a_bucket_with_objects_is_not_taken_over(endpoint: Endpoint, bucket: StoredBucket) -> None:
    bucket.versions.append("theirs")
    with pytest.raises(BucketTakenError) as refused:
        created(endpoint)
    assert "holds objects. This stack did not make it" in str(refused.value)
    assert "storageServers.b2.buckets.uploads" in str(refused.value)
    assert "add 'uploads' to storageServers.b2.adopt" in str(refused.value)
    assert endpoint.writes() == []


def test_an_empty_bucket_that_somebody_configured_is_not_taken_over(
    endpoint: Endpoint, bucket: StoredBucket
) -> None:
    created(endpoint, bucket="of-another-stack", owner="stowage-other")
    bucket.settings.update(endpoint.buckets["of-another-stack"].settings)
    before = dict(bucket.settings)
    with pytest.raises(BucketTakenError, match="it is empty, but somebody configured it"):
        created(endpoint)
    assert bucket.settings == before


def test_an_old_version_alone_is_content(endpoint: Endpoint, bucket: StoredBucket) -> None:
    bucket.markers.append("deleted")
    with pytest.raises(BucketTakenError):
        created(endpoint)


def test_a_bucket_of_somebody_else_is_refused(endpoint: Endpoint) -> None:
    endpoint.foreign.add(NAME)
    with pytest.raises(StorageError, match="Do STOWAGE_B2_ACCESS_KEY_ID and"):
        created(endpoint, adopt=True)
    assert endpoint.writes() == []


def test_a_bucket_is_taken_over_with_its_objects_when_that_is_asked_for(
    endpoint: Endpoint, bucket: StoredBucket
) -> None:
    bucket.versions.append("theirs")
    outputs = created(endpoint, adopt=True)
    assert bucket.versions == ["theirs"]
    assert read(endpoint, outputs) == outputs


def test_adopting_what_is_not_there_makes_it(endpoint: Endpoint) -> None:
    created(endpoint, adopt=True)
    assert NAME in endpoint.buckets


@pytest.mark.parametrize("killed_at", ["?lifecycle", "?cors"])
def test_what_a_killed_run_made_is_known_again(endpoint: Endpoint, killed_at: str) -> None:
    """Killed when the bucket had no configuration yet, and when it had half of it."""
    endpoint.trouble = lambda request: "400" if killed_at in request else ""
    with pytest.raises(StorageError):
        created(endpoint)
    endpoint.trouble = lambda _: ""
    outputs = created(endpoint)
    assert read(endpoint, outputs) == outputs


def test_what_another_run_finished_and_could_not_record_is_known_again(endpoint: Endpoint) -> None:
    created(endpoint)
    created(endpoint)


def test_a_lost_answer_is_read_back(endpoint: Endpoint) -> None:
    lost = iter(["drop after"])
    creates = f"PUT /{NAME}"
    endpoint.trouble = lambda request: next(lost, "") if request == creates else ""
    outputs = created(endpoint)
    assert read(endpoint, outputs) == outputs


def test_a_server_that_answers_nothing_is_told_in_one_sentence(endpoint: Endpoint) -> None:
    endpoint.trouble = lambda request: "drop before" if request == f"PUT /{NAME}" else ""
    with pytest.raises(StorageError) as failed:
        created(endpoint)
    assert "did not answer when asked to create the bucket" in str(failed.value)
    assert "\n" not in str(failed.value)
    assert sys.tracebacklimit == 0
    assert NAME not in endpoint.buckets


def test_no_error_quotes_a_key(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = secrets.token_hex(20)
    monkeypatch.setenv("STOWAGE_B2_SECRET_ACCESS_KEY", secret)

    def refusal(_code: str, _message: str) -> str:
        return f"<Error><Message>not {secret}</Message></Error>"

    monkeypatch.setattr(s3_endpoint, "error", refusal)
    with pytest.raises(StorageError) as refused:
        S3BucketProvider().update("id", {}, properties(endpoint))
    assert "not [secret]" in str(refused.value)


def test_without_keys_the_plan_says_which_variables_are_missing(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STOWAGE_B2_SECRET_ACCESS_KEY")
    (failure,) = S3BucketProvider().check({}, properties(endpoint)).failures
    assert "STOWAGE_B2_SECRET_ACCESS_KEY is not set" in failure.reason
    with pytest.raises(StorageError, match="STOWAGE_B2_SECRET_ACCESS_KEY is not set"):
        created(endpoint)
    # What exists and does not change needs no key.
    assert not S3BucketProvider().check(properties(endpoint), properties(endpoint)).failures
    assert endpoint.requests == []


def test_what_is_changed_behind_the_stack_s_back_is_seen_and_mended(endpoint: Endpoint) -> None:
    outputs = created(endpoint)
    bucket = endpoint.buckets[NAME]
    bucket.settings["cors"] = bucket.settings["cors"].replace("console", "elsewhere")
    del bucket.settings["lifecycle"]
    found = read(endpoint, outputs)
    assert found is not None
    assert found["lifecycle"] == []
    assert found["cors"][0]["origins"] == ["https://elsewhere.example.com"]
    provider = S3BucketProvider()
    assert provider.diff("id", found, properties(endpoint)).changes
    provider.update("id", found, properties(endpoint))
    assert read(endpoint, outputs) == outputs


def test_a_rule_that_means_more_than_ours_is_seen(endpoint: Endpoint) -> None:
    outputs = created(endpoint)
    bucket = endpoint.buckets[NAME]
    bucket.settings["lifecycle"] = bucket.settings["lifecycle"].replace("Enabled", "Disabled")
    found = read(endpoint, outputs)
    assert found is not None
    assert found["lifecycle"] != LIFECYCLE


def test_a_bucket_that_is_gone_is_seen(endpoint: Endpoint) -> None:
    outputs = created(endpoint)
    del endpoint.buckets[NAME]
    assert read(endpoint, outputs) is None


def test_rules_that_are_no_longer_wanted_are_taken_away(endpoint: Endpoint) -> None:
    created(endpoint)
    S3BucketProvider().update("id", {}, properties(endpoint, cors=[], lifecycle=[]))
    assert endpoint.buckets[NAME].settings == {}


def test_an_update_where_there_is_no_bucket_says_so(endpoint: Endpoint) -> None:
    with pytest.raises(StorageError, match="NoSuchBucket"):
        S3BucketProvider().update("id", {}, properties(endpoint))


def delete(endpoint: Endpoint) -> None:
    S3BucketProvider().delete("id", properties(endpoint))


def test_an_empty_bucket_is_deleted_and_a_second_time_is_fine(endpoint: Endpoint) -> None:
    created(endpoint)
    delete(endpoint)
    assert NAME not in endpoint.buckets
    delete(endpoint)


@pytest.mark.parametrize("content", ["versions", "markers"])
def test_a_bucket_that_is_not_empty_is_not_deleted(
    endpoint: Endpoint, bucket: StoredBucket, content: str
) -> None:
    getattr(bucket, content).append("kept")
    bucket.uploads["old"] = datetime.now(UTC) - timedelta(days=3)
    with pytest.raises(BucketInUseError, match="it holds 'kept', or an old version of it"):
        delete(endpoint)
    assert NAME in endpoint.buckets
    assert bucket.uploads


def test_uploads_that_were_given_up_are_aborted_with_their_bucket(
    endpoint: Endpoint, bucket: StoredBucket
) -> None:
    bucket.uploads["old"] = datetime.now(UTC) - timedelta(days=3)
    delete(endpoint)
    assert NAME not in endpoint.buckets
    assert bucket.uploads == {}


def test_an_upload_that_may_go_on_keeps_its_bucket(
    endpoint: Endpoint, bucket: StoredBucket
) -> None:
    bucket.uploads["old"] = datetime.now(UTC) - timedelta(days=3)
    bucket.uploads["new"] = datetime.now(UTC)
    with pytest.raises(BucketInUseError, match="an upload to 'new' may still be going on"):
        delete(endpoint)
    assert set(bucket.uploads) == {"old", "new"}


def test_the_provider_is_stored_as_a_reference_without_code_keys_or_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secret = secrets.token_hex(20)
    monkeypatch.setenv("STOWAGE_B2_SECRET_ACCESS_KEY", secret)
    pickled = pickle.dumps(S3BucketProvider())
    assert len(pickled) < 120
    assert secret.encode() not in pickled
    assert isinstance(pickle.loads(pickled), S3BucketProvider)  # noqa: S301  (written here)


def test_a_server_behind_the_proxy_is_sent_the_shared_secret(endpoint: Endpoint) -> None:
    provider = S3BucketProvider()
    secret = secrets.token_urlsafe(30)
    provider.configure(a_request(f"{secret},older-{secret}"))
    provider.create(properties(endpoint, is_proxied=True))
    assert all(one["x-stowage-origin"] == secret for one in endpoint.headers)
    signed = [one["authorization"] for one in endpoint.headers]
    assert not any("x-stowage-origin" in one for one in signed)


def a_request(origin_secret: str) -> Any:
    """The configuration of the stack, as the engine gives it to a provider."""
    return ConfigureRequest(Config({"stowage:storageOriginSecret": origin_secret}, "stowage"))
