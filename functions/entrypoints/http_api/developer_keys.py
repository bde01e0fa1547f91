"""`/v1/developer-keys`: the public keys with which developers sign their packages"""

from typing import Annotated

from fastapi import APIRouter, Query, Response, status

from functions.core import developer_keys
from functions.entrypoints.http_api.access import AnyCaller, Developer, Platform
from functions.entrypoints.http_api.grammars import Id, Name, PublicKey
from functions.entrypoints.http_api.json_body import JsonRoute
from functions.entrypoints.http_api.problem_answers import documented
from functions.entrypoints.http_api.values import Answer, Body, Time

router = APIRouter(tags=["developer keys"], route_class=JsonRoute)

PAGE = 100


class NewDeveloperKey(Body):
    public_key: PublicKey
    """Base64 of the 32 bytes of an Ed25519 public key."""
    name: Name | None = None
    """For people."""


class DeveloperKey(Answer):
    id: str
    developer_id: str
    name: str | None
    algorithm: str
    public_key: str
    created_at: Time
    revoked_at: Time | None


class OneDeveloperKey(Answer):
    developer_key: DeveloperKey


class DeveloperKeyList(Answer):
    developer_keys: list[DeveloperKey]
    next: str | None
    """Give it as `after` to get the next page; None on the last one."""


@router.post(
    "/v1/developer-keys",
    status_code=status.HTTP_201_CREATED,
    summary="Register a public key of the calling developer",
    responses={
        200: {"model": OneDeveloperKey, "description": "It was registered already"},
        **documented(401, 403, 404, 409, 422),
    },
)
async def post_developer_key(
    caller: Developer, services: Platform, body: NewDeveloperKey, response: Response
) -> OneDeveloperKey:
    key, is_new = await developer_keys.register_key(
        services.records, services.clock, services.entropy, caller, body.public_key, body.name
    )
    if not is_new:
        response.status_code = status.HTTP_200_OK
    return OneDeveloperKey(developer_key=_answer(key))


@router.get(
    "/v1/developer-keys",
    summary="A developer's public keys, the oldest first; operators name the developer",
    responses=documented(401, 404, 422),
)
async def get_developer_keys(
    caller: AnyCaller,
    services: Platform,
    developer_id: Annotated[Id | None, Query(max_length=64)] = None,
    after: Annotated[str | None, Query(max_length=64)] = None,
) -> DeveloperKeyList:
    page = await developer_keys.list_keys(
        services.records, caller, developer_id, after=after, limit=PAGE
    )
    more = len(page) == PAGE
    return DeveloperKeyList(
        developer_keys=[_answer(key) for key in page], next=page[-1].id if more else None
    )


@router.delete(
    "/v1/developer-keys/{key_id}",
    summary="Revoke a public key, as its developer or an operator; a revoked one stays as it is",
    responses=documented(401, 404, 409),
)
async def delete_developer_key(
    caller: AnyCaller, services: Platform, key_id: str
) -> OneDeveloperKey:
    key = await developer_keys.revoke_key(services.records, services.clock, caller, key_id)
    return OneDeveloperKey(developer_key=_answer(key))


def _answer(key: developer_keys.DeveloperKey) -> DeveloperKey:
    return DeveloperKey(
        id=key.id,
        developer_id=key.developer_id,
        name=key.name,
        algorithm="Ed25519",
        public_key=key.public_key,
        created_at=key.created_at,
        revoked_at=key.revoked_at,
    )
