"""Builds the api Worker's adapters."""

from typing import Any

from starlette.types import ASGIApp

from functions import settings
from functions.adapters.cloudflare.d1 import D1Records
from functions.adapters.cloudflare.images import CloudflareImages
from functions.adapters.cloudflare.queue import CloudflareQueue
from functions.adapters.cloudflare.rate_limiter import CloudflareRateLimiter
from functions.adapters.cloudflare.system import SystemClock, SystemEntropy
from functions.adapters.cloudflare.webcrypto_verifier import WebCryptoVerifier
from functions.core.download_tokens import DownloadKeys
from functions.core.platform import DAY_MS, Limits
from functions.core.presign import PresignSettings
from functions.core.repositories import RepositorySettings
from functions.core.storages import PROFILES
from functions.core.webhook_urls import WebhookRules
from functions.entrypoints.cloudflare.compose.bindings import native, variables
from functions.entrypoints.cloudflare.compose.stores import Place, reader
from functions.entrypoints.cloudflare.compose.writable_stores import (
    repository_stores,
    store,
    upload_parts,
)
from functions.entrypoints.http_api.application import application
from functions.entrypoints.http_api.services import Services
from functions.storage_settings import UploadTarget


class _Isolate:
    """One application for the isolate, built at import; its services at the first request, when
    there is an `env`."""

    def __init__(self) -> None:
        self.env: Any = None
        self.application = application(self.services)
        self._services: Services | None = None

    def services(self) -> Services:
        if self._services is None:
            self._services = _build(self.env)
        return self._services


_isolate = _Isolate()


def api(env: Any) -> ASGIApp:
    _isolate.env = env
    return _isolate.application


def _build(env: Any) -> Services:
    """Raises: SettingsError."""
    given = settings.ApiSettings.from_mapping(variables(env))
    return Services(
        records=D1Records(native(env, settings.DATABASE)),
        clock=SystemClock(),
        entropy=SystemEntropy(),
        uploads=reader(env, given.storage, Place(given.uploads_bucket, settings.UPLOADS)),
        upload_parts=upload_parts(given.storage, given.presign),
        assets=store(env, given.storage, Place(given.assets_bucket, settings.ASSETS)),
        processor=CloudflareImages(native(env, settings.IMAGES)),
        queue=CloudflareQueue(native(env, settings.VALIDATE_QUEUE)),
        limits=Limits(
            max_package_bytes=given.max_package_bytes,
            multipart_threshold_bytes=given.multipart_threshold_bytes,
            upload_url_seconds=given.upload_url_seconds,
            download_url_seconds=given.download_url_seconds,
            retention=given.retention,
            quotas=given.quotas,
        ),
        root_key_hashes=given.root_key_hashes,
        presign=_presign(given, given.presign),
        download_keys=DownloadKeys(given.download_keys.current, given.download_keys.keys),
        tenant_link_keys=given.tenant_link_keys,
        api_url=given.api_url,
        cdn_url=given.cdn_url,
        cname_target=given.fallback_host,
        repositories=RepositorySettings(
            buckets=given.repository_buckets,
            multi_tenant=given.multi_tenant,
            platform_zone=given.platform_zone,
            platform_hosts=(given.api_host, given.cdn_host),
        ),
        platform_keys=given.platform_keys,
        address_limiter=_limiter(env, settings.ADDRESS_LIMITER),
        key_limiter=_limiter(env, settings.KEY_LIMITER),
        verifier=WebCryptoVerifier(),
        repository_stores=repository_stores(env, given.storage, given.repository_buckets),
        publish_targets={
            bucket: _presign(given, target) for bucket, target in given.publish.items()
        },
        publish_grace_ms=given.publishing.grace_days * DAY_MS,
        webhook_rules=WebhookRules(
            platform_zone=given.platform_zone,
            platform_hosts=(given.api_host, given.cdn_host),
            loopback=given.loopback_webhooks,
        ),
    )


def _presign(given: settings.ApiSettings, target: UploadTarget) -> PresignSettings:
    return PresignSettings(
        profile=PROFILES[given.storage.choice.active],
        endpoint=target.endpoint,
        region=target.region,
        bucket=target.bucket,
        access_key_id=target.key.id,
        secret_access_key=target.key.secret,
    )


def _limiter(env: Any, name: str) -> CloudflareRateLimiter:
    return CloudflareRateLimiter(native(env, name), settings.LIMITER_SECONDS)
