"""`/v1/tenants`"""

from fastapi import APIRouter, status

from functions.core.tenants import create_tenant
from functions.entrypoints.http_api.access import Operator, Platform
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


@router.post(
    "/v1/tenants",
    status_code=status.HTTP_201_CREATED,
    summary="Create a tenant and its first key",
    responses=documented(401, 403, 404, 422),
)
async def post_tenant(caller: Operator, services: Platform, body: NewTenant) -> CreatedTenant:
    tenant, key = await create_tenant(
        services.records, services.clock, services.entropy, body.name, actor=caller.actor
    )
    return CreatedTenant(
        tenant_id=tenant.id,
        key=key,
        tenant=Tenant(id=tenant.id, name=tenant.name, created_at=tenant.created_at),
    )
