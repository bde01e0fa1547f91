"""`/v1/tenants/{tenant_id}/links`: links by which a tenant manages its hostnames in a browser"""

from typing import Annotated

from fastapi import APIRouter, Query, status
from pydantic import Field

from functions.core import tenant_links
from functions.core.tenant_links import LONGEST_SECONDS, SHORTEST_SECONDS, USUAL_SECONDS
from functions.entrypoints.http_api.access import AnyCaller, Platform
from functions.entrypoints.http_api.json_body import JsonRoute
from functions.entrypoints.http_api.problem_answers import documented
from functions.entrypoints.http_api.values import Answer, Body, Time

router = APIRouter(tags=["tenants"], route_class=JsonRoute)

PAGE = 100


class NewLink(Body):
    expires_in_seconds: Annotated[int, Field(ge=SHORTEST_SECONDS, le=LONGEST_SECONDS)] = (
        USUAL_SECONDS
    )


class CreatedLink(Answer):
    id: str
    url: str
    """Whoever has it may do with the tenant's hostnames what the tenant may. It cannot be had
    again."""
    expires_at: Time


class TenantLink(Answer):
    id: str
    created_at: Time
    expires_at: Time
    revoked_at: Time | None


class LinkList(Answer):
    """Those that have ended are listed too."""

    links: list[TenantLink]
    next: str | None
    """Give it as `after` to get the next page; None on the last one."""


@router.post(
    "/v1/tenants/{tenant_id}/links",
    status_code=status.HTTP_201_CREATED,
    summary="Create a link to the tenant's page of hostnames, as the tenant or an operator",
    responses=documented(401, 403, 404, 422),
)
async def post_link(
    caller: AnyCaller, services: Platform, tenant_id: str, body: NewLink
) -> CreatedLink:
    link, url = await tenant_links.create_link(
        services.records,
        services.clock,
        services.entropy,
        services.tenant_link_keys,
        services.api_url,
        caller,
        tenant_id,
        body.expires_in_seconds,
    )
    return CreatedLink(id=link.id, url=url, expires_at=link.expires_at)


@router.get(
    "/v1/tenants/{tenant_id}/links",
    summary="The tenant's links, the oldest first, without their secrets",
    responses=documented(401, 403, 404, 422),
)
async def get_links(
    caller: AnyCaller,
    services: Platform,
    tenant_id: str,
    after: Annotated[str | None, Query(max_length=64)] = None,
) -> LinkList:
    page = await tenant_links.list_links(
        services.records, caller, tenant_id, after=after, limit=PAGE
    )
    more = len(page) == PAGE
    return LinkList(
        links=[
            TenantLink(
                id=link.id,
                created_at=link.created_at,
                expires_at=link.expires_at,
                revoked_at=link.revoked_at,
            )
            for link in page
        ],
        next=page[-1].id if more else None,
    )


@router.delete(
    "/v1/tenants/{tenant_id}/links/{link_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Revoke a link; a revoked one stays as it is",
    responses=documented(401, 403, 404),
)
async def delete_link(caller: AnyCaller, services: Platform, tenant_id: str, link_id: str) -> None:
    await tenant_links.revoke_link(services.records, services.clock, caller, tenant_id, link_id)
