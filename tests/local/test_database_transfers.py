"""Exports and imports of a database by the REST face, and what made tokens may do there."""

import contextlib
import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.provider.account_kinds import PERMISSION_GROUPS
from tests.local.provider_calls import ACCOUNT, ZONE
from tests.local.test_daemon_faces import ACCOUNT_PATH, Daemon, start

Json = dict[str, Any]
DUMP = """CREATE TABLE a (b TEXT);\nINSERT INTO "a" ("b") VALUES('c');\n"""
"""What the fake host has in every database."""
GROUPS = {group["name"]: group["id"] for group in PERMISSION_GROUPS}


@pytest.fixture
def daemon(tmp_path: Path, types_file: Path) -> Iterator[Daemon]:
    yield from start(tmp_path, types_file)


@pytest.fixture
def database(daemon: Daemon) -> str:
    return daemon.create("D1Database", accountId=ACCOUNT, name="records")


def post(daemon: Daemon, database: str, action: str, body: object, token: str = "") -> Any:
    headers = {"authorization": f"Bearer {token}"} if token else daemon.token
    path = f"{ACCOUNT_PATH}/d1/database/{database}/{action}"
    return daemon.client.post(path, json=body, headers=headers)


def finished(daemon: Daemon, database: str, action: str, first: httpx.Response) -> Json:
    """The last answer of polling, as a client does it."""
    answer = first
    while answer.json()["result"]["status"] == "active":
        assert answer.status_code == 202
        bookmark = {"current_bookmark": answer.json()["result"]["at_bookmark"]}
        polling: Json = {"output_format": "polling"} if action == "export" else {"action": "poll"}
        answer = post(daemon, database, action, polling | bookmark)
        assert answer.is_success, answer.text
    return answer.json()["result"]


def exported(daemon: Daemon, database: str) -> str:
    first = post(daemon, database, "export", {"output_format": "polling"})
    assert first.status_code == 202
    done = finished(daemon, database, "export", first)
    assert (done["status"], done["type"], done["success"]) == ("complete", "export", True)
    return done["result"]["signed_url"]


def test_an_export_is_polled_and_then_read_by_a_signed_url(daemon: Daemon, database: str) -> None:
    url = exported(daemon, database)
    answer = httpx.get(url)
    assert (answer.status_code, answer.text) == (200, DUMP)
    assert httpx.get(url).text == DUMP


def test_a_signed_url_is_good_for_its_file_its_method_and_its_time(
    daemon: Daemon, database: str
) -> None:
    url = httpx.URL(exported(daemon, database))
    expires = int(url.params["expires"])
    assert 3500 < expires - time.time() <= 3600
    for forged in (
        url.copy_with(query=None),
        url.copy_merge_params({"expires": str(expires + 1)}),
        url.copy_merge_params({"signature": "0" * 64}),
        url.copy_with(path=url.path + "x"),
    ):
        assert httpx.get(forged).status_code == 403
    assert httpx.put(url, content=b"other").status_code == 403
    assert httpx.get(url).text == DUMP


def announced(daemon: Daemon, database: str, sql: str) -> tuple[Json, Json]:
    """The answer to the announcement of a file, and the request that starts its import."""
    etag = hashlib.md5(sql.encode(), usedforsecurity=False).hexdigest()
    init = post(daemon, database, "import", {"action": "init", "etag": etag}).json()["result"]
    return init, {"action": "ingest", "etag": etag, "filename": init["filename"]}


def test_an_import_takes_the_file_that_was_announced_and_runs_it(
    daemon: Daemon, database: str
) -> None:
    sql = "CREATE TABLE x (y TEXT);\n"
    init, ingest = announced(daemon, database, sql)
    assert post(daemon, database, "import", ingest).status_code == 400
    put = httpx.put(init["upload_url"], content=sql)
    assert (put.status_code, put.headers["etag"]) == (200, f'"{ingest["etag"]}"')
    assert httpx.get(init["upload_url"]).status_code == 403
    done = finished(daemon, database, "import", post(daemon, database, "import", ingest))
    assert (done["status"], done["result"]["num_queries"]) == ("complete", 1)
    (call,) = [one for one in daemon.record() if str(one.get("call")).endswith("/query")]
    assert call["body"] == {"sql": sql}


def test_an_import_that_fails_says_why(daemon: Daemon, database: str) -> None:
    sql = "NONSENSE;"
    init, ingest = announced(daemon, database, sql)
    httpx.put(init["upload_url"], content=sql)
    done = finished(daemon, database, "import", post(daemon, database, "import", ingest))
    assert done["status"] == "error"
    assert "syntax error" in done["error"]


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("export", {}),
        ("export", {"output_format": "polling", "current_bookmark": "nothing"}),
        ("export", {"output_format": "polling", "dump_options": {"no_data": True}}),
        ("export", []),
        ("import", {"action": "init", "etag": "x"}),
        ("import", {"action": "ingest", "etag": "0" * 32, "filename": "../x"}),
        ("import", {"action": "poll", "current_bookmark": "nothing"}),
        ("import", {"action": "dance"}),
    ],
)
def test_a_request_that_means_nothing_is_refused(
    daemon: Daemon, database: str, action: str, body: object
) -> None:
    answer = post(daemon, database, action, body)
    assert answer.status_code == 400
    assert answer.json()["success"] is False


def test_a_database_that_is_not_there_is_not_exported(daemon: Daemon) -> None:
    answer = post(daemon, "none", "export", {"output_format": "polling"})
    assert answer.status_code == 404


def test_an_object_is_read_by_its_key(daemon: Daemon) -> None:
    daemon.create("R2Bucket", accountId=ACCOUNT, name="full")
    path = f"{ACCOUNT_PATH}/r2/buckets/full/objects"
    for key in ("a%20b/c", "a%20b%2Fc"):
        answer = daemon.get(f"{path}/{key}")
        assert (answer.status_code, answer.text) == (200, "a b/c")
    missing = daemon.get(f"{path}/nothing")
    assert (missing.status_code, missing.json()["errors"][0]["code"]) == (404, 10007)
    assert daemon.get(f"{ACCOUNT_PATH}/r2/buckets/none/objects/d").status_code == 404


def a_token(
    daemon: Daemon, *groups: str, owner: str = f"account.{ACCOUNT}", effect: str = "allow"
) -> str:
    answer = daemon.engine(
        "create",
        "AccountToken",
        preview=False,
        properties={
            "accountId": ACCOUNT,
            "name": "made",
            "policies": [
                {
                    "effect": effect,
                    "permissionGroups": [{"id": GROUPS[name]} for name in groups],
                    "resources": json.dumps({f"com.cloudflare.api.{owner}": "*"}),
                }
            ],
        },
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["properties"]["value"]["value"])


def test_a_made_token_may_what_its_groups_say_and_no_more(daemon: Daemon, database: str) -> None:
    export, query = {"output_format": "polling"}, {"sql": "SELECT 1 AS one"}
    reader = a_token(daemon, "D1 Read")
    assert post(daemon, database, "export", export, reader).status_code == 202
    assert post(daemon, database, "query", query, reader).status_code == 403
    writer = a_token(daemon, "D1 Write")
    assert post(daemon, database, "query", query, writer).status_code == 200
    bearer = {"authorization": f"Bearer {writer}"}
    assert daemon.client.get(f"{ACCOUNT_PATH}/queues", headers=bearer).status_code == 403
    for other in (
        a_token(daemon, "Workers R2 Storage Write"),
        a_token(daemon, "D1 Read", owner="account." + "f" * 32),
        a_token(daemon, "D1 Read", effect="deny"),
        "guessed",
    ):
        assert post(daemon, database, "export", export, other).status_code == 403


def test_a_token_that_purges_a_zone_does_nothing_else(daemon: Daemon) -> None:
    token = a_token(daemon, "Cache Purge", owner=f"account.zone.{ZONE}")
    bearer = {"authorization": f"Bearer {token}"}
    for zone, status in ((ZONE, 200), ("f" * 32, 403)):
        answer = daemon.client.post(
            f"/client/v4/zones/{zone}/purge_cache", json={"tags": ["a"]}, headers=bearer
        )
        assert answer.status_code == status
    listed = daemon.client.get(f"/client/v4/zones/{ZONE}/dns_records", headers=bearer)
    assert listed.status_code == 403


def test_files_of_an_earlier_daemon_are_gone(tmp_path: Path, types_file: Path) -> None:
    running = contextlib.contextmanager(start)
    with running(tmp_path, types_file) as first:
        exported(first, first.create("D1Database", accountId=ACCOUNT, name="records"))
        assert list(first.home.transfers.iterdir())
    with running(tmp_path, types_file) as second:
        assert not list(second.home.transfers.iterdir())
