"""The daemon's own interface, for the engine's plugin, the command, workerd and tests.

Everything here needs the header `x-stowage-control`; errors are `{"error": text}`.
"""

from typing import Any, Protocol, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.broker import Broker, UnknownQueueError
from local.data_points import DataPoint, DataPoints
from local.fault_board import FaultBoard
from local.home import CloudError
from local.provider.engine import EngineCalls
from local.provider.kind import Refusal
from local.purges import Purges
from local.request_body import json_object
from local.schedules import Schedules
from local.settling import Settler
from local.storages import Storages
from local.world import World

Json = dict[str, Any]


class Reporting(Protocol):
    """Tells what runs."""

    def describe(self) -> Json: ...


class ControlRoutes:
    """Handlers over the daemon's parts."""

    def __init__(
        self,
        world: World,
        calls: EngineCalls,
        settler: Settler,
        broker: Broker,
        schedules: Schedules,
        faults: FaultBoard | None,
        purges: Purges,
        points: DataPoints,
        storages: Storages,
        reporting: Reporting,
    ) -> None:
        self._world = world
        self._calls = calls
        self._settler = settler
        self._broker = broker
        self._schedules = schedules
        self._faults = faults
        self._purges = purges
        self._points = points
        self._storages = storages
        self._reporting = reporting

    def routes(self) -> list[Route]:
        return [
            Route("/_local/health", self.health, methods=["GET"]),
            Route("/_local/status", self.status, methods=["GET"]),
            Route("/_local/queues", self.queues, methods=["GET"]),
            Route("/_local/settle", self.settle, methods=["POST"]),
            Route("/_local/trigger", self.trigger, methods=["POST"]),
            Route("/_local/storage", self.run_storage, methods=["POST"]),
            Route("/_local/b2/{bucket}", self.b2_bucket_made, methods=["POST"]),
            Route(
                "/_local/b2/{bucket}/lifecycle",
                self.b2_lifecycle,
                methods=["GET", "PUT", "DELETE"],
            ),
            Route("/_engine/end", self.end, methods=["POST"]),
            Route("/_engine/{method}", self.engine, methods=["POST"]),
            Route("/_queues/{queue}/messages", self.send, methods=["POST"]),
            Route("/_datasets/{dataset}/points", self.note_points, methods=["POST"]),
            Route("/_caches/purges", self.purges, methods=["GET"]),
            Route("/_faults", self.list_faults, methods=["GET"]),
            Route("/_faults", self.plan_fault, methods=["POST"]),
            Route("/_faults", self.clear_faults, methods=["DELETE"]),
            Route("/_faults/release", self.release_faults, methods=["POST"]),
            Route("/_faults/next", self.next_fault, methods=["POST"]),
        ]

    async def health(self, _: Request) -> JSONResponse:
        return JSONResponse({"ready": True})

    async def status(self, _: Request) -> JSONResponse:
        return JSONResponse(self._reporting.describe())

    async def queues(self, _: Request) -> JSONResponse:
        return JSONResponse({"queues": self._broker.describe()})

    async def settle(self, request: Request) -> JSONResponse:
        hosts = cast("dict[str, str] | None", (await json_object(request)).get("entry_hosts"))
        if hosts and hosts != self._world.entry_hosts:
            self._world.entry_hosts = hosts
            self._world.save()
        await self._storages.follow()
        try:
            return JSONResponse(await self._settler.settle())
        except CloudError as error:
            return _error(str(error), 500)

    async def run_storage(self, request: Request) -> JSONResponse:
        """`{servers: [name], binary: path}`: exactly these S3 servers are to run."""
        body = await json_object(request)
        try:
            names, binary = cast("list[str]", body["servers"]), str(body["binary"])
        except KeyError as error:
            return _error(f"{error} is missing", 400)
        try:
            return JSONResponse({"storage": await self._storages.run(names, binary)})
        except CloudError as error:
            return _error(str(error), 500)

    async def b2_bucket_made(self, request: Request) -> JSONResponse:
        """B2's proxy saw that a bucket was made."""
        try:
            await self._storages.b2_buckets().made(request.path_params["bucket"])
        except CloudError as error:
            return _error(str(error), 500)
        return JSONResponse({})

    async def b2_lifecycle(self, request: Request) -> Response:
        """What B2's proxy was asked by somebody whose signature is good: the document, or 204."""
        bucket = request.path_params["bucket"]
        try:
            buckets = self._storages.b2_buckets()
        except CloudError as error:
            return _error(str(error), 500)
        if request.method != "GET":
            buckets.set_lifecycle(bucket, (await request.body()).decode(errors="replace"))
        document = buckets.lifecycle(bucket)
        return Response(document or "", 200 if document else 204)

    async def trigger(self, request: Request) -> JSONResponse:
        worker = cast("str | None", (await json_object(request)).get("worker"))
        try:
            await self._settler.settle()
            return JSONResponse({"runs": await self._schedules.trigger(worker)})
        except CloudError as error:
            return _error(str(error), 409)

    async def engine(self, request: Request) -> JSONResponse:
        method = request.path_params["method"]
        try:
            answer = await self._calls.serve(method, await json_object(request))
        except Refusal as error:
            return _error(str(error), error.status)
        except CloudError as error:
            return _error(str(error), 503)
        if method in ("create", "update", "delete"):
            self._broker.follow()
            await self._storages.follow()
        return JSONResponse(answer)

    async def end(self, _: Request) -> JSONResponse:
        """The engine's run is over; the plugin does not wait until everything is up."""
        self._settler.settle_later()
        return JSONResponse({})

    async def send(self, request: Request) -> JSONResponse:
        queue = request.path_params["queue"]
        try:
            self._broker.send(queue, (await json_object(request))["messages"])
        except UnknownQueueError:
            return _error(f"there is no queue {queue}", 404)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            return _error(f"messages: a list of {{body, delay_seconds?}} is needed ({error})", 400)
        return JSONResponse({})

    async def note_points(self, request: Request) -> JSONResponse:
        """`{points: [{at, indexes, blobs, doubles}]}`, as a Worker wrote them."""
        try:
            given = cast("list[Json]", (await json_object(request))["points"])
            points = [DataPoint.of(one) for one in given]
        except (KeyError, TypeError, ValueError) as error:
            return _error(f"points: a list of {{at, indexes, blobs, doubles}} ({error})", 400)
        await self._points.add(request.path_params["dataset"], points)
        return JSONResponse({})

    async def purges(self, _: Request) -> JSONResponse:
        """For an isolate that begins."""
        return JSONResponse({"purges": self._purges.describe()})

    async def list_faults(self, _: Request) -> JSONResponse:
        return JSONResponse(self._faults.describe()) if self._faults else _closed()

    async def plan_fault(self, request: Request) -> JSONResponse:
        if self._faults is None:
            return _closed()
        try:
            return JSONResponse(self._faults.plan(await json_object(request)), 201)
        except ValueError as error:
            return _error(str(error), 400)

    async def clear_faults(self, _: Request) -> JSONResponse:
        if self._faults is None:
            return _closed()
        self._faults.clear()
        return JSONResponse({})

    async def release_faults(self, _: Request) -> JSONResponse:
        if self._faults is None:
            return _closed()
        self._faults.release()
        return JSONResponse({})

    async def next_fault(self, request: Request) -> JSONResponse:
        if self._faults is None:
            return _closed()
        asked = await json_object(request)
        try:
            call = (str(asked["worker"]), str(asked["binding"]), str(asked["method"]))
        except KeyError as error:
            return _error(f"the question lacks {error}", 400)
        return JSONResponse({"action": self._faults.next(call, bool(asked.get("held")))})


def _error(text: str, status: int) -> JSONResponse:
    return JSONResponse({"error": text}, status)


def _closed() -> JSONResponse:
    return _error(
        "The fault face is closed: it opens only in a local cloud started with --faults.",
        404,
    )
