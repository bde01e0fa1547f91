"""Which storage holds the objects, and how a Worker reaches it, as typed settings.

Standard library only: the edge Worker carries nothing else.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

from functions.core.storages import PROFILES, R2
from functions.setting_values import WrongError, base_url


@dataclass(frozen=True, slots=True)
class AccessKey:
    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class StorageServer:
    """An S3-compatible server as `STORAGE` describes it; nothing of it is secret."""

    endpoint: str
    """Base URL, no trailing slash."""
    region: str
    origin_secret: bool
    """Whether it answers only to requests that carry `STORAGE_ORIGIN_SECRET`."""
    buckets: Mapping[str, str]
    """From the platform's name of a bucket to its name there."""


@dataclass(frozen=True, slots=True)
class StorageChoice:
    active: str
    fallback: str | None
    """Read where the active storage lacks an object; None: there is none."""
    servers: Mapping[str, StorageServer]
    """Those of the two that are reached by S3; R2 is reached by bindings."""

    @property
    def used(self) -> tuple[str, ...]:
        return (self.active,) if self.fallback is None else (self.active, self.fallback)

    @property
    def pins_uploads(self) -> bool:
        """Whether every storage that an upload may lie on refused other bytes than announced."""
        return all(PROFILES[name].pins_sha256_in_presigned_put for name in self.used)

    @property
    def needs_origin_secret(self) -> bool:
        return any(server.origin_secret for server in self.servers.values())


@dataclass(frozen=True, slots=True)
class StorageSettings:
    choice: StorageChoice
    keys: Mapping[str, AccessKey]
    """This Worker's, of each server."""
    origin_secret: str | None = field(default=None, repr=False)


R2_ALONE = StorageChoice(R2.name, None, {})


def storage_choice(opened: tuple[str, ...]) -> Callable[[str], StorageChoice]:
    """`opened`: the platform's names of the buckets that the Worker opens."""

    def parse(value: str) -> StorageChoice:
        given = cast("dict[str, object]", json.loads(value))
        active, fallback = given["active"], given["fallback"]
        if active not in PROFILES or fallback not in (None, *PROFILES) or fallback == active:
            raise WrongError(
                f"`active` must be one of {', '.join(PROFILES)}, and `fallback` another or null"
            )
        choice = StorageChoice(cast("str", active), cast("str | None", fallback), {})
        servers = cast("dict[str, dict[str, object]]", given["servers"])
        if set(servers) != set(choice.used) - {R2.name}:
            raise WrongError("`servers` must hold those of `active` and `fallback` that are not r2")
        read = {name: _server(server, opened) for name, server in servers.items()}
        return StorageChoice(choice.active, choice.fallback, read)

    return parse


def _server(given: Mapping[str, object], opened: tuple[str, ...]) -> StorageServer:
    buckets = cast("dict[str, str]", given["buckets"])
    if not all(isinstance(buckets.get(name), str) and buckets[name] for name in opened):
        raise WrongError("a server lacks its name of a bucket that this Worker opens")
    if not isinstance(given["region"], str) or not given["region"]:
        raise WrongError("a server lacks its `region`")
    if not isinstance(given["origin_secret"], bool):
        raise WrongError("a server's `origin_secret` must be true or false")
    return StorageServer(
        endpoint=base_url(str(given["endpoint"])),
        region=given["region"],
        origin_secret=given["origin_secret"],
        buckets=dict(buckets),
    )


def access_keys(servers: Mapping[str, StorageServer]) -> Callable[[str], Mapping[str, AccessKey]]:
    """Of each server; those of others are left out."""

    def parse(value: str) -> Mapping[str, AccessKey]:
        given = cast("dict[str, dict[str, str]]", json.loads(value))
        if not servers.keys() <= given.keys():
            raise WrongError("it lacks the keys of a server in STORAGE")
        return {name: _access_key(given[name]) for name in servers}

    return parse


def _access_key(given: Mapping[str, object]) -> AccessKey:
    key_id, secret = given["access_key_id"], given["secret_access_key"]
    if not isinstance(key_id, str) or not isinstance(secret, str) or not key_id or not secret:
        raise WrongError("`access_key_id` and `secret_access_key` must be text")
    return AccessKey(key_id, secret)


@dataclass(frozen=True, slots=True)
class UploadTarget:
    """Where uploads go: a bucket of the active storage, by its S3 API. With that of the uploads
    bucket api presigns and puts parts together, and jobs aborts what nobody completed; jobs may do
    no more with it than by the bucket's binding. With those of the repository buckets api presigns
    the files of publications."""

    endpoint: str
    region: str
    bucket: str
    """As the storage calls it."""
    key: AccessKey


def server_targets(storage: StorageSettings, *buckets: str) -> dict[str, UploadTarget]:
    """Those of the active storage, where it is a server, by the platform's names of the buckets."""
    server = storage.choice.servers[storage.choice.active]
    key = storage.keys.get(storage.choice.active, AccessKey("", ""))
    return {
        bucket: UploadTarget(server.endpoint, server.region, server.buckets.get(bucket, ""), key)
        for bucket in buckets
    }
