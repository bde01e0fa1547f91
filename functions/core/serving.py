"""From a request's host and path to one object, for the public data plane. One code path for single
and multi-tenant.

A path never leaves its prefix: it is decoded once, strictly, and refused where any parser could
read it as something else.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from functions.core import catalog, download_tokens, repository_paths
from functions.core.locations import Location, location_of
from functions.core.problems import ProblemError, bad_request, not_found
from functions.ports.records import Records, Statement

if TYPE_CHECKING:
    from functions.core.download_tokens import DownloadKeys

_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
INDEX_PAGE = "index.html"
"""Static indexes (PEP 503) are asked for by their folder; no object key ends with a slash."""
MAX_RAW_PATH_CHARACTERS = 3 * catalog.MAX_KEY_BYTES + 1
"""Every byte of the longest key, percent-encoded."""


@dataclass(frozen=True, slots=True)
class Target:
    bucket: catalog.BucketRole
    key: str
    kind: catalog.ObjectKind
    version_id: str | None = None
    """Of a package: the version that the token names."""


def normal_host(host: str) -> str:
    """A `Host` header as the table has it: lower case, without port and final dot."""
    return host.strip().lower().partition(":")[0].removesuffix(".")


def host_statement(host: str) -> Statement:
    """The one query of a host; `host` as `normal_host` gives it."""
    return Statement(
        "SELECT location.* FROM hostname JOIN location ON location.id = hostname.location_id"
        " WHERE hostname.name = ? AND hostname.state IN ('validating', 'active')"
        " AND hostname.proven_at IS NOT NULL"
        " AND hostname.deleted_at IS NULL AND location.deleted_at IS NULL",
        (host,),
    )


async def resolve_host(records: Records, host: str, buckets: Collection[str]) -> Location | None:
    """The location behind a `Host` header (a port and a final dot are ignored, case too), by one
    indexed query. None for a name that is unknown, not proven or neither validating nor
    active, and for a location outside `buckets`, the declared repository buckets."""
    rows = await records.fetch(host_statement(normal_host(host)))
    location = location_of(rows[0]) if rows else None
    return location if location is not None and location.s3_bucket in buckets else None


def decode_path(raw_path: str) -> str:
    """The relative path, decoded once, of the path of a request as it was sent.

    Raises: ProblemError 400 for what no well-formed client sends (broken percent-encoding, no
    UTF-8, NUL or another control character, backslash, encoded slash, dot segment), 404 for a path
    that can name no object (empty, empty segment, too long, the platform's own folder).
    """
    if not raw_path.startswith("/"):
        raise bad_request("The path must begin with '/'.", "bad-path")
    if len(raw_path) > MAX_RAW_PATH_CHARACTERS:
        raise not_found("object")
    if _BROKEN_ESCAPE.search(raw_path):
        raise bad_request("The path has a '%' that no two hexadecimal digits follow.", "bad-path")
    if "%2f" in raw_path.lower():
        raise bad_request("The path has an encoded slash.", "bad-path")
    try:
        path = unquote_to_bytes(raw_path).decode("utf-8")
    except UnicodeError as error:
        raise bad_request("The path is not UTF-8.", "bad-path") from error
    path = path.removeprefix("/")
    if wrong := repository_paths.malformed(path):
        raise bad_request(f"The path has {wrong}.", "bad-path")
    if repository_paths.impossible(path):
        raise not_found("object")
    return path


def route_cdn(
    raw_path: str,
    query: str,
    keys: "DownloadKeys",
    now_ms: int,
    *,
    max_seconds: int = 3600,
) -> Target:
    """What the cdn host serves: `/assets/...`, and `/packages/.../package.mosis` with a token
    (`query` without `?`).

    Raises: ProblemError 400, 403 `download-refused`, 404 for everything else.
    """
    key = decode_path(raw_path)
    kind = catalog.parse_public(key)
    if kind is None:
        raise not_found("object")
    if isinstance(kind, catalog.PackageObject):
        version_id = download_tokens.verify(query, key, keys, now_ms, max_seconds=max_seconds)
        return Target(kind.bucket, key, kind, version_id)
    return Target(kind.bucket, key, kind)


def public_asset(raw_path: str) -> catalog.Icon | catalog.Screenshot | None:
    """The asset that a path of the cdn host names; None for every other path."""
    try:
        kind = catalog.parse_public(decode_path(raw_path))
    except ProblemError:
        return None
    return None if isinstance(kind, catalog.PackageObject) else kind


def repository_file(location: Location, raw_path: str) -> catalog.RepositoryFile:
    """What a tenant's host serves: the file of that path in the location's generation, or
    `s3_prefix + path` where it has none, and `index.html` for a path that ends with a slash.

    Raises: ProblemError 400, 404.
    """
    path = decode_path(raw_path + INDEX_PAGE if raw_path.endswith("/") else raw_path)
    file = catalog.RepositoryFile(location.id, location.s3_prefix, path, location.generation)
    if len(file.key.encode()) > catalog.MAX_KEY_BYTES:
        raise not_found("object")
    return file
