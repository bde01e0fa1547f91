"""What is said of a storage follows from its profile."""

import ast
import sys
from pathlib import Path

import pytest

from functions.core import storages
from functions.core.storages import PROFILES, shortcomings


def test_a_profile_is_found_by_the_name_that_the_configuration_uses() -> None:
    assert set(PROFILES) == {"r2", "s3", "b2", "minio"}
    assert all(profile.name == name for name, profile in PROFILES.items())


def test_amazon_s3_lacks_nothing_but_a_proof() -> None:
    (sentence,) = shortcomings("s3")
    assert sentence.startswith("Amazon S3 was never met by our tests")


def test_each_lack_of_b2_is_said_with_what_is_done_instead() -> None:
    said = shortcomings("b2")
    assert all(sentence.startswith("Backblaze B2 ") for sentence in said)
    for part in ("hashes the whole object", "Write-once is carried", "after a day", "unproven"):
        assert sum(part in sentence for sentence in said) == 1


def test_a_server_without_lifecycle_rules_leaves_it_to_the_sweeper() -> None:
    said = shortcomings("minio")
    assert all(sentence.startswith("A MinIO-compatible server ") for sentence in said)
    assert sum("sweeper" in sentence for sentence in said) == 2
    assert not any("unproven" in sentence or "SHA-256" in sentence for sentence in said)


def test_an_unknown_storage_has_no_profile() -> None:
    with pytest.raises(KeyError):
        shortcomings("gcs")


def test_the_profiles_need_the_standard_library_only() -> None:
    """The program imports them, and may import no port."""
    tree = ast.parse(Path(storages.__file__).read_text(encoding="utf-8"))
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [a.name for a in node.names]
        )
    }
    assert imported <= sys.stdlib_module_names
