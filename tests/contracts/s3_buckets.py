"""Buckets on every kind of S3-compatible server that can run here."""

import asyncio
from collections.abc import Iterator

import pytest

from functions.adapters.local.clock import SystemClock
from functions.adapters.local.entropy import SystemEntropy
from functions.adapters.local.httpx_fetch import HttpxFetch
from functions.adapters.s3.bucket import S3Bucket
from functions.adapters.s3.connection import S3Connection
from functions.adapters.s3.multipart import S3MultipartStore
from functions.core.sigv4 import Credentials
from functions.core.storages import PROFILES
from tests.contracts.proxy import Proxy, what_b2_refuses
from tests.contracts.versitygw import REGION, Versitygw
from tests.local.s3_client import UPLOADS, WRITER, empty, endpoint, start_s3
from tests.local.workerd_host import WorkerdHost


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Versitygw]:
    server = Versitygw(tmp_path_factory.mktemp("versitygw"))
    yield server
    server.close()


@pytest.fixture(scope="session")
def b2(gateway: Versitygw) -> Iterator[Proxy]:
    """versitygw without what Backblaze B2 lacks."""
    proxy = Proxy(gateway.endpoint, what_b2_refuses)
    yield proxy
    proxy.close()


@pytest.fixture
def proxy(gateway: Versitygw) -> Iterator[Proxy]:
    """Breaks what a test tells it to."""
    proxy = Proxy(gateway.endpoint)
    yield proxy
    proxy.close()


@pytest.fixture(scope="session")
def face(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerdHost]:
    """R2's S3 face of the local cloud."""
    host = start_s3(tmp_path_factory.mktemp("s3"))
    yield host
    host.close()


@pytest.fixture
def minio_bucket(gateway: Versitygw) -> S3Bucket:
    return S3Bucket(
        PROFILES["minio"], gateway.endpoint, REGION, gateway.new_bucket(), gateway.credentials
    )


@pytest.fixture
def b2_bucket(gateway: Versitygw, b2: Proxy) -> S3Bucket:
    # Every bucket of B2 keeps versions.
    name = gateway.new_bucket(versions=True)
    return S3Bucket(PROFILES["b2"], b2.endpoint, REGION, name, gateway.credentials)


@pytest.fixture
def r2_bucket(face: WorkerdHost) -> S3Bucket:
    empty(face)
    credentials = Credentials(str(WRITER.access_key), str(WRITER.secret_key))
    bucket = S3Bucket(PROFILES["r2"], endpoint(face), "auto", UPLOADS, credentials)
    asyncio.run(_abort_all(bucket))
    return bucket


async def _abort_all(bucket: S3Bucket) -> None:
    store = S3MultipartStore(connection_to(bucket))
    for pending in await store.list_multiparts(""):
        await store.abort_multipart(pending.key, pending.upload_id)


def connection_to(bucket: S3Bucket) -> S3Connection:
    """For one test: each has an event loop of its own, which no connection may outlive."""
    fetch = HttpxFetch(bucket.endpoint, keep_alive=False)
    return S3Connection(bucket, fetch, SystemClock(), SystemEntropy())
