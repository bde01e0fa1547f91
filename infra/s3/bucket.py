"""One bucket of a server: made, configured, looked at, deleted. No Pulumi here.

1. A bucket that exists is not taken over unless that is asked for. An exception is one that an
   earlier run made and could not record, because it was killed or the answer was lost: such a
   bucket is empty, and either has no configuration at all or carries the owner's mark in it.
2. What carries the mark is therefore written first.
3. A bucket that holds anything is not deleted: no object, no version of one, no marker of a
   deletion, no upload that may still be going on.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from infra.s3 import configuration
from infra.s3.configuration import Configuration, Document
from infra.s3.server import RefusedError, Server, StorageError, UncertainError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

STALE = timedelta(days=1)
"""Nothing of the platform uploads for that long: an upload URL lives 15 minutes."""

_ABSENT = frozenset({"404", "NoSuchBucket"})
_TAKEN = frozenset({"BucketAlreadyOwnedByYou", "BucketAlreadyExists"})
_UNSET = frozenset(
    {"NoSuchLifecycleConfiguration", "NoSuchCORSConfiguration", "NoSuchBucketPolicy"}
)


class BucketTakenError(StorageError):
    """There is a bucket of this name that this stack did not make."""


class BucketInUseError(StorageError):
    """The bucket holds something, so it is not deleted."""


@dataclass(frozen=True, slots=True)
class Bucket:
    server: Server
    client: "S3Client"
    name: str
    owner: str
    """The mark of the stack; it stands in the ids of lifecycle rules and policy."""

    def make(self, wanted: Configuration, *, adopt: bool) -> None:
        """Create it, or go on with what an earlier run began. With `adopt` whatever is there is
        kept and configured.

        Raises: StorageError; BucketTakenError.
        """
        if not self._create() and not adopt:
            self._recognise(wanted)
        self.configure(wanted)

    def configure(self, wanted: Configuration) -> None:
        """Raises: StorageError, also where there is no such bucket."""
        # Rule 2: CORS carries no mark.
        for part, put in (
            (wanted.lifecycle, self._put_lifecycle),
            (wanted.policy, self._put_policy),
            (wanted.cors, self._put_cors),
        ):
            if part is not None:
                cast("Callable[[object], None]", put)(part)

    def read(self, managed: Configuration) -> Configuration | None:
        """What is set there of the parts that are managed; None where there is no such bucket.

        Raises: StorageError.
        """
        if not self.exists():
            return None
        return Configuration(
            lifecycle=None
            if managed.lifecycle is None
            else configuration.neutral_lifecycle(self._lifecycle()),
            cors=None if managed.cors is None else configuration.neutral_cors(self._cors()),
            policy=None if managed.policy is None else (self._policy() or {}),
        )

    def delete(self, now: datetime) -> None:
        """Delete it if it is empty; nothing where it is gone already. Uploads that were given up
        are aborted.

        Raises: StorageError; BucketInUseError.
        """
        if not self.exists():
            return
        self._refuse_content()
        self._abort_uploads(now)
        try:
            with self.server.asked_to(f"delete the bucket {self.name}"):
                self.client.delete_bucket(Bucket=self.name)
        except RefusedError as error:
            if error.code in _ABSENT:
                return
            if error.code == "BucketNotEmpty":
                # Something was put in since it was looked at.
                self._refuse_content()
            raise

    def exists(self) -> bool:
        """Raises: StorageError, also where it is somebody else's."""
        try:
            with self.server.asked_to(f"show the bucket {self.name}"):
                self.client.head_bucket(Bucket=self.name)
        except RefusedError as error:
            if error.code in _ABSENT:
                return False
            raise
        return True

    def _create(self) -> bool:
        """Whether it was certainly created just now."""
        if self.exists():
            return False
        # Amazon takes no constraint that names its first region, and every other server none that
        # is not its own.
        region: Any = self.server.region
        place: Any = (
            {}
            if region == "us-east-1"
            else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        )
        try:
            with self.server.asked_to(f"create the bucket {self.name}"):
                self.client.create_bucket(Bucket=self.name, **place)
        except UncertainError:
            if not self.exists():
                raise
            return False
        except RefusedError as error:
            # botocore tries again by itself, and may meet what its first attempt made.
            if error.code in _TAKEN and self.exists():
                return False
            raise
        return True

    def _recognise(self, wanted: Configuration) -> None:
        """Rule 1."""
        if next(self._content(), None) is not None:
            raise BucketTakenError(
                f"The bucket {self.name} is already on {self.server} and holds objects."
            )
        found = self.read(wanted)
        if found is not None and not found.is_bare and not self._is_marked(wanted):
            raise BucketTakenError(
                f"The bucket {self.name} is already on {self.server}; it is empty, but somebody "
                "configured it."
            )

    def _is_marked(self, wanted: Configuration) -> bool:
        if wanted.policy is not None and (self._policy() or {}).get("Id") == self.owner:
            return True
        if wanted.lifecycle is None:
            return False
        ids = [str(rule.get("ID", "")) for rule in self._lifecycle()]
        return any(one.startswith(f"{self.owner}:") for one in ids)

    def _content(self) -> Iterator[str]:
        """What keys the bucket holds, in the order in which the server lists them, old versions
        and markers of deletions included."""
        with self.server.asked_to(f"list the bucket {self.name}"):
            page = self.client.list_object_versions(Bucket=self.name, MaxKeys=1)
        for kind in ("Versions", "DeleteMarkers"):
            for one in cast("list[dict[str, str]]", page.get(kind, [])):
                yield one["Key"]

    def _refuse_content(self) -> None:
        for key in self._content():
            raise BucketInUseError(
                f"The bucket {self.name} on {self.server} is not deleted, because it is not empty: "
                f"it holds {key!r}, or an old version of it. Save what you need and empty it, old "
                "versions included; or keep it, and take it out of the state (`pulumi state "
                "delete`)."
            )

    def _abort_uploads(self, now: datetime) -> None:
        pages = self.client.get_paginator("list_multipart_uploads")
        with self.server.asked_to(f"list the unfinished uploads of {self.name}"):
            found = [
                one
                for page in pages.paginate(Bucket=self.name)
                for one in cast("list[dict[str, Any]]", page.get("Uploads", []))
            ]
        for one in found:
            if one["Initiated"] > now - STALE:
                raise BucketInUseError(
                    f"The bucket {self.name} on {self.server} is not deleted, because an upload to "
                    f"{one['Key']!r} may still be going on. Wait until it is done, or abort it."
                )
        for one in found:
            with self.server.asked_to(f"abort an unfinished upload in {self.name}"):
                self.client.abort_multipart_upload(
                    Bucket=self.name, Key=one["Key"], UploadId=one["UploadId"]
                )

    def _put_lifecycle(self, rules: list[Document]) -> None:
        with self.server.asked_to(f"set the lifecycle rules of {self.name}"):
            if rules:
                given: Any = {"Rules": configuration.s3_lifecycle(rules, self.owner)}
                self.client.put_bucket_lifecycle_configuration(
                    Bucket=self.name, LifecycleConfiguration=given
                )
            else:
                self.client.delete_bucket_lifecycle(Bucket=self.name)

    def _put_cors(self, rules: list[Document]) -> None:
        with self.server.asked_to(f"set the CORS rules of {self.name}"):
            if rules:
                given: Any = {"CORSRules": configuration.s3_cors(rules)}
                self.client.put_bucket_cors(Bucket=self.name, CORSConfiguration=given)
            else:
                self.client.delete_bucket_cors(Bucket=self.name)

    def _put_policy(self, policy: Document) -> None:
        try:
            with self.server.asked_to(f"set the policy of {self.name}"):
                self.client.put_bucket_policy(Bucket=self.name, Policy=json.dumps(policy))
        except RefusedError as error:
            if error.code != "MalformedPolicy":
                raise
            raise RefusedError(
                f"{error} A policy names the access key ids of storageKeys: does the server have a "
                "user for each of them?",
                error.code,
            ) from None

    def _lifecycle(self) -> list[Document]:
        found = self._setting(
            "lifecycle rules",
            lambda: self.client.get_bucket_lifecycle_configuration(Bucket=self.name),
        )
        return cast("list[Document]", found.get("Rules", []))

    def _cors(self) -> list[Document]:
        found = self._setting("CORS rules", lambda: self.client.get_bucket_cors(Bucket=self.name))
        return cast("list[Document]", found.get("CORSRules", []))

    def _policy(self) -> Document | None:
        found = self._setting("policy", lambda: self.client.get_bucket_policy(Bucket=self.name))
        return json.loads(found["Policy"]) if "Policy" in found else None

    def _setting(self, what: str, get: Callable[[], object]) -> Document:
        try:
            with self.server.asked_to(f"show the {what} of {self.name}"):
                return cast("Document", get())
        except RefusedError as error:
            if error.code in _UNSET:
                return {}
            raise
