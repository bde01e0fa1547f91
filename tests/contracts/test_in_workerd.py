"""The contracts over R2 and D1 in workerd, through the adapters that the Workers use."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.ports.object_store import ObjectStore
from functions.ports.rate_limiter import RateLimiter
from functions.ports.records import Records
from tests.contracts.object_store import ObjectStoreContract
from tests.contracts.rate_limiter import LIMIT, RateLimiterContract
from tests.contracts.records import RecordsContract
from tests.contracts.remote import Remote, RemoteObjectStore, RemoteRateLimiter, RemoteRecords
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
    "upload",
    "version",
    "app",
    "developer_key",
    "developer",
    "api_key",
)


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
            databases=["contracts"],
        )
        for migration in sorted((CHECKOUT / "functions/migrations").glob("*.sql")):
            answer = host.admin("POST", "/d1/contracts/query", {"sql": migration.read_text()})
            assert answer.status == 200, answer.text
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
            answer = workerd.admin("POST", "/d1/contracts/query", {"sql": f"DELETE FROM {table}"})  # noqa: S608
            assert answer.status == 200, answer.text
        return RemoteRecords(remote)


@pytest.mark.xdist_group("contracts in workerd")
class TestRateLimiterInWorkerd(RateLimiterContract):
    @pytest.fixture
    def limiter(self, remote: Remote) -> RateLimiter:
        return RemoteRateLimiter(remote)
