"""`/v1/apps/{app_id}/usage` and `/v1/repositories/{repository_id}/usage`: what was downloaded, by
day."""

from typing import Annotated

from fastapi import APIRouter, Query

from functions.core import usage_reports
from functions.core.usage_queries import LocationDay
from functions.core.usage_reports import MOST_DAYS, USUAL_DAYS
from functions.entrypoints.http_api.access import AnyCaller, Platform
from functions.entrypoints.http_api.json_body import JsonRoute
from functions.entrypoints.http_api.problem_answers import documented
from functions.entrypoints.http_api.values import Answer, Time

router = APIRouter(tags=["usage"], route_class=JsonRoute)

Days = Annotated[
    int, Query(ge=1, le=MOST_DAYS, description="The last so many days, today among them.")
]


class DownloadDay(Answer):
    day: Time
    """Its beginning; days are UTC."""
    downloads: int
    """Of the package from its first byte on: resumptions, HEAD and further ranges are none."""
    sent_bytes: int


class VersionUsage(Answer):
    version_id: str
    version_code: int
    version_name: str
    downloads: int
    sent_bytes: int


class AppUsage(Answer):
    app_id: str
    since: Time
    until: Time
    """Not included."""
    downloads: int
    sent_bytes: int
    days: list[DownloadDay]
    """Those that had a download."""
    versions: list[VersionUsage]
    """Those that were downloaded, the newest first."""


class RepositoryDay(Answer):
    day: Time
    """Its beginning; days are UTC."""
    requests: int
    sent_bytes: int
    client_errors: int
    """Answers of 400 to 499."""
    server_errors: int
    """Answers of 500 and above."""
    hits: int
    """Answers from the edge's cache."""
    hit_ratio: float
    """`hits` of `requests`, 0 to 1."""


class RepositoryUsage(Answer):
    repository_id: str
    location_id: str
    """All repositories of one location share its usage."""
    since: Time
    until: Time
    """Not included."""
    requests: int
    sent_bytes: int
    days: list[RepositoryDay]
    """Those that had a request."""


@router.get(
    "/v1/apps/{app_id}/usage",
    summary="Downloads of an app's versions, for its developer and for operators",
    responses=documented(401, 404, 422),
)
async def get_app_usage(
    caller: AnyCaller, services: Platform, app_id: str, days: Days = USUAL_DAYS
) -> AppUsage:
    """Some minutes old: the jobs sum up by schedule."""
    found = await usage_reports.app_usage(services.records, services.clock, caller, app_id, days)
    return AppUsage(
        app_id=found.app_id,
        since=found.since,
        until=found.until,
        downloads=sum(one.downloads for one in found.days),
        sent_bytes=sum(one.sent_bytes for one in found.days),
        days=[
            DownloadDay(day=one.day, downloads=one.downloads, sent_bytes=one.sent_bytes)
            for one in found.days
        ],
        versions=[
            VersionUsage(
                version_id=one.version_id,
                version_code=one.version_code,
                version_name=one.version_name,
                downloads=one.downloads,
                sent_bytes=one.sent_bytes,
            )
            for one in found.versions
        ],
    )


@router.get(
    "/v1/repositories/{repository_id}/usage",
    summary="Requests to a repository's location, for its tenant and for operators",
    responses=documented(401, 404, 422),
)
async def get_repository_usage(
    caller: AnyCaller, services: Platform, repository_id: str, days: Days = USUAL_DAYS
) -> RepositoryUsage:
    """Some minutes old: the jobs sum up by schedule."""
    found = await usage_reports.repository_usage(
        services.records, services.clock, caller, repository_id, days
    )
    return RepositoryUsage(
        repository_id=found.repository_id,
        location_id=found.location_id,
        since=found.since,
        until=found.until,
        requests=sum(one.requests for one in found.days),
        sent_bytes=sum(one.sent_bytes for one in found.days),
        days=[_repository_day(one) for one in found.days],
    )


def _repository_day(of: LocationDay) -> RepositoryDay:
    return RepositoryDay(
        day=of.day,
        requests=of.requests,
        sent_bytes=of.sent_bytes,
        client_errors=of.client_errors,
        server_errors=of.server_errors,
        hits=of.hits,
        hit_ratio=round(of.hits / of.requests, 4) if of.requests else 0.0,
    )
