"""The contracts over R2, D1, WebCrypto and Images in workerd, and over versitygw by its fetch,
through the adapters that the Workers use."""

import asyncio
import json
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from functions.core.webhook_calls import Answer
from functions.ports.cache_purger import CachePurgerError, PurgeLimitError
from functions.ports.images import ImageProcessor
from functions.ports.object_store import ObjectStore
from functions.ports.rate_limiter import RateLimiter
from functions.ports.records import Records
from functions.ports.verifier import Verifier
from local.provider.kinds import KINDS
from local.provider.schema import Schema
from tests.contracts.edge_cache import Caching, EdgeCacheContract
from tests.contracts.images import ImageProcessorContract
from tests.contracts.multipart_store import MultipartStoreContract
from tests.contracts.object_store import ObjectStoreContract
from tests.contracts.proxy import Proxy
from tests.contracts.rate_limiter import LIMIT, RateLimiterContract
from tests.contracts.records import RecordsContract
from tests.contracts.remote import (
    Remote,
    RemoteEdgeCache,
    RemoteImages,
    RemoteMultipartStore,
    RemoteObjectStore,
    RemoteRateLimiter,
    RemoteRecords,
    RemoteVerifier,
)
from tests.contracts.s3_faults import Faulty, S3FaultsContract
from tests.contracts.verifier import VerifierContract
from tests.contracts.versitygw import REGION, Versitygw
from tests.contracts.webhook_calls import Calling, WebhookCallsContract
from tests.local.provider_calls import ZONE
from tests.local.test_daemon_faces import Daemon, start
from tests.local.test_purges import CACHE_PURGE, ZONE_SCOPE, an_api_token
from tests.local.workerd_host import (
    CHECKOUT,
    SDK,
    WorkerdHost,
    a_worker,
    python_modules,
    write_pack,
)

pytestmark = pytest.mark.cloud

SHARED = ("__init__.py", "contracts/__init__.py", "contracts/bodies.py")
"""What the suites' both ends use."""
WORKER = Path(__file__).parent / "worker" / "contracts.py"
# Children before their parents, as foreign keys want it.
TABLES = (
    "notice_delivery",
    "notice",
    "webhook",
    "download_count",
    "location_usage",
    "backup",
    "cache_purge",
    "job_cursor",
    "event",
    "publication",
    "debian_repository",
    "hostname",
    "location",
    "tenant_link",
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
def workerd(tmp_path_factory: pytest.TempPathFactory, gateway: Versitygw) -> Iterator[WorkerdHost]:
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
                *(
                    {"name": name, "type": "plain_text", "text": text}
                    for name, text in (
                        ("S3_REGION", REGION),
                        ("S3_ACCESS_KEY_ID", gateway.credentials.access_key_id),
                        ("S3_SECRET_ACCESS_KEY", gateway.credentials.secret_access_key),
                    )
                ),
            ],
        )
        own = {
            file.relative_to(CHECKOUT).as_posix(): file.read_bytes()
            for file in [
                *sorted((CHECKOUT / "functions").rglob("*.py")),
                *(CHECKOUT / "tests" / name for name in SHARED),
            ]
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


def over(
    remote: Remote, gateway: Versitygw, endpoint: str, deadline_seconds: float = 30
) -> RemoteMultipartStore:
    server = {
        "endpoint": endpoint,
        "bucket": gateway.new_bucket(),
        "deadline_seconds": deadline_seconds,
    }
    return RemoteMultipartStore(replace(remote, server=server))


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
class TestVersitygwFromWorkerd(ObjectStoreContract, MultipartStoreContract):
    @pytest.fixture
    def multipart(self, remote: Remote, gateway: Versitygw) -> RemoteMultipartStore:
        return over(remote, gateway, gateway.endpoint)

    @pytest.fixture
    def store(self, multipart: RemoteMultipartStore) -> ObjectStore:
        return multipart


@pytest.mark.xdist_group("contracts in workerd")
class TestFaultsFromWorkerd(S3FaultsContract):
    @pytest.fixture
    def faulty(self, remote: Remote, gateway: Versitygw, proxy: Proxy) -> Faulty:
        def store(deadline_seconds: float = 30) -> RemoteMultipartStore:
            return over(remote, gateway, proxy.endpoint, deadline_seconds)

        return Faulty(proxy, store)


@pytest.mark.xdist_group("contracts in workerd")
class TestD1InWorkerd(RecordsContract):
    """Through a session, too: here is one copy, so what is read is what was written."""

    @pytest.fixture(params=[None, "first-unconstrained"])
    def records(
        self, request: pytest.FixtureRequest, remote: Remote, workerd: WorkerdHost
    ) -> Records:
        for table in TABLES:
            query(workerd, "contracts", f"DELETE FROM {table}")  # noqa: S608
        return RemoteRecords(remote, request.param)


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
class TestCacheInWorkerd(EdgeCacheContract):
    @pytest.fixture
    def caching(self, remote: Remote, workerd: WorkerdHost) -> Caching:
        def purge(**what: object) -> None:
            told = {"at": time.time_ns() // 1_000_000, **what}
            assert workerd.admin("POST", "/caches/purge", told).status == 200

        purge(purge_everything=True)
        return Caching(RemoteEdgeCache(remote), lambda tags: purge(tags=list(tags)))


@dataclass(frozen=True)
class Purging:
    """The local cloud's REST face, and a token that the stack would have made."""

    daemon: Daemon
    remote: Remote
    token: str

    def purge(self, tags: list[str], *, url: str | None = None, zone: str = ZONE) -> None:
        base = f"{url or self.daemon.home.urls()['rest']}/client/v4"
        asyncio.run(self.remote.call("purge", base, zone, self.token, tags))

    def recorded(self) -> list[list[str]]:
        purges = json.loads(self.daemon.home.world.read_text())["purges"]
        return [purge["tags"] for purge in purges]


@pytest.mark.xdist_group("contracts in workerd")
class TestPurgesInWorkerd:
    @pytest.fixture
    def purging(
        self, remote: Remote, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[Purging]:
        types = tmp_path_factory.mktemp("types")
        Schema.load(types, list(KINDS))
        (types_file,) = types.iterdir()
        for daemon in start(tmp_path, types_file):
            token = an_api_token(daemon, CACHE_PURGE, f"{ZONE_SCOPE}.{ZONE}")
            yield Purging(daemon, remote, token)

    def test_tags_are_purged_by_a_token_that_may_do_nothing_else(self, purging: Purging) -> None:
        purging.purge(["version:a.b/1"])
        purging.purge([f"app:a{number}" for number in range(100)])
        assert [len(tags) for tags in purging.recorded()] == [1, 100]
        with pytest.raises(CachePurgerError, match="403") as refused:
            purging.purge(["version:a.b/1"], zone="0" * 32)
        assert purging.token not in str(refused.value)
        with pytest.raises(CachePurgerError, match="1094"):
            purging.purge(["a"] * 101)

    def test_a_rate_that_is_used_up_says_when_it_goes_on(self, purging: Purging) -> None:
        def purge_often() -> None:
            for _ in range(30):
                purging.purge(["a"])

        with pytest.raises(PurgeLimitError) as limited:
            purge_often()
        assert 1 <= limited.value.retry_after_seconds <= 12
        assert len(purging.recorded()) >= 25

    @pytest.mark.parametrize(
        ("status", "headers", "body", "error", "said"),
        [
            (200, {}, b'{"success": false, "errors": [{"code": 1100, "message": "long"}]}',
             CachePurgerError, "long [(]1100[)]"),
            (200, {}, b"not JSON", CachePurgerError, "not JSON"),
            (502, {}, b"<html>", CachePurgerError, "502"),
            (429, {"retry-after": "7"}, b"{}", PurgeLimitError, "{}"),
            (429, {"retry-after": "soon"}, b"{}", PurgeLimitError, "{}"),
        ],
    )  # fmt: skip
    def test_every_other_answer_is_a_failure(
        self,
        remote: Remote,
        status: int,
        headers: dict[str, str],
        body: bytes,
        error: type[CachePurgerError],
        said: str,
    ) -> None:
        with answering(status, headers, body) as url, pytest.raises(error, match=said) as caught:
            asyncio.run(remote.call("purge", f"{url}/client/v4", ZONE, "a-token", ["a"]))
        if isinstance(caught.value, PurgeLimitError):
            assert caught.value.retry_after_seconds in (7, 12)

    def test_no_answer_is_a_failure(self, remote: Remote) -> None:
        with answering(200, {}, b"") as url:
            closed = url
        with pytest.raises(CachePurgerError, match="not answered"):
            asyncio.run(remote.call("purge", f"{closed}/client/v4", ZONE, "a-token", ["a"]))


@pytest.mark.xdist_group("contracts in workerd")
class TestWebhooksFromWorkerd(WebhookCallsContract):
    @pytest.fixture
    def calling(self, remote: Remote) -> Calling:
        def calling(url: str, secret: str, message_id: str, body: bytes, now_ms: int) -> Answer:
            called = remote.call("call_webhook", url, secret, message_id, body.decode(), now_ms)
            return Answer(*asyncio.run(called))

        return calling


@contextmanager
def answering(status: int, headers: Mapping[str, str], body: bytes) -> Generator[str]:
    """A server that gives one answer to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the test's output is not the place."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


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
