"""One database by the REST API: what is asked, what is repeated, what is said when it fails; and
the contract of `Records` over it."""

from pathlib import Path

import httpx
import pytest

from cli import database_api
from cli.database_records import RestRecords, written
from cli.failures import Failure
from cli.rest import AccountApi
from functions.adapters.cloudflare.d1_polling import TransferError
from functions.adapters.local.records import MIGRATIONS
from functions.ports.records import Statement
from infra.migrations import QueryError
from tests.cli.fake_d1 import FakeD1
from tests.contracts.records import RecordsContract


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_api, "_POLL_SECONDS", 0)


@pytest.fixture
def d1() -> FakeD1:
    fake = FakeD1()
    fake.connection.executescript("CREATE TABLE a (b TEXT UNIQUE); INSERT INTO a VALUES ('x');")
    return fake


class TestRestRecords(RecordsContract):
    @pytest.fixture
    def records(self) -> RestRecords:
        fake = FakeD1()
        for migration in sorted(MIGRATIONS.glob("*.sql")):
            fake.connection.executescript(migration.read_text())
        return RestRecords(fake.api())


def test_only_placeholders_become_values() -> None:
    statement = Statement("SELECT '?', \"?\", ? -- ?\n, ? /* ? */, ?", ("it's", None, 5))
    assert written(statement) == "SELECT '?', \"?\", 'it''s' -- ?\n, NULL /* ? */, 5"


def test_a_query_gives_the_rows_of_its_last_statement(d1: FakeD1) -> None:
    assert d1.api().query("INSERT INTO a VALUES ('y');\nSELECT * FROM a") == [
        {"b": "x"},
        {"b": "y"},
    ]
    with pytest.raises(QueryError, match="no such table") as caught:
        d1.api().query("INSERT INTO a VALUES ('z');\nSELECT * FROM nowhere")
    assert not caught.value.is_ambiguous
    assert d1.rows("SELECT COUNT(*) FROM a") == [(2,)]


def test_a_database_is_exported_to_a_file(d1: FakeD1, tmp_path: Path) -> None:
    d1.polls = 3
    file = tmp_path / "dump.sql"
    d1.api().export(file)
    assert """INSERT INTO "a" ("b") VALUES('x');\n""" in file.read_text()


def test_a_file_is_imported_whole_or_not_at_all(d1: FakeD1, tmp_path: Path) -> None:
    file = tmp_path / "import.sql"
    file.write_text("INSERT INTO a VALUES ('y');\nINSERT INTO a VALUES ('z');\n")
    assert d1.api().import_file(file) == 2
    assert d1.rows("SELECT b FROM a ORDER BY b") == [("x",), ("y",), ("z",)]
    file.write_text("INSERT INTO a VALUES ('v');\nINSERT INTO a VALUES ('x');\n")
    with pytest.raises(Failure, match="UNIQUE"):
        d1.api().import_file(file)
    assert d1.rows("SELECT COUNT(*) FROM a") == [(3,)]


def test_polls_that_stumble_are_repeated(d1: FakeD1, tmp_path: Path) -> None:
    d1.stumbles = [503, 429, 500]
    d1.api().export(tmp_path / "dump.sql")
    d1.stumbles = [503] * 20
    with pytest.raises(Failure, match="503"):
        d1.api().export(tmp_path / "dump.sql")
    d1.stumbles = [403]
    with pytest.raises(Failure, match="Does the token carry D1"):
        d1.api().export(tmp_path / "dump.sql")


def test_an_upload_that_arrives_cut_is_not_imported(d1: FakeD1, tmp_path: Path) -> None:
    d1.cuts = True
    file = tmp_path / "import.sql"
    file.write_text("INSERT INTO a VALUES ('y');\n")
    with pytest.raises(Failure, match="did not arrive whole"):
        d1.api().import_file(file)
    assert d1.imported == []


def test_a_file_that_lies_there_already_is_not_sent_again(tmp_path: Path) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        result = {"success": True, "status": "complete", "at_bookmark": "b"}
        result |= {"result": {"num_queries": 7}}
        return httpx.Response(200, json={"success": True, "errors": [], "result": result})

    transport = httpx.MockTransport(answer)
    account = AccountApi("https://api.example/client/v4", "t", "acc", "zone", transport)
    file = tmp_path / "import.sql"
    file.write_text("SELECT 1;")
    assert database_api.DatabaseApi(account, "d-1", transport).import_file(file) == 7
    assert [request.method for request in asked] == ["POST"]


def test_an_answer_that_is_none_is_a_failure(tmp_path: Path) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(502, text="<html>"))
    account = AccountApi("https://api.example/client/v4", "t", "acc", "zone", transport)
    api = database_api.DatabaseApi(account, "d-1", transport)
    with pytest.raises(Failure, match="502"):
        api.export(tmp_path / "dump.sql")
    with pytest.raises(TransferError):
        api.run("SELECT 1")
