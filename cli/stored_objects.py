"""The objects in one of a stack's buckets, as an operator reads them: by Cloudflare's own API, or
by S3 with the operator's keys. Neither needs the platform to run."""

import os
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

from botocore.exceptions import ClientError

from cli.engine import Output
from cli.failures import Failure
from cli.rest import DEFAULT_JURISDICTION, AccountApi
from cli.s3_buckets import Storage, connect, list_objects, said_clearly, status_of
from cli.stack_config import read
from cli.storage_copy import declared, in_use, origin_secret, storage_keys
from cli.target import Target, account_api

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

R2 = "r2"
_CHUNK = 256 * 1024


class StoredObjects(Protocol):
    @property
    def bucket(self) -> str: ...

    def listed(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Keys and sizes. Raises Failure where the bucket cannot be listed."""
        ...

    @contextmanager
    def content(self, key: str) -> Generator[Iterator[bytes] | None]:
        """The bytes, as they come; None where there is no such object.

        Raises Failure where they cannot be read, or break off.
        """
        ...


@dataclass(frozen=True, slots=True)
class R2Objects:
    api: AccountApi
    bucket: str
    jurisdiction: str = DEFAULT_JURISDICTION

    def listed(self, prefix: str) -> Iterator[tuple[str, int]]:
        for row in self.api.object_rows(self.bucket, self.jurisdiction, prefix=prefix):
            yield str(row["key"]), int(cast("int", row["size"]))

    @contextmanager
    def content(self, key: str) -> Generator[Iterator[bytes] | None]:
        with self.api.object_content(self.bucket, key, self.jurisdiction) as chunks:
            yield chunks


@dataclass(frozen=True, slots=True)
class S3Objects:
    client: "S3Client"
    storage: Storage
    bucket: str

    def listed(self, prefix: str) -> Iterator[tuple[str, int]]:
        with said_clearly(self.storage, self.bucket):
            for one in list_objects(self.client, self.bucket, prefix):
                yield one.key, one.size

    @contextmanager
    def content(self, key: str) -> Generator[Iterator[bytes] | None]:
        with said_clearly(self.storage, self.bucket):
            try:
                body = self.client.get_object(Bucket=self.bucket, Key=key)["Body"]
            except ClientError as error:
                if status_of(error) != 404:
                    raise
                yield None
                return
            try:
                yield body.iter_chunks(_CHUNK)
            finally:
                body.close()


def stored_objects(target: Target, role: str) -> StoredObjects:
    """The bucket of a role on the storage that the stack uses.

    On R2 by Cloudflare's API, with the token that deploys; where the operator's own S3 keys are set
    (STOWAGE_R2_ACCESS_KEY_ID), by S3, which has no limit of 1,200 requests in five minutes.
    """
    outputs = target.engine.outputs()
    name = in_use(outputs)
    if name != R2 or os.environ.get("STOWAGE_R2_ACCESS_KEY_ID"):
        storage = declared(outputs).get(name) or _declared_r2(outputs)
        keys = storage_keys(name, target.engine.environment)
        client = connect(storage, keys, origin_secret(target, name))
        return S3Objects(client, storage, storage.buckets[role])
    config = read(target.engine.config_file)
    jurisdiction = str(config.get("jurisdiction") or DEFAULT_JURISDICTION)
    return R2Objects(account_api(target), _buckets(outputs)[role], jurisdiction)


def _declared_r2(outputs: Mapping[str, Output]) -> Storage:
    """R2 as stacks describe it that have no other storage."""
    return Storage(R2, str(outputs["s3_url"].value), "auto", _buckets(outputs))


def _buckets(outputs: Mapping[str, Output]) -> dict[str, str]:
    if "buckets" not in outputs:
        raise Failure("The stack has no output `buckets`: deploy it first, with `stowage up`.")
    return cast("dict[str, str]", outputs["buckets"].value)
