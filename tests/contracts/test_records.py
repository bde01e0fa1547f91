from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.adapters.local.records import SqliteRecords
from functions.ports.records import Statement
from tests.contracts.object_store import run
from tests.contracts.records import RecordsContract, developer


class TestSqliteRecords(RecordsContract):
    @pytest.fixture
    def records(self) -> Iterator[SqliteRecords]:
        records = SqliteRecords()
        yield records
        records.close()


def test_a_file_keeps_its_rows(tmp_path: Path) -> None:
    path = str(tmp_path / "stowage.sqlite")
    first = SqliteRecords(path)
    run(first.batch([developer(1)]))
    first.close()
    second = SqliteRecords(path)
    rows = run(second.fetch(Statement("SELECT id FROM developer")))
    second.close()
    assert [row["id"] for row in rows] == ["developer-1"]
