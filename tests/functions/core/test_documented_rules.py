"""docs/packages.md tells every rule, and no other."""

import re
from pathlib import Path
from typing import get_args

from functions.core import archive, manifest
from functions.core.archive.problems import Rule

PROJECT = Path(__file__).resolve().parents[3]
PAGE = (PROJECT / "docs" / "packages.md").read_text(encoding="utf-8")
SLUG = re.compile(r"`((?:zip|manifest|signature)-[a-z0-9-]+)`")
ARCHIVE = Path(archive.__file__).parent


def test_the_page_tells_every_rule_once_in_its_tables() -> None:
    rows = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `")]
    told = [slug for row in rows for slug in SLUG.findall(row)]
    signatures = {"signature-missing", "signature-key-revoked", "signature-invalid"}
    assert sorted(told) == sorted({*get_args(Rule), *get_args(manifest.Rule), *signatures})


def test_every_rule_is_reported_somewhere() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in ARCHIVE.glob("*.py"))
    without_list = sources.replace(sources[sources.index("Rule: TypeAlias") :].split("]")[0], "")
    for rule in get_args(Rule):
        assert f'"{rule}"' in without_list, rule
