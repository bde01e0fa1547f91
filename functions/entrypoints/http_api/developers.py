"""`/v1/developers`"""

from fastapi import APIRouter, status

from functions.core.developers import create_developer
from functions.entrypoints.http_api.access import Operator, Platform
from functions.entrypoints.http_api.grammars import Name
from functions.entrypoints.http_api.json_body import JsonRoute
from functions.entrypoints.http_api.problem_answers import documented
from functions.entrypoints.http_api.values import Answer, Body, Time

router = APIRouter(tags=["developers"], route_class=JsonRoute)


class NewDeveloper(Body):
    name: Name


class Developer(Answer):
    id: str
    name: str
    created_at: Time


class CreatedDeveloper(Answer):
    developer_id: str
    key: str
    """The developer's first API key; it cannot be had again."""
    developer: Developer


@router.post(
    "/v1/developers",
    status_code=status.HTTP_201_CREATED,
    summary="Create a developer and its first key",
    responses=documented(401, 403, 404, 422),
)
async def post_developer(
    caller: Operator, services: Platform, body: NewDeveloper
) -> CreatedDeveloper:
    developer, key = await create_developer(
        services.records, services.clock, services.entropy, body.name, actor=caller.actor
    )
    return CreatedDeveloper(
        developer_id=developer.id,
        key=key,
        developer=Developer(id=developer.id, name=developer.name, created_at=developer.created_at),
    )
