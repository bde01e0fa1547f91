"""The buckets in a stack's state, on whichever storage each lies, and what can be done about their
data."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from cli.failures import Failure
from cli.rest import DEFAULT_JURISDICTION, AccountApi
from cli.state_file import Node

if TYPE_CHECKING:
    from cli.server_bucket import ServerBucket

R2 = "r2"
_R2_BUCKET = "cloudflare:index/r2Bucket:R2Bucket"
_SERVER_BUCKET = "pulumi-python:dynamic/stowage:S3Bucket"
_SAID_EVERY = 500

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket by its physical name, and what is needed to find it."""

    storage: str
    name: str
    jurisdiction: str = DEFAULT_JURISDICTION
    """R2's: without it the bucket is not found."""
    endpoint: str = ""
    region: str = ""
    """Of an S3-compatible server; R2 is reached by the account's REST API."""
    is_proxied: bool = False
    """Whether the server stands behind the zone's proxy, which asks for a secret."""


def stack_buckets(resources: Iterable[Node]) -> list[Bucket]:
    """The buckets among the resources of a state, by storage and name."""
    found = {bucket for one in resources if (bucket := _bucket(one)) is not None}
    return sorted(found, key=lambda bucket: (bucket.storage != R2, bucket.storage, bucket.name))


def named(buckets: Sequence[Bucket]) -> str:
    """The names, each with its storage unless that is R2."""
    return ", ".join(
        one.name if one.storage == R2 else f"{one.name} ({one.storage})" for one in buckets
    )


@dataclass(frozen=True, slots=True)
class BucketData:
    """Looks into buckets and empties them. Every method raises Failure when a bucket that the state
    holds is not there, or cannot be reached."""

    account: Callable[[], AccountApi]
    server_bucket: Callable[[Bucket], "ServerBucket"]

    def full(self, buckets: Iterable[Bucket]) -> list[Bucket]:
        """Those that hold data."""
        return [one for one in buckets if self._holds_data(one)]

    def empty(self, bucket: Bucket, say: Say) -> None:
        """Deletes everything in a bucket; repeating it is fine."""
        deleted = 0
        # A list that is read while its objects go may pass some over, so it is read again until it
        # is empty.
        for _ in range(10):
            before = deleted
            for count in self._delete_all(bucket):
                if (deleted + count) // _SAID_EVERY > deleted // _SAID_EVERY:
                    say(f"  deleted {deleted + count} objects of {bucket.name}")
                deleted += count
            if deleted == before:
                break
        else:
            raise Failure(
                f"Bucket {bucket.name} does not become empty: something still writes to it. Stop "
                "it and try again."
            )
        if deleted:
            say(f"Deleted {deleted} objects of {named([bucket])}.")

    def _holds_data(self, bucket: Bucket) -> bool:
        if bucket.storage != R2:
            return self.server_bucket(bucket).holds_data()
        return any(self.account().objects(bucket.name, bucket.jurisdiction, limit=1))

    def _delete_all(self, bucket: Bucket) -> Iterable[int]:
        """Gives how many were deleted, time and again."""
        if bucket.storage != R2:
            yield from self.server_bucket(bucket).delete_all()
            return
        api = self.account()
        for key in list(api.objects(bucket.name, bucket.jurisdiction)):
            api.delete_object(bucket.name, key, bucket.jurisdiction)
            yield 1


def _bucket(resource: Node) -> Bucket | None:
    outputs = cast("Node", resource.get("outputs") or {})
    if resource.get("type") == _R2_BUCKET:
        jurisdiction = str(outputs.get("jurisdiction") or DEFAULT_JURISDICTION)
        return Bucket(R2, str(outputs.get("name")), jurisdiction)
    if resource.get("type") == _SERVER_BUCKET:
        return Bucket(
            str(outputs.get("storage")),
            str(outputs.get("bucket")),
            endpoint=str(outputs.get("endpoint")),
            region=str(outputs.get("region")),
            is_proxied=outputs.get("is_proxied") is True,
        )
    return None
