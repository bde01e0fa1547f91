"""Builds the readers of a Worker's buckets on the storage that the settings choose. What writes is
built in `writable_stores`, which the edge Worker does not carry."""

from dataclasses import dataclass
from typing import Any

from functions.adapters.cloudflare.fetch import JsFetch
from functions.adapters.cloudflare.r2_reader import R2ObjectReader
from functions.adapters.cloudflare.system import SystemClock, SystemEntropy
from functions.adapters.s3.bucket import S3Bucket
from functions.adapters.s3.connection import S3Connection
from functions.adapters.s3.reader import S3ObjectReader
from functions.core.fallback_reader import FallbackReader
from functions.core.sigv4 import Credentials
from functions.core.storages import PROFILES, R2
from functions.entrypoints.cloudflare.compose.bindings import native
from functions.ports.object_store import ObjectReader
from functions.storage_settings import StorageSettings, UploadTarget


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket by the platform's name and by the binding that R2 has it under."""

    bucket: str
    binding: str


def reader(env: Any, storage: StorageSettings, place: Place) -> ObjectReader:
    """Raises: SettingsError where R2 is used and the binding is missing."""

    def on(name: str) -> ObjectReader:
        if name == R2.name:
            return R2ObjectReader(native(env, place.binding))
        return S3ObjectReader(connection(storage, name, place.bucket))

    active = on(storage.choice.active)
    fallback = storage.choice.fallback
    return active if fallback is None else FallbackReader(active, on(fallback))


def connection(storage: StorageSettings, name: str, bucket: str) -> S3Connection:
    """Of the platform's bucket on the server `name`."""
    server, key = storage.choice.servers[name], storage.keys[name]
    target = UploadTarget(server.endpoint, server.region, server.buckets[bucket], key)
    return connection_to(storage, name, target)


def connection_to(storage: StorageSettings, name: str, target: UploadTarget) -> S3Connection:
    """With the origin's secret, where the storage is a server that wants it."""
    server = storage.choice.servers.get(name)
    return S3Connection(
        S3Bucket(
            profile=PROFILES[name],
            endpoint=target.endpoint,
            region=target.region,
            name=target.bucket,
            credentials=Credentials(target.key.id, target.key.secret),
            origin_secret=storage.origin_secret if server and server.origin_secret else None,
        ),
        JsFetch(),
        SystemClock(),
        SystemEntropy(),
    )
