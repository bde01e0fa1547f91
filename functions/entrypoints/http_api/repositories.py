"""`/v1/repositories`"""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, status

from functions.core import repositories
from functions.entrypoints.http_api.access import AnyCaller, Operator, Platform
from functions.entrypoints.http_api.grammars import Distribution, Hostname, Id
from functions.entrypoints.http_api.json_body import JsonRoute
from functions.entrypoints.http_api.problem_answers import documented
from functions.entrypoints.http_api.values import Answer, Body, Time

router = APIRouter(tags=["repositories"], route_class=JsonRoute)


PAGE = 100


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
    hostname: str | None
    """The oldest of its location's; null where all were removed."""
    distribution: str
    s3_bucket: str
    s3_prefix: str
    created_at: Time
    generation: int | None
    """What readers see of its location; null: it is served plainly, as it lies in the bucket."""


class OneRepository(Answer):
    repository: Repository


class RepositoryList(Answer):
    repositories: list[Repository]
    next: str | None
    """Give it as `after` to get the next page; None on the last one."""


@router.post(
    "/v1/repositories",
    status_code=status.HTTP_201_CREATED,
    summary="Create a repository: a distribution under a tenant's hostname",
    responses=documented(401, 403, 404, 409, 422),
)
async def post_repository(
    caller: Operator, services: Platform, body: NewRepository
) -> OneRepository:
    repository = await repositories.create_repository(
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
    return OneRepository(repository=_answer(repository))


@router.get(
    "/v1/repositories",
    summary="List a tenant's repositories, or all for an operator",
    responses=documented(401, 403, 422),
)
async def get_repositories(
    caller: AnyCaller,
    services: Platform,
    after: Annotated[str | None, Query(max_length=36)] = None,
) -> RepositoryList:
    page = await repositories.list_repositories(services.records, caller, after=after, limit=PAGE)
    return RepositoryList(
        repositories=[_answer(one) for one in page],
        next=page[-1].id if len(page) == PAGE else None,
    )


@router.get(
    "/v1/repositories/{repository_id}",
    summary="Show a repository",
    responses=documented(401, 403, 404),
)
async def get_repository(
    repository_id: str, caller: AnyCaller, services: Platform
) -> OneRepository:
    found = await repositories.get_repository(services.records, caller, repository_id)
    return OneRepository(repository=_answer(found))


def _answer(repository: repositories.Repository) -> Repository:
    return Repository.model_validate(asdict(repository))
