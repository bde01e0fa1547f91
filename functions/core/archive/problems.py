"""What can be wrong with an archive: each rule under its own name, and where the findings go."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_SHOWN_CHARACTERS = 500
MAX_PROBLEMS = 100
"""More help nobody, and the row that keeps them has limits."""

Rule: TypeAlias = Literal[
    "zip-end-record",
    "zip-trailing-data",
    "zip-several-end-records",
    "zip-comment",
    "zip-disks",
    "zip-zip64",
    "zip-empty",
    "zip-too-many-entries",
    "zip-prepended-data",
    "zip-directory",
    "zip-entry-count",
    "zip-extra-field",
    "zip-unicode-path",
    "zip-encrypted",
    "zip-version",
    "zip-flags",
    "zip-method",
    "zip-size",
    "zip-ratio",
    "zip-unpacked-size",
    "zip-file-type",
    "zip-folder-content",
    "zip-name-encoding",
    "zip-name-empty",
    "zip-name-nul",
    "zip-name-control",
    "zip-name-backslash",
    "zip-name-absolute",
    "zip-name-drive",
    "zip-name-dots",
    "zip-name-too-long",
    "zip-duplicate-name",
    "zip-equal-names",
    "zip-file-as-folder",
    "zip-local-header",
    "zip-local-name",
    "zip-local-flags",
    "zip-local-method",
    "zip-local-crc",
    "zip-local-size",
    "zip-overlap",
    "zip-gap",
    "zip-descriptor",
    "zip-descriptor-stored",
    "zip-data-damaged",
    "zip-data-size",
    "zip-data-crc",
    "zip-data-trailing",
]
"""The rules for archives. docs/packages.md says what each of them is for."""

Value: TypeAlias = str | int | None


@dataclass(frozen=True, slots=True)
class ArchiveProblem:
    """Why a package is refused. `slug` names the rule, `path` the entry, `value` what was found
    there; `pointer` is the JSON pointer (RFC 6901) where the entry is a JSON document."""

    slug: str
    detail: str
    path: str | None = None
    value: Value = None
    pointer: str | None = None

    def to_member(self) -> dict[str, object]:
        """As it is kept and shown: cut, because texts come from a stranger and a row has limits."""
        shown: Mapping[str, Value] = {
            "slug": self.slug,
            "detail": self.detail,
            "path": self.path,
            "pointer": self.pointer,
            "value": self.value,
        }
        return {name: _cut(value) for name, value in shown.items() if value is not None}


class Findings:
    """Collects the problems of one archive, the first `MAX_PROBLEMS` of them."""

    def __init__(self) -> None:
        self.problems: list[ArchiveProblem] = []

    def report(self, rule: Rule, detail: str, path: str | None = None, value: Value = None) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(ArchiveProblem(rule, detail, path, value))


def _cut(value: Value) -> object:
    if isinstance(value, str):
        return value[:MAX_SHOWN_CHARACTERS]
    # Larger integers are not exact to every reader of JSON.
    return value if value is None or abs(value) < 2**53 else str(value)
