"""`manifest.json` of a package: what it must say, and how it must match what the developer
announced and what the package holds.

The same rules are published as a JSON Schema (`manifest_schema`). Further members are free: the
manifest is the app's too, and a platform must take packages that were made for a newer one.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar, cast

from functions.core import fields, json_text
from functions.core.archive.problems import ArchiveProblem
from functions.core.images.requirements import MAX_SCREENSHOTS

T = TypeVar("T")

NAME = "manifest.json"
MAX_BYTES = 64 * 1024
MAX_PATH_CHARACTERS = 1024
MAX_PERMISSIONS = 100


@dataclass(frozen=True, slots=True)
class Form:
    """What a text must be. The pattern is in the syntax that Python and ECMA-262 share, and stands
    in the schema too."""

    pattern: str
    longest: int
    """In characters."""
    detail: str


_UNPRINTABLE = r"\u0000-\u001f\u007f-\u009f\u2028\u2029"
_IN_PATH = rf"[^\\{_UNPRINTABLE}]"
PATH = Form(
    rf"(?=[^/]){_IN_PATH}*(?!/){_IN_PATH}",
    MAX_PATH_CHARACTERS,
    "must be the path of a file in the package",
)
ICON_PATH = Form(
    rf"(?=[^/]){_IN_PATH}+\.[pP][nN][gG]",
    MAX_PATH_CHARACTERS,
    "must be the path of a PNG file (.png) in the package",
)
SCREENSHOT_PATH = Form(
    rf"(?=[^/]){_IN_PATH}+\.(?:[pP][nN][gG]|[jJ][pP][eE]?[gG]|[wW][eE][bB][pP])",
    MAX_PATH_CHARACTERS,
    "must be the path of a picture (.png, .jpg, .jpeg, .webp) in the package",
)
PERMISSION = Form(
    r"[A-Za-z][A-Za-z0-9]*(?:[._:-][A-Za-z0-9]+)*",
    128,
    "must be words of ASCII letters and digits, the first one beginning with a letter, joined by "
    "'.', '_', ':' or '-'",
)

Rule: TypeAlias = Literal[
    "manifest-missing",
    "manifest-damaged",
    "manifest-too-large",
    "manifest-json",
    "manifest-object",
    "manifest-member-missing",
    "manifest-type",
    "manifest-value",
    "manifest-twice",
    "manifest-mismatch",
    "manifest-file-missing",
]


@dataclass(frozen=True, slots=True)
class Expected:
    """What the developer told the API."""

    app_id: str
    name: str
    """The app's."""
    version_name: str
    version_code: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """Paths are names of files in the package."""

    app_id: str
    name: str
    version_name: str
    version_code: int
    entry: str
    """What a device starts."""
    icon: str | None
    permissions: tuple[str, ...]
    min_api_level: int | None
    screenshots: tuple[str, ...]


def problem(
    rule: Rule, detail: str, pointer: str | None = None, value: object = None
) -> ArchiveProblem:
    shown = value if value is None or type(value) in (str, int) else json.dumps(value)
    return ArchiveProblem(rule, detail, NAME, cast("str | int | None", shown), pointer)


def check(
    content: bytes, expected: Expected, has_file: Callable[[str], bool]
) -> tuple[Manifest | None, list[ArchiveProblem]]:
    """The manifest, and every problem of it; None where there are any. `has_file` says whether the
    package holds a file of that name."""
    manifest, problems = read(content)
    if manifest is None:
        return None, problems
    wrong = {found.pointer for found in problems}
    wanted: list[tuple[str, str | int, str | int]] = [
        ("id", manifest.app_id, expected.app_id),
        ("name", manifest.name, expected.name),
        ("version", manifest.version_name, expected.version_name),
        ("version_code", manifest.version_code, expected.version_code),
    ]
    for member, found, announced in wanted:
        if found != announced and f"/{member}" not in wrong:
            detail = (
                f"The manifest's '{member}' is {json.dumps(found)}, but the version was created "
                f"with {json.dumps(announced)}."
            )
            problems.append(problem("manifest-mismatch", detail, f"/{member}", found))
    for pointer, path in _paths(manifest):
        if pointer not in wrong and not has_file(path):
            detail = "The package holds no file of this name."
            problems.append(problem("manifest-file-missing", detail, pointer, path))
    return (None if problems else manifest), problems


def read(content: bytes) -> tuple[Manifest | None, list[ArchiveProblem]]:
    """The manifest and what is wrong with it by itself; None where it is no JSON object. A wrong
    member is empty in what is given."""
    try:
        document = json_text.parse(content)
    except json_text.JsonTextError as error:
        return None, [problem("manifest-json", f"The manifest cannot be read: {error}.", "")]
    if not isinstance(document, dict):
        return None, [problem("manifest-object", "The manifest is not a JSON object.", "")]
    members = _Members(cast("dict[str, object]", document))
    manifest = Manifest(
        app_id=members.text("id", lambda found, value: found.app_id(value, "/id")),
        name=members.text("name", fields.Collector.name),
        version_name=members.text(
            "version", lambda found, value: found.version_name(value, "/version")
        ),
        version_code=members.integer("version_code") or 0,
        entry=members.path("entry", PATH) or "",
        icon=members.path("icon", ICON_PATH, is_optional=True),
        permissions=members.texts("permissions", PERMISSION, MAX_PERMISSIONS),
        min_api_level=members.integer("min_api_level", is_optional=True),
        screenshots=members.texts("screenshots", SCREENSHOT_PATH, MAX_SCREENSHOTS),
    )
    return manifest, members.problems


def _paths(manifest: Manifest) -> list[tuple[str, str]]:
    """Pointers and paths of the files that the manifest names."""
    named = [("/entry", manifest.entry)]
    if manifest.icon is not None:
        named.append(("/icon", manifest.icon))
    return named + [
        (f"/screenshots/{number}", path) for number, path in enumerate(manifest.screenshots)
    ]


class _Members:
    """Takes members out of the object, each of the right type, and collects what is wrong."""

    def __init__(self, members: dict[str, object]) -> None:
        self._members = members
        self.problems: list[ArchiveProblem] = []

    def text(self, name: str, check: Callable[[fields.Collector, object], None]) -> str:
        value = self._typed(name, str)
        if value is None:
            return ""
        found = fields.Collector()
        check(found, value)
        for error in found.errors:
            self._report("manifest-value", f"It {error.detail}.", f"/{name}", value)
        return value

    def integer(self, name: str, *, is_optional: bool = False) -> int | None:
        value = self._typed(name, int, is_optional=is_optional)
        if value is not None and not 1 <= value <= fields.MAX_VERSION_CODE:
            detail = f"It must be an integer from 1 to {fields.MAX_VERSION_CODE}."
            self._report("manifest-value", detail, f"/{name}", value)
        return value

    def path(self, name: str, form: Form, *, is_optional: bool = False) -> str | None:
        value = self._typed(name, str, is_optional=is_optional)
        if value is not None:
            self._match(f"/{name}", value, form)
        return value

    def texts(self, name: str, form: Form, most: int) -> tuple[str, ...]:
        values = self._typed(name, cast("type[list[object]]", list), is_optional=True)
        if values is None:
            return ()
        if len(values) > most:
            detail = f"It must have at most {most} items."
            self._report("manifest-value", detail, f"/{name}", len(values))
            return ()
        for number, value in enumerate(values):
            pointer = f"/{name}/{number}"
            if not isinstance(value, str):
                self._report("manifest-type", "It must be a string.", pointer, value)
            elif value in values[:number]:
                self._report("manifest-twice", "It is there twice.", pointer, value)
            else:
                self._match(pointer, value, form)
        return tuple(value if isinstance(value, str) else "" for value in values)

    def _match(self, pointer: str, value: str, form: Form) -> None:
        if len(value) > form.longest or re.fullmatch(form.pattern, value) is None:
            detail = f"It {form.detail}, with at most {form.longest} characters."
            self._report("manifest-value", detail, pointer, value)

    def _typed(self, name: str, kind: type[T], *, is_optional: bool = False) -> T | None:
        if name not in self._members:
            if not is_optional:
                detail = f"The manifest has no '{name}'."
                self._report("manifest-member-missing", detail, f"/{name}", None)
            return None
        value = self._members[name]
        # The very type: True is an int to Python, and 1.0 is 1, but not to other readers.
        if type(value) is not kind:
            detail = f"It must be {_KINDS[kind]}."
            self._report("manifest-type", detail, f"/{name}", value)
            return None
        return value

    def _report(self, rule: Rule, detail: str, pointer: str, value: object) -> None:
        self.problems.append(problem(rule, detail, pointer, value))


_KINDS: dict[type, str] = {str: "a string", int: "an integer", list: "an array"}
