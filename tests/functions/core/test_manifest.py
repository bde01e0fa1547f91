import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core import manifest
from tests.functions.core.world import a_manifest

EXPECTED = manifest.Expected("org.example.app", "An app", "1.0", 1)


def slugs(content: bytes) -> list[str]:
    return [problem.slug for problem in manifest.check(content, EXPECTED)]


def test_a_matching_manifest_has_no_problems() -> None:
    assert slugs(json.dumps(a_manifest(extra={"free": [1, 2]})).encode()) == []


@pytest.mark.parametrize("member", ["id", "name", "version", "version_code"])
def test_each_member_must_be_there_and_match(member: str) -> None:
    document = a_manifest()
    document[member] = "other"
    assert slugs(json.dumps(document).encode()) == ["manifest-mismatch"]
    del document[member]
    assert slugs(json.dumps(document).encode()) == ["manifest-member-missing"]


@pytest.mark.parametrize("code", [True, 1.0, "1", None, [1], {"a": 1}, 10**400])
def test_the_version_code_must_be_the_very_integer(code: object) -> None:
    assert slugs(json.dumps(a_manifest(version_code=code)).encode()) == ["manifest-mismatch"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b"[]",
        b"null",
        b'"text"',
        b'{"id": NaN}',
        b'{"id": 1, "id": 2}',
        b'{"free": {"a": 1, "a": 1}}',
        b"[" * 60_000,
        b'{"version_code": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_plain_json_object_is_one_problem(content: bytes) -> None:
    assert slugs(content) == ["manifest-json"]


@given(st.binary(max_size=200))
def test_noise_is_a_problem_and_no_crash(content: bytes) -> None:
    assert slugs(content)


def test_a_problem_says_what_was_found_and_what_was_announced() -> None:
    (problem,) = manifest.check(json.dumps(a_manifest(version="2.0")).encode(), EXPECTED)
    assert '"2.0"' in problem.detail
    assert '"1.0"' in problem.detail
    assert problem.to_member()["path"] == "manifest.json"
