"""Builds the edge Worker's adapters: readers only."""

from typing import Any

from functions import settings
from functions.adapters.cloudflare.d1 import D1Records
from functions.adapters.cloudflare.r2_reader import R2ObjectReader
from functions.adapters.cloudflare.system import SystemClock
from functions.core.denials import Denials
from functions.core.download_tokens import DownloadKeys
from functions.entrypoints.cloudflare.compose.bindings import native, variables
from functions.entrypoints.http_edge.data_plane import DataPlane

_built: list[DataPlane] = []


def data_plane(env: Any) -> DataPlane:
    """Raises: SettingsError."""
    if not _built:
        _built.append(_build(env))
    return _built[0]


def _build(env: Any) -> DataPlane:
    given = settings.EdgeSettings.from_mapping(variables(env))
    records = D1Records(native(env, settings.DATABASE))
    return DataPlane(
        records=records,
        clock=SystemClock(),
        packages=R2ObjectReader(native(env, settings.PACKAGES)),
        assets=R2ObjectReader(native(env, settings.ASSETS)),
        repositories={
            bucket: R2ObjectReader(native(env, settings.repository_binding(bucket)))
            for bucket in given.repository_buckets
        },
        cdn_host=given.cdn_host,
        platform_zone=given.platform_zone,
        download_keys=DownloadKeys(given.download_keys.current, given.download_keys.keys),
        denials=Denials(records),
    )
