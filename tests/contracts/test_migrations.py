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


ALLOWED = re.compile(
    r"CREATE (TABLE|UNIQUE INDEX|INDEX) [a-z_]+ |"
    r"ALTER TABLE [a-z_]+ ADD COLUMN [a-z_0-9]+ (TEXT|BIGINT|SMALLINT)\b|"
    # Making a table anew, where a constraint changes.
    r"INSERT INTO (?P<copy>[a-z_]+) \((?P<columns>[a-z_, ]+)\)\s+"
    r"SELECT (?P=columns) FROM (?P<copied>[a-z_]+)$|"
    r"DROP TABLE (?P<dropped>[a-z_]+)$|"
    r"ALTER TABLE (?P<made>[a-z_]+) RENAME TO (?P<renamed>[a-z_]+)$"
)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_migration_keeps_to_the_common_sql(file: Path) -> None:
    for statement in statements(file.read_text(encoding="utf-8")):
        assert FORBIDDEN.search(statement) is None
        assert ALLOWED.match(statement), statement
        if statement.startswith("CREATE TABLE"):
            types = re.findall(r"^  [a-z_0-9]+ ([A-Z]+)", statement, re.MULTILINE)
            assert set(types) <= {"TEXT", "BIGINT", "SMALLINT"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_table_is_dropped_only_to_be_made_anew_with_all_its_rows(file: Path) -> None:
    found = [
        {name: value for name, value in match.groupdict().items() if value}
        for statement in statements(file.read_text(encoding="utf-8"))
        if (match := ALLOWED.match(statement))
    ]
    for at, groups in enumerate(found):
        if "dropped" in groups:
            before, after = found[at - 1], found[at + 1]
            assert before["copied"] == groups["dropped"] == after["renamed"]
            assert before["copy"] == after["made"]


def test_history_survives_the_new_table_of_events() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("PRAGMA foreign_keys = ON")
    columns = "subject_id, seq, subject_kind, actor, reason, from_state, to_state, at"
    rows = [
        ("d", 1, "developer", "key:root", "created", None, "active", 1_790_000_000_000),
        ("d", 2, "developer", "key:root", "renamed", "active", "active", 1_790_000_000_001),
    ]
    connection.executescript(FILES[0].read_text(encoding="utf-8"))
    connection.executemany(f"INSERT INTO event ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)  # noqa: S608
    for file in FILES[1:]:
        connection.executescript(file.read_text(encoding="utf-8"))
    found = connection.execute(f"SELECT {columns} FROM event ORDER BY seq").fetchall()  # noqa: S608
    assert found == rows
    for kind in ("developer_key", "asset", "backup"):
        connection.execute(
            f"INSERT INTO event ({columns}) VALUES (?, 1, ?, 'a', 'created', NULL, 's', 0)",  # noqa: S608
            (kind, kind),
        )
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(
            f"INSERT INTO event ({columns}) VALUES ('x', 1, 'x', 'a', 'r', NULL, 's', 0)"  # noqa: S608
        )
    connection.close()


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
        "api_key", "app", "app_image", "backup", "cache_purge", "debian_repository", "developer",
        "developer_key", "download_count", "event", "hostname", "job_cursor", "location",
        "location_usage", "notice", "notice_delivery", "publication", "tenant", "tenant_link",
        "upload", "version", "webhook",
    }  # fmt: skip
