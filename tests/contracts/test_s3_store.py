"""The contract of objects over S3-compatible servers, spoken to by httpx."""

import pytest

from functions.adapters.local.clock import SystemClock
from functions.adapters.local.entropy import SystemEntropy
from functions.adapters.local.httpx_fetch import HttpxFetch
from functions.adapters.s3.bucket import S3Bucket
from functions.adapters.s3.connection import S3Connection
from functions.adapters.s3.store import S3ObjectStore
from functions.core.storages import PROFILES, StorageProfile
from tests.contracts.object_store import ObjectStoreContract
from tests.contracts.versitygw import REGION, Versitygw, gateway

__all__ = ["gateway"]

pytestmark = pytest.mark.cloud


def store_over(
    gateway: Versitygw, bucket: str, profile: StorageProfile, endpoint: str | None = None
) -> S3ObjectStore:
    endpoint = endpoint or gateway.endpoint
    # Each test has an event loop of its own, which no connection may outlive.
    fetch = HttpxFetch(endpoint, keep_alive=False)
    where = S3Bucket(profile, endpoint, REGION, bucket, gateway.credentials)
    return S3ObjectStore(S3Connection(where, fetch, SystemClock(), SystemEntropy()))


@pytest.mark.xdist_group("versitygw")
class TestVersitygw(ObjectStoreContract):
    @pytest.fixture
    def store(self, gateway: Versitygw) -> S3ObjectStore:
        return store_over(gateway, gateway.new_bucket(), PROFILES["minio"])
