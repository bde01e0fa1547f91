"""`/v1/apps/{app_id}/icon`"""

from fastapi import APIRouter, Request, status

from functions.core import app_images
from functions.core.app_image_records import AppImage
from functions.core.catalog import ICON_SIZES, Icon
from functions.core.images.requirements import ICON
from functions.core.problems import not_found
from functions.entrypoints.http_api import bodies
from functions.entrypoints.http_api.access import Developer, OptionalCaller, Platform
from functions.entrypoints.http_api.json_body import JsonRoute
from functions.entrypoints.http_api.problem_answers import documented
from functions.entrypoints.http_api.values import Answer, Time

router = APIRouter(tags=["apps"], route_class=JsonRoute)


class IconSize(Answer):
    pixels: int
    url: str
    """On the cdn host, a PNG. Another icon has another query, so that nobody goes on showing what
    was cached."""


class IconAnswer(Answer):
    sha256: str
    """Of the picture that it was made from."""
    version_id: str | None
    """The version from whose package it was taken; None: it was sent by itself."""
    sizes: list[IconSize]
    changed_at: Time


class OneIcon(Answer):
    icon: IconAnswer


@router.get(
    "/v1/apps/{app_id}/icon",
    summary="An app's icon; without a key for public apps",
    responses=documented(401, 404),
)
async def get_icon(caller: OptionalCaller, services: Platform, app_id: str) -> OneIcon:
    icon = (await app_images.list_images(services.records, caller, app_id)).icon
    if icon is None:
        raise not_found("icon")
    return OneIcon(icon=_icon(icon, services.cdn_url))


@router.put(
    "/v1/apps/{app_id}/icon",
    summary="Set the icon: a square PNG of 128 to 1024 pixels, as the body",
    responses=documented(401, 403, 404, 409, 422),
    openapi_extra=bodies.picture(ICON),
)
async def put_icon(caller: Developer, services: Platform, app_id: str, request: Request) -> OneIcon:
    data = await request.body()
    icon = await app_images.set_icon(services.images, caller, app_id, data)
    return OneIcon(icon=_icon(icon, services.cdn_url))


@router.delete(
    "/v1/apps/{app_id}/icon",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Remove the icon, where there is one",
    responses=documented(401, 403, 404, 409),
)
async def delete_icon(caller: Developer, services: Platform, app_id: str) -> None:
    await app_images.remove_icon(services.images, caller, app_id)


def _icon(icon: AppImage, cdn_url: str) -> IconAnswer:
    return IconAnswer(
        sha256=icon.sha256,
        version_id=icon.version_id,
        sizes=[
            IconSize(
                pixels=pixels,
                url=f"{cdn_url}/{Icon(icon.app_id, pixels).key}?v={icon.sha256[:16]}",
            )
            for pixels in ICON_SIZES
        ],
        changed_at=icon.changed_at,
    )
