"""What a server's refusal means in the port's terms: the one place that knows the codes of S3
(docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html) and what servers answer in their
place."""

from collections.abc import Callable, Mapping

from functions.adapters.s3.documents import ErrorDocument
from functions.ports.multipart_store import PartsRefusedError, UploadNotFoundError
from functions.ports.object_store import (
    ChecksumMismatchError,
    ObjectStoreError,
    PreconditionFailedError,
    UnavailableError,
)

MESSAGE_CHARACTERS = 200


class ObjectMissingError(ObjectStoreError):
    """There is no object with this key. Not for the port's users, who get None."""


class RangeRefusedError(ObjectStoreError):
    """The range lies outside the object. Not for the port's users: they are told the size too."""


class RepeatRefusedError(PreconditionFailedError):
    """A create-only call that was tried again met an object, which may be what an earlier attempt
    wrote. Not for the port's users: it is found out first."""


_CODES: Mapping[str, Callable[[str], ObjectStoreError]] = {
    "NoSuchKey": ObjectMissingError,
    "InvalidRange": RangeRefusedError,
    "PreconditionFailed": PreconditionFailedError,
    "NoSuchUpload": UploadNotFoundError,
    "InvalidPart": PartsRefusedError,
    "InvalidPartOrder": PartsRefusedError,
    "EntityTooSmall": PartsRefusedError,
    "BadDigest": ChecksumMismatchError,
    "XAmzContentSHA256Mismatch": ChecksumMismatchError,
    # Two writers at once, of which S3 lets neither through; or one that was overtaken by a delete.
    "ConditionalRequestConflict": UnavailableError,
    "OperationAborted": UnavailableError,
    "SlowDown": UnavailableError,
    "RequestTimeout": UnavailableError,
    "InternalError": UnavailableError,
    "ServiceUnavailable": UnavailableError,
}
_STATUSES: Mapping[int, Callable[[str], ObjectStoreError]] = {
    # An answer to HEAD has no document. A bucket that is gone looks the same.
    404: ObjectMissingError,
    408: UnavailableError,
    412: PreconditionFailedError,
    416: RangeRefusedError,
    429: UnavailableError,
}
_PERMANENT = frozenset({501, 505})


def error_of(subject: str, status: int, document: ErrorDocument | None) -> ObjectStoreError:
    """`document` where the server gave one; else the status alone decides."""
    if document is None:
        return _of_status(status)(f"{subject}: the storage answered {status}")
    said = f"{subject}: {document.code}: {document.message[:MESSAGE_CHARACTERS]}"
    known = _CODES.get(document.code)
    if known is not None:
        return known(said)
    # A code that is not known says less than a status of a temporary failure; but no code other
    # than NoSuchKey makes an object missing.
    kind = _of_status(status)
    return ObjectStoreError(said) if kind is ObjectMissingError else kind(said)


def _of_status(status: int) -> Callable[[str], ObjectStoreError]:
    if status in _STATUSES:
        return _STATUSES[status]
    return UnavailableError if status >= 500 and status not in _PERMANENT else ObjectStoreError
