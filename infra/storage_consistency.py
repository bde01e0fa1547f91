"""What must hold between the settings of the storages, and between them and the others."""

import re
from collections.abc import Callable, Iterator, Mapping

from functions.core.storages import PROFILES
from infra import keys
from infra.mistake import Mistake
from infra.naming import duplicates, is_loopback, is_within
from infra.settings import Settings
from infra.storage_settings import R2, Server

# Reserved: https://www.backblaze.com/docs/cloud-storage-buckets
_B2_PREFIX = "b2-"
_B2_MIN_NAME_LENGTH = 6
# https://www.backblaze.com/docs/cloud-storage-create-large-files-with-the-native-api
_B2_MAX_PUT = 5_000_000_000
_B2_HOST = re.compile(r"s3\.([a-z0-9-]+)\.backblazeb2\.com")


def _fallback_differs(settings: Settings) -> Iterator[Mistake]:
    if settings.fallback_storage == settings.storage:
        yield Mistake(
            "fallbackStorage",
            f"is {settings.storage!r} like storage itself; it names the storage that is being left",
        )


def _servers_declared(settings: Settings) -> Iterator[Mistake]:
    for storage in dict.fromkeys(settings.storages):
        if storage != R2 and settings.storage_servers.get(storage) is None:
            yield Mistake(
                "storageServers",
                f"{storage}: is not set, but the storage {storage!r} is used; its endpoint and "
                "region are needed",
            )


def _buckets(settings: Settings) -> Iterator[Mistake]:
    for storage, server in settings.servers.items():
        for role in (*server.buckets, *server.adopt):
            if role not in settings.roles:
                yield _wrong(storage, f"{role!r} is no bucket of this stack")
        names = _physical_names(settings, server)
        for name in duplicates(names.values()):
            roles = " and ".join(role for role, value in names.items() if value == name)
            yield _wrong(storage, f"the buckets {roles} would be the same one, {name!r}")


def _b2(settings: Settings) -> Iterator[Mistake]:
    server = settings.servers.get("b2")
    if server is None:
        return
    for role, name in _physical_names(settings, server).items():
        if len(name) < _B2_MIN_NAME_LENGTH or name.startswith(_B2_PREFIX):
            yield _wrong(
                "b2",
                f"Backblaze takes no bucket {name!r} ({role}): at least {_B2_MIN_NAME_LENGTH} "
                f"characters, and not beginning with {_B2_PREFIX!r}",
            )
    found = _B2_HOST.fullmatch(server.host)
    if found is None and not is_loopback(server.endpoint):
        yield _wrong("b2", "the endpoint must be https://s3.REGION.backblazeb2.com")
    if found is not None and found[1] != server.region:
        yield _wrong(
            "b2", f"the region {server.region!r} is not that of the endpoint, {found[1]!r}"
        )
    if settings.max_package_bytes > _B2_MAX_PUT:
        yield Mistake("maxPackageBytes", f"is more than Backblaze takes in one PUT, {_B2_MAX_PUT}")


def _origin(settings: Settings) -> Iterator[Mistake]:
    for storage, server in settings.servers.items():
        if not server.is_proxied or is_loopback(server.endpoint):
            continue
        if server.endpoint != f"https://{server.host}":
            yield _wrong(storage, "an endpoint behind the proxy has no port: it listens at 443")
        if not is_within(server.host, settings.zone):
            yield _wrong(
                storage,
                f"{server.host!r} does not lie in the zone {settings.zone!r}, whose proxy the "
                "origin is to stand behind",
            )
        if server.host in settings.own_hosts.values():
            yield _wrong(storage, f"{server.host!r} is one of the platform's own hosts")
        if server.host in settings.passthrough_hosts:
            yield Mistake(
                "passthroughHosts",
                f"{server.host!r} is the origin of the storage, which has its own route",
            )


def _routes(settings: Settings) -> Iterator[Mistake]:
    for storage, server in settings.servers.items():
        if server.is_proxied or not is_within(server.host, settings.zone):
            continue
        if server.host not in settings.passthrough_hosts:
            yield _wrong(
                storage,
                f"{server.host!r} lies in the zone, where the route */* would answer in its place; "
                "give its origin, or add the name to passthroughHosts if it is guarded otherwise",
            )


def _cors(settings: Settings) -> Iterator[Mistake]:
    profile = PROFILES[settings.storage]
    if settings.upload_cors_origins and not profile.cors:
        yield Mistake(
            "uploadCorsOrigins",
            f"cannot be granted: {profile.title} keeps no CORS rules of a bucket. Allow the "
            "origins in the server's own configuration",
        )


def secret_mistakes(settings: Settings, declared: Mapping[str, str]) -> Iterator[Mistake]:
    """What the used servers need of the secrets; each of these is well-formed if it is there."""
    is_asked = any(server.is_proxied for server in settings.servers.values())
    if is_asked and "storageOriginSecret" not in declared:
        yield Mistake(
            "storageOriginSecret",
            "is needed for the origin of storageServers: without it anybody could reach the server",
        )
    if settings.servers and "storageKeys" not in declared:
        yield Mistake("storageKeys", f"is needed for {' and '.join(settings.servers)}")
    elif settings.servers:
        yield from _key_mistakes(settings, keys.storage_key_ids(declared["storageKeys"]))


def _key_mistakes(
    settings: Settings, key_ids: Mapping[str, Mapping[str, str]]
) -> Iterator[Mistake]:
    for storage in settings.servers:
        held = key_ids.get(storage, {})
        for role in _needed_roles(settings, storage):
            if role not in held:
                yield Mistake("storageKeys", f"{storage}: the key of {role} is missing")
        for key_id in duplicates(held.values()):
            sharing = " and ".join(role for role, one in held.items() if one == key_id)
            yield Mistake(
                "storageKeys",
                f"{storage}: {sharing} have the same key, so each has the other's rights",
            )


def _needed_roles(settings: Settings, storage: str) -> tuple[str, ...]:
    publishes = settings.publisher_token and storage == settings.storage
    return tuple(role for role in keys.STORAGE_ROLES if role != "publisher" or publishes)


def _physical_names(settings: Settings, server: Server) -> dict[str, str]:
    return {role: server.physical(role, settings.names.bucket(role)) for role in settings.roles}


def _wrong(storage: str, reason: str) -> Mistake:
    return Mistake("storageServers", f"{storage}: {reason}")


_STORAGE_KEYS = frozenset({"storage", "fallbackStorage", "storageServers"})
_NAME_KEYS = frozenset({"namePrefix", "repositoryBuckets"})
_HOST_KEYS = frozenset({"zone", "apiHost", "cdnHost", "fallbackHost", "passthroughHosts"})

# As in `consistency`: each check with the keys that it reads.
CHECKS: Mapping[Callable[[Settings], Iterator[Mistake]], frozenset[str]] = {
    _fallback_differs: frozenset({"storage", "fallbackStorage"}),
    _servers_declared: _STORAGE_KEYS,
    _buckets: _STORAGE_KEYS | _NAME_KEYS,
    _b2: _STORAGE_KEYS | _NAME_KEYS | {"maxPackageBytes"},
    _origin: _STORAGE_KEYS | _HOST_KEYS,
    _routes: _STORAGE_KEYS | _HOST_KEYS,
    _cors: frozenset({"storage", "uploadCorsOrigins"}),
}
SECRET_KEYS = _STORAGE_KEYS | {"storageKeys", "storageOriginSecret", "publisherToken"}
"""What `secret_mistakes` reads."""
