"""`/v1/health`"""

from typing import Literal

from fastapi import APIRouter

from functions.entrypoints.http_api.json_body import JsonRoute
from functions.entrypoints.http_api.values import Answer

router = APIRouter(tags=["platform"], route_class=JsonRoute)


class Health(Answer):
    status: Literal["ok"]


@router.get("/v1/health", summary="Whether the api answers; touches no secret and no storage")
async def get_health() -> Health:
    return Health(status="ok")
