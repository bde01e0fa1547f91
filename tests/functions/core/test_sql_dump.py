import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.sql_dump import AppliedMigration, DumpScanner, TableContent

ROWS = (
    """INSERT INTO "app" ("id","name") VALUES('a','INSERT INTO "version" (');\n""",
    """INSERT INTO "app" ("id","name") VALUES('b',replace('x\\ny','\\n',char(10)));\n""",
)
LEDGER = "9" * 64
TEXT = (
    "PRAGMA defer_foreign_keys=TRUE;\n"
    'CREATE TABLE app (\n  id TEXT, -- INSERT INTO "app" (\n  name TEXT\n);\n'
    + "".join(ROWS)
    + "CREATE TABLE schema_migration (name TEXT, sha256 TEXT, applied_at BIGINT);\n"
    'INSERT INTO "schema_migration" ("name","sha256","applied_at")'
    f" VALUES('0002_more.sql','{LEDGER}',1790000000001);\n"
    'INSERT INTO "schema_migration" ("name","sha256","applied_at")'
    f" VALUES('0001_initial.sql','{LEDGER}',1790000000000);\n"
    "CREATE INDEX app_name ON app (name);"
).encode()


def digest(*lines: str) -> str:
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@given(st.lists(st.integers(0, len(TEXT)), max_size=8))
def test_the_content_is_the_same_however_the_text_is_cut(cuts: list[int]) -> None:
    scanner = DumpScanner()
    edges = [0, *sorted(cuts), len(TEXT)]
    for start, end in pairwise(edges):
        scanner.feed(TEXT[start:end])
    content = scanner.finish()
    assert (content.size, content.sha256) == (len(TEXT), hashlib.sha256(TEXT).hexdigest())
    assert content.tables["app"] == TableContent(2, digest(*ROWS))
    assert set(content.tables) == {"app", "schema_migration"}
    assert content.migrations == (
        AppliedMigration("0001_initial.sql", LEDGER),
        AppliedMigration("0002_more.sql", LEDGER),
    )


def test_a_last_row_without_a_line_end_counts_like_any_other() -> None:
    scanner = DumpScanner()
    scanner.feed(ROWS[0].rstrip("\n").encode())
    assert scanner.finish().tables == {"app": TableContent(1, digest(ROWS[0]))}


@pytest.mark.parametrize(
    "names", ["schema_migration VALUES", '"schema_migration" (name, sha256, applied_at) VALUES ']
)
def test_rows_without_quotes_or_names_of_columns_are_understood_too(names: str) -> None:
    scanner = DumpScanner()
    scanner.feed(f"INSERT INTO {names}('0001_a.sql', '{LEDGER}', 1);".encode())
    content = scanner.finish()
    assert content.tables["schema_migration"].rows == 1
    assert content.migrations == (AppliedMigration("0001_a.sql", LEDGER),)


def test_no_text_is_an_empty_database() -> None:
    content = DumpScanner().finish()
    assert (content.size, content.tables, content.migrations) == (0, {}, ())
