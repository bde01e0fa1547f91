"""`/v1/versions/{version_id}/...`: taking versions back, and choosing which one is current"""

from typing import Literal

from fastapi import APIRouter

from functions.core import app_image_calls, publication, purges, withdrawal
from functions.entrypoints.http_api.access import AnyCaller, Operator, Platform
from functions.entrypoints.http_api.grammars import Reason
from functions.entrypoints.http_api.json_body import JsonRoute
from functions.entrypoints.http_api.problem_answers import documented
from functions.entrypoints.http_api.values import Body
from functions.entrypoints.http_api.versions import OneVersion, version_answer

router = APIRouter(tags=["versions"], route_class=JsonRoute)


class Withdrawal(Body):
    reason: Reason
    """For its developer, in words; at most 500 characters."""


class PulledVersion(OneVersion):
    purge: Literal["pending", "done"]
    """Whether the edge's caches still hold it. Nobody gets it from there: its URLs are refused
    seconds after the pull."""


@router.post(
    "/v1/versions/{version_id}/reject",
    summary="Reject a draft, as an operator",
    responses=documented(401, 403, 404, 409, 422),
)
async def post_reject(
    caller: Operator, services: Platform, version_id: str, body: Withdrawal
) -> OneVersion:
    version = await withdrawal.reject_version(
        services.records,
        services.clock,
        caller,
        version_id,
        body.reason,
        services.limits.retention,
    )
    return OneVersion(version=version_answer(version))


@router.post(
    "/v1/versions/{version_id}/pull",
    summary="Take a published version back, as its developer or an operator",
    responses=documented(401, 404, 409, 422),
)
async def post_pull(
    caller: AnyCaller, services: Platform, version_id: str, body: Withdrawal
) -> PulledVersion:
    version = await withdrawal.pull_version(
        services.records,
        services.queue,
        services.clock,
        caller,
        version_id,
        body.reason,
        services.limits.retention,
    )
    # Another version may be current now, with other images.
    await app_image_calls.announce(services.queue, version.app_id)
    pending = await purges.is_pending(services.records, [withdrawal.purge_tag(version)])
    return PulledVersion(version=version_answer(version), purge="pending" if pending else "done")


@router.post(
    "/v1/versions/{version_id}/restore",
    summary="Publish a pulled version again; what an operator pulled, as an operator",
    responses=documented(401, 403, 404, 409),
)
async def post_restore(caller: AnyCaller, services: Platform, version_id: str) -> OneVersion:
    version = await withdrawal.restore_version(
        services.records, services.clock, caller, version_id, services.limits.retention
    )
    await app_image_calls.announce(services.queue, version.app_id)
    return OneVersion(version=version_answer(version))


@router.post(
    "/v1/versions/{version_id}/rollback",
    summary="Make an old published version the app's current one again",
    responses=documented(401, 404, 409),
)
async def post_rollback(caller: AnyCaller, services: Platform, version_id: str) -> OneVersion:
    version = await publication.roll_back(
        services.records, services.clock, caller, version_id, services.limits.retention
    )
    await app_image_calls.announce(services.queue, version.app_id)
    return OneVersion(version=version_answer(version))
