"""What buckets forget by themselves and what a browser may send to them: the same on every storage,
as far as it takes it. Whole days, because no storage counts in less."""

from functions.core import catalog
from functions.core.storages import StorageProfile

TEMP_PREFIX = catalog.TEMP_PREFIX
TEMP_DAYS = 1
"""The sweeper deletes after an hour; this is the net below it."""
MULTIPART_ABORT_DAYS = 7
NONCURRENT_DAYS = 1
"""Where every bucket keeps old versions: what was deleted is stored and paid for until then."""

UPLOAD_METHODS = ("PUT",)
EXPOSED_HEADERS = ("etag",)
CORS_SECONDS = 3600


def upload_headers(profile: StorageProfile) -> list[str]:
    """What a presigned upload is signed with; a browser must be allowed to send exactly these."""
    headers = ["content-type"]
    if profile.conditional_put:
        headers.append("if-none-match")
    if profile.pins_sha256_in_presigned_put:
        headers.append("x-amz-checksum-sha256")
    return headers
