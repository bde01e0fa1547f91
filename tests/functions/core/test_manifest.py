import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core import manifest
from functions.core.manifest import Manifest
from tests.functions.core.world import ENTRY, a_manifest

EXPECTED = manifest.Expected("org.example.app", "An app", "1.0", 1)
FILES = {ENTRY, "icon.png", "shots/1.png", "shots/2.jpg"}


def checked(document: object) -> tuple[Manifest | None, list[tuple[str, str | None]]]:
    """The manifest, and the rules that it breaks with their pointers."""
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    found, problems = manifest.check(content, EXPECTED, FILES.__contains__)
    assert (found is None) == bool(problems)
    return found, [(problem.slug, problem.pointer) for problem in problems]


def broken(document: object) -> list[tuple[str, str | None]]:
    return checked(document)[1]


def test_a_manifest_of_the_needed_members_is_read() -> None:
    assert checked(a_manifest()) == (
        Manifest("org.example.app", "An app", "1.0", 1, ENTRY, None, (), None, ()),
        [],
    )


def test_a_manifest_of_all_members_is_read() -> None:
    document = a_manifest(
        icon="icon.png",
        permissions=["camera", "storage.read", "org.example:All_2"],
        min_api_level=3,
        screenshots=["shots/1.png", "shots/2.jpg"],
    )
    found, problems = checked(document)
    assert problems == []
    assert found is not None
    assert (found.icon, found.min_api_level) == ("icon.png", 3)
    assert found.permissions == ("camera", "storage.read", "org.example:All_2")
    assert found.screenshots == ("shots/1.png", "shots/2.jpg")


def test_further_members_are_free() -> None:
    assert broken(a_manifest(extra={"free": [1, 2.5, None]}, description="")) == []


@pytest.mark.parametrize("member", ["id", "name", "version", "version_code", "entry"])
def test_each_needed_member_must_be_there(member: str) -> None:
    document = a_manifest()
    del document[member]
    assert broken(document) == [("manifest-member-missing", f"/{member}")]


@pytest.mark.parametrize(
    ("member", "other"),
    [("id", "org.other"), ("name", "Other"), ("version", "2"), ("version_code", 2)],
)
def test_what_was_announced_must_match(member: str, other: object) -> None:
    assert broken(a_manifest(**{member: other})) == [("manifest-mismatch", f"/{member}")]


@pytest.mark.parametrize(
    ("member", "values"),
    [
        ("id", [1, None, True, ["org.example.app"]]),
        ("name", [1, None, False]),
        ("version", [1, 1.0, None]),
        ("version_code", [True, 1.0, "1", None, [1], {"a": 1}]),
        ("entry", [1, None, [ENTRY]]),
        ("icon", [1, None, ["icon.png"], True]),
        ("permissions", ["camera", None, {"camera": True}]),
        ("min_api_level", ["1", 1.5, None, True]),
        ("screenshots", ["shots/1.png", None]),
    ],
)
def test_types_are_strict(member: str, values: list[object]) -> None:
    for value in values:
        assert broken(a_manifest(**{member: value})) == [("manifest-type", f"/{member}")], value


@pytest.mark.parametrize(
    ("member", "value", "pointer"),
    [
        ("id", "Org.Example", "/id"),
        ("id", "a", "/id"),
        ("name", " An app", "/name"),
        ("name", "", "/name"),
        ("name", "An\u202eapp", "/name"),
        ("version", "1" * 65, "/version"),
        ("version_code", 0, "/version_code"),
        ("version_code", 2**53, "/version_code"),
        ("version_code", -1, "/version_code"),
        ("entry", "", "/entry"),
        ("entry", "/main", "/entry"),
        ("entry", "main/", "/entry"),
        ("entry", "a\\b", "/entry"),
        ("entry", "a" * 1025, "/entry"),
        ("icon", "icon.svg", "/icon"),
        ("icon", ".png", "/icon"),
        ("permissions", [""], "/permissions/0"),
        ("permissions", ["camera", "2d"], "/permissions/1"),
        ("permissions", ["a b"], "/permissions/0"),
        ("permissions", ["a" * 129], "/permissions/0"),
        ("permissions", [f"p{number}" for number in range(101)], "/permissions"),
        ("min_api_level", 0, "/min_api_level"),
        ("screenshots", ["a.gif"], "/screenshots/0"),
        ("screenshots", [f"{number}.png" for number in range(9)], "/screenshots"),
    ],
)
def test_values_have_their_bounds(member: str, value: object, pointer: str) -> None:
    assert broken(a_manifest(**{member: value})) == [("manifest-value", pointer)]


def test_items_are_strings_and_there_once() -> None:
    document = a_manifest(permissions=["a", 1, "b", "a"], screenshots=["shots/1.png"] * 2)
    assert broken(document) == [
        ("manifest-type", "/permissions/1"),
        ("manifest-twice", "/permissions/3"),
        ("manifest-twice", "/screenshots/1"),
    ]


def test_the_files_that_it_names_must_be_in_the_package() -> None:
    document = a_manifest(entry="main", icon="no.png", screenshots=["shots/1.png", "shots/3.png"])
    assert broken(document) == [
        ("manifest-file-missing", "/entry"),
        ("manifest-file-missing", "/icon"),
        ("manifest-file-missing", "/screenshots/1"),
    ]


def test_all_problems_are_told_at_once() -> None:
    document: dict[str, Any] = {"id": 1, "name": "Else", "version_code": 0, "entry": "gone"}
    assert broken(document) == [
        ("manifest-type", "/id"),
        ("manifest-member-missing", "/version"),
        ("manifest-value", "/version_code"),
        ("manifest-mismatch", "/name"),
        ("manifest-file-missing", "/entry"),
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b'{"id": NaN}',
        b'{"id": 1, "id": 2}',
        b'{"free": {"a": 1, "a": 1}}',
        b"[" * 60_000,
        b'{"version_code": ' + b"9" * 5000 + b"}",
        b'{"name": "\\ud800"}',
    ],
)
def test_what_is_no_plain_json_is_one_problem(content: bytes) -> None:
    assert broken(content) == [("manifest-json", "")]


@pytest.mark.parametrize("content", [b"[]", b"null", b'"text"', b"1"])
def test_what_is_no_object_is_one_problem(content: bytes) -> None:
    assert broken(content) == [("manifest-object", "")]


@given(st.binary(max_size=200))
def test_noise_is_a_problem_and_no_crash(content: bytes) -> None:
    assert broken(content)


def test_a_problem_says_what_was_found_and_what_was_announced() -> None:
    content = json.dumps(a_manifest(version="2.0")).encode()
    _, (problem,) = manifest.check(content, EXPECTED, FILES.__contains__)
    assert problem.to_member() == {
        "slug": "manifest-mismatch",
        "detail": 'The manifest\'s \'version\' is "2.0", but the version was created with "1.0".',
        "path": "manifest.json",
        "pointer": "/version",
        "value": "2.0",
    }


def test_a_value_of_any_type_can_be_shown() -> None:
    for value in (1.5, None, [1], {"a": [True]}, True, "x" * 9000):
        content = json.dumps(a_manifest(version_code=value)).encode()
        _, (problem,) = manifest.check(content, EXPECTED, FILES.__contains__)
        assert len(json.dumps(problem.to_member())) < 1000
