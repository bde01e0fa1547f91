"""The published schema says what the rules say."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError, validators

from functions.core import manifest
from functions.core.manifest_schema import manifest_schema, schema_text
from tests.functions.core.world import a_manifest

PUBLISHED = Path(__file__).resolve().parents[3] / "docs" / "manifest.schema.json"


def _pattern(_: object, pattern: str, instance: object, __: object) -> Iterator[ValidationError]:
    """As ECMA-262 has it: `$` is the end, not also a line feed before the end."""
    if isinstance(instance, str) and not re.fullmatch(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _is_integer(_: object, instance: object) -> bool:
    """1.0 is an integer to a schema; the text of a manifest must have it without a fraction."""
    return type(instance) is int


Validator = cast("Any", validators).extend(
    Draft202012Validator,
    {"pattern": _pattern},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
)
VALIDATOR = Validator(manifest_schema())


def by_schema(document: object) -> set[str]:
    """The pointers of the members that the schema refuses, as far as the member itself."""
    found: set[str] = set()
    for error in VALIDATOR.iter_errors(document):
        missing = re.match(r"'(.+)' is a required property", error.message)
        found.add(f"/{missing[1]}" if missing else "".join(f"/{part}" for part in error.path))
    return {pointer.split("/")[1] if pointer else "" for pointer in found}


def by_rules(document: object) -> set[str]:
    _, problems = manifest.read(json.dumps(document).encode())
    return {(problem.pointer or "/").split("/")[1] for problem in problems}


ODD = st.text(
    st.sampled_from(
        "aZ0 .-_:/\\\n\t\x00\x1f\x7f\x85\xa0\u1680\u2003\u2028\u202e\u2066\u3000\ufeffüé"
    )
)
TEXTS = st.one_of(
    ODD,
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.from_regex(
        r"[a-z]{1,4}([._:-][A-Z0-9]{0,3}){0,3}(\.(png|PNG|jpg|webp|gif))?", fullmatch=True
    ),
    st.sampled_from(
        ["org.example.app", "01890000-0000-7000-8000-000000000000", "x" * 65, "x" * 129, "x" * 1025]
    ),
)
SCALARS = st.one_of(
    TEXTS,
    st.integers(-1, 3),
    st.sampled_from([2**53 - 1, 2**53, 10**30, True, False, None, 1.0, 1.5]),
)
VALUES = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=4),
    st.lists(TEXTS, min_size=7, max_size=10),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
MEMBERS = (
    "id", "name", "version", "version_code", "entry", "icon", "permissions", "min_api_level",
    "screenshots", "free",
)  # fmt: skip


@settings(max_examples=1500)
@given(
    st.dictionaries(st.sampled_from(MEMBERS), VALUES, max_size=4),
    st.sets(st.sampled_from(MEMBERS), max_size=2),
)
def test_schema_and_rules_refuse_the_same_members(
    changes: dict[str, object], missing: set[str]
) -> None:
    document = {
        name: value for name, value in (a_manifest() | changes).items() if name not in missing
    }
    assert by_schema(document) == by_rules(document)


@given(VALUES)
def test_schema_and_rules_refuse_what_is_no_object(document: object) -> None:
    if not isinstance(document, dict):
        assert by_schema(document) == by_rules(document) == {""}


def test_lists_may_be_as_long_as_the_schema_says() -> None:
    for name, most in (("permissions", 100), ("screenshots", 8)):
        for count in (most, most + 1):
            items = [f"p{number}" for number in range(count)]
            document = a_manifest(**{name: [f"{i}.png" for i in items] if most == 8 else items})
            assert by_schema(document) == by_rules(document) == (set() if count == most else {name})


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(manifest_schema())


def test_the_published_file_is_the_schema() -> None:
    # Written by: python -c "from functions.core.manifest_schema import *; print(end=schema_text())"
    assert PUBLISHED.read_text(encoding="utf-8") == schema_text()
