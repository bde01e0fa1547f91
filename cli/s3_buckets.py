"""Buckets of an S3-compatible storage as a person's own keys reach them: listing, reading and
writing whole objects, with what S3 says as failures of the command."""

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cli.failures import Failure
from cli.proxies import may_use_proxy
from infra.keys import STORAGE_ORIGIN_HEADER

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ATTEMPTS = 5
CONNECT_SECONDS = 15
READ_SECONDS = 120


class Changed(Exception):
    """The object is no longer the one that was listed, or is gone."""


class Exists(Exception):
    """A create-only put met an object."""


@dataclass(frozen=True, slots=True)
class S3Keys:
    access_key_id: str
    secret_access_key: str


@dataclass(frozen=True, slots=True)
class Storage:
    """One storage of a stack, as its output `storages` describes it."""

    name: str
    """`r2`, `b2` or `minio`."""
    endpoint: str
    region: str
    buckets: Mapping[str, str]
    """Physical name by role."""


@dataclass(frozen=True, slots=True)
class Listed:
    key: str
    size: int
    etag: str
    """Without quotes."""


def connect(
    storage: Storage, keys: S3Keys, origin_secret: str | None = None, *, connections: int = 10
) -> "S3Client":
    """A client for the storage; many threads may use it at once. `origin_secret` goes with every
    request to a server behind the zone's proxy."""
    make = cast("Any", boto3).client  # the stubs know only some of its services
    client = make(
        "s3",
        endpoint_url=storage.endpoint,
        region_name=storage.region,
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
        config=Config(
            signature_version="s3v4",
            # The server checks the body against the signature while it receives it, on every
            # storage; checksum headers of the SDK's own are refused by some.
            s3={"addressing_style": "path", "payload_signing_enabled": True},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            retries={"mode": "standard", "max_attempts": ATTEMPTS},
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            max_pool_connections=connections,
            proxies=None if may_use_proxy(storage.endpoint) else {},
        ),
    )
    if origin_secret is not None:

        def carry(request: Any, **_: object) -> None:
            request.headers[STORAGE_ORIGIN_HEADER] = origin_secret

        # After signing: the proxy reads it, and the server need not see it.
        client.meta.events.register("before-send.s3", carry)
    return cast("S3Client", client)


def list_objects(client: "S3Client", bucket: str, prefix: str = "") -> Iterator[Listed]:
    """Every object of a bucket under a prefix, in the order in which the server lists.

    Raises: botocore's errors; see `said_clearly`.
    """
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for one in page.get("Contents", []):
            found = cast("dict[str, Any]", one)
            yield Listed(found["Key"], found["Size"], found["ETag"].strip('"'))


def find(client: "S3Client", bucket: str, key: str) -> Listed | None:
    """The object as it is now; None where there is none."""
    try:
        head = client.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if status_of(error) == 404:
            return None
        raise
    return Listed(key, head["ContentLength"], head["ETag"].strip('"'))


def status_of(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


@contextmanager
def said_clearly(storage: Storage, bucket: str) -> Generator[None]:
    """What S3 says, as a failure that names the storage, the bucket and the way out."""
    where = f"bucket {bucket} on {storage.name} ({urlsplit(storage.endpoint).netloc})"
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        text = str(error.response.get("Error", {}).get("Message", ""))
        hint = {
            401: " Are the access keys right?",
            403: " May these access keys list, read and write there?",
            404: " Deploy first: `stowage up` makes the buckets.",
        }.get(status_of(error), "")
        raise Failure(
            f"{where}: the storage answered {status_of(error)} {code}: {text}.{hint}"
        ) from error
    except BotoCoreError as error:
        raise Failure(
            f"{where} cannot be reached ({type(error).__name__}: {error}). Is the storage up, and "
            "can this machine reach it?"
        ) from error
