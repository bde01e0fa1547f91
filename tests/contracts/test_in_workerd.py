"""The contracts over R2, D1, WebCrypto and Images in workerd, through the adapters that the Workers
use."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.ports.images import ImageProcessor
from functions.ports.object_store import ObjectStore
from functions.ports.rate_limiter import RateLimiter
from functions.ports.records import Records
from functions.ports.verifier import Verifier
from tests.contracts.images import ImageProcessorContract
from tests.contracts.object_store import ObjectStoreContract
from tests.contracts.rate_limiter import LIMIT, RateLimiterContract
from tests.contracts.records import RecordsContract
from tests.contracts.remote import (
    Remote,
    RemoteImages,
    RemoteObjectStore,
    RemoteRateLimiter,
    RemoteRecords,
    RemoteVerifier,
)
from tests.contracts.verifier import VerifierContract
from tests.local.workerd_host import (
    CHECKOUT,
    SDK,
    WorkerdHost,
    a_worker,
    python_modules,
    write_pack,
)

pytestmark = pytest.mark.cloud

WORKER = Path(__file__).parent / "worker" / "contracts.py"
# Children before their parents, as foreign keys want it.
TABLES = (
    "backup",
    "cache_purge",
    "job_cursor",
    "event",
    "debian_repository",
    "hostname",
    "location",
    "tenant",
    "app_image",
    "upload",
    "version",
    "app",
    "developer_key",
    "developer",
    "api_key",
)


MIGRATIONS = sorted((CHECKOUT / "functions/migrations").glob("*.sql"))


def query(host: WorkerdHost, database: str, sql: str) -> str:
    answer = host.admin("POST", f"/d1/{database}/query", {"sql": sql})
    assert answer.status == 200, answer.text
    return answer.text


@pytest.fixture(scope="module")
def workerd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerdHost]:
    folder = tmp_path_factory.mktemp("workerd")
    host = WorkerdHost(folder)
    try:
        worker = a_worker(
            folder,
            "contracts",
            WORKER.read_text(),
            [
                {"name": "BUCKET", "type": "r2_bucket", "bucket_name": "contracts"},
                {"name": "DB", "type": "d1", "id": "contracts"},
                {"name": "IMAGES", "type": "images"},
                {
                    "name": "LIMITER",
                    "type": "ratelimit",
                    "namespace_id": "1",
                    "simple": {"limit": LIMIT, "period": 60},
                },
            ],
        )
        own = {
            file.relative_to(CHECKOUT).as_posix(): file.read_bytes()
            for file in sorted((CHECKOUT / "functions").rglob("*.py"))
        }
        main = {worker["main_module"]: WORKER.read_bytes()}
        write_pack(Path(worker["pack"]), {**main, **own, **python_modules(SDK)})
        host.apply(
            workers=[worker],
            routes=[{"pattern": "*/*", "script": "contracts"}],
            buckets=["contracts"],
            databases=["contracts", "migrated"],
        )
        for migration in MIGRATIONS:
            query(host, "contracts", migration.read_text())
        yield host
    finally:
        host.close()


@pytest.fixture
def remote(workerd: WorkerdHost) -> Remote:
    return Remote(f"http://127.0.0.1:{workerd.ports['edge']}/")


@pytest.mark.xdist_group("contracts in workerd")
class TestR2InWorkerd(ObjectStoreContract):
    @pytest.fixture
    def store(self, remote: Remote) -> ObjectStore:
        store = RemoteObjectStore(remote)

        async def empty() -> None:
            for found in (await store.list_objects("")).objects:
                await store.delete(found.key)

        asyncio.run(empty())
        return store


@pytest.mark.xdist_group("contracts in workerd")
class TestD1InWorkerd(RecordsContract):
    @pytest.fixture
    def records(self, remote: Remote, workerd: WorkerdHost) -> Records:
        for table in TABLES:
            query(workerd, "contracts", f"DELETE FROM {table}")  # noqa: S608
        return RemoteRecords(remote)


@pytest.mark.xdist_group("contracts in workerd")
class TestImagesInWorkerd(ImageProcessorContract):
    @pytest.fixture
    def images(self, remote: Remote) -> ImageProcessor:
        return RemoteImages(remote)


@pytest.mark.xdist_group("contracts in workerd")
class TestRateLimiterInWorkerd(RateLimiterContract):
    @pytest.fixture
    def limiter(self, remote: Remote) -> RateLimiter:
        return RemoteRateLimiter(remote)


@pytest.mark.xdist_group("contracts in workerd")
class TestWebCryptoInWorkerd(VerifierContract):
    @pytest.fixture
    def verifier(self, remote: Remote) -> Verifier:
        return RemoteVerifier(remote)


@pytest.mark.xdist_group("contracts in workerd")
def test_history_survives_the_migrations_on_d1(workerd: WorkerdHost) -> None:
    for number, migration in enumerate(MIGRATIONS):
        query(workerd, "migrated", migration.read_text())
        if number == 0:
            query(
                workerd,
                "migrated",
                "INSERT INTO event (subject_id, seq, subject_kind, actor, reason, to_state, at)"
                " VALUES ('d', 1, 'developer', 'key:root', 'created', 'active', 1790000000000)",
            )
    assert "1790000000000" in query(workerd, "migrated", "SELECT * FROM event")
