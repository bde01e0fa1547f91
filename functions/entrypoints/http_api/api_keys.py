"""`/v1/api-keys`: the keys with which callers authenticate"""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, status

from functions.core import access
from functions.entrypoints.http_api.access import Operator, Platform
from functions.entrypoints.http_api.grammars import Id
from functions.entrypoints.http_api.json_body import JsonRoute
from functions.entrypoints.http_api.problem_answers import documented
from functions.entrypoints.http_api.values import Answer, Body, Time, TimeGiven

router = APIRouter(tags=["API keys"], route_class=JsonRoute)

Role = Literal["operator", "developer", "tenant"]
PAGE = 100


class NewKey(Body):
    role: Role
    subject_id: Id | None = None
    """The developer or tenant whose key it is; none for an operator's."""
    expires_at: TimeGiven | None = None


class ApiKey(Answer):
    id: str
    role: Role
    subject_id: str | None
    created_at: Time
    expires_at: Time | None
    revoked_at: Time | None


class CreatedKey(Answer):
    key: str
    """It cannot be had again."""
    api_key: ApiKey


class OneKey(Answer):
    api_key: ApiKey


class KeyList(Answer):
    api_keys: list[ApiKey]
    next: str | None
    """Give it as `after` to get the next page; None on the last one."""


@router.post(
    "/v1/api-keys",
    status_code=status.HTTP_201_CREATED,
    summary="Create an API key",
    responses=documented(401, 403, 404, 422),
)
async def post_key(caller: Operator, services: Platform, body: NewKey) -> CreatedKey:
    key, record = await access.create_key(
        services.records,
        services.clock,
        services.entropy,
        body.role,
        body.subject_id,
        body.expires_at,
        actor=caller.actor,
    )
    return CreatedKey(key=key, api_key=_api_key(record))


@router.get(
    "/v1/api-keys",
    summary="All API keys, the oldest first",
    responses=documented(401, 403, 404, 422),
)
async def get_keys(
    _: Operator, services: Platform, after: Annotated[str | None, Query(max_length=64)] = None
) -> KeyList:
    page = await access.list_keys(services.records, after=after, limit=PAGE)
    more = len(page) == PAGE
    return KeyList(
        api_keys=[_api_key(record) for record in page], next=page[-1].id if more else None
    )


@router.delete(
    "/v1/api-keys/{key_id}",
    summary="Revoke an API key; a revoked one stays as it is",
    responses=documented(401, 403, 404),
)
async def delete_key(caller: Operator, services: Platform, key_id: str) -> OneKey:
    record = await access.revoke_key(services.records, services.clock, key_id, actor=caller.actor)
    return OneKey(api_key=_api_key(record))


def _api_key(record: access.ApiKey) -> ApiKey:
    return ApiKey(
        id=record.id,
        role=record.role,
        subject_id=record.subject_id,
        created_at=record.created_at,
        expires_at=record.expires_at,
        revoked_at=record.revoked_at,
    )
