"""`manifest.json` of a package, and how it must match what the developer announced."""

import json
from dataclasses import dataclass
from typing import cast

from functions.core import json_text
from functions.core.archive_names import ArchiveProblem

NAME = "manifest.json"
MAX_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Expected:
    app_id: str
    name: str
    """The app's."""
    version_name: str
    version_code: int


def check(content: bytes, expected: Expected) -> list[ArchiveProblem]:
    """Every problem of the manifest. Further members are free."""
    try:
        document = json_text.parse(content)
    except json_text.JsonTextError as error:
        return [_problem("manifest-json", f"The manifest cannot be read: {error}.")]
    if not isinstance(document, dict):
        return [_problem("manifest-json", "The manifest is not a JSON object.")]
    members = cast("dict[str, object]", document)
    wanted: list[tuple[str, str | int]] = [
        ("id", expected.app_id),
        ("name", expected.name),
        ("version", expected.version_name),
        ("version_code", expected.version_code),
    ]
    return [
        problem
        for member, value in wanted
        if (problem := _compare(members, member, value)) is not None
    ]


def _compare(members: dict[str, object], member: str, value: str | int) -> ArchiveProblem | None:
    if member not in members:
        return _problem("manifest-member-missing", f"The manifest has no '{member}'.")
    found = members[member]
    # The type too: True == 1 and 1.0 == 1 to Python, but not to other readers.
    if type(found) is type(value) and found == value:
        return None
    is_scalar = found is None or isinstance(found, str | int | float)
    shown = json.dumps(found)[:100] if is_scalar else "no plain value"
    return _problem(
        "manifest-mismatch",
        f"The manifest's '{member}' is {shown}, but the version was created with "
        f"{json.dumps(value)}.",
    )


def _problem(slug: str, detail: str) -> ArchiveProblem:
    return ArchiveProblem(slug, detail, NAME)
