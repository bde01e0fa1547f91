"""A bucket on an S3-compatible server, with an administrator's key: whether it holds anything, and
how it is emptied."""

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from cli.failures import Failure
from cli.stack_buckets import Bucket
from infra.keys import storage_origin_secrets
from infra.s3.server import RefusedError, Server, StorageError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_ABSENT = frozenset({"404", "NoSuchBucket"})

Page = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ServerBucket:
    """Every method raises Failure when the bucket is not there, or the server refuses."""

    server: Server
    client: "S3Client"
    name: str

    def holds_data(self) -> bool:
        """Whether there is an object, a version of one, a marker of a deletion or an upload that
        was not completed."""
        return any(
            page.get("Versions") or page.get("DeleteMarkers") or page.get("Uploads")
            for operation in ("list_object_versions", "list_multipart_uploads")
            for page in self._pages(operation)
        )

    def delete_all(self) -> Iterator[int]:
        """Deletes all versions of all objects and aborts all uploads; gives the number of each
        page."""
        for page in self._pages("list_object_versions"):
            found = cast("list[Page]", page.get("Versions", []) + page.get("DeleteMarkers", []))
            if found:
                yield self._delete(found)
        for page in self._pages("list_multipart_uploads"):
            uploads = cast("list[Page]", page.get("Uploads", []))
            for one in uploads:
                named = {"Key": one["Key"], "UploadId": one["UploadId"]}
                self._ask("abort an upload", "abort_multipart_upload", **named)
            if uploads:
                yield len(uploads)

    def _delete(self, versions: list[Page]) -> int:
        named = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in versions]
        answer = self._ask(
            "delete objects", "delete_objects", Delete={"Objects": named, "Quiet": True}
        )
        for failed in cast("list[Page]", answer.get("Errors", [])):
            raise Failure(
                f"{self.server} does not delete {failed.get('Key')!r} of bucket {self.name}: "
                f"{failed.get('Code')} ({failed.get('Message')})."
            )
        return len(named)

    def _pages(self, operation: str) -> Iterator[Page]:
        pages = cast("Any", self.client).get_paginator(operation)
        with self._asked(f"list the bucket {self.name}"):
            yield from pages.paginate(Bucket=self.name)

    def _ask(self, what: str, operation: str, **given: Any) -> Page:
        with self._asked(f"{what} in {self.name}"):
            return getattr(self.client, operation)(Bucket=self.name, **given)

    @contextmanager
    def _asked(self, what: str) -> Generator[None]:
        try:
            with self.server.asked_to(what):
                yield
        except RefusedError as error:
            if error.code not in _ABSENT:
                raise Failure(str(error)) from error
            raise Failure(
                f"{self.server} shows no bucket {self.name}, but the stack's state holds it. Is it "
                "the right server? If the bucket was deleted by other means, `stowage refresh` "
                "takes it out of the state."
            ) from error
        except StorageError as error:
            raise Failure(str(error)) from error


def open_bucket(
    bucket: Bucket, origin_secret: str | None, environment: Mapping[str, str]
) -> ServerBucket:
    """A bucket of a stack's state. The environment holds the administrator's key; the secret is for
    a server behind the zone's proxy, and may be two with a comma between.

    Raises:
        Failure: there is no key.
    """
    server = Server(
        bucket.storage,
        bucket.endpoint,
        bucket.region,
        storage_origin_secrets(origin_secret)[0] if origin_secret else None,
        environment,
    )
    try:
        return ServerBucket(server, server.client(), bucket.name)
    except StorageError as error:
        raise Failure(str(error)) from error
