"""Builds the jobs Worker's adapters."""

from typing import Any

from functions import settings
from functions.adapters.cloudflare.analytics_engine_sql import AnalyticsEngineQueries
from functions.adapters.cloudflare.custom_hostnames import CloudflareHostnames
from functions.adapters.cloudflare.d1 import D1Records
from functions.adapters.cloudflare.d1_export import D1Exporter, D1ExportSettings
from functions.adapters.cloudflare.doh import DohResolver
from functions.adapters.cloudflare.fetch import JsFetch
from functions.adapters.cloudflare.images import CloudflareImages
from functions.adapters.cloudflare.purge import CloudflareCachePurger
from functions.adapters.cloudflare.queue import CloudflareQueue
from functions.adapters.cloudflare.system import SystemClock, SystemEntropy
from functions.adapters.cloudflare.webcrypto import WebCryptoSigner
from functions.adapters.cloudflare.webcrypto_verifier import WebCryptoVerifier
from functions.core.backups import BackupDeps, BackupPlan
from functions.core.generation_sweep import SweepDeps
from functions.core.hostname_looks import HostnameDeps
from functions.core.notice_runs import NoticeDeps
from functions.core.platform import DAY_MS, HOUR_MS, Limits
from functions.core.usage_runs import UsageDeps
from functions.core.validation import ValidationDeps
from functions.core.webhook_calls import alert_receiver
from functions.entrypoints.cloudflare.compose.bindings import native, variables
from functions.entrypoints.cloudflare.compose.stores import Place
from functions.entrypoints.cloudflare.compose.writable_stores import (
    parted,
    repository_stores,
    store,
    upload_parts,
)
from functions.entrypoints.job_queue import Jobs

_built: list[Jobs] = []


def jobs(env: Any) -> Jobs:
    """Raises: SettingsError."""
    if not _built:
        _built.append(_build(env))
    return _built[0]


def _build(env: Any) -> Jobs:
    given = settings.JobsSettings.from_mapping(variables(env))
    uploads = Place(given.uploads_bucket, settings.UPLOADS)
    packages = Place(given.packages_bucket, settings.PACKAGES)
    assets = Place(given.assets_bucket, settings.ASSETS)
    deps = ValidationDeps(
        records=D1Records(native(env, settings.DATABASE)),
        uploads=store(env, given.storage, uploads),
        packages=store(env, given.storage, packages),
        signer=WebCryptoSigner(given.signing_key.id, given.signing_key.seed),
        clock=SystemClock(),
        entropy=SystemEntropy(),
        limits=Limits(max_package_bytes=given.max_package_bytes, retention=given.retention),
        verifier=WebCryptoVerifier(),
        trusts_upload_digests=given.storage.choice.pins_uploads,
    )
    return Jobs(
        deps,
        assets=store(env, given.storage, assets),
        upload_parts=upload_parts(given.storage, given.upload_target),
        queue=CloudflareQueue(native(env, settings.VALIDATE_QUEUE)),
        purger=CloudflareCachePurger(given.api_base_url, given.zone_id, given.purge_token),
        processor=CloudflareImages(native(env, settings.IMAGES)),
        hostnames=HostnameDeps(
            records=deps.records,
            resolver=DohResolver(JsFetch(), given.dns_resolvers),
            authority=CloudflareHostnames(
                JsFetch(), given.api_base_url, given.zone_id, given.hostnames_token
            ),
            clock=deps.clock,
            entropy=deps.entropy,
            cname_target=given.fallback_host,
        ),
        usage=UsageDeps(
            records=deps.records,
            queries=AnalyticsEngineQueries(given.api_base_url, given.account_id, given.usage_token),
            dataset=given.usage_dataset,
            clock=deps.clock,
        ),
        parted=parted(given.storage, uploads, packages, assets),
        sweeping=SweepDeps(
            records=deps.records,
            stores=repository_stores(env, given.storage, given.repository_buckets),
            clock=deps.clock,
            keep=given.publishing.keep_generations,
        ),
        backups=BackupDeps(
            records=deps.records,
            store=store(env, given.storage, Place(given.backups_bucket, settings.BACKUPS)),
            exporter=D1Exporter(
                D1ExportSettings(
                    given.api_base_url, given.account_id, given.database_id, given.backup_token
                )
            ),
            clock=deps.clock,
            entropy=deps.entropy,
            plan=BackupPlan(
                every_ms=given.backup_rhythm.every_hours * HOUR_MS or None,
                keep_ms=given.backup_rhythm.keep_days * DAY_MS,
            ),
        ),
        notices=NoticeDeps(
            deps.records,
            JsFetch(),
            deps.clock,
            deps.entropy,
            None
            if given.alert_url is None
            else alert_receiver(given.alert_url, given.alert_secret),
        ),
    )
