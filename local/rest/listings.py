"""Lists, single items and deletions of resources, as Cloudflare's REST API has them.

Only what is listed here exists; the table in local/README.md repeats it for people.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.host_config import snake_case
from local.provider.kind import Refusal
from local.provider.kinds import KINDS
from local.rest.envelope import failure, success
from local.world import Item, World

_MOST_PER_PAGE = 1000
_NOT_FOUND = 404


class Remover(Protocol):
    """The part of the provider that deletes."""

    async def remove(self, kind_name: str, key: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Listing:
    """One collection: its path, its kind, what its members are called in an answer."""

    path: str
    kind: str
    scope: str
    """The property that the path's first parameter must equal: `accountId` or `zoneId`."""
    id_name: str = "id"
    wrapped: str = ""
    """R2 wraps its list in an object."""


_ACCOUNT = "/client/v4/accounts/{scope}"
_ZONE = "/client/v4/zones/{scope}"

LISTINGS = (
    Listing(f"{_ACCOUNT}/r2/buckets", "R2Bucket", "accountId", "name", "buckets"),
    Listing(f"{_ACCOUNT}/d1/database", "D1Database", "accountId", "uuid"),
    Listing(f"{_ACCOUNT}/queues", "Queue", "accountId", "queue_id"),
    Listing(
        f"{_ACCOUNT}/queues/{{queueId}}/consumers", "QueueConsumer", "accountId", "consumer_id"
    ),
    Listing(f"{_ACCOUNT}/workers/workers", "Worker", "accountId"),
    Listing(f"{_ACCOUNT}/tokens", "AccountToken", "accountId"),
    Listing(
        f"{_ACCOUNT}/alerting/v3/destinations/webhooks", "NotificationPolicyWebhooks", "accountId"
    ),
    Listing(f"{_ACCOUNT}/alerting/v3/policies", "NotificationPolicy", "accountId"),
    Listing(f"{_ZONE}/workers/routes", "WorkersRoute", "zoneId"),
    Listing(f"{_ZONE}/dns_records", "DnsRecord", "zoneId"),
    Listing(f"{_ZONE}/rulesets", "Ruleset", "zoneId"),
)


class Listings:
    """The routes of all collections."""

    def __init__(self, world: World, remover: Remover) -> None:
        self._world = world
        self._remover = remover

    def routes(self) -> list[Route]:
        return [route for listing in LISTINGS for route in self._routes(listing)]

    def _routes(self, listing: Listing) -> list[Route]:
        async def collection(request: Request) -> Response:
            return self._collection(listing, request)

        async def member(request: Request) -> Response:
            return await self._member(listing, request)

        return [
            Route(listing.path, collection, methods=["GET"]),
            Route(listing.path + "/{id}", member, methods=["GET", "DELETE"]),
        ]

    def _collection(self, listing: Listing, request: Request) -> Response:
        rows = self._matching(listing, request)
        try:
            page = max(1, int(request.query_params.get("page", "1")))
            size = min(_MOST_PER_PAGE, max(1, int(request.query_params.get("per_page", "100"))))
        except ValueError:
            return failure(400, 7400, "page and per_page are whole numbers")
        shown = [_shown(listing, one) for one in rows[(page - 1) * size : page * size]]
        info = {
            "page": page,
            "per_page": size,
            "count": len(shown),
            "total_count": len(rows),
            "total_pages": -(-len(rows) // size),
        }
        return success({listing.wrapped: shown} if listing.wrapped else shown, info)

    async def _member(self, listing: Listing, request: Request) -> Response:
        key = request.path_params["id"]
        item = next(
            (
                one
                for one in self._matching(listing, request)
                if str(one[KINDS[listing.kind].key_property]) == key
            ),
            None,
        )
        if item is None:
            return failure(_NOT_FOUND, 10007, f"There is no {listing.kind} {key}.")
        if request.method == "GET":
            return success(_shown(listing, item))
        try:
            await self._remover.remove(listing.kind, key)
        except Refusal as error:
            return failure(error.status, 10000, str(error))
        return success({"id": key})

    def _matching(self, listing: Listing, request: Request) -> list[Item]:
        parameters: dict[str, Any] = request.path_params
        wanted = {listing.scope: parameters["scope"]}
        if "queueId" in parameters:
            wanted["queueId"] = parameters["queueId"]
        return [
            one
            for one in self._world.all(listing.kind)
            if all(one.get(name) == value for name, value in wanted.items())
        ]


def _shown(listing: Listing, item: Item) -> Any:
    hidden = KINDS[listing.kind].secrets
    row = snake_case({name: value for name, value in item.items() if name not in hidden})
    return row | {listing.id_name: item[KINDS[listing.kind].key_property]}
