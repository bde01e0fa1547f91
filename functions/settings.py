"""Names of the bindings and variables that a Worker is given, and their values as typed settings.

The program (infra) and the entry points both take the names from here, so that neither spells one
twice. Standard library only: the edge Worker carries nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from functions import setting_values as values
from functions.core.key_ring import KeyRing
from functions.core.platform import DESIGNED, UNLIMITED, Quotas, Retention
from functions.core.storages import R2
from functions.setting_values import (
    BackupRhythm,
    PlatformKey,
    Publishing,
    Reader,
    SigningKey,
)
from functions.storage_settings import (
    R2_ALONE,
    AccessKey,
    StorageSettings,
    UploadTarget,
    access_keys,
    server_targets,
    storage_choice,
)

UPLOADS = "UPLOADS"
PACKAGES = "PACKAGES"
ASSETS = "ASSETS"
BACKUPS = "BACKUPS"
DATABASE = "DB"
VALIDATE_QUEUE = "VALIDATE_QUEUE"
IMAGES = "IMAGES"
"""Cloudflare's image service: it decodes and resizes, which Python in a Worker cannot afford."""
USAGE = "USAGE"
"""The dataset that edge writes a data point of each request to."""
ADDRESS_LIMITER = "ADDRESS_LIMITER"
KEY_LIMITER = "KEY_LIMITER"
LIMITER_SECONDS = 60
"""The period of both rate limiters; Workers know 10 and 60 seconds."""

API_URL = "API_URL"
"""Public base URL of the api, no trailing slash: `https://api.example.com`."""
CDN_URL = "CDN_URL"
"""Public base URL of the cdn host, no trailing slash: `https://cdn.example.com`."""
API_HOST = "API_HOST"
CDN_HOST = "CDN_HOST"
FALLBACK_HOST = "FALLBACK_HOST"
"""Where the CNAMEs of tenants' hostnames lead."""
PLATFORM_ZONE = "PLATFORM_ZONE"
"""Names equal to or under it are the platform's own and are never a tenant's hostname."""
REPOSITORY_BUCKETS = "REPOSITORY_BUCKETS"
"""JSON list of the physical names of the declared repository buckets; the first is the default."""
MULTI_TENANT = "MULTI_TENANT"
UPLOAD_URL_SECONDS = "UPLOAD_URL_SECONDS"
DOWNLOAD_URL_SECONDS = "DOWNLOAD_URL_SECONDS"
MAX_PACKAGE_BYTES = "MAX_PACKAGE_BYTES"
MULTIPART_THRESHOLD_BYTES = "MULTIPART_THRESHOLD_BYTES"
"""Packages of more may come in parts."""
RETENTION = "RETENTION"
"""JSON `{"draft_days", "rejected_days", "failed_hours", "superseded_days", "temp_hours"}`, whole
numbers."""
QUOTAS = "QUOTAS"
"""JSON `{"open_uploads", "uploads_per_day", "stored_bytes"}`, whole numbers; null: no quota."""
S3_ENDPOINT = "S3_ENDPOINT"
"""Base URL of R2's S3 endpoint, which presigned URLs name byte for byte while R2 is the active
storage; no trailing slash."""
S3_REGION = "S3_REGION"
UPLOADS_BUCKET = "UPLOADS_BUCKET"
"""This and the three after it: the platform's own names of the buckets that the Worker may open,
whatever they are called on the storage. The database holds the same names."""
PACKAGES_BUCKET = "PACKAGES_BUCKET"
ASSETS_BUCKET = "ASSETS_BUCKET"
BACKUPS_BUCKET = "BACKUPS_BUCKET"
STORAGE = "STORAGE"
"""JSON `{"active": storage, "fallback": storage or null, "servers": {storage: {"endpoint",
"region", "origin_secret": true | false, "buckets": {the platform's name: the name there}}}}`;
`servers` holds those of the two that are not `r2`."""
STORAGE_KEYS = "STORAGE_KEYS"
"""Secret JSON `{storage: {"access_key_id", "secret_access_key"}}`: this Worker's keys of the
servers in `STORAGE`; absent where there are none."""
STORAGE_ORIGIN_SECRET = "STORAGE_ORIGIN_SECRET"  # noqa: S105  (a name, not a secret)
"""Secret text that goes with every request to a server whose `origin_secret` is true; absent where
there is none."""
PLATFORM_KEYS = "PLATFORM_KEYS"
"""JSON list of `{id, algorithm, public_key, not_before, not_after}`; public, served by `GET
/v1/keys`."""
ACCOUNT_ID = "ACCOUNT_ID"
DATABASE_ID = "DATABASE_ID"
BACKUP = "BACKUP"
"""JSON `{"every_hours": 24, "keep_days": 30}`; 0 hours: only when asked for."""

PUBLISHING = "PUBLISHING"
"""JSON `{"keep_generations": 3, "grace_days": 7}`, whole numbers."""
ZONE_ID = "ZONE_ID"
API_BASE_URL = "API_BASE_URL"
"""Base URL of Cloudflare's API, no trailing slash: `https://api.cloudflare.com/client/v4`."""

DNS_RESOLVERS = "DNS_RESOLVERS"
"""JSON list of the URLs of DNS over HTTPS (RFC 8484) that the jobs ask; all must agree."""

PURGE_TOKEN = "PURGE_TOKEN"  # noqa: S105  (a name, not a secret)
"""Secret: an API token that may purge the zone's cache and nothing else; jobs only."""
PRESIGN_ACCESS_KEY_ID = "PRESIGN_ACCESS_KEY_ID"
PRESIGN_SECRET_ACCESS_KEY = "PRESIGN_SECRET_ACCESS_KEY"  # noqa: S105  (a name, not a secret)
PUBLISH_ACCESS_KEY_ID = "PUBLISH_ACCESS_KEY_ID"
"""This and the next: with which the files of a publication are presigned into the repository
buckets, while R2 is the active storage; api only."""
PUBLISH_SECRET_ACCESS_KEY = "PUBLISH_SECRET_ACCESS_KEY"  # noqa: S105  (a name, not a secret)
DOWNLOAD_KEYS = "DOWNLOAD_KEYS"
"""Secret JSON `{"current": key id, "keys": {key id: base64 of 32 bytes}}`; two keys are valid while
one is rotated."""
TENANT_LINK_KEYS = "TENANT_LINK_KEYS"
"""Secret JSON of the same form; api only, so not the keys of downloads, which the edge has."""
SIGNING_KEY = "SIGNING_KEY"
"""Secret JSON `{"id": key id, "seed": base64 of the 32-byte Ed25519 seed}`; jobs only."""
ROOT_KEY_HASHES = "ROOT_KEY_HASHES"
"""Secret JSON list of one or two SHA-256 hex digests of root operator secrets (two while one is
rotated)."""
HOSTNAMES_TOKEN = "HOSTNAMES_TOKEN"  # noqa: S105  (a name, not a secret)
"""Secret: an API token that may write the zone's custom hostnames and their certificates, and
nothing else; jobs only."""
BACKUP_TOKEN = "BACKUP_TOKEN"  # noqa: S105  (a name, not a secret)
"""An API token that may read the account's D1 databases; jobs only."""
USAGE_DATASET = "USAGE_DATASET"
"""The name of the dataset behind USAGE, as queries have it."""
USAGE_TOKEN = "USAGE_TOKEN"  # noqa: S105  (a name, not a secret)
"""An API token that may read the account's analytics; jobs only."""

ALERT_WEBHOOK_URL = "ALERT_WEBHOOK_URL"
"""Secret: where the operator is told of what tenants are told of; absent where nobody is; jobs
only."""
ALERT_WEBHOOK_SECRET = "ALERT_WEBHOOK_SECRET"  # noqa: S105  (a name, not a secret)
"""Secret text that signs it; absent where nothing is signed."""
LOOPBACK_WEBHOOKS = "LOOPBACK_WEBHOOKS"
"""Whether a tenant's webhook may be `http://` on this machine: `true` in the local cloud alone."""

VARIABLES = (
    API_URL,
    CDN_URL,
    API_HOST,
    CDN_HOST,
    FALLBACK_HOST,
    PLATFORM_ZONE,
    REPOSITORY_BUCKETS,
    MULTI_TENANT,
    UPLOAD_URL_SECONDS,
    DOWNLOAD_URL_SECONDS,
    MAX_PACKAGE_BYTES,
    MULTIPART_THRESHOLD_BYTES,
    RETENTION,
    QUOTAS,
    S3_ENDPOINT,
    S3_REGION,
    UPLOADS_BUCKET,
    PACKAGES_BUCKET,
    ASSETS_BUCKET,
    BACKUPS_BUCKET,
    STORAGE,
    STORAGE_KEYS,
    STORAGE_ORIGIN_SECRET,
    PLATFORM_KEYS,
    ZONE_ID,
    API_BASE_URL,
    PURGE_TOKEN,
    PRESIGN_ACCESS_KEY_ID,
    PRESIGN_SECRET_ACCESS_KEY,
    PUBLISH_ACCESS_KEY_ID,
    PUBLISH_SECRET_ACCESS_KEY,
    PUBLISHING,
    DOWNLOAD_KEYS,
    TENANT_LINK_KEYS,
    SIGNING_KEY,
    ROOT_KEY_HASHES,
    ACCOUNT_ID,
    DATABASE_ID,
    BACKUP,
    BACKUP_TOKEN,
    ALERT_WEBHOOK_URL,
    ALERT_WEBHOOK_SECRET,
    LOOPBACK_WEBHOOKS,
    DNS_RESOLVERS,
    HOSTNAMES_TOKEN,
    USAGE_DATASET,
    USAGE_TOKEN,
)
"""Every text variable and secret; each Worker has some of them."""


def repository_binding(bucket: str) -> str:
    """The binding of a repository bucket. R2 names hold lower-case letters, digits and hyphens
    only, so no two buckets share a binding."""
    return "REPOSITORY_" + bucket.upper().replace("-", "_")


def _storage(reader: Reader, *opened: str) -> StorageSettings:
    choice = reader.parsed(STORAGE, storage_choice(opened), R2_ALONE)
    if not choice.servers:
        return StorageSettings(choice, {})
    return StorageSettings(
        choice,
        reader.parsed(STORAGE_KEYS, access_keys(choice.servers), {}),
        reader.text(STORAGE_ORIGIN_SECRET) if choice.needs_origin_secret else None,
    )


@dataclass(frozen=True, slots=True)
class EdgeSettings:
    cdn_host: str
    platform_zone: str
    storage: StorageSettings
    packages_bucket: str
    assets_bucket: str
    repository_buckets: tuple[str, ...]
    download_keys: KeyRing

    @classmethod
    def from_mapping(cls, variables: Mapping[str, str | None]) -> Self:
        """Raises: SettingsError."""
        reader = Reader(variables)
        packages, assets = reader.text(PACKAGES_BUCKET), reader.text(ASSETS_BUCKET)
        repositories = reader.parsed(REPOSITORY_BUCKETS, values.buckets, ())
        return reader.finish(
            lambda: cls(
                cdn_host=reader.text(CDN_HOST),
                platform_zone=reader.text(PLATFORM_ZONE),
                storage=_storage(reader, packages, assets, *repositories),
                packages_bucket=packages,
                assets_bucket=assets,
                repository_buckets=repositories,
                download_keys=reader.parsed(DOWNLOAD_KEYS, values.key_ring, values.NO_KEYS),
            )
        )


def _upload_targets(
    reader: Reader, storage: StorageSettings, r2_key: tuple[str, str], *buckets: str
) -> dict[str, UploadTarget]:
    """By the platform's names of the buckets. `r2_key` are the variables that hold R2's key; on a
    server it is the Worker's own."""
    if storage.choice.active == R2.name:
        key = AccessKey(*map(reader.text, r2_key))
        endpoint = reader.parsed(S3_ENDPOINT, values.base_url, "")
        region = reader.text(S3_REGION)
        return {bucket: UploadTarget(endpoint, region, bucket, key) for bucket in buckets}
    return server_targets(storage, *buckets)


_PRESIGN_KEY = (PRESIGN_ACCESS_KEY_ID, PRESIGN_SECRET_ACCESS_KEY)
_PUBLISH_KEY = (PUBLISH_ACCESS_KEY_ID, PUBLISH_SECRET_ACCESS_KEY)


@dataclass(frozen=True, slots=True)
class ApiSettings:
    api_host: str
    cdn_host: str
    fallback_host: str
    platform_zone: str
    repository_buckets: tuple[str, ...]
    download_keys: KeyRing
    tenant_link_keys: KeyRing
    api_url: str
    cdn_url: str
    multi_tenant: bool
    upload_url_seconds: int
    download_url_seconds: int
    max_package_bytes: int
    multipart_threshold_bytes: int
    retention: Retention
    quotas: Quotas
    storage: StorageSettings
    uploads_bucket: str
    assets_bucket: str
    presign: UploadTarget
    publish: Mapping[str, UploadTarget]
    """By the platform's name of each repository bucket."""
    publishing: Publishing
    platform_keys: tuple[PlatformKey, ...]
    root_key_hashes: tuple[str, ...]
    loopback_webhooks: bool

    @classmethod
    def from_mapping(cls, variables: Mapping[str, str | None]) -> Self:
        """Raises: SettingsError."""
        reader = Reader(variables)
        uploads, assets = reader.text(UPLOADS_BUCKET), reader.text(ASSETS_BUCKET)
        repositories = reader.parsed(REPOSITORY_BUCKETS, values.buckets, ())
        storage = _storage(reader, uploads, assets, *repositories)
        return reader.finish(
            lambda: cls(
                api_host=reader.text(API_HOST),
                cdn_host=reader.text(CDN_HOST),
                fallback_host=reader.text(FALLBACK_HOST),
                platform_zone=reader.text(PLATFORM_ZONE),
                repository_buckets=repositories,
                download_keys=reader.parsed(DOWNLOAD_KEYS, values.key_ring, values.NO_KEYS),
                tenant_link_keys=reader.parsed(TENANT_LINK_KEYS, values.key_ring, values.NO_KEYS),
                api_url=reader.parsed(API_URL, values.base_url, ""),
                cdn_url=reader.parsed(CDN_URL, values.base_url, ""),
                multi_tenant=reader.parsed(MULTI_TENANT, values.boolean, False),
                upload_url_seconds=reader.parsed(UPLOAD_URL_SECONDS, values.integer(1, 900), 0),
                download_url_seconds=reader.parsed(
                    DOWNLOAD_URL_SECONDS, values.integer(1, 3600), 0
                ),
                max_package_bytes=reader.parsed(
                    MAX_PACKAGE_BYTES, values.integer(1, values.MAX_PUT), 0
                ),
                multipart_threshold_bytes=reader.parsed(
                    MULTIPART_THRESHOLD_BYTES, values.integer(1, values.MAX_PUT), 0
                ),
                retention=reader.parsed(RETENTION, values.retention, DESIGNED),
                quotas=reader.parsed(QUOTAS, values.quotas, UNLIMITED),
                storage=storage,
                uploads_bucket=uploads,
                assets_bucket=assets,
                presign=_upload_targets(reader, storage, _PRESIGN_KEY, uploads)[uploads],
                publish=_upload_targets(reader, storage, _PUBLISH_KEY, *repositories),
                publishing=reader.parsed(PUBLISHING, values.publishing, values.PUBLISHING),
                platform_keys=reader.parsed(PLATFORM_KEYS, values.platform_keys, ()),
                root_key_hashes=reader.parsed(ROOT_KEY_HASHES, values.hashes, ()),
                loopback_webhooks=reader.parsed(LOOPBACK_WEBHOOKS, values.boolean, False),
            )
        )


@dataclass(frozen=True, slots=True)
class JobsSettings:
    max_package_bytes: int
    retention: Retention
    storage: StorageSettings
    uploads_bucket: str
    packages_bucket: str
    assets_bucket: str
    backups_bucket: str
    repository_buckets: tuple[str, ...]
    publishing: Publishing
    upload_target: UploadTarget
    signing_key: SigningKey
    zone_id: str
    api_base_url: str
    purge_token: str
    account_id: str
    database_id: str
    backup_rhythm: BackupRhythm
    backup_token: str
    alert_url: str | None
    alert_secret: str | None
    fallback_host: str
    dns_resolvers: tuple[str, ...]
    hostnames_token: str
    usage_dataset: str
    usage_token: str

    @classmethod
    def from_mapping(cls, variables: Mapping[str, str | None]) -> Self:
        """Raises: SettingsError."""
        reader = Reader(variables)
        uploads, packages = reader.text(UPLOADS_BUCKET), reader.text(PACKAGES_BUCKET)
        assets, backups = reader.text(ASSETS_BUCKET), reader.text(BACKUPS_BUCKET)
        repositories = reader.parsed(REPOSITORY_BUCKETS, values.buckets, ())
        storage = _storage(reader, uploads, packages, assets, backups, *repositories)
        return reader.finish(
            lambda: cls(
                max_package_bytes=reader.parsed(
                    MAX_PACKAGE_BYTES, values.integer(1, values.MAX_PUT), 0
                ),
                retention=reader.parsed(RETENTION, values.retention, DESIGNED),
                storage=storage,
                uploads_bucket=uploads,
                packages_bucket=packages,
                assets_bucket=assets,
                backups_bucket=backups,
                repository_buckets=repositories,
                publishing=reader.parsed(PUBLISHING, values.publishing, values.PUBLISHING),
                upload_target=_upload_targets(reader, storage, _PRESIGN_KEY, uploads)[uploads],
                signing_key=reader.parsed(SIGNING_KEY, values.signing_key, values.NO_SIGNING_KEY),
                zone_id=reader.text(ZONE_ID),
                api_base_url=reader.parsed(API_BASE_URL, values.api_base_url, ""),
                purge_token=reader.text(PURGE_TOKEN),
                account_id=reader.text(ACCOUNT_ID),
                database_id=reader.text(DATABASE_ID),
                backup_rhythm=reader.parsed(BACKUP, values.backup_rhythm, values.NO_BACKUPS),
                backup_token=reader.text(BACKUP_TOKEN),
                alert_url=reader.optional(ALERT_WEBHOOK_URL),
                alert_secret=reader.optional(ALERT_WEBHOOK_SECRET),
                fallback_host=reader.text(FALLBACK_HOST),
                dns_resolvers=reader.parsed(DNS_RESOLVERS, values.resolvers, ()),
                hostnames_token=reader.text(HOSTNAMES_TOKEN),
                usage_dataset=reader.parsed(USAGE_DATASET, values.dataset, ""),
                usage_token=reader.text(USAGE_TOKEN),
            )
        )
