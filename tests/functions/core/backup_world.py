"""A platform that makes backups, with a store and an exporter that fail where a test says."""

import gzip
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from functions.adapters.local.database_export import SqliteExporter
from functions.adapters.local.object_store import MemoryObjectStore
from functions.core import backup_manifest
from functions.core.backup_manifest import Manifest
from functions.core.backups import BackupDeps, BackupPlan, BackupReport, run_backups
from functions.core.platform import DAY_MS
from functions.ports.database_export import DatabaseDump, DatabaseExportError
from functions.ports.object_store import Body, ObjectInfo, ObjectStoreError, StoredObject
from tests.functions.core.world import InterleavedRecords, World


class RefusingStore(MemoryObjectStore):
    refused: tuple[str, ...] = ()
    """Puts of keys with such an end fail."""
    keeps: bool = False
    """Whether deletions fail."""

    async def put(
        self,
        key: str,
        body: bytes | Body,
        *,
        length: int,
        content_type: str,
        cache_control: str | None = None,
        sha256: str | None = None,
        metadata: Mapping[str, str] | None = None,
        create_only: bool = True,
    ) -> ObjectInfo:
        if key.endswith(self.refused):
            raise ObjectStoreError("the bucket is away")
        return await super().put(
            key,
            body,
            length=length,
            content_type=content_type,
            cache_control=cache_control,
            sha256=sha256,
            metadata=metadata,
            create_only=create_only,
        )

    async def delete(self, key: str) -> None:
        if self.keeps:
            raise ObjectStoreError("the bucket is away")
        await super().delete(key)


@dataclass(frozen=True)
class BrokenBody:
    body: Body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self.body:
            yield chunk[:10]
            raise DatabaseExportError("the text broke off")


@dataclass
class WatchedDump:
    dump: DatabaseDump
    exporter: "WatchedExporter"

    def open(self) -> Body:
        self.exporter.opened += 1
        body = self.dump.open()
        breaks = self.exporter.breaks_at == self.exporter.opened
        return BrokenBody(body) if breaks else body

    async def close(self) -> None:
        self.exporter.closed += 1
        await self.dump.close()


async def nothing() -> None:
    return


class WatchedExporter:
    def __init__(self, exporter: SqliteExporter) -> None:
        self._exporter = exporter
        self.exports = self.opened = self.closed = 0
        self.refuses = False
        self.breaks_at = 0
        """The number of the reading that breaks off."""
        self.meanwhile: Callable[[], Awaitable[object]] = nothing
        """Happens behind the export and before its text is read."""

    async def export(self) -> DatabaseDump:
        self.exports += 1
        if self.refuses:
            raise DatabaseExportError("the database is away")
        dump = await self._exporter.export()
        await self.meanwhile()
        return WatchedDump(dump, self)


@dataclass
class BackupWorld:
    plan: BackupPlan = field(default_factory=BackupPlan)

    def __post_init__(self) -> None:
        records = InterleavedRecords()
        self.world = World(records=records)
        self.store = RefusingStore(self.world.clock)
        self.exporter = WatchedExporter(SqliteExporter(records))

    @property
    def deps(self) -> BackupDeps:
        world = self.world
        return BackupDeps(
            world.records, self.store, self.exporter, world.clock, world.entropy, self.plan
        )

    async def run(self) -> BackupReport:
        """One run of the schedule, a second after what was before."""
        self.world.clock.advance(seconds=1)
        return await run_backups(self.deps)

    def pass_days(self, days: float) -> None:
        self.world.clock.advance(milliseconds=int(days * DAY_MS))

    async def keys(self) -> list[str]:
        return [info.key for info in (await self.store.list_objects("")).objects]

    async def content(self, key: str) -> bytes:
        stored = await self.store.get(key)
        assert isinstance(stored, StoredObject)
        return b"".join([chunk async for chunk in stored.body])

    async def manifests(self) -> list[Manifest]:
        """The oldest first."""
        keys = [key for key in await self.keys() if key.endswith(".json")]
        return [backup_manifest.read(await self.content(key)) for key in keys]

    async def restored(self, manifest: Manifest) -> sqlite3.Connection:
        """A new database made of nothing but the dump."""
        connection = sqlite3.connect(":memory:")
        connection.executescript(gzip.decompress(await self.content(manifest.dump_key)).decode())
        return connection

    async def statuses(self) -> list[str]:
        """In the order in which they were begun."""
        rows = await self.world.rows(
            "SELECT status FROM backup ORDER BY started_at IS NULL, started_at"
        )
        return [str(row["status"]) for row in rows]
