"""One request of the public data plane: host -> location or cdn -> object.

The cdn host serves assets and, with a token, packages. A tenant's host serves its location. Every
other host, the platform's own names among them, is unknown: 404 without a hint.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from functions.core import denials, serving
from functions.core.catalog import Icon, ObjectKind, Screenshot
from functions.core.download_tokens import DownloadKeys
from functions.core.host_directory import HostDirectory
from functions.core.http import (
    METHODS,
    Request,
    Response,
    problem_response,
    respond,
    respond_to_other_method,
)
from functions.core.object_cache import CachedReader, Refreshes
from functions.core.problems import Problem, ProblemError, not_found, unavailable
from functions.core.times import http_date
from functions.core.usage import data_point
from functions.core.usage_trail import Trail
from functions.ports.background import Background
from functions.ports.clock import Clock
from functions.ports.edge_cache import EdgeCache
from functions.ports.object_store import ObjectReader, ObjectStoreError
from functions.ports.records import RecordsError
from functions.ports.usage import UsageLog

log = logging.getLogger("stowage.edge")

NEGATIVE = "public, max-age=5"
"""A missing thing may appear at any moment; this only spares the origin a storm of repeats."""
RETRY_SECONDS = "5"

INTERNAL = Problem(
    "internal-error", "Internal error", 500, "Something went wrong on our side; it has been logged."
)


@dataclass(frozen=True, slots=True)
class EdgeRequest:
    method: str
    host: str
    """As the client sent it, with or without a port."""
    raw_path: str
    """Percent-escapes and dot segments as the client sent them."""
    query: str
    """Without the question mark."""
    headers: Mapping[str, str]
    """Names in lower case."""
    colo: str | None = None
    """The data centre that it came to, where that is known."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What a request names and where it lies."""

    store: ObjectReader
    kind: ObjectKind
    bucket: str = ""


@dataclass(frozen=True, slots=True)
class DataPlane:
    clock: Clock
    hosts: HostDirectory
    packages: ObjectReader
    assets: ObjectReader
    repositories: Mapping[str, ObjectReader]
    """By the physical name of each declared repository bucket; no other bucket can be served."""
    cdn_host: str
    platform_zone: str
    download_keys: DownloadKeys
    denials: denials.Denials
    cache: EdgeCache
    usage: UsageLog
    refreshes: Refreshes = field(default_factory=Refreshes)

    async def serve(self, request: EdgeRequest, background: Background) -> Response:
        """Never raises: a refusal or failure is a problem document."""
        began, trail = self.clock.now_ms(), Trail()
        answer = await self._answer(request, background, trail)
        now = self.clock.now_ms()
        self.usage.record(
            data_point(trail.point(request.method, answer, now - began, request.colo))
        )
        headers = {**answer.headers, "date": http_date(now)}
        if answer.status == 404:
            headers["cache-control"] = NEGATIVE
        return Response(answer.status, headers, None if request.method == "HEAD" else answer.body)

    async def _answer(self, request: EdgeRequest, background: Background, trail: Trail) -> Response:
        if request.method not in METHODS:
            asset = self._asset(request)
            if asset is not None:
                trail.reached(self.cdn_host)
                trail.named(asset)
            return respond_to_other_method(asset, request.method)
        try:
            return await self._object(request, background, trail)
        except ProblemError as refused:
            return problem_response(refused.problem)
        except (RecordsError, ObjectStoreError):
            log.exception("%s %s: storage failed", request.host, request.raw_path)
            return problem_response(unavailable().problem, extra={"retry-after": RETRY_SECONDS})
        except Exception:
            log.exception("%s %s: unexpected", request.host, request.raw_path)
            return problem_response(INTERNAL)

    def _asset(self, request: EdgeRequest) -> Icon | Screenshot | None:
        if serving.normal_host(request.host) != self.cdn_host:
            return None
        return serving.public_asset(request.raw_path)

    async def _object(self, request: EdgeRequest, background: Background, trail: Trail) -> Response:
        now = self.clock.now_ms()
        found = await self._find(request, now, background, trail)
        reader = CachedReader(
            self.cache, found.store, found.kind, found.bucket, now, background, self.refreshes
        )
        asked = Request(request.method, request.headers)
        answer = await respond(reader, found.kind, asked, now)
        trail.cache = reader.cache_state
        if not reader.age_seconds:
            return answer
        headers = {**answer.headers, "age": str(reader.age_seconds)}
        return Response(answer.status, headers, answer.body)

    async def _find(
        self, request: EdgeRequest, now: int, background: Background, trail: Trail
    ) -> _Found:
        """Raises: ProblemError, RecordsError."""
        host = serving.normal_host(request.host)
        if host == self.cdn_host:
            trail.reached(host)
            return await self._find_on_cdn(request, now, trail)
        # The platform's own names never lead to a location, so they are not even looked for.
        own = host == self.platform_zone or host.endswith("." + self.platform_zone)
        location = None if own else await self.hosts.find(host, now, background)
        if location is None:
            raise not_found("site")
        trail.reached(host, location.id)
        file = serving.repository_file(location, request.raw_path)
        trail.named(file)
        bucket = location.s3_bucket
        return _Found(self.repositories[bucket], file, bucket)

    async def _find_on_cdn(self, request: EdgeRequest, now: int, trail: Trail) -> _Found:
        target = serving.route_cdn(request.raw_path, request.query, self.download_keys, now)
        trail.named(target.kind, target.version_id)
        if target.version_id is None:
            return _Found(self.assets, target.kind)
        # Before the cache is asked, so that a warm copy does not answer instead.
        if await self.denials.is_denied(target.version_id, now):
            raise denials.pulled()
        return _Found(self.packages, target.kind)
