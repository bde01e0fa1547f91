"""The REST endpoint that purges a zone's cache, in every data centre."""

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.data_plane import DataPlane, DataPlaneError
from local.purges import Purges, refusal
from local.request_body import json_object
from local.rest.envelope import failure, success
from local.settling import Settler
from local.world import World

_RECORDED = 1000

Json = dict[str, Any]


class PurgeEndpoint:
    """Every purge is recorded in the world, too, where tests and people can see it."""

    def __init__(
        self, world: World, settler: Settler, data_plane: DataPlane, purges: Purges
    ) -> None:
        self._world = world
        self._settler = settler
        self._data_plane = data_plane
        self._purges = purges

    def routes(self) -> list[Route]:
        path = "/client/v4/zones/{zone}/purge_cache"
        return [Route(path, self.purge, methods=["POST"])]

    async def purge(self, request: Request) -> Response:
        """What is cached is gone when it answers."""
        zone, said = request.path_params["zone"], await json_object(request)
        refused = refusal(said)
        if refused is not None:
            return failure(400, *refused)
        wait = self._purges.take()
        if wait:
            limited = failure(429, 10429, "Rate limited. Please wait and consider throttling.")
            limited.headers["retry-after"] = str(wait)
            return limited
        try:
            await self._apply(zone, said)
        except DataPlaneError as error:
            return failure(503, 1016, f"One or more cache purge errors: {error}")
        self._world.purges.append({"zone": zone, "at": datetime.now(UTC).isoformat(), **said})
        del self._world.purges[:-_RECORDED]
        self._world.save()
        return success({"id": zone})

    async def _apply(self, zone: str, said: Json) -> None:
        """A zone without routes has no Worker that could have stored anything."""
        if self._world.find("WorkersRoute", zoneId=zone) is None:
            return
        noted = self._purges.note(said)
        if self._settler.is_up():
            await self._data_plane.purge(noted)
