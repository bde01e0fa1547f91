"""`/v1/repositories`"""

from fastapi import APIRouter, status

from functions.core.repositories import create_repository
from functions.entrypoints.http_api.access import Operator, Platform
from functions.entrypoints.http_api.grammars import Distribution, Hostname, Id
from functions.entrypoints.http_api.json_body import JsonRoute
from functions.entrypoints.http_api.problem_answers import documented
from functions.entrypoints.http_api.values import Answer, Body, Time

router = APIRouter(tags=["repositories"], route_class=JsonRoute)


class NewRepository(Body):
    tenant_id: Id
    hostname: Hostname
    distribution: Distribution
    s3_bucket: str | None = None
    """One of the declared repository buckets; by default the first."""
    s3_prefix: str | None = None
    """That of a location of this tenant, or empty where that is allowed; by default generated."""


class Repository(Answer):
    id: str
    tenant_id: str
    location_id: str
    hostname: str
    distribution: str
    s3_bucket: str
    s3_prefix: str
    created_at: Time


class OneRepository(Answer):
    repository: Repository


@router.post(
    "/v1/repositories",
    status_code=status.HTTP_201_CREATED,
    summary="Create a repository: a distribution under a tenant's hostname",
    responses=documented(401, 403, 404, 409, 422),
)
async def post_repository(
    caller: Operator, services: Platform, body: NewRepository
) -> OneRepository:
    repository = await create_repository(
        services.records,
        services.clock,
        services.entropy,
        services.repositories,
        body.tenant_id,
        body.hostname,
        body.distribution,
        body.s3_bucket,
        body.s3_prefix,
        actor=caller.actor,
    )
    return OneRepository(
        repository=Repository(
            id=repository.id,
            tenant_id=repository.tenant_id,
            location_id=repository.location_id,
            hostname=repository.hostname,
            distribution=repository.distribution,
            s3_bucket=repository.s3_bucket,
            s3_prefix=repository.s3_prefix,
            created_at=repository.created_at,
        )
    )
