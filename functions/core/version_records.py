"""Versions and their uploads as rows: the value types, how they are read, and nothing of when they
change."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

from functions.core.access import Caller
from functions.core.ids import is_id
from functions.core.problems import not_found
from functions.ports.records import Records, Row, Statement

Status: TypeAlias = Literal[
    "uploading", "validating", "failed", "draft", "rejected", "published", "pulled"
]

VersionProblem: TypeAlias = Mapping[str, object]
"""`slug` and `detail`, and what else helps, such as `path`: why a package failed its validation."""


@dataclass(frozen=True, slots=True)
class Version:
    id: str
    app_id: str
    developer_id: str
    version_code: int
    version_name: str
    status: Status
    size: int
    sha256: str
    object_key: str | None
    """Where the package lies in the packages bucket. Set in the step before the promotion, never
    recomputed; from then on the version_code is burned for ever."""
    statement: str | None
    signature: str | None
    """Base64 of the 64 bytes; together with `statement` and `signing_key_id` from `draft` on."""
    signing_key_id: str | None
    signed_at: int | None
    """When the platform signed; None for versions of a time when that was not kept."""
    developer_signature: str | None
    """Base64 of the 64 bytes, over the same statement; as it was given, checked at creation and at
    validation. Together with `developer_key_id`."""
    developer_key_id: str | None
    problems: tuple[VersionProblem, ...]
    due_at: int | None
    """When the schedule looks at the row again: overdue upload or validation, end of retention;
    None is never."""
    created_at: int
    updated_at: int
    published_at: int | None
    deleted_at: int | None
    """Since when retention has taken it away. Its objects are gone once `due_at` is None, too."""
    revision: int
    is_current: bool = False
    """Whether its app's `current_version_id` names it."""
    withdrawn_because: str | None = None
    """Why it was rejected or pulled, in the words of whoever did it."""
    pulled_by: Literal["developer", "operator"] | None = None
    pulled_at: int | None = None

    @property
    def is_deleted(self) -> bool:
        return self.deleted_at is not None


@dataclass(frozen=True, slots=True)
class Upload:
    id: str
    version_id: str
    kind: Literal["package"]
    object_key: str
    """In the uploads bucket."""
    size: int
    sha256: str
    content_type: str
    etag: str | None
    """Of the object as it was found at completion; what is validated and promoted must still have
    it."""
    expires_at: int
    """The latest expiry of any URL that was given out for it."""
    lease_token: str | None
    lease_until: int | None
    created_at: int
    multipart_id: str | None = None
    """The storage's name of the last upload in parts that was begun; it stays after its end.
    Together with `part_size`."""
    part_size: int | None = None


VERSION_ROWS = (
    "SELECT version.*, app.developer_id AS developer_id,"
    " app.current_version_id AS current_version_id FROM version"
    " JOIN app ON app.id = version.app_id"
)
"""What `version_of` reads."""

OCCUPIED = "(status <> 'failed' OR object_key IS NOT NULL)"
"""The versions that hold their version_code: the condition of the partial unique index."""


async def find_version(records: Records, version_id: str) -> Version | None:
    rows = await records.fetch(
        Statement(
            f"{VERSION_ROWS} WHERE version.id = ? AND version.deleted_at IS NULL", (version_id,)
        )
    )
    return version_of(rows[0]) if rows else None


async def get_version(records: Records, caller: Caller, version_id: str) -> Version:
    """For its developer and for operators.

    Raises: ProblemError 404 for everybody else.
    """
    may_ask = caller.role != "tenant" and is_id(version_id)
    version = await find_version(records, version_id) if may_ask else None
    if version is None or (caller.role != "operator" and caller.subject_id != version.developer_id):
        raise not_found("version")
    return version


async def find_occupant(records: Records, app_id: str, version_code: int) -> Version | None:
    """The version that holds the code; deleted ones hold theirs too."""
    rows = await records.fetch(
        Statement(
            f"{VERSION_ROWS} WHERE app_id = ? AND version_code = ? AND {OCCUPIED}",
            (app_id, version_code),
        )
    )
    return version_of(rows[0]) if rows else None


async def find_upload(records: Records, version_id: str) -> Upload | None:
    """The upload of the version's package; a version has one."""
    rows = await records.fetch(
        Statement(
            "SELECT * FROM upload WHERE version_id = ? AND kind = 'package'",
            (version_id,),
        )
    )
    return upload_of(rows[0]) if rows else None


def version_of(row: Row) -> Version:
    return Version(
        id=cast("str", row["id"]),
        app_id=cast("str", row["app_id"]),
        developer_id=cast("str", row["developer_id"]),
        version_code=cast("int", row["version_code"]),
        version_name=cast("str", row["version_name"]),
        status=cast("Status", row["status"]),
        size=cast("int", row["size"]),
        sha256=cast("str", row["sha256"]),
        object_key=cast("str | None", row["object_key"]),
        statement=cast("str | None", row["statement"]),
        signature=cast("str | None", row["signature"]),
        signing_key_id=cast("str | None", row["signing_key_id"]),
        signed_at=cast("int | None", row["signed_at"]),
        developer_signature=cast("str | None", row["developer_signature"]),
        developer_key_id=cast("str | None", row["developer_key_id"]),
        problems=tuple(json.loads(cast("str", row["problems"]))),
        due_at=cast("int | None", row["due_at"]),
        created_at=cast("int", row["created_at"]),
        updated_at=cast("int", row["updated_at"]),
        published_at=cast("int | None", row["published_at"]),
        deleted_at=cast("int | None", row["deleted_at"]),
        revision=cast("int", row["revision"]),
        is_current=row["current_version_id"] == row["id"],
        withdrawn_because=cast("str | None", row["withdrawn_because"]),
        pulled_by=cast("Literal['developer', 'operator'] | None", row["pulled_by"]),
        pulled_at=cast("int | None", row["pulled_at"]),
    )


def upload_of(row: Row) -> Upload:
    return Upload(
        id=cast("str", row["id"]),
        version_id=cast("str", row["version_id"]),
        kind=cast("Literal['package']", row["kind"]),
        object_key=cast("str", row["object_key"]),
        size=cast("int", row["size"]),
        sha256=cast("str", row["sha256"]),
        content_type=cast("str", row["content_type"]),
        etag=cast("str | None", row["etag"]),
        expires_at=cast("int", row["expires_at"]),
        lease_token=cast("str | None", row["lease_token"]),
        lease_until=cast("int | None", row["lease_until"]),
        created_at=cast("int", row["created_at"]),
        multipart_id=cast("str | None", row["multipart_id"]),
        part_size=cast("int | None", row["part_size"]),
    )
