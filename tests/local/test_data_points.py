"""Data points in DuckDB, and Analytics Engine's SQL over them."""

import asyncio
import json
from collections.abc import Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from functions.core import usage_queries
from functions.core.platform import DAY_MS
from functions.core.usage import UsagePoint, data_point
from local.analytics_sql import ShowTables, SqlRefusedError, translated
from local.data_points import KEPT_MS, DataPoint, DataPoints, Table
from tests.local.provider_calls import ACCOUNT
from tests.local.test_daemon_faces import Daemon, start
from tests.local.test_purges import D1_READ, an_api_token

NOW = 1_790_000_000_000
DATASET = "usage_test"
ID = "01900000-0000-7000-8000-000000000001"
ANALYTICS_READ = "b89a480218d04ceb98b4fe57ca29dc1f"
ACCOUNT_SCOPE = "com.cloudflare.api.account"
SQL = f"/client/v4/accounts/{ACCOUNT}/analytics_engine/sql"

T = TypeVar("T")


def run(work: Coroutine[object, object, T]) -> T:
    return asyncio.run(work)


def a_point(at: int = NOW, blobs: Sequence[str] = ("a",), doubles: Sequence[float] = (1,)) -> Any:
    return DataPoint(at, "an-index", tuple(blobs), tuple(doubles))


def of_a_request(at: int, **changes: object) -> DataPoint:
    """As the edge writes it."""
    members: dict[str, object] = {
        "kind": "package",
        "method": "GET",
        "status": 200,
        "cache": "hit",
        "part": "start",
        "sent_bytes": 100,
        "latency_ms": 3,
        "version_id": ID,
    }
    made = data_point(UsagePoint(**(members | changes)))  # pyright: ignore[reportArgumentType]
    return DataPoint(at, made.index, made.blobs, made.doubles)


def asked(path: Path, sql: str, points: Sequence[DataPoint], now: int = NOW) -> Table:
    """The table that a query gives over the points."""

    async def ask() -> Table:
        store = DataPoints(path / "points.duckdb", lambda: now)
        await store.add(DATASET, points)
        query = translated(sql, await store.datasets(), now)
        assert isinstance(query, str)
        table = await store.select(query)
        await store.close()
        return table

    return run(ask())


def test_our_own_queries_count_downloads_once(tmp_path: Path) -> None:
    day = NOW // DAY_MS * DAY_MS
    points = [
        *[of_a_request(day + hour * 3_600_000) for hour in range(3)],
        of_a_request(day, part="rest", status=206, sent_bytes=40),
        of_a_request(day, method="HEAD", part="none", sent_bytes=0),
        of_a_request(day - 1),
        of_a_request(day - 2 * DAY_MS),
        of_a_request(day, kind="asset", version_id=None),
        of_a_request(day, kind="package", version_id=None),
    ]
    sql = usage_queries.downloads(DATASET, day - DAY_MS, day + DAY_MS)
    table = asked(tmp_path, sql, points)
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    found = usage_queries.version_days(rows)
    assert [(one.day - day, one.downloads, one.sent_bytes) for one in found] == [
        (0, 3, 340),
        (-DAY_MS, 1, 100),
    ]


def test_our_own_queries_sum_up_locations(tmp_path: Path) -> None:
    day = NOW // DAY_MS * DAY_MS
    common: dict[str, object] = {"kind": "repository", "location_id": ID, "version_id": None}
    points = [
        of_a_request(day, **common),
        of_a_request(day, **common, cache="stale"),
        of_a_request(day, **common, cache="miss", status=404),
        of_a_request(day, **common, cache="bypass", status=503),
        of_a_request(day),
    ]
    table = asked(tmp_path, usage_queries.locations(DATASET, day, day + DAY_MS), points)
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    (found,) = usage_queries.location_days(rows)
    assert (found.location_id, found.day, found.requests, found.sent_bytes) == (ID, day, 4, 400)
    assert (found.client_errors, found.server_errors, found.hits) == (1, 1, 2)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("count()", 2),
        ("count(DISTINCT blob1)", 2),
        ("countIf(blob1 = 'b')", 1),
        ("sumIf(double1, blob1 = 'b')", 3.0),
        ("sum(_sample_interval * double1) / sum(_sample_interval)", 2.0),
        ("quantileExactWeighted(0.99)(double1, _sample_interval)", 3.0),
        ("sum(if(blob1 IN ('a', 'z'), 1, 0))", 1),
        ("toUnixTimestamp(max(timestamp))", NOW // 1000),
        ("toUnixTimestamp(toStartOfInterval(max(timestamp), INTERVAL '1' DAY))", 1_789_948_800),
        ("toUnixTimestamp(toStartOfHour(max(timestamp)))", 1_789_999_200),
        ("toUnixTimestamp(now() - INTERVAL '1' HOUR)", NOW // 1000 - 3600),
        ("toUnixTimestamp(toDateTime('1970-01-02 00:00:00'))", 86_400),
        ("max(blob20)", ""),
        ("max(double20)", 0.0),
        ("max(index1)", "an-index"),
        ("'it''s'", "it's"),
    ],
)
def test_the_subset_means_what_cloudflares_reference_says(
    tmp_path: Path, expression: str, value: object
) -> None:
    points = [a_point(), a_point(blobs=("b",), doubles=(3,))]
    sql = f"SELECT {expression} AS x FROM {DATASET} WHERE timestamp > toDateTime(0) FORMAT JSON"  # noqa: S608
    assert asked(tmp_path, sql, points).rows[0] == (value,)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("DROP TABLE usage_test", "One SELECT"),
        ("SELECT 1; SELECT 2", "One SELECT"),
        ("SELECT blob1 FROM usage_test UNION ALL SELECT blob1 FROM usage_test", "One SELECT"),
        ("", "One SELECT"),
        ("SELECT ((", "cannot be read"),
        ("SELECT a.x FROM usage_test AS a JOIN usage_test AS b ON 1 = 1", "joins"),
        ("SELECT DISTINCT blob1 FROM usage_test", "distinct"),
        ("WITH a AS (SELECT 1) SELECT * FROM a", "with"),
        ("SELECT sum(double1) OVER () FROM usage_test", "Window"),
        ("SELECT blob1 FROM usage_test SETTINGS a = 1", "settings"),
        ("SELECT usage_test.blob1 FROM usage_test", "column named with its table"),
        ("SELECT lower(blob1) FROM usage_test", "Lower"),
        ("SELECT topK(3)(blob1) FROM usage_test", "topK"),
        ("SELECT getenv('HOME') FROM usage_test", "getenv"),
        ("SELECT * FROM read_csv('/etc/hostname')", "no dataset"),
        ("SELECT * FROM '/etc/hostname'", "no dataset"),
        ("SELECT * FROM data_point", "no dataset"),
        ("SELECT * FROM main.usage_test", "no dataset"),
        ("SELECT * FROM another", "no dataset another"),
        ("SELECT quantileExactWeighted(0.5)(double1, double2) FROM usage_test", "_sample_interval"),
        ("SELECT toDateTime('2026-01-01 00:00:00', 'Europe/Paris') FROM usage_test", "2"),
        ("SELECT blob1 FROM usage_test FORMAT CSV", "FORMAT CSV"),
        ("SHOW TABLES FORMAT CSV", "FORMAT CSV"),
    ],
)
def test_what_is_not_in_the_subset_is_refused_by_name(sql: str, said: str) -> None:
    with pytest.raises(SqlRefusedError, match=said):
        translated(sql, [DATASET], NOW)


@pytest.mark.parametrize("sql", ["SHOW TABLES", "show tables;", "SHOW TABLES FORMAT JSON"])
def test_datasets_are_asked_for_by_show_tables(sql: str) -> None:
    assert translated(sql, [], NOW) == ShowTables()


def test_points_outlive_a_restart_for_three_months(tmp_path: Path) -> None:
    old, young = a_point(NOW), a_point(NOW + 2 * DAY_MS)
    sql = f"SELECT count() AS n FROM {DATASET}"  # noqa: S608
    assert asked(tmp_path, sql, [old, young]).rows == [(2,)]
    assert asked(tmp_path, sql, [], NOW + KEPT_MS).rows == [(2,)]
    assert asked(tmp_path, sql, [], NOW + KEPT_MS + DAY_MS).rows == [(1,)]


@pytest.fixture
def daemon(tmp_path: Path, types_file: Path) -> Iterator[Daemon]:
    yield from start(tmp_path, types_file)


def written(daemon: Daemon, points: object, dataset: str = DATASET) -> httpx.Response:
    return daemon.client.post(
        f"/_datasets/{dataset}/points", json={"points": points}, headers=daemon.control
    )


def query(daemon: Daemon, sql: str, token: str | None = None) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"} if token else daemon.token
    return daemon.client.post(SQL, content=sql.encode(), headers=headers)


GIVEN = {"at": NOW, "indexes": ["i"], "blobs": ["a"], "doubles": [2]}


def test_the_endpoint_answers_as_clickhouse_does(daemon: Daemon) -> None:
    assert query(daemon, "SHOW TABLES").json()["data"] == []
    assert written(daemon, [GIVEN, GIVEN]).status_code == 200
    assert query(daemon, "SHOW TABLES").json()["data"] == [{"dataset": DATASET}]
    sums = "sum(_sample_interval) AS n, sum(double1) AS d, max(timestamp) AS t"
    answer = query(daemon, f"SELECT {sums} FROM {DATASET}").json()  # noqa: S608
    assert answer["data"] == [{"n": "2", "d": 4.0, "t": "2026-09-21 14:13:20"}]
    assert answer["meta"] == [
        {"name": "n", "type": "UInt64"},
        {"name": "d", "type": "Float64"},
        {"name": "t", "type": "DateTime"},
    ]
    assert answer["rows"] == 1


def test_the_endpoint_says_what_is_wrong_as_text(daemon: Daemon) -> None:
    written(daemon, [GIVEN])
    for sql, said in (
        ("SELECT blob99 FROM usage_test", "blob99"),
        ("SELECT * FROM missing", "no dataset missing"),
        ("DELETE FROM usage_test", "One SELECT"),
    ):
        answer = query(daemon, sql)
        assert (answer.status_code, said in answer.text) == (422, True), answer.text
        assert answer.headers["content-type"].startswith("text/plain")
    assert query(daemon, "x" * 100_001).status_code == 413


def test_a_token_with_account_analytics_read_may_query_and_do_nothing_else(daemon: Daemon) -> None:
    resource = f"{ACCOUNT_SCOPE}.{ACCOUNT}"
    token = an_api_token(daemon, ANALYTICS_READ, resource)
    assert query(daemon, "SHOW TABLES", token).status_code == 200
    listed = daemon.client.get(
        f"/client/v4/accounts/{ACCOUNT}/r2/buckets", headers={"authorization": f"Bearer {token}"}
    )
    assert listed.status_code == 403
    for group, owner in ((D1_READ, resource), (ANALYTICS_READ, f"{ACCOUNT_SCOPE}.{'0' * 32}")):
        refused = query(daemon, "SHOW TABLES", an_api_token(daemon, group, owner))
        assert refused.status_code == 403


@pytest.mark.parametrize(
    "points", [None, 5, ["x"], [{}], [GIVEN | {"doubles": ["many"]}], [GIVEN | {"at": None}]]
)
def test_points_that_are_none_are_refused_and_leave_nothing(daemon: Daemon, points: object) -> None:
    assert written(daemon, points).status_code == 400
    assert query(daemon, "SHOW TABLES").json()["data"] == []


def test_only_workers_of_this_cloud_write_points(daemon: Daemon) -> None:
    answer = daemon.client.post(f"/_datasets/{DATASET}/points", content=json.dumps({"points": []}))
    assert answer.status_code in (401, 403)
