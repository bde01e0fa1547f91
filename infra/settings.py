"""What a stack may be configured with: plain values, their defaults and limits.

Secrets are not here: they are Pulumi outputs and never enter pydantic (see `config`).
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from infra.naming import PLATFORM_BUCKETS, Names
from infra.setting_types import (
    BaseUrl,
    BucketRoles,
    Cron,
    Hex32,
    Hostname,
    Instant,
    Jurisdiction,
    KeyId,
    Location,
    Origin,
    Plain,
    Prefix,
    PublicKey,
    ResolverUrls,
    Structured,
)
from infra.storage_settings import R2, Server, Servers, StorageName

# One PUT to R2 takes at most 5 GiB: https://developers.cloudflare.com/r2/platform/limits/
MAX_PACKAGE_BYTES_LIMIT = 5 * 1024**3
MAX_UPLOAD_URL_SECONDS = 900
MAX_DOWNLOAD_URL_SECONDS = 3600


class PlatformKey(Plain):
    """A public key with which devices check the platform's signatures; served by `GET /v1/keys`."""

    id: KeyId
    algorithm: Literal["Ed25519"]
    public_key: PublicKey
    not_before: Instant
    not_after: Instant | None = None


class UsageAlert(Plain):
    """A notification when the account's use of a product passes a limit in one billing period."""

    product: str = Field(min_length=1)
    limit: int = Field(gt=0)


class RequestsPerMinute(Plain):
    """How many requests to the api count as too many, in each location of Cloudflare's network."""

    address: int = Field(default=600, gt=0)
    """Without a valid key, from one address (IPv6: one /64)."""
    key: int = Field(default=3000, gt=0)


class Backup(BaseModel):
    """How often the database is saved, and for how long a backup is kept."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)

    # Less often than every 30 days, or kept for ten years: more likely a wrong unit.
    every_hours: int = Field(default=24, ge=0, le=720)
    """0: only when asked for, by `stowage backup create`."""
    keep_days: int = Field(default=30, ge=1, le=3650)


class Publishing(Plain):
    """What is kept of a location's generations before the current one."""

    model_config = ConfigDict(alias_generator=to_camel)

    keep_generations: int = Field(default=3, ge=0, le=100)
    """At any age, so that a rollback finds them."""
    # No less than a day: the edge may serve a generation so long where the database fails.
    grace_days: int = Field(default=7, ge=1, le=3650)
    """After a generation ceased to be current."""


class Retention(Plain):
    """How long versions and uploads are kept in a state that is not for ever."""

    model_config = ConfigDict(alias_generator=to_camel)

    draft_days: int = Field(default=30, ge=1, le=3650)
    rejected_days: int = Field(default=7, ge=1, le=3650)
    failed_hours: int = Field(default=24, ge=1, le=8760)
    superseded_days: int = Field(default=365, ge=1, le=3650)
    # Below the bucket's own rule of a day, which is only the net under it.
    temp_hours: int = Field(default=1, ge=1, le=20)


class Quotas(Plain):
    """How much one developer may use; null: as much as it likes."""

    model_config = ConfigDict(alias_generator=to_camel)

    open_uploads: int | None = Field(default=50, ge=1)
    uploads_per_day: int | None = Field(default=1000, ge=1)
    stored_bytes: int | None = Field(default=None, ge=1)


class Endpoints(Plain):
    """Base URLs that replace the public ones, for a platform that is reached under other
    addresses."""

    api: BaseUrl | None = None
    cdn: BaseUrl | None = None
    edge: BaseUrl | None = None
    s3: BaseUrl | None = None
    cloudflare: BaseUrl | None = None
    """Where Cloudflare's own API answers."""


def _under(label: str) -> Callable[[dict[str, Any]], str]:
    return lambda data: f"{label}.{data.get('zone', 'invalid')}"


class Settings(BaseModel):
    """The plain settings of one stack. Keys of the stack file are the camelCase of the names
    here."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )

    account_id: Hex32
    zone_id: Hex32
    zone: Hostname
    api_host: Hostname = Field(default_factory=_under("api"))
    cdn_host: Hostname = Field(default_factory=_under("cdn"))
    fallback_host: Hostname = Field(default_factory=_under("fallback"))
    name_prefix: Prefix
    location: Location | None = None
    jurisdiction: Jurisdiction = "default"
    storage: StorageName = R2
    fallback_storage: StorageName | None = None
    storage_servers: Annotated[Servers, Structured] = Servers()
    repository_buckets: BucketRoles = ("repositories",)
    multi_tenant: bool = True
    protect_data: bool = True
    read_replicas: bool = False
    publisher_token: bool = False
    upload_url_seconds: int = Field(default=MAX_UPLOAD_URL_SECONDS, ge=1, le=MAX_UPLOAD_URL_SECONDS)
    download_url_seconds: int = Field(
        default=MAX_DOWNLOAD_URL_SECONDS, ge=1, le=MAX_DOWNLOAD_URL_SECONDS
    )
    max_package_bytes: int = Field(default=52_428_800, ge=1, le=MAX_PACKAGE_BYTES_LIMIT)
    # Above it `stowage push` and whoever else takes the offer send parts.
    multipart_threshold_bytes: int = Field(default=16_777_216, ge=1, le=MAX_PACKAGE_BYTES_LIMIT)
    retention: Annotated[Retention, Structured] = Retention()
    quotas: Annotated[Quotas, Structured] = Quotas()
    upload_cors_origins: Annotated[tuple[Origin, ...], Structured] = ()
    passthrough_hosts: Annotated[tuple[Hostname, ...], Structured] = ()
    custom_hostnames: Annotated[tuple[Hostname, ...], Structured] = ()
    dns_resolvers: Annotated[ResolverUrls, Structured] = (
        "https://cloudflare-dns.com/dns-query",
        "https://dns.google/dns-query",
    )
    requests_per_minute: Annotated[RequestsPerMinute, Structured] = RequestsPerMinute()
    cron: Cron = "*/5 * * * *"
    backup: Annotated[Backup, Structured] = Backup()
    publishing: Annotated[Publishing, Structured] = Publishing()
    usage_alert: Annotated[UsageAlert | None, Structured] = None
    loopback_webhooks: bool = False
    platform_keys: Annotated[tuple[PlatformKey, ...], Structured] = ()
    endpoints: Annotated[Endpoints, Structured] = Endpoints()

    @property
    def names(self) -> Names:
        return Names(self.name_prefix)

    @property
    def api_url(self) -> str:
        return self.endpoints.api or f"https://{self.api_host}"

    @property
    def cdn_url(self) -> str:
        return self.endpoints.cdn or f"https://{self.cdn_host}"

    @property
    def edge_url(self) -> str:
        """Where requests for tenants' hosts are sent; they carry their own Host header."""
        return self.endpoints.edge or f"https://{self.fallback_host}"

    @property
    def own_hosts(self) -> dict[str, str]:
        """The platform's own names by the key that sets each."""
        return {
            "apiHost": self.api_host,
            "cdnHost": self.cdn_host,
            "fallbackHost": self.fallback_host,
        }

    @property
    def roles(self) -> tuple[str, ...]:
        """Every bucket by its role."""
        return (*PLATFORM_BUCKETS, *self.repository_buckets)

    @property
    def storages(self) -> tuple[StorageName, ...]:
        """The storages that are used: the active one, and the one that it falls back to."""
        found = (self.storage, self.fallback_storage)
        return tuple(one for one in found if one is not None)

    @property
    def servers(self) -> dict[str, Server]:
        """The servers that are used, by storage; R2 is none."""
        found = {one: self.storage_servers.get(one) for one in self.storages}
        return {one: server for one, server in found.items() if server is not None}

    @property
    def s3_url(self) -> str:
        """The active storage's S3 endpoint."""
        server = self.servers.get(self.storage)
        return self.r2_url if server is None else server.endpoint

    @property
    def r2_url(self) -> str:
        """R2's S3 endpoint. It follows the jurisdiction: a bucket of another one does not exist
        there.
        https://developers.cloudflare.com/r2/reference/data-location/#jurisdictional-restrictions"""
        place = "" if self.jurisdiction == "default" else f".{self.jurisdiction}"
        return self.endpoints.s3 or f"https://{self.account_id}{place}.r2.cloudflarestorage.com"

    @property
    def api_base_url(self) -> str:
        """Cloudflare's own API, as the jobs call it."""
        return f"{self.endpoints.cloudflare or 'https://api.cloudflare.com'}/client/v4"
