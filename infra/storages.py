"""Which storages hold the platform's objects, made ready, and what the rest of the program needs of
them: R2 by its bindings, an S3-compatible server by its endpoint.

With R2 alone, names and resources are those of a stack that knows no other storage.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import pulumi

from functions.core.storages import PROFILES, shortcomings
from infra import bucket_rules, keys
from infra.cloudflare.origin import StorageOrigin, StorageOriginArgs, StorageRecord
from infra.cloudflare.storage import Storage as R2Storage
from infra.cloudflare.storage import StorageArgs as R2StorageArgs
from infra.cloudflare.tokens import S3Token, S3TokenArgs
from infra.config import Secrets
from infra.naming import is_loopback
from infra.s3.storage import Storage as S3Storage
from infra.s3.storage import StorageArgs as S3StorageArgs
from infra.settings import Settings
from infra.storage_settings import R2, ProxiedServer, Server

# What R2 calls its only region: https://developers.cloudflare.com/r2/api/s3/api/
R2_REGION = "auto"
# The least that the proxy takes in one request, on the plans Free and Pro:
# https://developers.cloudflare.com/workers/platform/limits/#request-limits
PROXY_BODY_BYTES = 100_000_000


@dataclass(frozen=True, kw_only=True)
class AccessKey:
    id: pulumi.Input[str]
    secret: pulumi.Output[str]
    """A Pulumi secret."""


@dataclass(frozen=True, kw_only=True)
class Storages:
    """What bindings and outputs are made of."""

    r2_buckets: Mapping[str, pulumi.Output[str]]
    """R2's buckets by role; none where R2 is not used."""
    presign: AccessKey | None
    """With which uploads to R2 are presigned; a server's are presigned with the api's own key. Kept
    while R2 is only fallen back to, so that URLs given before the switch end well."""
    publish: AccessKey | None
    """With which the api presigns the files of a publication into R2's repository buckets."""
    publisher: AccessKey | None
    """For the repository buckets of the active storage."""
    bound: tuple[pulumi.Resource, ...]
    """What must outlive the Workers."""


def declare(settings: Settings, secrets: Secrets) -> Storages:
    """Declare the buckets of the storages that are used, and say what these storages lack."""
    r2 = _r2(settings) if R2 in settings.storages else None
    token = None if r2 is None else partial(_token, settings, r2)
    bound: list[pulumi.Resource] = [] if r2 is None else list(r2.buckets.values())
    for storage, server in settings.servers.items():
        made = _server(settings, secrets, storage, server)
        bound += made.buckets.values()
    _say(settings)
    return Storages(
        r2_buckets={} if r2 is None else r2.names,
        presign=token and token("presign", ("uploads",)),
        publish=token and token("publish", settings.repository_buckets),
        publisher=_publisher(settings, secrets, r2) if settings.publisher_token else None,
        bound=tuple(bound),
    )


def places(settings: Settings) -> dict[str, dict[str, object]]:
    """Where the buckets of each used storage are: an output of the stack."""
    ways = {R2: (settings.r2_url, R2_REGION)}
    ways |= {one: (server.endpoint, server.region) for one, server in settings.servers.items()}
    return {
        storage: {
            "endpoint": ways[storage][0],
            "region": ways[storage][1],
            "buckets": physical_names(settings, storage),
        }
        for storage in settings.storages
    }


def physical_names(settings: Settings, storage: str) -> dict[str, str]:
    """What the bucket of each role is called on a storage."""
    server = settings.servers.get(storage)
    own = {role: settings.names.bucket(role) for role in settings.roles}
    if server is None:
        return own
    return {role: server.physical(role, name) for role, name in own.items()}


def _r2(settings: Settings) -> R2Storage:
    return R2Storage(
        "storage",
        R2StorageArgs(
            account_id=settings.account_id,
            names=physical_names(settings, R2),
            jurisdiction=settings.jurisdiction,
            location=settings.location,
            upload_cors_origins=settings.upload_cors_origins,
            protect=settings.protect_data,
        ),
    )


def _token(settings: Settings, r2: R2Storage, role: str, buckets: tuple[str, ...]) -> AccessKey:
    token = S3Token(
        role,
        S3TokenArgs(
            account_id=settings.account_id,
            token_name=settings.names.token(role),
            buckets=[r2.names[bucket] for bucket in buckets],
            jurisdiction=settings.jurisdiction,
        ),
    )
    return AccessKey(id=token.access_key_id, secret=token.secret_access_key)


def _publisher(settings: Settings, secrets: Secrets, r2: R2Storage | None) -> AccessKey | None:
    active = settings.storage
    if active == R2:
        return r2 and _token(settings, r2, "publisher", settings.repository_buckets)
    return secrets.storage_keys and AccessKey(
        id=secrets.storage_key_ids[active]["publisher"],
        secret=pulumi.Output.secret(
            secrets.storage_keys.apply(
                lambda text: keys.storage_secret_key(text, "publisher", active)
            )
        ),
    )


def _server(settings: Settings, secrets: Secrets, storage: str, server: Server) -> S3Storage:
    key_ids = dict(secrets.storage_key_ids[storage])
    if not _publishes_to(settings, storage):
        key_ids.pop("publisher", None)
    origin = _origin(settings, secrets, server, physical_names(settings, storage), key_ids)
    return S3Storage(
        storage,
        S3StorageArgs(
            profile=PROFILES[storage],
            endpoint=server.endpoint,
            region=server.region,
            is_proxied=server.is_proxied,
            names=physical_names(settings, storage),
            key_ids=key_ids,
            # Scripts of one account have one name each, so no two stacks share account and prefix.
            owner=f"stowage-{settings.account_id}-{settings.name_prefix}",
            adopt=server.adopt,
            upload_cors_origins=settings.upload_cors_origins,
            protect=settings.protect_data,
            after=[] if origin is None else origin.ready,
        ),
    )


def _origin(
    settings: Settings,
    secrets: Secrets,
    server: Server,
    names: Mapping[str, str],
    key_ids: Mapping[str, str],
) -> StorageOrigin | None:
    if not isinstance(server, ProxiedServer) or server.origin is None:
        return None
    if secrets.storage_origin_secret is None:
        return None
    local = is_loopback(server.endpoint)
    origin = server.origin
    return StorageOrigin(
        "storage-origin",
        StorageOriginArgs(
            zone_id=settings.zone_id,
            host=server.host,
            record=None if local else StorageRecord(type=origin.type, content=origin.content),
            secrets=secrets.storage_origin_secret.apply(keys.storage_origin_secrets),
            upload_paths=[
                f"/{names['uploads']}/{bucket_rules.TEMP_PREFIX}",
                *(f"/{names[role]}/" for role in settings.repository_buckets),
            ],
            publisher_key_id=key_ids.get("publisher"),
        ),
    )


def _publishes_to(settings: Settings, storage: str) -> bool:
    return settings.publisher_token and storage == settings.storage


def _say(settings: Settings) -> None:
    """Nothing is silently weaker than it looks."""
    for storage in settings.servers:
        for sentence in shortcomings(storage):
            pulumi.log.info(sentence)
    if settings.servers and settings.jurisdiction != "default":
        pulumi.log.warn(
            f"The jurisdiction {settings.jurisdiction} counts for the database, the queues and R2: "
            f"where the objects on {' and '.join(settings.servers)} lie is decided there."
        )
    active = settings.servers.get(settings.storage)
    if active and active.is_proxied and settings.max_package_bytes > PROXY_BODY_BYTES:
        pulumi.log.warn(
            f"maxPackageBytes is {settings.max_package_bytes}, but uploads pass Cloudflare's "
            f"proxy, which takes {PROXY_BODY_BYTES} bytes on the plans Free and Pro and 200 MB on "
            "Business: a larger package is refused with 413 unless it comes in parts, as `stowage "
            "push` sends what is above multipartThresholdBytes."
        )
