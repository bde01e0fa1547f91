"""Objects that arrive in parts: for what is too large for one put, or is to be taken up again where
it broke off.

Limits of S3, which all storages share (docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html):
parts 1 to 10,000 of 5 MiB to 5 GiB, only the last may be smaller. R2 wants all but the last of one
size (developers.cloudflare.com/r2/objects/multipart-objects); keep to that everywhere.

A bucket's binding on Workers can neither list parts or uploads nor complete under a condition, so
R2 is spoken to by its S3 API for this.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from functions.ports.object_store import Body, ObjectInfo, ObjectStore, ObjectStoreError

MIN_PART_BYTES = 5 * 1024**2
MAX_PART_BYTES = 5 * 1024**3
MAX_PARTS = 10_000


class UploadNotFoundError(ObjectStoreError):
    """There is no such upload: it was completed or aborted, or never was."""


class PartsRefusedError(ObjectStoreError):
    """A part that is named was not put, has another ETag or is too small, or none is named. The
    upload stays as it is."""


@dataclass(frozen=True, slots=True)
class Part:
    number: int
    """1..10,000; the order of the bytes."""
    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class PendingUpload:
    key: str
    upload_id: str
    started_at: int


class MultipartStore(ObjectStore, Protocol):
    async def create_multipart(
        self,
        key: str,
        *,
        content_type: str,
        cache_control: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """The id of a new upload. Each call begins another; several for one key do not meet."""
        ...

    async def put_part(
        self, key: str, upload_id: str, number: int, body: bytes | Body, *, length: int
    ) -> str:
        """The part's ETag. Whole or not at all; in any order; a number that was put before is
        replaced.

        Raises: UploadNotFoundError, ObjectStoreError.
        """
        ...

    async def list_parts(self, key: str, upload_id: str) -> Sequence[Part]:
        """All that were put, by number.

        Raises: UploadNotFoundError, ObjectStoreError.
        """
        ...

    async def complete_multipart(
        self, key: str, upload_id: str, parts: Sequence[Part], *, create_only: bool = True
    ) -> ObjectInfo:
        """Makes the object of these parts, in order of their numbers; the upload is over then. With
        `create_only` as in `put`: an existing object is not replaced, and the upload stays.

        Never tried again by the adapter: after an `UnavailableError` look with `head` what lies
        there. Completing once more is an `UploadNotFoundError`, or, on a storage that remembers,
        the same success.
        Raises: PreconditionFailedError, PartsRefusedError, UploadNotFoundError, ObjectStoreError.
        """
        ...

    async def abort_multipart(self, key: str, upload_id: str) -> None:
        """Forgets the upload and its parts. An upload that is not there is a success."""
        ...

    async def list_multiparts(self, prefix: str) -> Sequence[PendingUpload]:
        """All uploads under the prefix that are neither completed nor aborted: for whoever clears
        away what was abandoned. In order of the keys' UTF-8 bytes."""
        ...
