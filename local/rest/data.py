"""The REST endpoints behind which data lies: D1 queries and R2 objects."""

import contextlib
import json
from collections.abc import AsyncGenerator
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from local.data_plane import DataPlane, DataPlaneError
from local.home import CloudError
from local.rest.envelope import failure, success
from local.settling import Settler
from local.world import World

_ACCOUNT = "/client/v4/accounts/{account}"

Json = dict[str, Any]


class DataEndpoints:
    """Forwards to the admin Worker, after a reload where it is not bound yet."""

    def __init__(self, world: World, settler: Settler, data_plane: DataPlane) -> None:
        self._world = world
        self._settler = settler
        self._data_plane = data_plane

    def routes(self) -> list[Route]:
        objects = f"{_ACCOUNT}/r2/buckets/{{bucket}}/objects"
        return [
            Route(f"{_ACCOUNT}/d1/database/{{database}}/query", self.query, methods=["POST"]),
            Route(objects, self.objects, methods=["GET"]),
            Route(objects + "/{key:path}", self.object, methods=["GET"]),
            Route(objects + "/{key:path}", self.delete_object, methods=["DELETE"]),
        ]

    async def query(self, request: Request) -> Response:
        database = request.path_params["database"]
        found = self._world.get("D1Database", database)
        if found is None or found["accountId"] != request.path_params["account"]:
            return failure(404, 7404, f"The database {database} could not be found")
        body = await _body(request)
        if not isinstance(body, dict) or not ("sql" in body or "batch" in body):
            return failure(400, 7400, "The request is malformed: sql or batch is missing")
        try:
            await self._settler.reach(database=database)
            return success(await self._data_plane.query(database, cast("Json", body)))
        except DataPlaneError as error:
            return failure(error.status or 503, 7500, str(error))
        except CloudError as error:
            return failure(503, 7500, str(error))

    async def objects(self, request: Request) -> Response:
        bucket = request.path_params["bucket"]
        if not self._has_bucket(request):
            return failure(404, 10006, f"The specified bucket does not exist: {bucket}")
        query = {
            name: request.query_params[name]
            for name in ("prefix", "cursor", "delimiter")
            if request.query_params.get(name)
        }
        query["limit"] = request.query_params.get("per_page", "1000")
        try:
            await self._settler.reach(bucket=bucket)
            page = await self._data_plane.objects(bucket, query)
        except CloudError as error:
            return failure(getattr(error, "status", 0) or 503, 10001, str(error))
        info = {
            "cursor": page.get("cursor", ""),
            "is_truncated": page["truncated"],
            "per_page": int(query["limit"]),
        }
        return success(page["objects"], info)

    async def object(self, request: Request) -> Response:
        """The bytes, streamed, with the object's own headers."""
        bucket = request.path_params["bucket"]
        if not self._has_bucket(request):
            return failure(404, 10006, f"The specified bucket does not exist: {bucket}")
        open_until = contextlib.AsyncExitStack()
        try:
            await self._settler.reach(bucket=bucket)
            found = await open_until.enter_async_context(
                self._data_plane.object(bucket, request.path_params["key"])
            )
        except CloudError as error:
            status = getattr(error, "status", 0) or 503
            return failure(status, 10007 if status == 404 else 10001, str(error))

        async def chunks() -> AsyncGenerator[bytes]:
            async with open_until:
                async for chunk in found.aiter_raw():
                    yield chunk

        kept = ("content-type", "content-length", "etag")
        headers = {name: found.headers[name] for name in kept if name in found.headers}
        return StreamingResponse(chunks(), headers=headers)

    async def delete_object(self, request: Request) -> Response:
        bucket = request.path_params["bucket"]
        if not self._has_bucket(request):
            return failure(404, 10006, f"The specified bucket does not exist: {bucket}")
        key = request.path_params["key"]
        try:
            await self._settler.reach(bucket=bucket)
            await self._data_plane.delete_object(bucket, key)
        except CloudError as error:
            return failure(getattr(error, "status", 0) or 503, 10001, str(error))
        return success({"key": key})

    def _has_bucket(self, request: Request) -> bool:
        found = self._world.get("R2Bucket", request.path_params["bucket"])
        return found is not None and found["accountId"] == request.path_params["account"]


async def _body(request: Request) -> Any:
    try:
        return json.loads(await request.body() or b"null")
    except ValueError:
        return None
