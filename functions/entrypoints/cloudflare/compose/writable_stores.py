"""Builds what writes to a Worker's buckets on the storage that the settings choose."""

from collections.abc import Iterable, Mapping
from typing import Any

from functions.adapters.cloudflare.r2_store import R2ObjectStore
from functions.adapters.cloudflare.streams import native_sha256
from functions.adapters.s3.multipart import S3MultipartStore
from functions.adapters.s3.store import S3ObjectStore
from functions.core.fallback_store import FallbackStore
from functions.core.storages import PROFILES, R2
from functions.entrypoints.cloudflare.compose.bindings import native
from functions.entrypoints.cloudflare.compose.stores import Place, connection, connection_to
from functions.ports.multipart_store import MultipartStore
from functions.ports.object_store import ObjectStore
from functions.settings import repository_binding
from functions.storage_settings import StorageSettings, UploadTarget


def store(env: Any, storage: StorageSettings, place: Place) -> ObjectStore:
    """Raises: SettingsError where R2 is used and the binding is missing."""

    def on(name: str) -> ObjectStore:
        if name == R2.name:
            return R2ObjectStore(native(env, place.binding))
        return S3ObjectStore(connection(storage, name, place.bucket), native_sha256)

    active = on(storage.choice.active)
    fallback = storage.choice.fallback
    return active if fallback is None else FallbackStore(active, on(fallback))


def repository_stores(
    env: Any, storage: StorageSettings, buckets: Iterable[str]
) -> Mapping[str, ObjectStore]:
    """By the platform's name of each repository bucket.

    Raises: SettingsError where R2 is used and a binding is missing.
    """
    return {
        bucket: store(env, storage, Place(bucket, repository_binding(bucket))) for bucket in buckets
    }


def upload_parts(storage: StorageSettings, target: UploadTarget) -> MultipartStore:
    """The uploads bucket of the active storage, by its S3 API on R2, too: the binding can neither
    list parts nor put them together under a condition."""
    return S3MultipartStore(connection_to(storage, storage.choice.active, target), native_sha256)


def parted(storage: StorageSettings, uploads: Place, *others: Place) -> tuple[MultipartStore, ...]:
    """The buckets on storages that do not abort by themselves what was never completed, but for
    the one that `upload_parts` opens."""
    return tuple(
        S3MultipartStore(connection(storage, name, place.bucket), native_sha256)
        for name in storage.choice.used
        if not PROFILES[name].aborts_stale_multipart
        for place in (uploads, *others)
        if (name, place) != (storage.choice.active, uploads)
    )
