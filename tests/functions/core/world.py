"""A whole platform in memory, and packages for it."""

import asyncio
import hashlib
import io
import json
import zipfile
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, cast

from functions.adapters.local.clock import FixedClock
from functions.adapters.local.entropy import SeededEntropy
from functions.adapters.local.images import PillowImages
from functions.adapters.local.multipart_store import MemoryMultipartStore
from functions.adapters.local.object_store import MemoryObjectStore
from functions.adapters.local.queue import MemoryQueue
from functions.adapters.local.records import SqliteRecords
from functions.adapters.local.signer import Ed25519Signer
from functions.adapters.local.verifier import Ed25519Verifier
from functions.core import (
    access,
    apps,
    developers,
    publication,
    removal,
    tenants,
    validation,
    versions,
    withdrawal,
)
from functions.core.app_image_objects import ImageDeps
from functions.core.developer_signatures import UNSIGNED, GivenSignature
from functions.core.download_tokens import DownloadKeys
from functions.core.multipart import Multipart, MultipartDeps
from functions.core.platform import Limits
from functions.core.problems import Problem, ProblemError
from functions.core.repositories import RepositorySettings
from functions.core.version_records import Upload, Version
from functions.ports.images import ImageProcessor
from functions.ports.records import Records, Row, Statement

APP = "org.example.app"
NAME = "An app"
ENTRY = "data/main.bin"
OPERATOR = access.Caller("operator", None, "root")
BECAUSE = "It deletes its users' files."
BUCKETS = ("stowage-dev-repositories", "stowage-dev-more")


def a_manifest(**changes: object) -> dict[str, object]:
    manifest = {"id": APP, "name": NAME, "version": "1.0", "version_code": 1, "entry": ENTRY}
    return manifest | changes


def dated(name: str, compression: int = zipfile.ZIP_STORED) -> zipfile.ZipInfo:
    """An entry that has the same bytes whenever it is made."""
    info = zipfile.ZipInfo(name, (2026, 1, 31, 12, 0, 0))
    info.compress_type = compression
    return info


def a_package(
    manifest: Mapping[str, object] | None = None,
    files: Mapping[str, bytes] | None = None,
    compression: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.writestr(dated("manifest.json", compression), json.dumps(manifest or a_manifest()))
        for name, content in ({ENTRY: b"\x00\x01" * 500} | dict(files or {})).items():
            archive.writestr(dated(name, compression), content)
    return buffer.getvalue()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class InterleavedRecords(SqliteRecords):
    """Lets every other task go first, as a database across a network does: without it tasks that
    are gathered would run one after another and never race."""

    async def fetch(self, statement: Statement) -> Sequence[Row]:
        await asyncio.sleep(0)
        return await super().fetch(statement)

    async def batch(self, statements: Sequence[Statement]) -> Sequence[int]:
        await asyncio.sleep(0)
        return await super().batch(statements)


class ClosableRecords(Records, Protocol):
    def close(self) -> None: ...


@dataclass
class World:
    limits: Limits = field(default_factory=Limits)
    multi_tenant: bool = True
    clock: FixedClock = field(default_factory=FixedClock)
    entropy: SeededEntropy = field(default_factory=SeededEntropy)
    records: ClosableRecords = field(default_factory=InterleavedRecords)
    queue: MemoryQueue = field(default_factory=MemoryQueue)
    signer: Ed25519Signer = field(default_factory=lambda: Ed25519Signer("k1", bytes(range(32))))
    processor: ImageProcessor = field(default_factory=PillowImages)
    trusts_upload_digests: bool = True
    keys: DownloadKeys = field(default_factory=lambda: DownloadKeys("d1", {"d1": bytes(32)}))

    def __post_init__(self) -> None:
        self.uploads = MemoryMultipartStore(self.clock)
        self.packages = MemoryObjectStore(self.clock)
        self.assets = MemoryObjectStore(self.clock)

    def close(self) -> None:
        self.records.close()

    @property
    def deps(self) -> validation.ValidationDeps:
        return validation.ValidationDeps(
            self.records,
            self.uploads,
            self.packages,
            self.signer,
            self.clock,
            self.entropy,
            self.limits,
            Ed25519Verifier(),
            self.trusts_upload_digests,
        )

    @property
    def multipart_deps(self) -> MultipartDeps:
        return MultipartDeps(self.records, self.uploads, self.uploads, self.clock, self.limits)

    @property
    def image_deps(self) -> ImageDeps:
        return ImageDeps(
            self.records, self.assets, self.processor, self.queue, self.clock, self.entropy
        )

    @property
    def repository_settings(self) -> RepositorySettings:
        return RepositorySettings(
            BUCKETS, self.multi_tenant, "stowage.test", ("cdn.platform.example",)
        )

    async def developer(self, name: str = "Ada") -> access.Caller:
        developer, key = await developers.create_developer(
            self.records, self.clock, self.entropy, name
        )
        caller = await access.authenticate(self.records, self.clock, [], f"Bearer {key}")
        assert caller.subject_id == developer.id
        return caller

    async def tenant(self, name: str = "Tess") -> access.Caller:
        _, key = await tenants.create_tenant(self.records, self.clock, self.entropy, name)
        return await access.authenticate(self.records, self.clock, [], f"Bearer {key}")

    async def app(
        self, caller: access.Caller, app_id: str = APP, visibility: str = "public"
    ) -> apps.App:
        return await apps.create_app(self.records, self.clock, caller, app_id, NAME, visibility)

    async def create(
        self,
        caller: access.Caller,
        content: bytes,
        code: int = 1,
        name: str = "1.0",
        app_id: str = APP,
        given: GivenSignature = UNSIGNED,
    ) -> tuple[Version, Upload, bool]:
        return await versions.create_version(
            self.records,
            self.clock,
            self.entropy,
            self.limits,
            caller,
            app_id,
            code,
            name,
            len(content),
            sha256(content),
            verifier=Ed25519Verifier(),
            given=given,
        )

    async def put(self, upload: Upload, content: bytes, digest: str | None = None) -> None:
        """What the S3 endpoint does with a right PUT."""
        await self.uploads.put(
            upload.object_key,
            content,
            length=len(content),
            content_type=upload.content_type,
            sha256=digest,
        )

    async def put_parts(self, multipart: Multipart, content: bytes, *numbers: int) -> None:
        """What the S3 endpoint does with right PUTs of these parts, or of all that are missing."""
        upload, plan = multipart.upload, multipart.plan
        assert upload.multipart_id is not None
        for number in numbers or multipart.missing:
            start, length = (number - 1) * plan.part_size, plan.length(number)
            part = content[start : start + length]
            await self.uploads.put_part(
                upload.object_key, upload.multipart_id, number, part, length=length
            )

    async def complete(self, caller: access.Caller, version_id: str) -> Version:
        return await versions.complete_version(
            self.records, self.uploads, self.uploads, self.queue, self.clock, caller, version_id
        )

    async def validating(
        self,
        caller: access.Caller,
        content: bytes | None = None,
        code: int = 1,
        name: str = "1.0",
        app_id: str = APP,
    ) -> tuple[Version, Upload]:
        """A version whose upload is complete and whose message waits."""
        body = a_package() if content is None else content
        version, upload, _ = await self.create(caller, body, code, name, app_id)
        await self.put(upload, body)
        return await self.complete(caller, version.id), upload

    async def work(self) -> list[validation.Outcome]:
        """Delivers every waiting message once."""
        return [
            await validation.validate_upload(self.deps, message.body)
            for message in self.queue.take()
            if "kind" not in message.body
        ]

    async def draft(self, caller: access.Caller, code: int = 1, app_id: str = APP) -> Version:
        name = f"1.{code}"
        manifest = a_manifest(id=app_id, version=name, version_code=code)
        version, _ = await self.validating(caller, a_package(manifest), code, name, app_id)
        outcomes = await self.work()
        assert [outcome.kind for outcome in outcomes] == ["draft"]
        return await versions.get_version(self.records, caller, version.id)

    async def published(self, caller: access.Caller, code: int = 1, app_id: str = APP) -> Version:
        version = await self.draft(caller, code, app_id)
        return await versions.publish_version(self.records, self.clock, caller, version.id)

    async def reject(self, version_id: str, caller: access.Caller = OPERATOR) -> Version:
        return await withdrawal.reject_version(
            self.records, self.clock, caller, version_id, BECAUSE, self.limits.retention
        )

    async def pull(self, caller: access.Caller, version_id: str) -> Version:
        return await withdrawal.pull_version(
            self.records,
            self.queue,
            self.clock,
            caller,
            version_id,
            BECAUSE,
            self.limits.retention,
        )

    async def restore(self, caller: access.Caller, version_id: str) -> Version:
        return await withdrawal.restore_version(
            self.records, self.clock, caller, version_id, self.limits.retention
        )

    async def roll_back(self, caller: access.Caller, version_id: str) -> Version:
        return await publication.roll_back(
            self.records, self.clock, caller, version_id, self.limits.retention
        )

    async def sweep(self, batch: int = 50) -> removal.Report:
        return await removal.sweep(self.records, self.packages, self.clock, batch=batch)

    async def version(self, version_id: str) -> Version:
        return await versions.get_version(self.records, OPERATOR, version_id)

    async def current(self, app_id: str = APP) -> object:
        rows = await self.rows("SELECT current_version_id FROM app WHERE id = ?", app_id)
        return rows[0]["current_version_id"]

    async def rows(self, sql: str, *parameters: str | int | None) -> Sequence[Row]:
        return await self.records.fetch(Statement(sql, parameters))

    async def history(self, subject_id: str) -> list[str]:
        rows = await self.rows("SELECT * FROM event WHERE subject_id = ? ORDER BY seq", subject_id)
        assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
        return [str(row["reason"]) for row in rows]

    async def snapshot(self) -> list[tuple[str, list[dict[str, object]]]]:
        """Every row of every table: to show that a refusal wrote nothing."""
        tables = (
            "event", "api_key", "developer", "developer_key", "app", "version", "upload", "tenant",
            "location", "hostname", "debian_repository", "app_image", "cache_purge", "job_cursor",
            "webhook", "notice", "notice_delivery",
            "download_count", "location_usage",
        )  # fmt: skip
        return [
            (table, [dict(row) for row in await self.rows(f"SELECT * FROM {table} ORDER BY 1, 2")])  # noqa: S608
            for table in tables
        ]


async def refusal(work: Awaitable[object]) -> Problem:
    """The problem that `work` is refused with."""
    try:
        await work
    except ProblemError as error:
        return error.problem
    raise AssertionError("it was not refused")


def pointers(problem: Problem) -> list[str]:
    errors = cast("list[dict[str, str]]", problem.members["errors"])
    return [error["pointer"] for error in errors]
