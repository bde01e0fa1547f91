"""The manifest beside each dump: what the dump holds and how to know that it is whole.

It is all that a restore trusts; the database that it describes may be gone.
"""

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from functions.core import json_text
from functions.core.ids import is_id
from functions.core.sql_dump import AppliedMigration, DumpContent, TableContent
from functions.core.times import parse_rfc3339, rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = 1
"""Raised when a reader of the older format would misread a manifest."""
MAX_BYTES = 1024 * 1024

_SHA256 = re.compile(r"[0-9a-f]{64}")


class ManifestError(ValueError):
    """The text is no manifest that this code can read. The message says why."""


@dataclass(frozen=True, slots=True)
class Manifest:
    backup_id: str
    started_at: int
    finished_at: int
    """Milliseconds; the dump shows the database at one moment between the two."""
    dump_key: str
    dump_size: int
    dump_sha256: str
    """Of the object as it lies in the bucket, compressed by gzip."""
    content: DumpContent
    """Of the SQL text in it."""

    def to_json(self) -> bytes:
        document = {
            "format": FORMAT,
            "id": self.backup_id,
            "started_at": rfc3339(self.started_at),
            "finished_at": rfc3339(self.finished_at),
            "dump": {
                "key": self.dump_key,
                "size": self.dump_size,
                "sha256": self.dump_sha256,
                "sql_size": self.content.size,
                "sql_sha256": self.content.sha256,
            },
            "tables": {
                name: {"rows": table.rows, "sha256": table.sha256}
                for name, table in self.content.tables.items()
            },
            "migrations": [
                {"name": one.name, "sha256": one.sha256} for one in self.content.migrations
            ],
        }
        return (json.dumps(document, indent=2) + "\n").encode()


def read(text: bytes) -> Manifest:
    """Raises: ManifestError."""
    try:
        document = _Object(json_text.parse(text), "the manifest")
    except json_text.JsonTextError as error:
        raise ManifestError(f"it is no manifest: {error}") from error
    if document.integer("format") != FORMAT:
        raise ManifestError(
            f"its format is {document.integer('format')}, and this code reads {FORMAT}: restore it "
            "with the version of Stowage that made it, or a newer one"
        )
    dump = document.member("dump")
    backup_id = document.text("id")
    if not is_id(backup_id):
        raise ManifestError("its id is no id of ours")
    return Manifest(
        backup_id=backup_id,
        started_at=document.time("started_at"),
        finished_at=document.time("finished_at"),
        dump_key=dump.text("key"),
        dump_size=dump.integer("size"),
        dump_sha256=dump.sha256("sha256"),
        content=DumpContent(
            dump.integer("sql_size"),
            dump.sha256("sql_sha256"),
            {name: _table(one) for name, one in document.member("tables").members()},
            tuple(
                AppliedMigration(one.text("name"), one.sha256("sha256"))
                for one in document.objects("migrations")
            ),
        ),
    )


def _table(found: "_Object") -> TableContent:
    return TableContent(found.integer("rows"), found.sha256("sha256"))


class _Object:
    """A JSON object whose members are read by type."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise ManifestError(f"{where} is no JSON object")
        self._members = cast("Mapping[str, object]", value)
        self._where = where

    def _get(self, name: str, kind: type) -> object:
        value = self._members.get(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ManifestError(f"{name!r} of {self._where} is missing or of the wrong type")
        return value

    def text(self, name: str) -> str:
        return cast("str", self._get(name, str))

    def integer(self, name: str) -> int:
        value = cast("int", self._get(name, int))
        if value < 0:
            raise ManifestError(f"{name!r} of {self._where} is negative")
        return value

    def sha256(self, name: str) -> str:
        value = self.text(name)
        if not _SHA256.fullmatch(value):
            raise ManifestError(f"{name!r} of {self._where} is no SHA-256 in lower-case hex")
        return value

    def time(self, name: str) -> int:
        moment = parse_rfc3339(self.text(name))
        if moment is None:
            raise ManifestError(f"{name!r} of {self._where} is no time like 2026-01-31T12:00:00Z")
        return moment

    def member(self, name: str) -> "_Object":
        return _Object(self._get(name, dict), f"{name!r}")

    def members(self) -> list[tuple[str, "_Object"]]:
        return [(name, _Object(value, f"{name!r}")) for name, value in self._members.items()]

    def objects(self, name: str) -> list["_Object"]:
        items = cast("list[object]", self._get(name, list))
        return [_Object(one, f"{name!r}") for one in items]
