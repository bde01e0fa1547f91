"""Builds the edge Worker's adapters: readers only."""

import logging
from typing import Any

from functions import settings
from functions.adapters.cloudflare.analytics_engine import AnalyticsEngineLog, NoUsageLog
from functions.adapters.cloudflare.background import WaitUntil
from functions.adapters.cloudflare.cache import CloudflareCache
from functions.adapters.cloudflare.d1 import UNCONSTRAINED, D1Records
from functions.adapters.cloudflare.system import SystemClock
from functions.core.denials import Denials
from functions.core.download_tokens import DownloadKeys
from functions.core.host_directory import HostDirectory
from functions.entrypoints.cloudflare.compose.bindings import native, variables
from functions.entrypoints.cloudflare.compose.stores import Place, reader
from functions.entrypoints.http_edge.data_plane import DataPlane
from functions.ports.background import Background
from functions.ports.usage import UsageLog
from functions.setting_values import SettingsError

log = logging.getLogger("stowage.edge")

QUERY_SECONDS = 5.0
"""How long a request waits for the database before it goes on without."""

_built: list[DataPlane] = []


def data_plane(env: Any) -> DataPlane:
    """Raises: SettingsError."""
    if not _built:
        _built.append(_build(env))
    return _built[0]


def background(context: Any) -> Background:
    """Of one invocation."""
    return WaitUntil(context)


def _build(env: Any) -> DataPlane:
    given = settings.EdgeSettings.from_mapping(variables(env))
    database = native(env, settings.DATABASE)
    cache = CloudflareCache(given.cdn_host)
    near = D1Records(database, session=UNCONSTRAINED, seconds=QUERY_SECONDS)
    return DataPlane(
        clock=SystemClock(),
        hosts=HostDirectory(near, cache, given.repository_buckets),
        packages=reader(env, given.storage, Place(given.packages_bucket, settings.PACKAGES)),
        assets=reader(env, given.storage, Place(given.assets_bucket, settings.ASSETS)),
        repositories={
            bucket: reader(env, given.storage, Place(bucket, settings.repository_binding(bucket)))
            for bucket in given.repository_buckets
        },
        cdn_host=given.cdn_host,
        platform_zone=given.platform_zone,
        download_keys=DownloadKeys(given.download_keys.current, given.download_keys.keys),
        # By the primary: a pull must not wait for the copies.
        denials=Denials(D1Records(database, seconds=QUERY_SECONDS)),
        cache=cache,
        usage=_usage(env),
    )


def _usage(env: Any) -> UsageLog:
    """Without a dataset too, packages are served."""
    try:
        return AnalyticsEngineLog(native(env, settings.USAGE))
    except SettingsError as error:
        log.warning("usage is not counted: %s", error)
        return NoUsageLog()
