"""The migrations run on SQLite, D1 and PostgreSQL only because they keep to what all three
share."""

import re
import sqlite3
from pathlib import Path

import pytest

from functions.adapters.local.records import MIGRATIONS

FILES = sorted(MIGRATIONS.glob("*.sql"))
FORBIDDEN = re.compile(
    r"\b(AUTOINCREMENT|PRAGMA|TRIGGER|SERIAL|WITHOUT|STRICT|INTEGER|DATETIME|BOOLEAN|BLOB|REAL|VIEW)\b",
    re.IGNORECASE,
)


def statements(text: str) -> list[str]:
    """Split the simple way, as a migration runner may."""
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--"))
    return [statement.strip() for statement in code.split(";") if statement.strip()]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_migration_keeps_to_the_common_sql(file: Path) -> None:
    for statement in statements(file.read_text(encoding="utf-8")):
        assert FORBIDDEN.search(statement) is None
        assert re.match(
            r"CREATE (TABLE|UNIQUE INDEX|INDEX) [a-z_]+ |ALTER TABLE [a-z_]+ ADD COLUMN [a-z_0-9]+ "
            r"(TEXT|BIGINT|SMALLINT)\b",
            statement,
        ), statement
        if statement.startswith("CREATE TABLE"):
            types = re.findall(r"^  [a-z_0-9]+ ([A-Z]+)", statement, re.MULTILINE)
            assert set(types) <= {"TEXT", "BIGINT", "SMALLINT"}


def test_the_files_are_numbered_without_a_gap() -> None:
    assert [file.name[:5] for file in FILES] == [
        f"{number:04d}_" for number in range(1, len(FILES) + 1)
    ]


def test_the_statements_run_one_by_one_and_make_the_whole_schema() -> None:
    connection = sqlite3.connect(":memory:")
    for file in FILES:
        for statement in statements(file.read_text(encoding="utf-8")):
            connection.execute(statement)
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    connection.close()
    assert {name for (name,) in rows} == {
        "api_key", "app", "backup", "cache_purge", "debian_repository", "developer", "event",
        "hostname", "job_cursor", "location", "tenant", "upload", "version",
    }  # fmt: skip
