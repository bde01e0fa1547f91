"""The contract of objects over S3-compatible servers, spoken to by httpx."""

import asyncio
import hashlib
from collections.abc import Iterator

import pytest

from functions.adapters.local.clock import SystemClock
from functions.adapters.local.entropy import SystemEntropy
from functions.adapters.local.httpx_fetch import HttpxFetch
from functions.adapters.s3.bucket import S3Bucket
from functions.adapters.s3.connection import S3Connection
from functions.adapters.s3.multipart import S3MultipartStore
from functions.adapters.s3.store import S3ObjectStore
from functions.core.sigv4 import Credentials
from functions.core.storages import PROFILES
from functions.ports.multipart_store import MultipartStore
from functions.ports.object_store import ObjectStore, PreconditionFailedError
from tests.contracts.multipart_store import MultipartStoreContract
from tests.contracts.object_store import ObjectStoreContract, content_of, put, run
from tests.contracts.proxy import Proxy, what_b2_refuses
from tests.contracts.versitygw import REGION, Versitygw, gateway
from tests.local.s3_client import UPLOADS, WRITER, empty, endpoint, start_s3
from tests.local.workerd_host import WorkerdHost

__all__ = ["gateway"]

pytestmark = pytest.mark.cloud


def connection_to(bucket: S3Bucket) -> S3Connection:
    # Each test has an event loop of its own, which no connection may outlive.
    fetch = HttpxFetch(bucket.endpoint, keep_alive=False)
    return S3Connection(bucket, fetch, SystemClock(), SystemEntropy())


@pytest.fixture(scope="module")
def b2(gateway: Versitygw) -> Iterator[Proxy]:
    """versitygw without what Backblaze B2 lacks."""
    proxy = Proxy(gateway.endpoint, what_b2_refuses)
    yield proxy
    proxy.close()


@pytest.fixture(scope="module")
def face(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerdHost]:
    """R2's S3 face of the local cloud."""
    host = start_s3(tmp_path_factory.mktemp("s3"))
    yield host
    host.close()


@pytest.mark.xdist_group("versitygw")
class TestVersitygw(ObjectStoreContract, MultipartStoreContract):
    @pytest.fixture
    def multipart(self, gateway: Versitygw) -> S3MultipartStore:
        bucket = S3Bucket(
            PROFILES["minio"], gateway.endpoint, REGION, gateway.new_bucket(), gateway.credentials
        )
        return S3MultipartStore(connection_to(bucket))

    @pytest.fixture
    def store(self, multipart: S3MultipartStore) -> ObjectStore:
        return multipart


@pytest.mark.xdist_group("versitygw")
class TestB2Profile(ObjectStoreContract, MultipartStoreContract):
    @pytest.fixture
    def multipart(self, gateway: Versitygw, b2: Proxy) -> S3MultipartStore:
        # Every bucket of B2 keeps versions.
        name = gateway.new_bucket(versions=True)
        bucket = S3Bucket(PROFILES["b2"], b2.endpoint, REGION, name, gateway.credentials)
        return S3MultipartStore(connection_to(bucket))

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


@pytest.mark.xdist_group("s3 face")
class TestS3Face(ObjectStoreContract):
    @pytest.fixture
    def store(self, face: WorkerdHost) -> ObjectStore:
        empty(face)
        credentials = Credentials(str(WRITER.access_key), str(WRITER.secret_key))
        bucket = S3Bucket(PROFILES["r2"], endpoint(face), "auto", UPLOADS, credentials)
        return S3ObjectStore(connection_to(bucket))

    def test_without_a_promised_digest_none_is_told(self, store: ObjectStore) -> None:
        """Not so here: the face keeps the signed payload hash too, which is the digest of the same
        bytes."""

        async def scenario() -> None:
            await put(store, "plain", b"x")
            head = await store.head("plain")
            assert head is not None
            assert head.sha256 == hashlib.sha256(b"x").hexdigest()

        run(scenario())
