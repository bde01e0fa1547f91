"""Each rule for archives, and what holds of all of them."""

from dataclasses import replace
from typing import get_args

import pytest

from functions.core.archive import end_record
from functions.core.archive.problems import MAX_PROBLEMS, ArchiveProblem, Rule
from tests.functions.core.archive_reading import read, rules
from tests.functions.core.bad_archives import CASES
from tests.functions.core.bad_archives.parts import A, B, named
from tests.functions.core.zip_bytes import Member, build

WAYS = [(rule, way) for rule, ways in CASES.items() for way in ways]
ALSO: dict[tuple[str, str], set[str]] = {
    ("zip-trailing-data", "an end record in the comment"): {"zip-several-end-records", "zip-empty"},
    ("zip-several-end-records", "another archive in the comment"): {"zip-prepended-data"},
    ("zip-several-end-records", "an end record in stored data"): {"zip-data-crc"},
    ("zip-size", "packed into far more"): {"zip-data-trailing"},
    ("zip-unpacked-size", "more than is accepted"): {"zip-overlap"},
    ("zip-folder-content", "only packed bytes"): {"zip-data-trailing"},
    ("zip-overlap", "two on the same data"): {"zip-local-name", "zip-gap"},
    ("zip-overlap", "data up to the directory"): {"zip-data-trailing"},
    ("zip-name-encoding", "UTF-8 in an extra field only"): {"zip-unicode-path"},
}
"""What cannot be broken without breaking another rule, too."""


@pytest.mark.parametrize(("rule", "way"), WAYS, ids=[f"{rule}: {way}" for rule, way in WAYS])
def test_an_archive_that_breaks_one_rule_is_refused_by_that_rule(rule: str, way: str) -> None:
    assert rules(CASES[rule][way]) == {rule} | ALSO.get((rule, way), set())


def test_each_rule_has_an_archive_that_breaks_it() -> None:
    assert sorted(CASES) == sorted(get_args(Rule))
    assert ALSO.keys() <= set(WAYS)


def test_a_problem_tells_the_entry_and_the_offending_value() -> None:
    (problem,) = read(build(A, replace(B, local={"method": 12}))).problems
    assert problem.to_member() == {
        "slug": "zip-local-method",
        "detail": "The entry has another compression method in its local header.",
        "path": "b/c.bin",
        "value": 12,
    }


def test_what_a_stranger_wrote_is_cut_before_it_is_kept() -> None:
    shown = ArchiveProblem("zip-size", "d" * 9000, "p" * 9000, 2**60, "/x").to_member()
    assert shown["value"] == str(2**60)
    assert max(len(str(value)) for value in shown.values()) == 500


def test_all_broken_rules_are_told_at_once() -> None:
    archive = build(
        replace(A, name=b"/a.txt", local={"method": 0}), replace(B, attributes=0o120777 << 16)
    )
    assert rules(archive) == {"zip-name-absolute", "zip-local-method", "zip-file-type"}


def test_at_most_a_hundred_problems_are_kept() -> None:
    assert len(read(named(*(f"../{number}" for number in range(150)))).problems) == MAX_PROBLEMS


def test_more_entries_than_allowed_are_refused_before_they_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(end_record, "MAX_ENTRIES", 3)
    found = read(build(*(Member(name) for name in (b"a", b"b", b"c", b"d"))))
    assert [problem.slug for problem in found.problems] == ["zip-too-many-entries"]
    assert found.entries == ()
