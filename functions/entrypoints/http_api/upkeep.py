"""`/v1/purges`, `/v1/retention`, `/v1/reconcile`: what the jobs do by themselves, for operators"""

from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import APIRouter, Query, status

from functions.core import purges, reconcile_report, retention
from functions.core.platform import DAY_MS
from functions.core.version_records import Status
from functions.entrypoints.http_api.access import Operator, Platform
from functions.entrypoints.http_api.json_body import JsonRoute
from functions.entrypoints.http_api.problem_answers import documented
from functions.entrypoints.http_api.values import Answer, Body, Time

router = APIRouter(tags=["upkeep"], route_class=JsonRoute)

PAGE = 100
MOST_DAYS = 3650


class PurgeAnswer(Answer):
    tag: str
    requested_at: Time
    due_at: Time
    """When it is sent, or sent again."""
    attempts: int
    problem: str | None
    """Why the last attempt failed."""


class PurgeList(Answer):
    """What is purged is not listed."""

    purges: list[PurgeAnswer]
    next: str | None
    """Give it as `after` to get the next page; None on the last one."""


class RemovalAnswer(Answer):
    kind: Literal["version", "upload"]
    id: str
    app_id: str
    version_code: int
    status: Status
    object_key: str | None
    due_at: Time
    why: str


class RetentionPlan(Answer):
    at: Time
    removals: list[RemovalAnswer]
    more: bool
    """Whether more would go than are listed here."""


class FindingAnswer(Answer):
    kind: Literal["orphan", "missing", "different"]
    """`orphan`: no row claims the object. `missing`: an object of a version or of an app's image is
    not there. `different`: a package has another size than its version."""
    bucket: Literal["uploads", "packages", "assets"]
    key: str
    version_id: str | None
    size: int | None
    is_young: bool
    """The orphan is too young to be deleted."""
    is_repaired: bool


class WalkAnswer(Answer):
    repair: bool
    started_at: Time
    finished_at: Time | None
    phase: Literal["uploads", "packages", "assets", "versions", "images"]
    objects: int
    """Looked at so far."""
    versions: int
    images: int
    """Icons and screenshots."""
    orphans: int
    young: int
    """Orphans that are too young to be deleted."""
    missing: int
    """Objects that are missing or different."""
    repaired: int
    """Orphans that were deleted."""
    findings: list[FindingAnswer]
    """The first 200."""
    errors: list[str]


class Reconciliation(Answer):
    under_way: WalkAnswer | None
    last: WalkAnswer | None
    """The last one that came to its end."""


class NewWalk(Body):
    repair: bool = False
    """Delete the orphans that are found. What is missing is only ever reported."""


@router.get(
    "/v1/purges",
    summary="What is still to be purged from the edge's caches",
    responses=documented(401, 403, 404, 422),
)
async def get_purges(
    _: Operator, services: Platform, after: Annotated[str | None, Query(max_length=256)] = None
) -> PurgeList:
    page = await purges.list_purges(services.records, after=after, limit=PAGE)
    more = len(page) == PAGE
    return PurgeList(
        purges=[PurgeAnswer.model_validate(asdict(purge)) for purge in page],
        next=page[-1].tag if more else None,
    )


@router.get(
    "/v1/retention",
    summary="What retention would remove now, or in some days",
    responses=documented(401, 403, 404, 422),
)
async def get_retention(
    _: Operator, services: Platform, days: Annotated[int, Query(ge=0, le=MOST_DAYS)] = 0
) -> RetentionPlan:
    at = services.clock.now_ms() + days * DAY_MS
    found, more = await retention.removals(services.records, services.limits.retention, at, PAGE)
    return RetentionPlan(
        at=at,
        removals=[RemovalAnswer.model_validate(asdict(removal)) for removal in found],
        more=more,
    )


@router.get(
    "/v1/reconcile",
    summary="What the comparison of buckets and database has found",
    responses=documented(401, 403, 404),
)
async def get_reconcile(_: Operator, services: Platform) -> Reconciliation:
    state = await reconcile_report.read_state(services.records)
    return Reconciliation(under_way=_walk(state.walk), last=_walk(state.last))


@router.post(
    "/v1/reconcile",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Compare buckets and database now, and repair if told to",
    responses=documented(401, 403, 404, 409, 422),
)
async def post_reconcile(_: Operator, services: Platform, body: NewWalk) -> Reconciliation:
    walk = await reconcile_report.request_walk(services.records, services.clock, repair=body.repair)
    # Read before the jobs are called, so that the walk that was asked for is still under way.
    last = (await reconcile_report.read_state(services.records)).last
    await reconcile_report.announce(services.queue)
    return Reconciliation(under_way=_walk(walk), last=_walk(last))


def _walk(walk: reconcile_report.Walk | None) -> WalkAnswer | None:
    if walk is None:
        return None
    members = asdict(walk)
    del members["at"]
    return WalkAnswer.model_validate(members)
