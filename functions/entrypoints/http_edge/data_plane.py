"""One request of the public data plane: host -> location or cdn -> object.

The cdn host serves assets and, with a token, packages. A tenant's host serves its location. Every
other host, the platform's own names among them, is unknown: 404 without a hint.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from functions.core import denials, serving
from functions.core.catalog import Icon, Screenshot
from functions.core.download_tokens import DownloadKeys
from functions.core.http import (
    METHODS,
    Request,
    Response,
    problem_response,
    respond,
    respond_to_other_method,
)
from functions.core.locations import Location
from functions.core.problems import Problem, ProblemError, not_found, unavailable
from functions.core.times import http_date
from functions.entrypoints.http_edge.host_memory import HostMemory
from functions.ports.clock import Clock
from functions.ports.object_store import ObjectReader, ObjectStoreError
from functions.ports.records import Records, RecordsError

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
class DataPlane:
    records: Records
    clock: Clock
    packages: ObjectReader
    assets: ObjectReader
    repositories: Mapping[str, ObjectReader]
    """By the physical name of each declared repository bucket; no other bucket can be served."""
    cdn_host: str
    platform_zone: str
    download_keys: DownloadKeys
    denials: denials.Denials
    memory: HostMemory = field(default_factory=HostMemory)

    async def serve(self, request: EdgeRequest) -> Response:
        """Never raises: a refusal or failure is a problem document."""
        answer = await self._answer(request)
        headers = {**answer.headers, "date": http_date(self.clock.now_ms())}
        if answer.status == 404:
            headers["cache-control"] = NEGATIVE
        return Response(answer.status, headers, None if request.method == "HEAD" else answer.body)

    async def _answer(self, request: EdgeRequest) -> Response:
        if request.method not in METHODS:
            return respond_to_other_method(self._asset(request), request.method)
        try:
            return await self._object(request)
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

    async def _object(self, request: EdgeRequest) -> Response:
        asked = Request(request.method, request.headers)
        now = self.clock.now_ms()
        host = serving.normal_host(request.host)
        if host == self.cdn_host:
            target = serving.route_cdn(request.raw_path, request.query, self.download_keys, now)
            # Before anything is read, so that a warm cache does not answer instead.
            if target.version_id is not None and await self.denials.is_denied(
                target.version_id, now
            ):
                raise denials.pulled()
            reader = self.packages if target.bucket == "packages" else self.assets
            return await respond(reader, target.kind, asked, now)
        location = await self._location(host)
        if location is None:
            raise not_found("site")
        file = serving.repository_file(location, request.raw_path)
        return await respond(self.repositories[location.s3_bucket], file, asked, now)

    async def _location(self, host: str) -> Location | None:
        if host == self.platform_zone or host.endswith("." + self.platform_zone):
            return None
        now = self.clock.now_ms()
        remembered = self.memory.recall(host, now)
        if remembered is not None:
            return remembered.location
        location = await serving.resolve_host(self.records, host, tuple(self.repositories))
        self.memory.remember(host, location, now)
        return location
