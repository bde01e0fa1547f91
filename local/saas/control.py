"""The daemon's control routes about hostnames: what is simulated, and whom the front Worker may
serve."""

import json
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from local.saas.hostnames import Hostnames


class HostnameControl:
    def __init__(self, hostnames: Hostnames) -> None:
        self._hostnames = hostnames

    def routes(self) -> list[Route]:
        return [
            Route("/_hostnames", self.read, methods=["GET"]),
            Route("/_hostnames", self.change, methods=["PATCH"]),
            Route("/_hostnames/serves/{name}", self.serves, methods=["GET"]),
        ]

    async def read(self, _: Request) -> JSONResponse:
        return JSONResponse(self._hostnames.simulation.document())

    async def change(self, request: Request) -> JSONResponse:
        """Fields of `Simulation` that are to have another value."""
        try:
            body = cast("dict[str, Any]", json.loads(await request.body()))
            self._hostnames.simulation.change(body)
        except (ValueError, TypeError, AttributeError) as error:
            return JSONResponse({"error": str(error)}, 400)
        self._hostnames.keep()
        return JSONResponse(self._hostnames.simulation.document())

    async def serves(self, request: Request) -> JSONResponse:
        """For the front Worker."""
        return JSONResponse({"serves": self._hostnames.serves(request.path_params["name"])})
