"""The contract of objects over S3-compatible servers, spoken to by httpx."""

import asyncio
import hashlib
from dataclasses import replace

import pytest

from functions.adapters.s3.bucket import S3Bucket
from functions.adapters.s3.multipart import S3MultipartStore
from functions.adapters.s3.retries import Retries
from functions.ports.multipart_store import MultipartStore
from functions.ports.object_store import ObjectStore, PreconditionFailedError
from tests.contracts.multipart_store import MultipartStoreContract
from tests.contracts.object_store import ObjectStoreContract, content_of, put, run
from tests.contracts.proxy import Proxy
from tests.contracts.s3_buckets import connection_to
from tests.contracts.s3_faults import Faulty, S3FaultsContract

pytestmark = pytest.mark.cloud


@pytest.mark.xdist_group("versitygw")
class TestVersitygw(ObjectStoreContract, MultipartStoreContract):
    @pytest.fixture
    def multipart(self, minio_bucket: S3Bucket) -> S3MultipartStore:
        return S3MultipartStore(connection_to(minio_bucket))

    @pytest.fixture
    def store(self, multipart: S3MultipartStore) -> ObjectStore:
        return multipart

    def test_the_etag_of_a_part_is_the_md5_of_its_bytes(
        self, minio_bucket: S3Bucket, multipart: S3MultipartStore
    ) -> None:
        assert minio_bucket.profile.md5_part_etags

        async def scenario() -> None:
            upload_id = await multipart.create_multipart("parted", content_type="x/y")
            etag = await multipart.put_part("parted", upload_id, 1, b"part", length=4)
            assert etag == hashlib.md5(b"part", usedforsecurity=False).hexdigest()
            (listed,) = await multipart.list_parts("parted", upload_id)
            assert listed.etag == etag

        run(scenario())


@pytest.mark.xdist_group("versitygw")
class TestB2Profile(ObjectStoreContract, MultipartStoreContract):
    @pytest.fixture
    def multipart(self, b2_bucket: S3Bucket) -> S3MultipartStore:
        return S3MultipartStore(connection_to(b2_bucket))

    @pytest.fixture
    def store(self, multipart: S3MultipartStore) -> ObjectStore:
        return multipart

    def test_of_racing_create_only_puts_one_wins(self, store: ObjectStore) -> None:
        """Not so here: without a conditional put, who looks at the same moment as another sees
        nothing either. What remains: one of those who believe to have won has, whole; and whoever
        comes later is refused."""

        async def scenario() -> None:
            contents = [f"writer {number}".encode() for number in range(12)]
            results = await asyncio.gather(
                *(put(store, "raced", content) for content in contents), return_exceptions=True
            )
            winners = [
                content
                for content, result in zip(contents, results, strict=True)
                if not isinstance(result, BaseException)
            ]
            assert await content_of(await store.get("raced")) in winners
            with pytest.raises(PreconditionFailedError):
                await put(store, "raced", b"late")

        run(scenario())

    def test_of_racing_completions_one_wins(self, multipart: MultipartStore) -> None:
        """Not so here, for the same reason; whoever comes later is refused
        (`test_a_create_only_completion_never_replaces`)."""


@pytest.mark.xdist_group("versitygw")
class TestFaults(S3FaultsContract):
    @pytest.fixture
    def faulty(self, minio_bucket: S3Bucket, proxy: Proxy) -> Faulty:
        def store(deadline_seconds: float = 30) -> S3MultipartStore:
            behind = replace(minio_bucket, endpoint=proxy.endpoint)
            retries = Retries(deadline_seconds=deadline_seconds)
            return S3MultipartStore(replace(connection_to(behind), retries=retries))

        return Faulty(proxy, store)


@pytest.mark.xdist_group("s3 face")
class TestS3Face(ObjectStoreContract, MultipartStoreContract):
    @pytest.fixture
    def multipart(self, r2_bucket: S3Bucket) -> S3MultipartStore:
        return S3MultipartStore(connection_to(r2_bucket))

    @pytest.fixture
    def store(self, multipart: S3MultipartStore) -> ObjectStore:
        return multipart

    def test_without_a_promised_digest_none_is_told(self, store: ObjectStore) -> None:
        """Not so here: the face keeps the signed payload hash too, which is the digest of the same
        bytes."""

        async def scenario() -> None:
            await put(store, "plain", b"x")
            head = await store.head("plain")
            assert head is not None
            assert head.sha256 == hashlib.sha256(b"x").hexdigest()

        run(scenario())
