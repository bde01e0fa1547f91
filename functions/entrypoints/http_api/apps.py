"""`/v1/apps`"""

from typing import Literal

from fastapi import APIRouter, status

from functions.core import apps
from functions.entrypoints.http_api.access import Developer, Platform
from functions.entrypoints.http_api.grammars import AppId, Name
from functions.entrypoints.http_api.json_body import JsonRoute
from functions.entrypoints.http_api.problem_answers import documented
from functions.entrypoints.http_api.values import Answer, Body, Time

router = APIRouter(tags=["apps"], route_class=JsonRoute)


class NewApp(Body):
    app_id: AppId
    name: Name
    visibility: Literal["public", "private"] = "public"


class AppChange(Body):
    require_signature: bool
    """Whether each new version must carry its developer's signature."""


class App(Answer):
    id: str
    developer_id: str
    name: str
    visibility: Literal["public", "private"]
    current_version_id: str | None
    require_signature: bool
    created_at: Time


class CreatedApp(Answer):
    app_id: str
    app: App


class OneApp(Answer):
    app: App


@router.post(
    "/v1/apps",
    status_code=status.HTTP_201_CREATED,
    summary="Create an app of the calling developer",
    responses=documented(401, 403, 404, 409, 422),
)
async def post_app(caller: Developer, services: Platform, body: NewApp) -> CreatedApp:
    app = await apps.create_app(
        services.records, services.clock, caller, body.app_id, body.name, body.visibility
    )
    return CreatedApp(app_id=app.id, app=_app(app))


@router.patch(
    "/v1/apps/{app_id}",
    summary="Change an app of the calling developer",
    responses=documented(401, 403, 404, 409, 422),
)
async def patch_app(caller: Developer, services: Platform, app_id: str, body: AppChange) -> OneApp:
    app = await apps.require_signature(
        services.records, services.clock, caller, app_id, is_required=body.require_signature
    )
    return OneApp(app=_app(app))


def _app(app: apps.App) -> App:
    return App(
        id=app.id,
        developer_id=app.developer_id,
        name=app.name,
        visibility=app.visibility,
        current_version_id=app.current_version_id,
        require_signature=app.requires_signature,
        created_at=app.created_at,
    )
