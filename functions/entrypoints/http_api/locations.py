"""`/v1/locations`: what a tenant's hostnames may point at"""

from typing import Annotated

from fastapi import APIRouter, Query

from functions.core.tenant_places import list_places
from functions.entrypoints.http_api.access import HostnameCaller, Platform
from functions.entrypoints.http_api.json_body import JsonRoute
from functions.entrypoints.http_api.problem_answers import documented
from functions.entrypoints.http_api.values import Answer, Time

router = APIRouter(tags=["hostnames"], route_class=JsonRoute)

PAGE = 50
"""D1 takes at most 100 parameters in a statement."""


class Location(Answer):
    id: str
    tenant_id: str
    distributions: list[str]
    """Of the repositories that lie there."""
    hostnames: list[str]
    """Those that lead there and are proven, as A-labels."""
    created_at: Time


class LocationList(Answer):
    locations: list[Location]
    next: str | None
    """Give it as `after` to get the next page; None on the last one."""


@router.get(
    "/v1/locations",
    summary="A tenant's locations, the oldest first; operators name the tenant",
    responses=documented(401, 403, 404, 422),
)
async def get_locations(
    caller: HostnameCaller,
    services: Platform,
    tenant_id: Annotated[str | None, Query(max_length=64)] = None,
    after: Annotated[str | None, Query(max_length=64)] = None,
) -> LocationList:
    page = await list_places(services.records, caller, tenant_id, after=after, limit=PAGE)
    more = len(page) == PAGE
    return LocationList(
        locations=[
            Location(
                id=place.id,
                tenant_id=place.tenant_id,
                distributions=list(place.distributions),
                hostnames=list(place.hostnames),
                created_at=place.created_at,
            )
            for place in page
        ],
        next=page[-1].id if more else None,
    )
