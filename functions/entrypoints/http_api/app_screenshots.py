"""`/v1/apps/{app_id}/screenshots`"""

from typing import Annotated, cast

from fastapi import APIRouter, Request, Response, status
from pydantic import Field

from functions.core import app_images
from functions.core.app_image_records import AppImage
from functions.core.catalog import Screenshot
from functions.core.images.requirements import MAX_SCREENSHOTS, SCREENSHOT
from functions.core.problems import not_found
from functions.entrypoints.http_api import bodies
from functions.entrypoints.http_api.access import Developer, OptionalCaller, Platform
from functions.entrypoints.http_api.json_body import JsonRoute
from functions.entrypoints.http_api.problem_answers import documented
from functions.entrypoints.http_api.values import Answer, Body, Time

router = APIRouter(tags=["apps"], route_class=JsonRoute)


class ScreenshotAnswer(Answer):
    number: int
    """Its name for ever: neither its place in the list, nor ever given to another."""
    url: str
    """On the cdn host, a PNG."""
    width: int
    height: int
    sha256: str
    """Of the picture that it was made from."""
    version_id: str | None
    """The version from whose package it was taken; None: it was sent by itself."""
    created_at: Time


class OneScreenshot(Answer):
    screenshot: ScreenshotAnswer


class Screenshots(Answer):
    screenshots: list[ScreenshotAnswer]
    """In the order in which they are to be shown."""


class Order(Body):
    numbers: Annotated[
        list[int],
        Field(max_length=MAX_SCREENSHOTS, json_schema_extra={"uniqueItems": True}),
    ]
    """Of all the app's screenshots."""


@router.get(
    "/v1/apps/{app_id}/screenshots",
    summary="An app's screenshots in their order; without a key for public apps",
    responses=documented(401, 404),
)
async def get_screenshots(caller: OptionalCaller, services: Platform, app_id: str) -> Screenshots:
    images = await app_images.list_images(services.records, caller, app_id)
    return _screenshots(images.screenshots, services.cdn_url)


@router.post(
    "/v1/apps/{app_id}/screenshots",
    status_code=status.HTTP_201_CREATED,
    summary="Add a screenshot at the end: a PNG, JPEG or WebP picture, as the body",
    responses={
        200: {"model": OneScreenshot, "description": "The same picture is in the list already"},
        **documented(401, 403, 404, 409, 422),
    },
    openapi_extra=bodies.picture(SCREENSHOT),
)
async def post_screenshot(
    caller: Developer, services: Platform, app_id: str, request: Request, response: Response
) -> OneScreenshot:
    data = await request.body()
    screenshot, created = await app_images.add_screenshot(services.images, caller, app_id, data)
    if not created:
        response.status_code = status.HTTP_200_OK
    return OneScreenshot(screenshot=_screenshot(screenshot, services.cdn_url))


@router.put(
    "/v1/apps/{app_id}/screenshots/order",
    summary="Put the screenshots into another order",
    responses=documented(401, 403, 404, 409, 422),
)
async def put_order(caller: Developer, services: Platform, app_id: str, body: Order) -> Screenshots:
    images = await app_images.order_screenshots(services.images, caller, app_id, body.numbers)
    return _screenshots(images.screenshots, services.cdn_url)


@router.delete(
    "/v1/apps/{app_id}/screenshots/{number}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Remove a screenshot",
    responses=documented(401, 403, 404, 409),
)
async def delete_screenshot(
    caller: Developer, services: Platform, app_id: str, number: str
) -> None:
    if not (number.isascii() and number.isdigit() and len(number) <= 6):
        raise not_found("screenshot")
    await app_images.remove_screenshot(services.images, caller, app_id, int(number))


def _screenshots(listed: tuple[AppImage, ...], cdn_url: str) -> Screenshots:
    return Screenshots(screenshots=[_screenshot(one, cdn_url) for one in listed])


def _screenshot(screenshot: AppImage, cdn_url: str) -> ScreenshotAnswer:
    number = cast("int", screenshot.number)
    return ScreenshotAnswer(
        number=number,
        url=f"{cdn_url}/{Screenshot(screenshot.app_id, number).key}",
        width=screenshot.width,
        height=screenshot.height,
        sha256=screenshot.sha256,
        version_id=screenshot.version_id,
        created_at=screenshot.created_at,
    )
