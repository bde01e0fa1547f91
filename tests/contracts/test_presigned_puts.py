"""The presigned PUTs over each kind of storage that can run here."""

import pytest

from functions.adapters.s3.bucket import S3Bucket
from functions.adapters.s3.reader import S3ObjectReader
from functions.core.presign import PresignSettings
from tests.contracts.presigned_puts import CONTENT, OTHER, PresignedPutContract, Target, offer
from tests.contracts.s3_buckets import connection_to

pytestmark = pytest.mark.cloud


def target_of(bucket: S3Bucket) -> Target:
    settings = PresignSettings(
        bucket.profile,
        bucket.endpoint,
        bucket.region,
        bucket.name,
        bucket.credentials.access_key_id,
        bucket.credentials.secret_access_key,
    )
    return Target(settings, S3ObjectReader(connection_to(bucket)))


@pytest.mark.xdist_group("versitygw")
class TestVersitygw(PresignedPutContract):
    @pytest.fixture
    def target(self, minio_bucket: S3Bucket) -> Target:
        return target_of(minio_bucket)


@pytest.mark.xdist_group("s3 face")
class TestS3Face(PresignedPutContract):
    @pytest.fixture
    def target(self, r2_bucket: S3Bucket) -> Target:
        return target_of(r2_bucket)


@pytest.mark.xdist_group("versitygw")
class TestB2Profile(PresignedPutContract):
    """Neither digest nor condition are signed, because B2 takes neither: what comes is found out by
    the jobs, who hash an upload before they open it and pin its ETag."""

    @pytest.fixture
    def target(self, b2_bucket: S3Bucket) -> Target:
        return target_of(b2_bucket)

    def test_other_bytes_of_the_same_length_are_refused(self, target: Target) -> None:
        """Not so here: they arrive, and are not the announced ones."""
        given = offer(target)
        assert given.send(OTHER) == 200
        assert given.stored() == OTHER

    def test_another_promise_or_none_is_refused(self, target: Target) -> None:
        """Not so here: nothing is promised; a promise is refused as such."""
        given = offer(target)
        assert given.send(headers={"x-amz-checksum-sha256": "A" * 43 + "="}) == 400
        assert given.send(headers={"if-none-match": "*"}) == 501
        assert given.stored() is None

    def test_a_second_time_is_refused(self, target: Target) -> None:
        """Not so here: the URL replaces what it brought, as long as it lives."""
        given = offer(target)
        assert given.send() == 200
        assert given.send(OTHER) == 200
        assert given.stored() == OTHER
        assert given.send() == 200
        assert given.stored() == CONTENT
