"""`/v1/tenants`, and `/v1/tenant`: the one that calls"""

from fastapi import APIRouter, status

from functions.core import tenant_links, tenants
from functions.entrypoints.http_api.access import HostnameCaller, Operator, Platform
from functions.entrypoints.http_api.grammars import Name
from functions.entrypoints.http_api.json_body import JsonRoute
from functions.entrypoints.http_api.problem_answers import documented
from functions.entrypoints.http_api.values import Answer, Body, Time

router = APIRouter(tags=["tenants"], route_class=JsonRoute)


class NewTenant(Body):
    name: Name


class Tenant(Answer):
    id: str
    name: str
    created_at: Time


class CreatedTenant(Answer):
    tenant_id: str
    key: str
    """The tenant's first API key; it cannot be had again."""
    tenant: Tenant


class OwnTenant(Answer):
    tenant: Tenant
    link_expires_at: Time | None
    """When the link ends by which the tenant calls; None: it calls with a key."""


@router.post(
    "/v1/tenants",
    status_code=status.HTTP_201_CREATED,
    summary="Create a tenant and its first key",
    responses=documented(401, 403, 404, 422),
)
async def post_tenant(caller: Operator, services: Platform, body: NewTenant) -> CreatedTenant:
    tenant, key = await tenants.create_tenant(
        services.records, services.clock, services.entropy, body.name, actor=caller.actor
    )
    return CreatedTenant(
        tenant_id=tenant.id,
        key=key,
        tenant=Tenant(id=tenant.id, name=tenant.name, created_at=tenant.created_at),
    )


@router.get(
    "/v1/tenant",
    summary="The calling tenant",
    responses=documented(401, 404),
)
async def get_own_tenant(caller: HostnameCaller, services: Platform) -> OwnTenant:
    tenant = await tenants.own_tenant(services.records, caller)
    link = await tenant_links.find_link(services.records, caller)
    return OwnTenant(
        tenant=Tenant(id=tenant.id, name=tenant.name, created_at=tenant.created_at),
        link_expires_at=None if link is None else link.expires_at,
    )
