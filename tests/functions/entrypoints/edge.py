"""The data plane over local adapters, as the tests drive it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from functions.adapters.local.background import DeferredBackground
from functions.adapters.local.edge_cache import MemoryEdgeCache
from functions.adapters.local.usage import MemoryUsageLog
from functions.core.denials import Denials
from functions.core.host_directory import HostDirectory
from functions.core.http import Response
from functions.entrypoints.http_edge.data_plane import DataPlane, EdgeRequest
from functions.entrypoints.job_queue import consume
from functions.ports.records import RecordsError, Row, Statement
from tests.functions.entrypoints.deliveries import MemoryDelivery
from tests.functions.entrypoints.packages import a_package, announced
from tests.functions.entrypoints.world import BUCKETS, CDN_URL, DOWNLOAD_KEYS, World

if TYPE_CHECKING:
    from functions.ports.object_store import ObjectReader

CDN = "cdn.stowage.test"
HOST = "apt.example.org"


class CountingRecords:
    """Counts what the edge asks of the database."""

    def __init__(self, world: World) -> None:
        self._records = world.records
        self.queries = 0
        self.broken = False

    async def fetch(self, statement: Statement) -> Sequence[Row]:
        self.queries += 1
        if self.broken:
            raise RecordsError("s3cret inside")
        return await self._records.fetch(statement)

    async def batch(self, statements: Sequence[Statement]) -> Sequence[int]:
        raise AssertionError("the edge writes nothing")


class Edge:
    def __init__(self, world: World) -> None:
        self.world = world
        self.repositories = world.repositories
        self.records = CountingRecords(world)
        self.cache = MemoryEdgeCache(world.clock)
        self.usage = MemoryUsageLog()
        readers: dict[str, ObjectReader] = {**self.repositories}
        self.plane = DataPlane(
            clock=world.clock,
            hosts=HostDirectory(self.records, self.cache, BUCKETS),
            packages=world.packages,
            assets=world.assets,
            repositories=readers,
            cdn_host=CDN,
            platform_zone="stowage.test",
            download_keys=DOWNLOAD_KEYS,
            denials=Denials(self.records),
            cache=self.cache,
            usage=self.usage,
        )

    async def ask(
        self, path: str, host: str = HOST, method: str = "GET", **headers: str
    ) -> Response:
        raw_path, _, query = path.partition("?")
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.serve(EdgeRequest(method, host, raw_path, query, named))

    async def purge(self) -> None:
        """What was asked for by now goes from the cache."""
        self.world.clock.advance(seconds=60)
        self.world.purger.calls.clear()
        await self.world.jobs().purge()
        self.cache.purge([tag for call in self.world.purger.calls for tag in call])

    async def serve(self, request: EdgeRequest) -> Response:
        """The answer with its body read, and what goes on behind it done."""
        background = DeferredBackground()
        answer = await self.plane.serve(request, background)
        body = None if answer.body is None else await content(answer)
        await background.finish()
        return Response(answer.status, answer.headers, body)

    async def repository(self, hostname: str = HOST, **objects: bytes) -> dict[str, str]:
        tenant = await self.world.made("/v1/tenants", {"name": "T"})
        body = {
            "tenant_id": tenant["tenant_id"],
            "hostname": hostname,
            "distribution": "stable",
        }
        made = (await self.world.made("/v1/repositories", body))["repository"]
        for path, content in objects.items():
            await self.put(made["s3_bucket"], made["s3_prefix"] + path, content)
        return made

    async def put(self, bucket: str, key: str, content: bytes) -> None:
        store = self.repositories[bucket]
        await store.put(key, content, length=len(content), content_type="x/y", create_only=False)

    async def download(self) -> str:
        """Path and query of a published package."""
        key = await self.world.developer()
        created = await self.world.made(
            "/v1/apps/org.example.app/versions", announced(a_package()), key
        )
        await self.world.uploaded(created, a_package())
        path = f"/v1/versions/{created['version']['id']}"
        await self.world.call("POST", f"{path}/complete", key=key)
        messages = [MemoryDelivery(message.body) for message in self.world.queue.take()]
        await consume(messages, self.world.jobs().validate)
        await self.world.call("POST", f"{path}/publish", key=key)
        answer = await self.world.call("GET", "/v1/apps/org.example.app/download")
        download_url: str = answer.json()["download_url"]
        return download_url.removeprefix(CDN_URL)


async def content(answer: Response) -> bytes:
    if answer.body is None or isinstance(answer.body, bytes):
        return answer.body or b""
    return b"".join([chunk async for chunk in answer.body])
