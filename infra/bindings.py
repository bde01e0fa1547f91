"""Which Worker is given what. Bindings have no read-only mode, so privilege is what a Worker is not
given. docs/access.md shows all of it in a table.

Of the presign token jobs needs that R2's binding cannot list uploads in parts, nor abort what it
did not begin; it reaches the uploads bucket only, which jobs may write to anyway.

Buckets are bindings on R2 only. An S3-compatible server is told of in a variable, and each Worker
has keys of its own for it, whose rights are the same.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from functions import settings as name
from infra import keys
from infra.cloudflare.tokens import ApiToken
from infra.cloudflare.worker import (
    Binding,
    analytics_binding,
    bucket_binding,
    database_binding,
    images_binding,
    queue_binding,
    rate_limit_binding,
    secret,
    variable,
)
from infra.config import Secrets
from infra.settings import Settings
from infra.storage_settings import R2
from infra.storages import R2_REGION, Storages, physical_names


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What the bindings point to, and what their values come from."""

    settings: Settings
    secrets: Secrets
    storages: Storages
    database_id: pulumi.Output[str]
    validate_queue: pulumi.Output[str]


@dataclass(frozen=True, kw_only=True)
class JobsTokens:
    """With what the jobs call Cloudflare's API; each may do one thing."""

    purge: ApiToken
    backup: ApiToken
    usage: ApiToken
    hostnames: ApiToken


def edge(of: Resources) -> list[Binding]:
    return [
        *_buckets(of, {name.PACKAGES: "packages", name.ASSETS: "assets"}),
        *_repositories(of),
        *_storage(of, "edge", name.PACKAGES_BUCKET, name.ASSETS_BUCKET),
        database_binding(name.DATABASE, of.database_id),
        analytics_binding(name.USAGE, of.settings.names.usage_dataset),
        *_variables(of, name.CDN_HOST, name.PLATFORM_ZONE, name.REPOSITORY_BUCKETS),
        secret(name.DOWNLOAD_KEYS, of.secrets.download_keys),
    ]


def api(of: Resources) -> list[Binding]:
    return [
        *_buckets(of, {name.UPLOADS: "uploads", name.ASSETS: "assets"}),
        *_repositories(of),
        *_storage(of, "api", name.UPLOADS_BUCKET, name.ASSETS_BUCKET),
        *_presign(of),
        *_publish(of),
        variable(name.PUBLISHING, _publishing(of.settings)),
        database_binding(name.DATABASE, of.database_id),
        queue_binding(name.VALIDATE_QUEUE, of.validate_queue),
        images_binding(name.IMAGES),
        *_rate_limits(of.settings),
        *_variables(of, *_plain_values(of.settings)),
        secret(name.DOWNLOAD_KEYS, of.secrets.download_keys),
        secret(name.TENANT_LINK_KEYS, of.secrets.tenant_link_keys),
        secret(name.ROOT_KEY_HASHES, of.secrets.root_key_hashes),
    ]


def jobs(of: Resources, tokens: JobsTokens) -> list[Binding]:
    roles = {
        name.UPLOADS: "uploads",
        name.PACKAGES: "packages",
        name.ASSETS: "assets",
        name.BACKUPS: "backups",
    }
    return [
        *_buckets(of, roles),
        *_repositories(of),
        *_storage(
            of,
            "jobs",
            name.UPLOADS_BUCKET,
            name.PACKAGES_BUCKET,
            name.ASSETS_BUCKET,
            name.BACKUPS_BUCKET,
        ),
        database_binding(name.DATABASE, of.database_id),
        queue_binding(name.VALIDATE_QUEUE, of.validate_queue),
        images_binding(name.IMAGES),
        *_variables(of, name.MAX_PACKAGE_BYTES, name.RETENTION, name.FALLBACK_HOST),
        variable(name.DNS_RESOLVERS, _json(of.settings.dns_resolvers)),
        *_presign(of),
        *_variables(of, name.REPOSITORY_BUCKETS),
        variable(name.PUBLISHING, _publishing(of.settings)),
        variable(name.BACKUP, _json(of.settings.backup.model_dump())),
        variable(name.ACCOUNT_ID, of.settings.account_id),
        variable(name.ZONE_ID, of.settings.zone_id),
        variable(name.DATABASE_ID, of.database_id),
        variable(name.API_BASE_URL, of.settings.api_base_url),
        variable(name.USAGE_DATASET, of.settings.names.usage_dataset),
        secret(name.SIGNING_KEY, of.secrets.signing_key),
        secret(name.PURGE_TOKEN, tokens.purge.value),
        secret(name.BACKUP_TOKEN, tokens.backup.value),
        secret(name.USAGE_TOKEN, tokens.usage.value),
        secret(name.HOSTNAMES_TOKEN, tokens.hostnames.value),
        *_alert_webhook(of.secrets),
    ]


def _alert_webhook(secrets: Secrets) -> list[Binding]:
    """Where the jobs tell the operator; Cloudflare's own alerts go there, too."""
    given = {
        name.ALERT_WEBHOOK_URL: secrets.webhook_url,
        name.ALERT_WEBHOOK_SECRET: secrets.webhook_secret,
    }
    return [secret(key, text) for key, text in given.items() if text is not None]


def _buckets(of: Resources, roles: Mapping[str, str]) -> list[Binding]:
    found = of.storages.r2_buckets
    return [
        bucket_binding(binding, found[role], of.settings.jurisdiction)
        for binding, role in roles.items()
        if role in found
    ]


def _rate_limits(settings: Settings) -> list[Binding]:
    limits, names, period = settings.requests_per_minute, settings.names, name.LIMITER_SECONDS
    return [
        rate_limit_binding(
            name.ADDRESS_LIMITER, names.rate_limit("address"), limits.address, period
        ),
        rate_limit_binding(name.KEY_LIMITER, names.rate_limit("key"), limits.key, period),
    ]


def _repositories(of: Resources) -> list[Binding]:
    # Named after the platform's name: that is what a row of the database holds.
    names = of.settings.names
    return _buckets(
        of,
        {
            name.repository_binding(names.bucket(role)): role
            for role in of.settings.repository_buckets
        },
    )


def _storage(of: Resources, worker: str, *opened: str) -> list[Binding]:
    """Where the buckets are that a Worker opens, and its keys of the servers among the storages.
    `opened` are the variables with the platform's names of its buckets."""
    settings, secrets = of.settings, of.secrets
    names = {
        name.UPLOADS_BUCKET: "uploads",
        name.PACKAGES_BUCKET: "packages",
        name.ASSETS_BUCKET: "assets",
        name.BACKUPS_BUCKET: "backups",
    }
    given = [
        variable(name.STORAGE, _json(_choice(settings))),
        *(variable(key, settings.names.bucket(names[key])) for key in opened),
    ]
    if settings.servers and secrets.storage_keys is not None:
        servers = tuple(settings.servers)
        own = secrets.storage_keys.apply(lambda text: keys.storage_keys_of(text, worker, servers))
        given.append(secret(name.STORAGE_KEYS, own))
    is_asked = any(server.is_proxied for server in settings.servers.values())
    if is_asked and secrets.storage_origin_secret is not None:
        first = secrets.storage_origin_secret.apply(
            lambda text: keys.storage_origin_secrets(text)[0]
        )
        given.append(secret(name.STORAGE_ORIGIN_SECRET, first))
    return given


def _choice(settings: Settings) -> dict[str, object]:
    platform = {role: settings.names.bucket(role) for role in settings.roles}
    servers = {
        storage: {
            "endpoint": server.endpoint,
            "region": server.region,
            "origin_secret": server.is_proxied,
            "buckets": {
                platform[role]: there for role, there in physical_names(settings, storage).items()
            },
        }
        for storage, server in settings.servers.items()
    }
    return {
        "active": settings.storage,
        "fallback": settings.fallback_storage,
        "servers": servers,
    }


def _presign(of: Resources) -> list[Binding]:
    """With what uploads to R2 are presigned and their parts dealt with, while they go there."""
    key = of.storages.presign
    if of.settings.storage != R2 or key is None:
        return []
    return [
        variable(name.S3_ENDPOINT, of.settings.r2_url),
        variable(name.S3_REGION, R2_REGION),
        # An access key id is no secret: every presigned URL names it.
        variable(name.PRESIGN_ACCESS_KEY_ID, key.id),
        secret(name.PRESIGN_SECRET_ACCESS_KEY, key.secret),
    ]


def _publish(of: Resources) -> list[Binding]:
    """With what files of publications are presigned into R2's repository buckets, while they go
    there."""
    key = of.storages.publish
    if of.settings.storage != R2 or key is None:
        return []
    return [
        variable(name.PUBLISH_ACCESS_KEY_ID, key.id),
        secret(name.PUBLISH_SECRET_ACCESS_KEY, key.secret),
    ]


def _publishing(settings: Settings) -> str:
    return _json(settings.publishing.model_dump())


def _variables(of: Resources, *wanted: str) -> list[Binding]:
    values = _plain_values(of.settings)
    return [variable(key, values[key]) for key in wanted]


def _plain_values(settings: Settings) -> dict[str, str]:
    names = settings.names
    return {
        name.API_HOST: settings.api_host,
        name.CDN_HOST: settings.cdn_host,
        name.API_URL: settings.api_url,
        name.FALLBACK_HOST: settings.fallback_host,
        name.CDN_URL: settings.cdn_url,
        name.PLATFORM_ZONE: settings.zone,
        name.REPOSITORY_BUCKETS: _json([names.bucket(r) for r in settings.repository_buckets]),
        name.MULTI_TENANT: "true" if settings.multi_tenant else "false",
        name.UPLOAD_URL_SECONDS: str(settings.upload_url_seconds),
        name.DOWNLOAD_URL_SECONDS: str(settings.download_url_seconds),
        name.MAX_PACKAGE_BYTES: str(settings.max_package_bytes),
        name.MULTIPART_THRESHOLD_BYTES: str(settings.multipart_threshold_bytes),
        name.RETENTION: json.dumps(settings.retention.model_dump(), separators=(",", ":")),
        name.QUOTAS: _json(settings.quotas.model_dump()),
        name.PLATFORM_KEYS: _json([key.model_dump() for key in settings.platform_keys]),
        name.LOOPBACK_WEBHOOKS: "true" if settings.loopback_webhooks else "false",
    }


def _json(value: Sequence[object] | Mapping[str, object]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
