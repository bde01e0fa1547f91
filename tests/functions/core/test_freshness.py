import pytest

from functions.core.catalog import Icon, ObjectKind, PackageObject, RepositoryFile, Screenshot
from functions.core.freshness import CHANGING, FOREVER, REPLACEABLE, Freshness, freshness


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        (PackageObject("d", "a.b", 1), FOREVER),
        (RepositoryFile("l", "l/", "pool/a.deb"), FOREVER),
        (RepositoryFile("l", "l/", "dists/stable/InRelease"), CHANGING),
        (Icon("a.b", 64), REPLACEABLE),
        (Screenshot("a.b", 1), REPLACEABLE),
    ],
)
def test_every_kind_that_the_edge_serves_has_a_freshness(kind: ObjectKind, rule: Freshness) -> None:
    assert freshness(kind) == rule
    assert rule.never_changes == ("immutable" in kind.cache_control)
