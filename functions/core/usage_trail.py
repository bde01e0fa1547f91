"""What becomes known of a request while it is answered, for the point that is written of it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from functions.core import catalog
from functions.core.usage import CacheState, Kind, Part, UsagePoint

if TYPE_CHECKING:
    from functions.core.catalog import ObjectKind
    from functions.core.http import Response

_FROM_THE_FIRST_BYTE = "bytes 0-"


@dataclass(slots=True)
class Trail:
    """Of one request. It begins as one that was refused, by a host that nobody knows."""

    kind: Kind = "refused"
    host: str | None = None
    location_id: str | None = None
    app_id: str | None = None
    version_id: str | None = None
    cache: CacheState = "bypass"

    def reached(self, host: str, location_id: str | None = None) -> None:
        """The host is one of ours, or leads to this location."""
        self.host = host
        self.location_id = location_id

    def named(self, kind: "ObjectKind", version_id: str | None = None) -> None:
        """The path names this object, whether or not it is there."""
        if isinstance(kind, catalog.RepositoryFile):
            self.kind = "repository"
        elif isinstance(kind, catalog.PackageObject):
            self.kind, self.app_id, self.version_id = "package", kind.app_id, version_id
        elif isinstance(kind, catalog.Icon | catalog.Screenshot):
            self.kind, self.app_id = "asset", kind.app_id

    def point(
        self, method: str, answer: "Response", latency_ms: int, colo: str | None
    ) -> UsagePoint:
        """`answer` as it would be sent to a GET."""
        has_body = method != "HEAD" and answer.body is not None
        return UsagePoint(
            kind=self.kind,
            host=self.host,
            location_id=self.location_id,
            app_id=self.app_id,
            version_id=self.version_id,
            method=method,
            status=answer.status,
            cache=self.cache,
            part=_part(method, answer),
            sent_bytes=int(answer.headers.get("content-length", "0")) if has_body else 0,
            latency_ms=max(0, latency_ms),
            colo=colo,
        )


def _part(method: str, answer: "Response") -> Part:
    if method != "GET" or answer.status not in (200, 206):
        return "none"
    if answer.status == 200:
        return "start"
    begins = answer.headers.get("content-range", "").startswith(_FROM_THE_FIRST_BYTE)
    return "start" if begins else "rest"
