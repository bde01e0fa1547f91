"""The daemon's parts put together: one Starlette application on the rest port."""

import asyncio
import contextlib
import hmac
import os
import shutil
from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from local.blobs import Blobs
from local.broker import Broker
from local.control_routes import ControlRoutes
from local.data_plane import DataPlane
from local.data_points import DataPoints
from local.deployed import deployed_workers
from local.dns.control import DnsControl
from local.dns.records import DnsRecords
from local.dns.resolvers import PATH as RESOLVERS_PATH
from local.dns.resolvers import Resolvers
from local.dns.server import DnsServer
from local.fault_board import FaultBoard
from local.home import CloudHome
from local.host_config import host_config, prune_packs
from local.memory import process_tree
from local.node_host import NodeHost, node_command
from local.provider.engine import EngineCalls
from local.provider.kinds import KINDS
from local.provider.schema import Schema
from local.purges import PLANS, Purges
from local.queue_store import QueueStore
from local.rest.analytics import AnalyticsEndpoint
from local.rest.authority import Authority
from local.rest.custom_hostnames import CustomHostnames
from local.rest.data import DataEndpoints
from local.rest.database_transfers import DatabaseTransfers
from local.rest.envelope import failure
from local.rest.listings import Listings
from local.rest.purging import PurgeEndpoint
from local.rest.signed_files import SIGNED_PATH, SignedFiles
from local.saas.control import HostnameControl
from local.saas.hostnames import Hostnames
from local.schedules import Schedules
from local.settling import Settler
from local.storages import Storages
from local.world import World

DATA_CENTRES = ("ams", "sin", "iad", "gru")
"""Those that there can be; the first one serves whoever asks for none."""

Json = dict[str, Any]


class LocalCloud:
    """Everything of one cloud folder while its daemon runs."""

    def __init__(
        self,
        home: CloudHome,
        *,
        faults: bool = False,
        data_centres: int = 1,
        plan: str = "free",
        node: Callable[[], Sequence[str]] = node_command,
    ) -> None:
        self.home = home
        self.world = World(home.world)
        self._blobs = Blobs(home.blobs)
        self._with_faults = faults
        self._data_centres = DATA_CENTRES[:data_centres]
        self._purges = Purges(PLANS[plan])
        self._started = datetime.now(UTC)
        self._node = NodeHost(home.workerd_log, node)
        self._data_plane = DataPlane(home)
        self._settler = Settler(home, self._node, self._data_plane, self._config)
        self._store = QueueStore(home.queues)
        self._broker = Broker(self.world, self._store, self._data_plane.deliver, self._is_up)
        self._settler.pausing.append(self._broker)
        self._points = DataPoints(home.data_points)
        self._schedules = Schedules(self.world, self._data_plane.run_schedule)
        self._storages = Storages(home, self.world)
        self._dns = DnsRecords(home.dns)
        self._dns_server = DnsServer(self._dns, home.ports()["dns"])
        self._files = SignedFiles(
            home.transfers, home.urls()["rest"], home.credentials().control_secret
        )
        self._transfers = DatabaseTransfers(
            self.world, self._settler, self._data_plane, self._files
        )
        self._schema: asyncio.Task[Schema] | None = None
        self._hostnames = Hostnames(self.world, self._dns)
        self._calls = EngineCalls(
            self.world, self._blobs, self._types, self._bucket_is_empty, self._hostnames.follow
        )

    def application(self) -> ASGIApp:
        control = ControlRoutes(
            self.world,
            self._calls,
            self._settler,
            self._broker,
            self._schedules,
            FaultBoard() if self._with_faults else None,
            self._purges,
            self._points,
            self._storages,
            self,
        )
        listings = Listings(self.world, self._calls)
        data = DataEndpoints(self.world, self._settler, self._data_plane)
        purging = PurgeEndpoint(self.world, self._settler, self._data_plane, self._purges)
        analytics = AnalyticsEndpoint(self._points)
        inner = Starlette(
            routes=[
                *control.routes(),
                *DnsControl(self._dns).routes(),
                *Resolvers(self._dns).routes(),
                *HostnameControl(self._hostnames).routes(),
                *CustomHostnames(self.world, self._calls, self._hostnames).routes(),
                *data.routes(),
                *purging.routes(),
                *analytics.routes(),
                *self._transfers.routes(),
                *self._files.routes(),
                *listings.routes(),
            ],
            lifespan=self._lifespan,
            exception_handlers={404: _not_found, 405: _not_found},
        )
        return _Guard(inner, self.home, self.world)

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncGenerator[None]:
        self._schema = asyncio.create_task(self._load_types())
        prune_packs(self.home, self.world)
        # A cache may be empty at any time; what was purged of it is not remembered longer than
        # this.
        shutil.rmtree(self.home.data / "cache", ignore_errors=True)
        await self._dns_server.start()
        self._broker.follow()
        self._schedules.start()
        self._storages.resume()
        if self.world.counts():
            # Brings back what ran before the restart.
            self._settler.settle_later()
        yield
        await self._dns_server.close()
        await self._transfers.close()
        await self._settler.close()
        await self._schedules.close()
        await self._broker.close()
        await self._node.stop()
        await self._storages.close()
        await self._data_plane.close()
        self._store.close()
        await self._points.close()
        self._schema.cancel()
        await asyncio.gather(self._schema, return_exceptions=True)

    async def _load_types(self) -> Schema:
        return await asyncio.to_thread(Schema.load, self.home.root, list(KINDS))

    async def _types(self) -> Schema:
        if self._schema is None or (self._schema.done() and self._schema.exception()):
            self._schema = asyncio.create_task(self._load_types())
        return await asyncio.shield(self._schema)

    def _config(self) -> Json:
        made = host_config(self.home, self.world, self._blobs, self._with_faults)
        return {**made, "data_centres": list(self._data_centres)}

    def _is_up(self, worker: str) -> bool:
        return self._node.is_alive and self._settler.runs(worker)

    async def _bucket_is_empty(self, bucket: str) -> bool:
        await self._settler.reach(bucket=bucket)
        return not (await self._data_plane.objects(bucket, {"limit": "1"}))["objects"]

    def describe(self) -> Json:
        """Everything `Cloud.status` gives."""
        return {
            "running": True,
            "home": str(self.home.root),
            "started": self._started.isoformat(),
            "faults": self._with_faults,
            "urls": self.home.urls(),
            "ports": self.home.ports(),
            "processes": process_tree(os.getpid()),
            "resources": self.world.counts(),
            "workers": [
                {
                    "name": worker.name,
                    "version": worker.version_id,
                    "number": worker.version["number"],
                    "deployed_on": worker.version["createdOn"],
                    "warm": self._settler.is_warm(worker.name),
                }
                for worker in deployed_workers(self.world)
            ],
            "storage": self._storages.describe(),
            "queues": self._broker.describe(),
            "schedules": list(self._schedules.recent),
            "skipped_webhook_tests": [
                {"name": one["name"], "test": one["_test"]}
                for one in self.world.all("NotificationPolicyWebhooks")
            ],
            "entry_hosts": self.world.entry_hosts,
            "last_settle": self._settler.last,
        }


class _Guard:
    """Lets nobody in without a token (REST face) or the control secret (everything else). Signed
    URLs are let through, as they are checked where they lead to, and so is whoever asks the
    DNS."""

    def __init__(self, application: ASGIApp, home: CloudHome, world: World) -> None:
        self._application = application
        self._control_secret = home.credentials().control_secret
        self._authority = Authority(world, home.credentials())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = self._refusal(Request(scope)) if scope["type"] == "http" else None
        await (refused or self._application)(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        if request.url.path.startswith("/client/"):
            return self._authority.refusal(request)
        if request.url.path.startswith((f"{SIGNED_PATH}/", f"{RESOLVERS_PATH}/")):
            return None
        given = request.headers.get("x-stowage-control", "")
        if hmac.compare_digest(given.encode(), self._control_secret.encode()):
            return None
        return JSONResponse(
            {"error": "The header x-stowage-control is missing or wrong."}, status_code=403
        )


async def _not_found(request: Request, _: Exception) -> Response:
    what = f"{request.method} {request.url.path}"
    if request.url.path.startswith("/client/"):
        return failure(
            404, 7003, f"Could not route to {what}; local/README.md lists what is emulated"
        )
    return JSONResponse({"error": f"There is no {what}."}, 404)
