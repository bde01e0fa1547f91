"""Settings of the storages: which one holds the objects, and the S3-compatible servers behind two
of them.

R2 needs no server: it is reached by bindings. What holds between these settings and the others is
in `storage_consistency`.
"""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, model_validator

from infra.naming import bucket_name_problem, hostname_problem, is_loopback
from infra.setting_types import BaseUrl, Plain

StorageName = Literal["r2", "b2", "minio"]
R2 = "r2"

_REGION = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def _endpoint(value: str) -> str:
    parts = urlsplit(value)
    if parts.username is not None:
        raise ValueError("must hold no key: keys are given in storageKeys")
    # What stays on this machine may be read by nobody else.
    if parts.scheme != "https" and not is_loopback(value):
        raise ValueError(f"{value!r} must be https: keys and packages travel over it")
    return value


def _region(value: str) -> str:
    if not _REGION.fullmatch(value):
        raise ValueError(f"{value!r} is not a region like us-east-1")
    return value


def _bucket(value: str) -> str:
    # The grammar of R2 is the part of S3's that every server takes; S3 has dots beside it.
    if bucket_name_problem(value):
        raise ValueError(
            f"{value!r} is not a bucket name that every server takes: 3 to 63 lower-case letters, "
            "digits and hyphens, with a letter or digit at both ends"
        )
    return value


Endpoint = Annotated[BaseUrl, AfterValidator(_endpoint)]
Region = Annotated[str, AfterValidator(_region)]
PhysicalBucket = Annotated[str, AfterValidator(_bucket)]


class Origin(Plain):
    """Where the proxied name of a server leads; asks for its DNS name, route and firewall rule."""

    type: Literal["A", "AAAA", "CNAME"]
    content: str

    @model_validator(mode="after")
    def _content_fits(self) -> Self:
        if self.type == "CNAME":
            problem = hostname_problem(self.content)
        else:
            version = {"A": 4, "AAAA": 6}[self.type]
            problem = None
            if _ip_version(self.content) != version:
                problem = f"{self.content!r} is not an IPv{version} address"
        if problem:
            raise ValueError(f"content: {problem}")
        return self


class Server(Plain):
    """An S3-compatible server and what the platform's buckets are called there."""

    endpoint: Endpoint
    region: Region
    buckets: Mapping[str, PhysicalBucket] = {}
    """Names there by role; a role that is left out has the platform's own name."""
    adopt: tuple[str, ...] = ()
    """Roles whose buckets may exist already, with whatever is in them."""

    @property
    def is_proxied(self) -> bool:
        """Whether it stands behind the zone's proxy, which asks for the shared secret."""
        return False

    @property
    def host(self) -> str:
        """Without a port."""
        return urlsplit(self.endpoint).hostname or ""

    def physical(self, role: str, platform_name: str) -> str:
        """What the bucket of a role is called there."""
        return self.buckets.get(role, platform_name)


class ProxiedServer(Server):
    """A server of one's own, which may stand behind Cloudflare's proxy."""

    origin: Origin | None = None

    @property
    def is_proxied(self) -> bool:
        return self.origin is not None


class Servers(Plain):
    minio: ProxiedServer | None = None
    b2: Server | None = None

    def get(self, storage: str) -> Server | None:
        match storage:
            case "minio":
                return self.minio
            case "b2":
                return self.b2
            case _:
                return None


def _ip_version(text: str) -> int | None:
    try:
        return ip_address(text).version
    except ValueError:
        return None
