"""Dumps on this machine: statements, soundness, and rows that are too long for one statement."""

import sqlite3
from pathlib import Path

import pytest

from cli import dump_file
from cli.dump_file import DumpFile, RestoredDump, short_statements, table_of
from cli.failures import Failure
from functions.adapters.local.database_export import literal

TEXT = """PRAGMA defer_foreign_keys=TRUE;
CREATE TABLE child (
  -- One; of "many";
  id TEXT, /* more; */
  parent TEXT REFERENCES parent (id) DEFAULT 'a;b'
);
INSERT INTO "child" ("id","parent") VALUES('c;''--','p');
CREATE TABLE parent (id TEXT PRIMARY KEY);
INSERT INTO "parent" ("id") VALUES('p');
CREATE INDEX child_parent ON child (parent);
"""


def a_dump(folder: Path, text: str = TEXT) -> DumpFile:
    file = folder / "dump.sql"
    file.write_text(text, newline="")
    return DumpFile(file)


def test_statements_end_where_sqlite_says(tmp_path: Path) -> None:
    found = list(a_dump(tmp_path).statements())
    assert [one.split("\n")[0].split(" (")[0] for one in found] == [
        "CREATE TABLE child",
        'INSERT INTO "child"',
        "CREATE TABLE parent",
        'INSERT INTO "parent"',
        "CREATE INDEX child_parent ON child",
    ]
    assert [table_of(one) for one in found if dump_file.is_row(one)] == ["child", "parent"]
    assert table_of("INSERT INTO plain VALUES(1);") == "plain"


def test_a_dump_that_ends_in_a_statement_is_no_dump(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="middle of a statement"):
        list(a_dump(tmp_path, TEXT[:-5]).statements())


def test_a_sound_dump_becomes_a_database(tmp_path: Path) -> None:
    with RestoredDump(a_dump(tmp_path)) as restored:
        assert restored.row("child", 1) == {"id": "c;'--", "parent": "p"}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("VALUES('p')", "VALUES('q')"),
        ("CREATE TABLE parent (id TEXT PRIMARY KEY)", "CREATE TABLE parent (name TEXT)"),
    ],
)
def test_of_an_unsound_dump_no_database_is_made(tmp_path: Path, wrong: str, said: str) -> None:
    with pytest.raises(Failure, match="No database can be made"):
        RestoredDump(a_dump(tmp_path, TEXT.replace(wrong, said)))


LONG = "It's 🙂;\r\n\\n \\0; \\1; -- no" * 20_000


def test_a_long_row_comes_in_short_statements() -> None:
    row: dict[str, object] = {"id": "x", "text": LONG, "number": 5, "none": None, "last": "\n"}
    made = short_statements("t", 2, row)
    assert max(len(one.encode()) for one in made) < 100_000
    connection = sqlite3.connect(":memory:")
    # As D1 has it: the depth of an expression, too, is bounded.
    connection.setlimit(sqlite3.SQLITE_LIMIT_EXPR_DEPTH, 100)
    connection.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, 100_000)
    connection.execute("CREATE TABLE t (id TEXT, text TEXT, number BIGINT, none TEXT, last TEXT)")
    connection.execute("INSERT INTO t VALUES ('first', 'untouched', 1, 'a', 'b')")
    for one in made:
        connection.execute(one)
    first, second = connection.execute("SELECT * FROM t ORDER BY rowid").fetchall()
    connection.close()
    assert second == tuple(row.values())
    assert first[1] == "untouched"


@pytest.mark.parametrize("text", ["", "'", "a\nb", "\\0;\n\\1;\r", "\r\n" * 3_000, "\\n\n", "🙂'"])
def test_a_text_is_one_line_of_sql_and_itself_again(text: str) -> None:
    written = literal(text)
    assert "\n" not in written
    assert "\r" not in written
    connection = sqlite3.connect(":memory:")
    assert connection.execute(f"SELECT {written}").fetchone() == (text,)
    connection.close()
