"""The admin Worker: D1 queries as one transaction, buckets' contents, and who may ask."""

from collections.abc import Iterator
from typing import Any, cast

import boto3
import pytest

from tests.local.workerd_host import Answer, Json, WorkerdHost

pytestmark = pytest.mark.cloud

DATABASE = "22222222-2222-4222-8222-222222222222"
DUMPED = "33333333-3333-4333-8333-333333333333"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerdHost]:
    started = WorkerdHost(tmp_path_factory.mktemp("admin"))
    token = {
        "access_key_id": "admin-test",
        "secret_access_key": "s",
        "buckets": ["full"],
        "permission": "write",
    }
    try:
        started.apply(
            databases=[DATABASE, DUMPED],
            buckets=["full", "empty"],
            s3={"region": "auto", "tokens": [token], "cors": {}},
        )
        yield started
    finally:
        started.close()


def query(
    host: WorkerdHost, sql: str, params: list[object] | None = None, database: str = DATABASE
) -> Answer:
    body: Json = {"sql": sql} if params is None else {"sql": sql, "params": params}
    return host.admin("POST", f"/d1/{database}/query", body)


def rows(host: WorkerdHost, sql: str) -> list[Json]:
    answer = query(host, sql)
    assert answer.status == 200, answer.text
    return answer.json()["result"][-1]["results"]


def test_nobody_without_the_control_secret_is_answered(host: WorkerdHost) -> None:
    assert host.request("admin", "GET", "/r2/full").status == 403
    wrong = host.request("admin", "GET", "/r2/full", headers={"x-stowage-control": "guess"})
    assert wrong.status == 403


def test_a_database_bucket_worker_or_path_that_is_not_there_is_not_found(host: WorkerdHost) -> None:
    assert "there is no database x" in host.admin("POST", "/d1/x/query", {"sql": "SELECT 1"}).text
    assert host.admin("GET", "/r2/nope").status == 404
    assert host.admin("POST", "/workers/nope/warm", {}).status == 404
    assert host.admin("GET", "/elsewhere").status == 404


def s3_of(host: WorkerdHost) -> Any:
    make_client = cast("Any", boto3).client  # the stubs know only some of its services
    return make_client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{host.ports['s3']}",
        region_name="auto",
        aws_access_key_id="admin-test",
        aws_secret_access_key="s",
    )


MIGRATION = """
-- A migration; with a semicolon in its comment
CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL); /* another;
one */
INSERT INTO note (text) VALUES ('it''s; one'), ("two;"
);
CREATE TABLE "odd;name" ([a;b] TEXT, `c;d` TEXT);
CREATE TRIGGER copied AFTER INSERT ON note BEGIN
  INSERT INTO "odd;name" VALUES (CASE WHEN new.id > 2 THEN 'many;' ELSE 'few' END, new.text);
END;
INSERT INTO note (text) VALUES ('three'); -- the end;
"""


def test_a_file_of_statements_runs_whatever_hides_its_semicolons(host: WorkerdHost) -> None:
    answer = query(host, MIGRATION.replace('"two;"', "'two;'"))
    assert answer.status == 200, answer.text
    assert len(answer.json()["result"]) == 5
    assert [row["text"] for row in rows(host, "SELECT text FROM note ORDER BY id")] == [
        "it's; one",
        "two;",
        "three",
    ]
    assert rows(host, 'SELECT * FROM "odd;name"') == [{"a;b": "many;", "c;d": "three"}]


def test_a_failing_statement_undoes_the_ones_before_it(host: WorkerdHost) -> None:
    rows(host, "CREATE TABLE whole (a TEXT UNIQUE)")
    failed = query(
        host,
        "INSERT INTO whole VALUES ('x'); CREATE TABLE part (a); INSERT INTO whole VALUES ('x');",
    )
    assert failed.status == 400
    assert "UNIQUE constraint failed: whole.a" in failed.json()["error"]
    assert rows(host, "SELECT * FROM whole") == []
    assert rows(host, "SELECT name FROM sqlite_master WHERE name = 'part'") == []


def test_parameters_bind_to_the_last_statement(host: WorkerdHost) -> None:
    sql = "CREATE TABLE ledger (id TEXT, at INTEGER); INSERT INTO ledger VALUES (?, ?2)"
    assert query(host, sql, ["0001", 7]).status == 200
    assert rows(host, "SELECT * FROM ledger") == [{"id": "0001", "at": 7}]
    ambiguous = query(host, "DELETE FROM ledger WHERE id = ?; SELECT ?", ["a", "b"])
    assert ambiguous.status == 400
    assert "bind to the last statement only" in ambiguous.text
    assert rows(host, "SELECT count(*) AS n FROM ledger") == [{"n": 1}]


def test_a_batch_is_one_transaction_with_results_for_each_statement(host: WorkerdHost) -> None:
    rows(host, "CREATE TABLE batched (a TEXT)")
    insert = "INSERT INTO batched VALUES (?)"
    batch: list[Json] = [
        {"sql": insert, "params": ["x"]},
        {"sql": "SELECT a FROM batched"},
    ]
    answer = host.admin("POST", f"/d1/{DATABASE}/query", {"batch": batch}).json()
    assert [one["results"] for one in answer["result"]] == [[], [{"a": "x"}]]
    assert answer["result"][0]["success"] is True
    assert answer["result"][0]["meta"]["changes"] == 1
    failing = [{"sql": insert, "params": ["y"]}, {"sql": "SELECT * FROM nowhere"}]
    assert host.admin("POST", f"/d1/{DATABASE}/query", {"batch": failing}).status == 400
    assert rows(host, "SELECT a FROM batched") == [{"a": "x"}]


@pytest.mark.parametrize("sql", ["", "  -- nothing\n;;", "SELEC 1", "SELECT 'open"])
def test_text_without_a_proper_statement_is_refused(host: WorkerdHost, sql: str) -> None:
    answer = query(host, sql)
    assert answer.status == 400
    assert answer.json()["error"]


def test_a_buckets_objects_are_listed_in_pages_and_deleted(host: WorkerdHost) -> None:
    client = s3_of(host)
    keys = ["a/1 ä", "a/2", "b"]
    for key in keys:
        client.put_object(Bucket="full", Key=key, Body=key.encode(), ContentType="text/x")
    first = host.admin("GET", "/r2/full?limit=2").json()
    assert [entry["key"] for entry in first["objects"]] == keys[:2]
    assert first["objects"][1]["size"] == 3
    assert first["objects"][1]["http_metadata"] == {"contentType": "text/x"}
    rest = host.admin("GET", f"/r2/full?limit=2&cursor={first['cursor']}").json()
    assert ([entry["key"] for entry in rest["objects"]], rest["truncated"]) == (["b"], False)
    assert host.admin("DELETE", "/r2/full/a/1%20%C3%A4").status == 200
    assert host.admin("DELETE", "/r2/full/not-there").status == 200
    left = host.admin("GET", "/r2/full?prefix=a/").json()
    assert [entry["key"] for entry in left["objects"]] == ["a/2"]
    assert host.admin("GET", "/r2/empty").json()["objects"] == []


def test_an_object_is_read_with_its_type_and_etag(host: WorkerdHost) -> None:
    s3 = s3_of(host)
    content = bytes(range(256)) * 1000
    put = s3.put_object(Bucket="full", Key="a b/c.gz", Body=content, ContentType="application/gzip")
    answer = host.admin("GET", "/r2/full/a%20b%2Fc.gz")
    assert (answer.status, answer.body) == (200, content)
    assert answer.headers["content-type"] == "application/gzip"
    assert answer.headers["etag"] == put["ETag"]
    assert host.admin("GET", "/r2/full/nothing").status == 404
    s3.delete_object(Bucket="full", Key="a b/c.gz")


def test_a_dump_of_a_database_makes_the_same_database(host: WorkerdHost) -> None:
    def run(sql: str, *params: object) -> None:
        answer = query(host, sql, list(params), DUMPED)
        assert answer.status == 200, answer.text

    run("CREATE TABLE parent (id TEXT PRIMARY KEY, text TEXT)")
    run("CREATE TABLE child (id TEXT PRIMARY KEY, parent TEXT REFERENCES parent (id))")
    run("CREATE INDEX child_parent ON child (parent)")
    run("INSERT INTO parent VALUES ('p', ?)", "it's\na;b\r\n-- 🙂")
    run("INSERT INTO child VALUES ('c', 'p')")
    dump = host.admin("GET", f"/d1/{DUMPED}/export")
    assert dump.status == 200
    lines = dump.text.splitlines()
    assert lines[0] == "PRAGMA defer_foreign_keys=TRUE;"
    assert """INSERT INTO "child" ("id","parent") VALUES('c','p');""" in lines

    run("PRAGMA defer_foreign_keys=TRUE; DROP TABLE child; DROP TABLE parent;" + dump.text)
    assert host.admin("GET", f"/d1/{DUMPED}/export").text == dump.text
    answer = query(host, "SELECT text FROM parent", database=DUMPED)
    assert answer.json()["result"][0]["results"] == [{"text": "it's\na;b\r\n-- 🙂"}]
