"""Which Worker is given what. Bindings have no read-only mode, so privilege is what a Worker is not
given.

| Worker | buckets | database | queue | images | secrets |
|---|---|---|---|---|---|
| edge | packages, assets, repositories | yes | - | - | download keys |
| api | uploads, assets, repositories | yes | produces | yes | download keys, presign token, root
key hashes |
| jobs | all | yes | consumes both, produces | yes | signing key, purge token, token that reads
D1 |
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from functions import settings as name
from infra.cloudflare.tokens import ApiToken, S3Token
from infra.cloudflare.worker import (
    Binding,
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

# What R2 calls its only region: https://developers.cloudflare.com/r2/api/s3/api/
S3_REGION = "auto"


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What the bindings point to, and what their values come from."""

    settings: Settings
    secrets: Secrets
    buckets: Mapping[str, pulumi.Output[str]]
    database_id: pulumi.Output[str]
    validate_queue: pulumi.Output[str]


def edge(of: Resources) -> list[Binding]:
    return [
        *_buckets(of, {name.PACKAGES: "packages", name.ASSETS: "assets"}),
        *_repositories(of),
        database_binding(name.DATABASE, of.database_id),
        *_variables(of, name.CDN_HOST, name.PLATFORM_ZONE, name.REPOSITORY_BUCKETS),
        secret(name.DOWNLOAD_KEYS, of.secrets.download_keys),
    ]


def api(of: Resources, presign: S3Token) -> list[Binding]:
    return [
        *_buckets(of, {name.UPLOADS: "uploads", name.ASSETS: "assets"}),
        *_repositories(of),
        database_binding(name.DATABASE, of.database_id),
        queue_binding(name.VALIDATE_QUEUE, of.validate_queue),
        images_binding(name.IMAGES),
        *_rate_limits(of.settings),
        *_variables(of, *_plain_values(of.settings)),
        # An access key id is no secret: every presigned URL names it.
        variable(name.PRESIGN_ACCESS_KEY_ID, presign.access_key_id),
        secret(name.PRESIGN_SECRET_ACCESS_KEY, presign.secret_access_key),
        secret(name.DOWNLOAD_KEYS, of.secrets.download_keys),
        secret(name.ROOT_KEY_HASHES, of.secrets.root_key_hashes),
    ]


def jobs(of: Resources, purge: ApiToken, backup: ApiToken) -> list[Binding]:
    roles = {
        name.UPLOADS: "uploads",
        name.PACKAGES: "packages",
        name.ASSETS: "assets",
        name.BACKUPS: "backups",
    }
    return [
        *_buckets(of, roles),
        *_repositories(of),
        database_binding(name.DATABASE, of.database_id),
        queue_binding(name.VALIDATE_QUEUE, of.validate_queue),
        images_binding(name.IMAGES),
        *_variables(of, name.MAX_PACKAGE_BYTES, name.RETENTION),
        variable(name.BACKUP, _json(of.settings.backup.model_dump())),
        variable(name.ACCOUNT_ID, of.settings.account_id),
        variable(name.ZONE_ID, of.settings.zone_id),
        variable(name.DATABASE_ID, of.database_id),
        variable(name.API_BASE_URL, of.settings.api_base_url),
        secret(name.SIGNING_KEY, of.secrets.signing_key),
        secret(name.PURGE_TOKEN, purge.value),
        secret(name.BACKUP_TOKEN, backup.value),
    ]


def _buckets(of: Resources, roles: Mapping[str, str]) -> list[Binding]:
    return [
        bucket_binding(binding, of.buckets[role], of.settings.jurisdiction)
        for binding, role in roles.items()
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
    # Named after the physical name: that is what a row of the database holds.
    return [
        bucket_binding(
            name.repository_binding(of.settings.names.bucket(role)),
            of.buckets[role],
            of.settings.jurisdiction,
        )
        for role in of.settings.repository_buckets
    ]


def _variables(of: Resources, *wanted: str) -> list[Binding]:
    values = _plain_values(of.settings)
    return [variable(key, values[key]) for key in wanted]


def _plain_values(settings: Settings) -> dict[str, str]:
    names = settings.names
    return {
        name.API_HOST: settings.api_host,
        name.CDN_HOST: settings.cdn_host,
        name.CDN_URL: settings.cdn_url,
        name.PLATFORM_ZONE: settings.zone,
        name.REPOSITORY_BUCKETS: _json([names.bucket(r) for r in settings.repository_buckets]),
        name.MULTI_TENANT: "true" if settings.multi_tenant else "false",
        name.UPLOAD_URL_SECONDS: str(settings.upload_url_seconds),
        name.DOWNLOAD_URL_SECONDS: str(settings.download_url_seconds),
        name.MAX_PACKAGE_BYTES: str(settings.max_package_bytes),
        name.RETENTION: json.dumps(settings.retention.model_dump(), separators=(",", ":")),
        name.S3_ENDPOINT: settings.s3_url,
        name.S3_REGION: S3_REGION,
        name.UPLOADS_BUCKET: names.bucket("uploads"),
        name.PLATFORM_KEYS: _json([key.model_dump() for key in settings.platform_keys]),
    }


def _json(value: Sequence[object] | Mapping[str, object]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
