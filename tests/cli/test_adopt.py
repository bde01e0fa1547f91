"""A deployment that was killed in the middle is taken up: what exists is imported, what cannot be
is made again."""

import json
from pathlib import Path

import httpx
import pytest

from cli import adopt
from cli.adopt import KINDS
from cli.rest import AccountApi, Item
from cli.state_file import Pending, StateFile

ACCOUNT, ZONE = "a" * 32, "b" * 32


def a_pending(type_name: str, **inputs: object) -> Pending:
    token = next(token for token in KINDS if token.endswith(f":{type_name}"))
    urn = f"urn:pulumi:dev::stowage::{token}::it"
    return Pending(urn, token, "it", {"accountId": ACCOUNT, "zoneId": ZONE, **inputs})


def an_api(lists: dict[str, list[Item]], deleted: list[str] | None = None) -> AccountApi:
    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/client/v4")
        if request.method == "DELETE" and deleted is not None:
            deleted.append(path)
            return httpx.Response(200, json={"success": True})
        if path not in lists:
            return httpx.Response(404, json={"success": False})
        rows: object = lists[path]
        # R2 wraps its list, everything else does not.
        result = {"buckets": rows} if path.endswith("/r2/buckets") else rows
        return httpx.Response(200, json={"success": True, "result": result})

    transport = httpx.MockTransport(answer)
    return AccountApi("http://127.0.0.1:1/client/v4", "token", ACCOUNT, ZONE, transport)


def test_a_bucket_is_looked_for_in_its_jurisdiction() -> None:
    asked: list[tuple[str, str | None]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.url.path, request.headers.get("cf-r2-jurisdiction")))
        return httpx.Response(200, json={"success": True, "result": []})

    transport = httpx.MockTransport(answer)
    api = AccountApi("http://127.0.0.1:1/client/v4", "token", ACCOUNT, ZONE, transport)
    adopt.plan([a_pending("R2Bucket", name="b", jurisdiction="eu")], api)
    adopt.plan([a_pending("Queue", queueName="q", jurisdiction="eu")], api)
    assert asked == [
        (f"/client/v4/accounts/{ACCOUNT}/r2/buckets", "eu"),
        (f"/client/v4/accounts/{ACCOUNT}/queues", None),
    ]


@pytest.mark.parametrize(
    ("pending", "path", "row", "import_id"),
    [
        (
            a_pending("R2Bucket", name="b"),
            f"/accounts/{ACCOUNT}/r2/buckets",
            {"name": "b"},
            f"{ACCOUNT}/b/default",
        ),
        (
            a_pending("R2Bucket", name="b", jurisdiction="eu"),
            f"/accounts/{ACCOUNT}/r2/buckets",
            {"name": "b"},
            f"{ACCOUNT}/b/eu",
        ),
        (
            a_pending("D1Database", name="d"),
            f"/accounts/{ACCOUNT}/d1/database",
            {"name": "d", "uuid": "u1"},
            f"{ACCOUNT}/u1",
        ),
        (
            a_pending("Queue", queueName="q"),
            f"/accounts/{ACCOUNT}/queues",
            {"queue_name": "q", "queue_id": "q1"},
            f"{ACCOUNT}/q1",
        ),
        (
            a_pending("QueueConsumer", queueId="q1"),
            f"/accounts/{ACCOUNT}/queues/q1/consumers",
            {"consumer_id": "c1"},
            f"{ACCOUNT}/q1/c1",
        ),
        (
            a_pending("Worker", name="edge"),
            f"/accounts/{ACCOUNT}/workers/workers",
            {"name": "edge", "id": "w1"},
            f"{ACCOUNT}/w1",
        ),
        (
            a_pending("WorkersRoute", pattern="*/*"),
            f"/zones/{ZONE}/workers/routes",
            {"pattern": "*/*", "id": "r1"},
            f"{ZONE}/r1",
        ),
        (
            a_pending("DnsRecord", name="cdn.stowage.test", type="AAAA"),
            f"/zones/{ZONE}/dns_records",
            {"name": "cdn.stowage.test", "type": "AAAA", "id": "n1"},
            f"{ZONE}/n1",
        ),
        (
            a_pending("CustomHostname", hostname="apt.customer.test"),
            f"/zones/{ZONE}/custom_hostnames",
            {"hostname": "apt.customer.test", "id": "h1"},
            f"{ZONE}/h1",
        ),
    ],
)
def test_what_exists_is_imported_by_the_id_that_the_provider_takes(
    pending: Pending, path: str, row: Item, import_id: str
) -> None:
    other: Item = dict.fromkeys(row, "another")
    found = adopt.plan([pending], an_api({path: [other, row] if "name" in str(row) else [row]}))
    assert found.imports == {(pending.type, "it"): import_id}
    assert found.orphans == ()


def test_what_does_not_exist_is_created() -> None:
    pending = a_pending("R2Bucket", name="b")
    found = adopt.plan([pending], an_api({f"/accounts/{ACCOUNT}/r2/buckets": []}))
    assert found.imports == {}


def test_a_list_whose_owner_is_missing_is_empty() -> None:
    found = adopt.plan([a_pending("QueueConsumer", queueId="gone")], an_api({}))
    assert found.imports == {}


def test_a_token_is_made_again_because_its_secret_is_told_only_once() -> None:
    path = f"/accounts/{ACCOUNT}/tokens"
    api = an_api({path: [{"name": "presign", "id": "t1"}, {"name": "other", "id": "t2"}]})
    found = adopt.plan([a_pending("AccountToken", name="presign")], api)
    assert found.imports == {}
    assert found.orphans == (("it", f"{path}/t1"),)


def test_an_orphan_is_deleted_by_its_path() -> None:
    deleted: list[str] = []
    an_api({}, deleted).delete(f"/accounts/{ACCOUNT}/tokens/t1")
    assert deleted == [f"/accounts/{ACCOUNT}/tokens/t1"]


def test_a_kind_that_may_be_created_twice_is_left_to_the_engine() -> None:
    one = Pending("urn", "cloudflare:index/r2BucketCors:R2BucketCors", "cors", {"accountId": "a"})
    assert adopt.plan([one], an_api({})).imports == {}


def a_state(tmp_path: Path, **latest: object) -> StateFile:
    state = StateFile.of(tmp_path, "dev")
    state.path.parent.mkdir(parents=True)
    state.path.write_text(json.dumps({"version": 3, "checkpoint": {"latest": latest}}))
    return state


def an_operation(kind: str, name: str) -> dict[str, object]:
    urn = f"urn:pulumi:dev::stowage::cloudflare:index/queue:Queue::{name}"
    resource = {"urn": urn, "type": "cloudflare:index/queue:Queue", "inputs": {"queueName": name}}
    return {"type": kind, "resource": resource}


def test_unfinished_creations_are_read_from_the_state(tmp_path: Path) -> None:
    operations = [
        an_operation("creating", "new"),
        an_operation("importing", "adopted"),
        an_operation("updating", "old"),
    ]
    state = a_state(tmp_path, pending_operations=operations)
    assert [one.name for one in state.unfinished_creations()] == ["new", "adopted"]
    assert state.has_pending_operations()


def test_a_creation_that_is_in_the_state_by_now_is_not_unfinished(tmp_path: Path) -> None:
    operation = an_operation("creating", "new")
    state = a_state(tmp_path, pending_operations=[operation], resources=[operation["resource"]])
    assert state.unfinished_creations() == []


def test_a_state_before_the_first_deployment_is_empty(tmp_path: Path) -> None:
    state = StateFile.of(tmp_path, "dev")
    assert not state.exists()
    assert state.unfinished_creations() == []
    assert state.salt() is None


def test_the_salt_is_found_in_the_state(tmp_path: Path) -> None:
    state = a_state(
        tmp_path, secrets_providers={"type": "passphrase", "state": {"salt": "v1:salt"}}
    )
    assert state.salt() == "v1:salt"


def test_a_write_that_was_cut_is_mended_and_the_state_itself_is_kept(tmp_path: Path) -> None:
    state = a_state(tmp_path)
    kept = state.path.read_bytes()
    good, cut = state.path.with_name("dev.json.bak.attrs"), state.path.with_name("dev.json.attrs")
    good.write_text("{}")
    cut.touch()
    left = state.path.with_name("dev.json.18ea8a694d1db2f3.tmp")
    left.write_text("{")
    state.mend()
    assert sorted(path.name for path in state.path.parent.iterdir()) == [
        "dev.json",
        "dev.json.bak.attrs",
    ]
    assert state.path.read_bytes() == kept
