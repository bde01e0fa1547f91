"""What a cloud folder's keys are: made once, added to a folder that lacks some of them, never
replaced."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

STORAGE_SERVERS = ("minio", "b2")
"""The S3-compatible storages that the local cloud can play, each a server of its own."""
ROOT = "root"
ROLES = ("edge", "api", "jobs", "publisher")
"""Who has keys of an S3 server beside its root: the three Workers, and maintainers who publish."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class AccessKey:
    """One S3 credential."""

    access_key_id: str
    secret_access_key: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """Generated once for each cloud folder."""

    api_token: str
    """Bearer token of the REST face; of the form that Cloudflare's provider accepts."""
    control_secret: str
    """Header `x-stowage-control` of everything that is not Cloudflare's own interface."""
    r2: AccessKey
    """Rights on all buckets of the S3 face: an operator's token, which no stack declares."""
    storage: Mapping[str, Mapping[str, AccessKey]]
    """Of each S3 server: its root key and those of the roles."""
    storage_origin_secret: str
    """What Workers show to the proxy in front of a server whose origin is protected."""


def generate() -> Json:
    """A new folder's credentials as they lie in its file."""
    return {
        "api_token": secrets.token_hex(20),
        "control_secret": secrets.token_urlsafe(32),
        "r2": _access_key(),
        "storage": {
            server: {role: _access_key() for role in (ROOT, *ROLES)} for server in STORAGE_SERVERS
        },
        "storage_origin_secret": secrets.token_urlsafe(32),
    }


def completed(found: Json) -> Json:
    """The same with what a folder of an earlier version lacks."""
    return generate() | found


def parse(found: Json) -> Credentials:
    """Raises: KeyError, TypeError or AttributeError, when something is missing or of another
    shape."""
    storage = cast("dict[str, dict[str, Json]]", found["storage"])
    return Credentials(
        str(found["api_token"]),
        str(found["control_secret"]),
        _parsed_key(found["r2"]),
        {
            server: {role: _parsed_key(storage[server][role]) for role in (ROOT, *ROLES)}
            for server in STORAGE_SERVERS
        },
        str(found["storage_origin_secret"]),
    )


def _access_key() -> Json:
    # The lengths of AWS's, which every server and client takes.
    return {
        "access_key_id": secrets.token_hex(10).upper(),
        "secret_access_key": secrets.token_hex(20),
    }


def _parsed_key(found: Json) -> AccessKey:
    return AccessKey(str(found["access_key_id"]), str(found["secret_access_key"]))
