"""The control plane over local adapters, as the tests of the entry points drive it."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import httpx

from functions.adapters.local.cache_purger import MemoryCachePurger
from functions.adapters.local.clock import FixedClock
from functions.adapters.local.database_export import SqliteExporter
from functions.adapters.local.entropy import SeededEntropy
from functions.adapters.local.hostname_authority import MemoryHostnameAuthority
from functions.adapters.local.images import PillowImages
from functions.adapters.local.multipart_store import MemoryMultipartStore
from functions.adapters.local.name_resolver import MemoryNameResolver
from functions.adapters.local.object_store import MemoryObjectStore
from functions.adapters.local.queue import MemoryQueue
from functions.adapters.local.rate_limiter import MemoryRateLimiter
from functions.adapters.local.records import SqliteRecords
from functions.adapters.local.signer import Ed25519Signer
from functions.adapters.local.usage import MemoryUsageQueries
from functions.adapters.local.verifier import Ed25519Verifier
from functions.core.backups import BackupDeps, BackupPlan
from functions.core.catalog import PACKAGE_TYPE
from functions.core.download_tokens import DownloadKeys
from functions.core.generation_sweep import SweepDeps
from functions.core.hostname_looks import HostnameDeps
from functions.core.key_ring import KeyRing
from functions.core.notice_runs import NoticeDeps
from functions.core.platform import DAY_MS, Limits
from functions.core.presign import PresignSettings
from functions.core.repositories import RepositorySettings
from functions.core.storages import PROFILES
from functions.core.usage_runs import UsageDeps
from functions.core.validation import ValidationDeps
from functions.core.webhook_urls import WebhookRules
from functions.entrypoints.http_api.application import application
from functions.entrypoints.http_api.services import Services
from functions.entrypoints.job_queue import Jobs
from functions.ports.object_store import ObjectStore
from functions.ports.records import Statement
from functions.setting_values import PlatformKey
from tests.functions.core.receivers import Receivers

if TYPE_CHECKING:
    from functions.core.webhook_calls import Receiver

ROOT_SECRET = hashlib.sha256(b"root of a test").digest()
ROOT_KEY = "stw_root_" + base64.urlsafe_b64encode(ROOT_SECRET).rstrip(b"=").decode()
SEED = hashlib.sha256(b"signing seed of a test").digest()
DOWNLOAD_KEYS = DownloadKeys("d1", {"d1": hashlib.sha256(b"download key of a test").digest()})
LINK_KEYS = KeyRing("l1", {"l1": hashlib.sha256(b"link key of a test").digest()})
API_URL = "https://api.stowage.test"
CDN_URL = "https://cdn.stowage.test"
CNAME_TARGET = "fallback.stowage.test"
BUCKETS = ("test-repositories", "test-more")
TABLES = (
    "api_key",
    "developer",
    "developer_key",
    "app",
    "version",
    "upload",
    "tenant",
    "tenant_link",
    "location",
    "hostname",
    "debian_repository",
    "publication",
    "app_image",
    "event",
    "backup",
    "cache_purge",
    "job_cursor",
    "webhook",
    "notice",
    "notice_delivery",
    "download_count",
    "location_usage",
)


@dataclass
class World:
    clock: FixedClock = field(default_factory=FixedClock)
    records: SqliteRecords = field(default_factory=SqliteRecords)
    queue: MemoryQueue = field(default_factory=MemoryQueue)
    entropy: SeededEntropy = field(default_factory=SeededEntropy)

    def __post_init__(self) -> None:
        self.uploads = MemoryMultipartStore(self.clock)
        self.packages = MemoryObjectStore(self.clock)
        self.backups = MemoryObjectStore(self.clock)
        self.assets = MemoryObjectStore(self.clock)
        self.resolver = MemoryNameResolver()
        self.authority = MemoryHostnameAuthority()
        self.repositories = {bucket: MemoryObjectStore(self.clock) for bucket in BUCKETS}
        self.purger = MemoryCachePurger()
        self.queries = MemoryUsageQueries()
        self.signer = Ed25519Signer("s1", SEED)
        self.receivers = Receivers()
        self.alert: Receiver | None = None
        self.services = Services(
            records=self.records,
            clock=self.clock,
            entropy=self.entropy,
            uploads=self.uploads,
            upload_parts=self.uploads,
            assets=self.assets,
            processor=PillowImages(),
            queue=self.queue,
            limits=Limits(),
            root_key_hashes=(hashlib.sha256(ROOT_SECRET).hexdigest(),),
            presign=PresignSettings(
                profile=PROFILES["r2"],
                endpoint="https://s3.stowage.test",
                region="auto",
                bucket="test-uploads",
                access_key_id="an-id",
                secret_access_key="a-secret",
            ),
            download_keys=DOWNLOAD_KEYS,
            tenant_link_keys=LINK_KEYS,
            api_url=API_URL,
            cdn_url=CDN_URL,
            cname_target=CNAME_TARGET,
            repositories=RepositorySettings(
                buckets=BUCKETS,
                multi_tenant=True,
                platform_zone="stowage.test",
                platform_hosts=("api.stowage.test", "cdn.stowage.test"),
            ),
            platform_keys=(
                PlatformKey(
                    "s1",
                    "Ed25519",
                    base64.b64encode(self.signer.public_key).decode(),
                    "2026-01-01T00:00:00Z",
                    None,
                ),
            ),
            address_limiter=MemoryRateLimiter(self.clock, 10_000),
            key_limiter=MemoryRateLimiter(self.clock, 10_000),
            verifier=Ed25519Verifier(),
            repository_stores=self.repositories,
            publish_targets={
                bucket: PresignSettings(
                    profile=PROFILES["r2"],
                    endpoint="https://s3.stowage.test",
                    region="auto",
                    bucket=bucket,
                    access_key_id="a-publish-id",
                    secret_access_key="a-publish-secret",
                )
                for bucket in BUCKETS
            },
            publish_grace_ms=7 * DAY_MS,
            webhook_rules=WebhookRules("stowage.test", ("api.stowage.test", "cdn.stowage.test")),
        )
        self.application = application(lambda: self.services)

    def change(self, **services: Any) -> None:
        self.services = replace(self.services, **services)

    def jobs(self, packages: ObjectStore | None = None) -> Jobs:
        return Jobs(
            ValidationDeps(
                records=self.records,
                uploads=self.uploads,
                packages=packages or self.packages,
                signer=self.signer,
                clock=self.clock,
                entropy=self.entropy,
                limits=Limits(),
                verifier=Ed25519Verifier(),
                trusts_upload_digests=True,
            ),
            upload_parts=self.uploads,
            assets=self.assets,
            queue=self.queue,
            purger=self.purger,
            backups=BackupDeps(
                self.records,
                self.backups,
                SqliteExporter(self.records),
                self.clock,
                self.entropy,
                BackupPlan(every_ms=None),
            ),
            notices=NoticeDeps(self.records, self.receivers, self.clock, self.entropy, self.alert),
            hostnames=HostnameDeps(
                self.records,
                self.resolver,
                self.authority,
                self.clock,
                self.entropy,
                CNAME_TARGET,
            ),
            processor=PillowImages(),
            usage=UsageDeps(self.records, self.queries, "usage_test", self.clock),
            sweeping=SweepDeps(self.records, self.repositories, self.clock, keep=3),
        )

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        sent = dict(headers or {})
        if key is not None:
            sent["authorization"] = f"Bearer {key}"
        transport = httpx.ASGITransport(self.application, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=API_URL) as client:
            if body is not None:
                content = json.dumps(body).encode()
                sent.setdefault("content-type", "application/json")
            return await client.request(method, path, content=content, headers=sent)

    async def made(self, path: str, body: object, key: str = ROOT_KEY) -> dict[str, Any]:
        answer = await self.call("POST", path, body, key=key)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    async def developer(self, app_id: str = "org.example.app", visibility: str = "public") -> str:
        """The key of a new developer who owns one app."""
        made = await self.made("/v1/developers", {"name": "Ada"})
        app = {"app_id": app_id, "name": "An app", "visibility": visibility}
        await self.made("/v1/apps", app, made["key"])
        return made["key"]

    async def uploaded(self, created: Mapping[str, Any], data: bytes) -> None:
        """What the storage does with the presigned PUT."""
        upload = created["upload"]
        await self.uploads.put(
            f"temp/{upload['id']}/package.mosis",
            data,
            length=len(data),
            content_type=PACKAGE_TYPE,
            sha256=created["version"]["sha256"],
        )

    async def dump(self) -> dict[str, object]:
        """Everything that is stored."""
        found: dict[str, object] = {}
        for table in TABLES:
            rows = await self.records.fetch(Statement(f"SELECT * FROM {table}"))  # noqa: S608
            found[table] = sorted(repr(dict(row)) for row in rows)
        found["uploads"] = await self.uploads.list_objects("")
        found["packages"] = await self.packages.list_objects("")
        for bucket, store in self.repositories.items():
            found[bucket] = await store.list_objects("")
        found["assets"] = await self.assets.list_objects("")
        return found


def assert_problem(answer: httpx.Response, status: int, slug: str | None = None) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    if slug is not None:
        assert problem["type"] == f"urn:stowage:problem:{slug}"
    for inside in ("Traceback", 'File "', "sqlite", "SELECT ", "pydantic", "IntegrityError"):
        assert inside not in answer.text
    return problem
