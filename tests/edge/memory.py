"""The edge over adapters in memory, which count what they are asked."""

import asyncio
from collections.abc import Mapping, Sequence

from functions.adapters.local.background import DeferredBackground
from functions.adapters.local.clock import FixedClock
from functions.adapters.local.edge_cache import MemoryEdgeCache
from functions.adapters.local.object_store import MemoryObjectStore
from functions.adapters.local.records import SqliteRecords
from functions.adapters.local.usage import MemoryUsageLog
from functions.core.denials import Denials
from functions.core.host_directory import HostDirectory
from functions.entrypoints.http_edge.data_plane import DataPlane, EdgeRequest
from functions.ports.object_store import ByteRange, ObjectInfo, ObjectStoreError, StoredObject
from functions.ports.records import RecordsError, Row, Statement
from tests.edge import site
from tests.edge.site import Answer

NOW = 1_790_000_000_999
"""The last millisecond of a second: dates of HTTP cannot say it."""


class Calls(list[str]):
    """What was asked since the last `take`."""

    def take(self) -> tuple[str, ...]:
        taken = tuple(self)
        self.clear()
        return taken


class CountingStore(MemoryObjectStore):
    def __init__(self, clock: FixedClock, calls: Calls) -> None:
        super().__init__(clock)
        self._calls = calls
        self.broken = False
        self.opened = 0

    async def replace(self, key: str, content: bytes) -> None:
        await self.put(key, content, length=len(content), content_type="x/y", create_only=False)

    async def head(self, key: str) -> ObjectInfo | None:
        self._calls.append("head")
        self._check()
        return await super().head(key)

    async def get(
        self,
        key: str,
        byte_range: ByteRange | None = None,
        *,
        unless_etags: frozenset[str] | None = None,
    ) -> StoredObject | ObjectInfo | None:
        self._calls.append("get")
        self._check()
        found = await super().get(key, byte_range, unless_etags=unless_etags)
        self.opened += isinstance(found, StoredObject)
        return found

    def _check(self) -> None:
        if self.broken:
            raise ObjectStoreError("s3cret inside")


class CountingRecords(SqliteRecords):
    def __init__(self, calls: Calls) -> None:
        super().__init__()
        self._calls = calls
        self.broken = False

    async def fetch(self, statement: Statement) -> Sequence[Row]:
        self._calls.append("sql")
        if self.broken:
            raise RecordsError("s3cret inside")
        return await super().fetch(statement)


class MemoryEdge:
    def __init__(self, max_cached_bytes: int = 1_000_000) -> None:
        self.clock = FixedClock(NOW)
        self.calls = Calls()
        self.records = CountingRecords(self.calls)
        self.stores = {bucket: CountingStore(self.clock, self.calls) for bucket in site.BUCKETS}
        asyncio.run(self._fill())
        self.cache = MemoryEdgeCache(self.clock, max_cached_bytes)
        self.background = DeferredBackground()
        # The second in which everything was stored is over.
        self.clock.advance(seconds=1)
        self.plane = self.isolate()

    def isolate(self, buckets: tuple[str, ...] = (site.REPOSITORIES, site.MORE)) -> DataPlane:
        """A data plane that remembers nothing. `buckets` are the declared repository buckets."""
        return DataPlane(
            clock=self.clock,
            hosts=HostDirectory(self.records, self.cache, buckets),
            packages=self.stores[site.PACKAGES],
            assets=self.stores[site.ASSETS],
            repositories={bucket: self.stores[bucket] for bucket in buckets},
            cdn_host=site.CDN,
            platform_zone=site.ZONE,
            download_keys=site.DOWNLOAD_KEYS,
            denials=Denials(self.records),
            cache=self.cache,
            usage=MemoryUsageLog(),
        )

    async def _fill(self) -> None:
        await self.records.batch(site.statements())
        for (bucket, key), content in site.OBJECTS.items():
            await self.stores[bucket].put(
                key, content, length=len(content), content_type="x/stored", cache_control="private"
            )

    def replace(self, bucket: str, key: str, content: bytes) -> None:
        asyncio.run(self.stores[bucket].replace(key, content))

    def get(self, host: str, target: str, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask(host, "GET", target, named)

    def ask(self, host: str, method: str, target: str, headers: Mapping[str, str]) -> Answer:
        self.calls.clear()
        path, _, query = target.partition("?")
        request = EdgeRequest(method, host, path, query, headers)

        async def answered() -> Answer:
            answer = await self.plane.serve(request, self.background)
            body = answer.body or b""
            if not isinstance(body, bytes):
                body = b"".join([chunk async for chunk in body])
            await self.background.finish()
            return Answer(answer.status, answer.headers, body, self.calls.take())

        return asyncio.run(answered())

    def forget(self) -> None:
        """The cache has lost everything."""
        self.cache.purge_everything()

    def break_stores(self, *, broken: bool = True) -> None:
        for store in self.stores.values():
            store.broken = broken

    def modified_ms(self) -> int:
        return NOW

    def now_ms(self) -> int:
        return self.clock.now_ms()

    def close(self) -> None:
        self.records.close()
