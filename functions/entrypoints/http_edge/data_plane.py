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
from functions.ports.background import Background
from functions.ports.clock import Clock
from functions.ports.edge_cache import EdgeCache
from functions.ports.object_store import ObjectReader, ObjectStoreError
from functions.ports.records import RecordsError

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
    refreshes: Refreshes = field(default_factory=Refreshes)

    async def serve(self, request: EdgeRequest, background: Background) -> Response:
        """Never raises: a refusal or failure is a problem document."""
        answer = await self._answer(request, background)
        headers = {**answer.headers, "date": http_date(self.clock.now_ms())}
        if answer.status == 404:
            headers["cache-control"] = NEGATIVE
        return Response(answer.status, headers, None if request.method == "HEAD" else answer.body)

    async def _answer(self, request: EdgeRequest, background: Background) -> Response:
        if request.method not in METHODS:
            return respond_to_other_method(self._asset(request), request.method)
        try:
            return await self._object(request, background)
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

    async def _object(self, request: EdgeRequest, background: Background) -> Response:
        now = self.clock.now_ms()
        found = await self._find(request, now, background)
        reader = CachedReader(
            self.cache, found.store, found.kind, found.bucket, now, background, self.refreshes
        )
        asked = Request(request.method, request.headers)
        answer = await respond(reader, found.kind, asked, now)
        if not reader.age_seconds:
            return answer
        headers = {**answer.headers, "age": str(reader.age_seconds)}
        return Response(answer.status, headers, answer.body)

    async def _find(self, request: EdgeRequest, now: int, background: Background) -> _Found:
        """Raises: ProblemError, RecordsError."""
        host = serving.normal_host(request.host)
        if host == self.cdn_host:
            return await self._find_on_cdn(request, now)
        # The platform's own names never lead to a location, so they are not even looked for.
        own = host == self.platform_zone or host.endswith("." + self.platform_zone)
        location = None if own else await self.hosts.find(host, now, background)
        if location is None:
            raise not_found("site")
        file = serving.repository_file(location, request.raw_path)
        bucket = location.s3_bucket
        return _Found(self.repositories[bucket], file, bucket)

    async def _find_on_cdn(self, request: EdgeRequest, now: int) -> _Found:
        target = serving.route_cdn(request.raw_path, request.query, self.download_keys, now)
        if target.version_id is None:
            return _Found(self.assets, target.kind)
        # Before the cache is asked, so that a warm copy does not answer instead.
        if await self.denials.is_denied(target.version_id, now):
            raise denials.pulled()
        return _Found(self.packages, target.kind)
