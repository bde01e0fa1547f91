"""What a bucket of Backblaze B2 has, and one of versitygw has not unless it is asked for: all its
versions, the rights that belong to keys and not to buckets, and lifecycle rules.

The proxy (workerd/storage/storage.mjs) tells of a bucket that was made, and brings requests for
lifecycle rules here once the server has verified who asks. The rules are kept; nothing is deleted
by age.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from local.home import write_private
from local.storage_admin import StorageAdmin

_VERSIONS = (
    b'<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    b"<Status>Enabled</Status></VersioningConfiguration>"
)


class B2Buckets:
    """The buckets of the server that plays B2."""

    def __init__(self, folder: Path, admin: StorageAdmin, key_ids: Sequence[str]) -> None:
        """`folder` keeps the rules; `key_ids` are the keys that may use every bucket."""
        self._folder = folder
        self._admin = admin
        self._key_ids = list(key_ids)

    async def made(self, bucket: str) -> None:
        """Makes what the server calls a bucket one of B2's. Repeating it is fine.

        Raises:
            CloudError: the server refuses, or does not answer.
        """
        await self._admin.set(bucket, "versioning", _VERSIONS)
        await self._admin.set(bucket, "policy", self._policy(bucket))

    def lifecycle(self, bucket: str) -> str | None:
        """The rules as they were given; None where there are none."""
        try:
            return self._file(bucket).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def set_lifecycle(self, bucket: str, document: str) -> None:
        """Keeps rules; an empty document takes them away, and so does the deletion of a bucket."""
        if document:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_private(self._file(bucket), document)
        else:
            self._file(bucket).unlink(missing_ok=True)

    def _policy(self, bucket: str) -> bytes:
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": self._key_ids},
            "Action": ["s3:*"],
            "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        }
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]}).encode()

    def _file(self, bucket: str) -> Path:
        return self._folder / f"{bucket}.xml"
