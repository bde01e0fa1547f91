"""The REST endpoints of Cloudflare for SaaS: custom hostnames, their quota, the fallback origin and
the delegation of certificate validations."""

import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol, cast

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.host_config import snake_case
from local.provider.kind import Refusal
from local.rest.custom_hostname_documents import BodyError, document, properties
from local.rest.envelope import failure, success
from local.saas.hostnames import KIND, Hostnames, delegation_id
from local.world import Item, World

_ZONE = "/client/v4/zones/{zone}"
_ORIGIN = "CustomHostnameFallbackOrigin"
_PAGE = 20
_MOST_PER_PAGE = 1000
_NOT_FOUND = (404, 1436, "The custom hostname was not found.")

Json = dict[str, Any]
Handler = Callable[[Request], Awaitable[Response]]


class Changer(Protocol):
    """The part of the provider that changes the world as a call to the API does."""

    async def make(self, kind_name: str, inputs: Item) -> Item: ...
    async def change(
        self, kind_name: str, key: str, inputs: Item, kept: Iterable[str] = ()
    ) -> Item: ...
    async def remove(self, kind_name: str, key: str) -> None: ...


class CustomHostnames:
    def __init__(self, world: World, changer: Changer, hostnames: Hostnames) -> None:
        self._world = world
        self._changer = changer
        self._hostnames = hostnames

    def routes(self) -> list[Route]:
        base = f"{_ZONE}/custom_hostnames"

        def route(path: str, handler: Handler, *methods: str) -> Route:
            return Route(path, self._limited(handler), methods=list(methods))

        return [
            route(base, self.list_page, "GET"),
            route(base, self.create, "POST"),
            route(f"{base}/quota", self.quota, "GET"),
            route(f"{base}/fallback_origin", self.fallback_origin, "GET", "PUT", "DELETE"),
            route(f"{base}/{{id}}", self.read, "GET"),
            route(f"{base}/{{id}}", self.edit, "PATCH"),
            route(f"{base}/{{id}}", self.delete, "DELETE"),
            route(f"{_ZONE}/dcv_delegation/uuid", self.delegation, "GET"),
        ]

    def _limited(self, handler: Handler) -> Handler:
        async def limited(request: Request) -> Response:
            if self._hostnames.simulation.take_rate_limit():
                self._hostnames.keep()
                answer = failure(429, 10429, "Rate limited. Please wait and consider throttling.")
                wait = self._hostnames.simulation.retry_after_seconds
                answer.headers["retry-after"] = str(wait)
                return answer
            try:
                return await handler(request)
            except Refusal as error:
                return failure(error.status, error.code or 1400, error.reason)
            except BodyError as error:
                return failure(400, 1400, str(error))

        return limited

    async def list_page(self, request: Request) -> Response:
        query = request.query_params
        shown = [document(one) for one in self._hostnames.of_zone(request.path_params["zone"])]
        rows = [one for one in shown if _matches(one, query)]
        try:
            page = max(1, int(float(query.get("page", "1"))))
            size = min(_MOST_PER_PAGE, max(1, int(float(query.get("per_page", str(_PAGE))))))
        except ValueError:
            return failure(400, 1400, "page and per_page are whole numbers")
        found = rows[(page - 1) * size : page * size]
        info = {
            "page": page,
            "per_page": size,
            "count": len(found),
            "total_count": len(rows),
            "total_pages": -(-len(rows) // size),
        }
        return success(found, info)

    async def create(self, request: Request) -> Response:
        zone, inputs = request.path_params["zone"], properties(await _body(request))
        if "hostname" not in inputs:
            raise BodyError("hostname is missing")
        if len(self._hostnames.of_zone(zone)) >= self._hostnames.simulation.quota:
            return failure(
                403, 1405, "The quota of custom hostnames is used up. Raise it or delete others."
            )
        item = await self._changer.make(KIND, {"zoneId": zone, **inputs})
        answer = success(document(item))
        answer.status_code = 201
        return answer

    async def read(self, request: Request) -> Response:
        item = self._find(request)
        return success(document(item)) if item else failure(*_NOT_FOUND)

    async def edit(self, request: Request) -> Response:
        """`ssl`, even as it was, begins the validations anew."""
        item = self._find(request)
        if item is None:
            return failure(*_NOT_FOUND)
        asked = properties(await _body(request))
        inputs = cast("Item", item["_said"]) | asked | {"hostname": item["hostname"]}
        kept = () if "ssl" in asked else ("_ssl", "status")
        return success(document(await self._changer.change(KIND, item["_id"], inputs, kept)))

    async def delete(self, request: Request) -> Response:
        item = self._find(request)
        if item is None:
            return failure(*_NOT_FOUND)
        await self._changer.remove(KIND, item["_id"])
        return success({"id": item["_id"]}, extra={"id": item["_id"]})

    async def quota(self, request: Request) -> Response:
        used, most = (
            len(self._hostnames.of_zone(request.path_params["zone"])),
            self._hostnames.simulation.quota,
        )
        return success({"used": used, "allocated": most, "hard_cap": most, "exceeded": used > most})

    async def fallback_origin(self, request: Request) -> Response:
        zone = request.path_params["zone"]
        known = self._world.get(_ORIGIN, zone)
        if request.method == "PUT":
            origin = (await _body(request)).get("origin")
            if not isinstance(origin, str):
                raise BodyError("origin is missing")
            inputs: Item = {"zoneId": zone, "origin": origin}
            if known is None:
                known = await self._changer.make(_ORIGIN, inputs)
            else:
                known = await self._changer.change(_ORIGIN, zone, inputs)
        if known is None:
            return failure(404, 1551, "The zone has no fallback origin.")
        if request.method == "DELETE":
            await self._changer.remove(_ORIGIN, zone)
        shown = snake_case(known)
        shown.pop("zone_id")
        return success(shown)

    async def delegation(self, request: Request) -> Response:
        return success({"uuid": delegation_id(request.path_params["zone"])})

    def _find(self, request: Request) -> Item | None:
        zone, key = request.path_params["zone"], request.path_params["id"]
        return next((one for one in self._hostnames.of_zone(zone) if one["_id"] == key), None)


def _matches(row: Item, query: QueryParams) -> bool:
    ssl, name = cast("Item", row.get("ssl") or {}), cast("str", row["hostname"])
    checks: dict[str, Callable[[str], bool]] = {
        "id": lambda value: row["id"] == value,
        "hostname": lambda value: value in name,
        "hostname.contain": lambda value: value in name,
        "hostname.exact": lambda value: name == value,
        "hostname.startsWith": name.startswith,
        "hostname_status": lambda value: row["status"] == value,
        "ssl": lambda value: bool(ssl) == (value == "1"),
        "ssl_status": lambda value: ssl.get("status") == value,
        "certificate_authority": lambda value: ssl.get("certificate_authority") == value,
        "wildcard": lambda value: bool(ssl.get("wildcard")) == (value == "true"),
    }
    return all(check(query[name]) for name, check in checks.items() if name in query)


async def _body(request: Request) -> Json:
    try:
        found: Any = json.loads(await request.body() or b"null")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise BodyError("the body is no JSON object")
    return cast("Json", found)
