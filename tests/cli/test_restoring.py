"""Making a database what a dump says."""

from dataclasses import replace
from pathlib import Path

import pytest

from cli import restoring
from cli.dump_file import DumpFile
from cli.failures import Failure, Refusal
from cli.restoring import Held, compare, held, refuse_newer, write_import
from functions.core.sql_dump import AppliedMigration
from infra.migrations import Migration
from tests.cli.fake_d1 import FakeD1
from tests.functions.core.test_backup_manifest import MANIFEST

TABLES = """
CREATE TABLE schema_migration (name TEXT, sha256 TEXT, applied_at BIGINT);
CREATE TABLE parent (id TEXT PRIMARY KEY, text TEXT);
CREATE TABLE child (id TEXT PRIMARY KEY, parent TEXT NOT NULL REFERENCES parent (id));
CREATE INDEX child_parent ON child (parent);
"""
ROWS = "INSERT INTO parent VALUES ('p', 'it''s'); INSERT INTO child VALUES ('c', 'p');"


def a_database(script: str) -> FakeD1:
    fake = FakeD1()
    fake.connection.executescript(script)
    return fake


def dumped(fake: FakeD1, file: Path) -> DumpFile:
    fake.api().export(file)
    return DumpFile(file)


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.database_api._POLL_SECONDS", 0)


def test_a_database_takes_the_place_of_another(tmp_path: Path) -> None:
    source = a_database(TABLES + ROWS)
    dump = dumped(source, tmp_path / "dump.sql")
    target = a_database(TABLES + ROWS.replace("'c'", "'other'"))
    target.connection.executescript(
        "CREATE TABLE grandchild (id TEXT REFERENCES child (id));"
        "INSERT INTO grandchild VALUES ('other');"
    )
    file = tmp_path / "import.sql"
    assert write_import(dump, held(target.api()), file) == 0
    target.api().import_file(file)
    assert dumped(target, tmp_path / "again.sql").sql.read_text() == dump.sql.read_text()


def test_tables_come_before_rows_whatever_they_refer_to(tmp_path: Path) -> None:
    """D1 exports table by table: a row may come before the table that it refers to."""
    source = FakeD1()
    source.connection.executescript(
        "CREATE TABLE child (id TEXT, parent TEXT REFERENCES parent (id));"
        "CREATE TABLE parent (id TEXT PRIMARY KEY);"
        "PRAGMA foreign_keys = OFF; INSERT INTO child VALUES ('c', 'p');"
        "INSERT INTO parent VALUES ('p'); PRAGMA foreign_keys = ON;"
    )
    dump = dumped(source, tmp_path / "dump.sql")
    file = tmp_path / "import.sql"
    write_import(dump, Held((), {}), file)
    target = FakeD1()
    target.api().import_file(file)
    assert target.rows("SELECT * FROM child") == [("c", "p")]


def test_long_rows_are_cut_and_arrive_whole(tmp_path: Path) -> None:
    source = a_database(TABLES + ROWS)
    text = "x'\n" * 60_000
    source.connection.execute("INSERT INTO parent VALUES ('long', ?)", (text,))
    source.connection.execute("INSERT INTO parent VALUES ('short', 's')")
    dump = dumped(source, tmp_path / "dump.sql")
    file = tmp_path / "import.sql"
    assert write_import(dump, Held((), {}), file) == 1
    assert max(map(len, file.read_bytes().splitlines())) < 100_000
    target = FakeD1()
    target.api().import_file(file)
    assert target.rows("SELECT id, text FROM parent ORDER BY rowid") == [
        ("p", "it's"),
        ("long", text),
        ("short", "s"),
    ]


def test_what_the_platform_writes_by_itself_is_missed_by_nobody() -> None:
    fake = a_database(TABLES)
    fake.connection.executescript("CREATE TABLE backup (id TEXT); INSERT INTO backup VALUES ('b');")
    fake.connection.execute("INSERT INTO schema_migration VALUES ('0001_a.sql', 'x', 1)")
    assert held(fake.api()).used == {}
    fake.connection.executescript(ROWS)
    assert held(fake.api()).used == {"parent": 1, "child": 1}


def test_a_database_that_is_gone_is_said_so() -> None:
    fake = FakeD1()
    fake.connection.close()
    with pytest.raises(Failure, match="stowage refresh"):
        restoring.looked_into(fake.api())


KNOWN = (Migration("0001_initial.sql", "4" * 64), Migration("0002_more.sql", "5" * 64))


@pytest.mark.parametrize(
    ("applied", "said"),
    [
        ((), "no ledger"),
        (
            (AppliedMigration("0003_new.sql", "6" * 64),),
            "0003_new.sql, which this checkout has not",
        ),
        ((AppliedMigration("0001_initial.sql", "9" * 64),), "0001_initial.sql in another wording"),
    ],
)
def test_a_backup_of_a_newer_version_is_refused(
    applied: tuple[AppliedMigration, ...], said: str
) -> None:
    manifest = replace(MANIFEST, content=replace(MANIFEST.content, migrations=applied))
    with pytest.raises(Refusal, match=said):
        refuse_newer(manifest, KNOWN)


def test_a_backup_of_an_older_version_is_taken() -> None:
    refuse_newer(MANIFEST, KNOWN)


def test_differences_are_named_table_by_table(tmp_path: Path) -> None:
    source = a_database(TABLES + ROWS + "CREATE TABLE backup (id TEXT);")
    manifest = replace(MANIFEST, content=dumped(source, tmp_path / "dump.sql").content())
    assert compare(manifest, dumped(source, tmp_path / "again.sql")) == []
    source.connection.executescript(
        "INSERT INTO backup VALUES ('b'); UPDATE parent SET text = 'x'; DELETE FROM child;"
        "INSERT INTO schema_migration VALUES ('0009_x.sql', 'x', 1);"
    )
    assert compare(manifest, dumped(source, tmp_path / "again.sql")) == [
        "child has 0 rows instead of 1",
        "parent has other values in its 1 rows",
        "schema_migration has 1 rows instead of 0",
    ]
