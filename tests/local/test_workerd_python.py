"""Python Workers in workerd: environment, bodies, events, exceptions, as on Cloudflare."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.workerd_host import SDK, Json, WorkerdHost, a_worker

pytestmark = pytest.mark.cloud

SOURCE = """
import asyncio
import json
import logging

import js
import workers
from workers import Response, WorkerEntrypoint

SEEN = []


class Default(WorkerEntrypoint):
    async def fetch(self, request):
        path = js.URL.new(request.url).pathname
        return await getattr(self, "on_" + path.strip("/"))(request)

    async def on_env(self, request):
        print("a line\\nand another")
        logging.getLogger("stowage").warning("as a warning")
        return Response(json.dumps({
            "names": sorted(js.Object.keys(self.env._env)),
            "global": workers.env.TEXT,
            "text": self.env.TEXT,
            "secret": self.env.SECRET,
            "json": self.env.JSON.to_py(),
            "request": [type(request).__module__, request.method],
        }))

    async def on_sha256(self, request):
        digest = js.crypto.DigestStream.new("SHA-256")
        await request.body.pipeTo(digest)
        return Response(bytes((await digest.digest).to_py()).hex())

    async def on_store(self, request):
        await self.env.BUCKET.put("object", request.body)
        return Response("stored")

    async def on_load(self, request):
        stored = await self.env.BUCKET.get("object")
        return Response(stored.body, headers={"content-type": "application/zip"})

    async def on_query(self, request):
        await self.env.DB.prepare("CREATE TABLE IF NOT EXISTS t (a TEXT)").run()
        insert = self.env.DB.prepare("INSERT INTO t VALUES (?1)")
        await self.env.DB.batch([insert.bind("x"), insert.bind("y")])
        found = await self.env.DB.prepare("SELECT a FROM t ORDER BY a").all()
        return Response(json.dumps([row["a"] for row in found.results]))

    async def on_send(self, request):
        await self.env.JOBS.send({"key": "one"})
        await self.env.JOBS.sendBatch([{"body": {"key": "two"}, "delaySeconds": 7}])
        return Response("sent")

    async def on_send_big(self, request):
        await self.env.JOBS.send({"key": "x" * 200_000})
        return Response("sent")

    async def on_other(self, request):
        return await self.env.OTHER.fetch("http://other/hello")

    async def on_later(self, request):
        async def later():
            await asyncio.sleep(0.05)
            SEEN.append("later")

        self.ctx.waitUntil(later())
        return Response("soon")

    async def on_seen(self, request):
        return Response(json.dumps(SEEN))

    async def on_redirect(self, request):
        return Response("", status=302, headers={"location": "https://elsewhere.test/"})

    async def on_fail(self, request):
        raise ValueError("of this very kind")

    async def queue(self, batch, env=None, ctx=None):
        for message in batch.messages:
            SEEN.append([batch.queue, message.id, message.attempts, message.body.key])
            if message.body.key == "poison":
                raise RuntimeError("cannot digest")
            if message.body.key == "again":
                message.retry({"delaySeconds": 5})
            else:
                message.ack()

    async def scheduled(self, controller, env=None, ctx=None):
        SEEN.append([controller.cron, controller.scheduledTime])
        if controller.cron == "bad":
            raise RuntimeError("not at this hour")
"""

OTHER = """
from workers import Response, WorkerEntrypoint

class Default(WorkerEntrypoint):
    async def fetch(self, request):
        return Response("other: " + request.url)
"""

BINDINGS: list[Json] = [
    {"name": "BUCKET", "type": "r2_bucket", "bucket_name": "stowage-dev-uploads"},
    {"name": "DB", "type": "d1", "id": "11111111-1111-4111-8111-111111111111"},
    {"name": "JOBS", "type": "queue", "queue_name": "stowage-dev-validate-package"},
    {"name": "TEXT", "type": "plain_text", "text": "plain"},
    {"name": "SECRET", "type": "secret_text", "text": "secret"},
    {"name": "JSON", "type": "json", "json": {"a": [1, True]}},
    {"name": "OTHER", "type": "service", "service": "other"},
]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerdHost]:
    started = WorkerdHost(tmp_path_factory.mktemp("workerd"))
    try:
        started.apply(
            workers=[
                a_worker(started.folder, "main", SOURCE, BINDINGS),
                a_worker(started.folder, "other", OTHER),
            ],
            routes=[{"pattern": "*/*", "script": "main"}],
            buckets=["stowage-dev-uploads"],
            databases=["11111111-1111-4111-8111-111111111111"],
        )
        warmed = started.admin("POST", "/workers/main/warm", {})
        assert warmed.status == 200, warmed.text
        yield started
    finally:
        started.close()


def test_the_environment_holds_the_declared_bindings_and_nothing_of_the_host(
    host: WorkerdHost,
) -> None:
    seen = host.request("edge", "GET", "/env").json()
    assert seen["names"] == sorted(str(binding["name"]) for binding in BINDINGS)
    assert seen["text"] == seen["global"] == "plain"
    assert seen["secret"] == "secret"
    assert seen["json"] == {"a": [1, True]}
    assert seen["request"] == ["workers.request", "GET"]


def test_what_a_worker_prints_is_in_the_log_under_its_name(host: WorkerdHost) -> None:
    host.request("edge", "GET", "/env")
    log = host.wait_for_log("as a warning")
    assert "[main] a line\n" in log
    assert "[main] and another\n" in log


def test_fifty_megabytes_stream_into_a_worker_and_its_bucket_and_out_again(
    host: WorkerdHost,
) -> None:
    data = os.urandom(50_000_000)
    digest = hashlib.sha256(data).hexdigest()
    assert host.request("edge", "POST", "/sha256", data).text == digest
    assert host.request("edge", "PUT", "/store", data).text == "stored"
    loaded = host.request("edge", "GET", "/load")
    assert loaded.headers["content-type"] == "application/zip"
    assert hashlib.sha256(loaded.body).hexdigest() == digest


def test_d1_statements_and_batches_give_python_values(host: WorkerdHost) -> None:
    assert host.request("edge", "GET", "/query").json() == ["x", "y"]


def test_queue_messages_are_posted_to_the_daemon(host: WorkerdHost) -> None:
    host.daemon.posts.clear()
    assert host.request("edge", "GET", "/send").text == "sent"
    path = "/_queues/stowage-dev-validate-package/messages"
    assert host.daemon.messages() == [
        {"path": path, "body": {"key": "one"}},
        {"path": path, "body": {"key": "two"}, "delay_seconds": 7},
    ]
    assert {secret for _, secret, _ in host.daemon.posts} == {host.config["control_secret"]}


def test_a_message_that_cannot_be_stored_or_is_too_long_fails_in_the_worker(
    host: WorkerdHost,
) -> None:
    host.daemon.queue_status = 503
    try:
        assert host.request("edge", "GET", "/send").status == 500
    finally:
        host.daemon.queue_status = 200
    assert host.request("edge", "GET", "/send_big").status == 500
    host.wait_for_log("exceeds limit of 128000")


def test_a_service_binding_reaches_the_other_worker(host: WorkerdHost) -> None:
    assert host.request("edge", "GET", "/other").text == "other: http://other/hello"


def test_wait_until_goes_on_after_the_answer(host: WorkerdHost) -> None:
    assert host.request("edge", "GET", "/later").text == "soon"
    for _ in range(200):
        if "later" in host.request("edge", "GET", "/seen").json():
            return
    pytest.fail("the coroutine given to waitUntil did not run to its end")


def test_a_redirect_is_the_clients_to_follow(host: WorkerdHost) -> None:
    answer = host.request("edge", "GET", "/redirect")
    assert (answer.status, answer.headers["location"]) == (302, "https://elsewhere.test/")


def test_an_exception_answers_500_without_a_trace_and_is_logged_with_it(host: WorkerdHost) -> None:
    answer = host.request("edge", "GET", "/fail")
    assert (answer.status, answer.text) == (500, "error code: 1101\n")
    log = host.wait_for_log("ValueError: of this very kind")
    assert 'File "/session/metadata/entry.py"' in log


def deliver(host: WorkerdHost, *keys: str) -> Json:
    messages = [
        {"id": f"m{index}", "timestamp": 1_700_000_000_000, "attempts": 2, "body": {"key": key}}
        for index, key in enumerate(keys)
    ]
    answer = host.admin("POST", "/workers/main/queue", {"queue": "q", "messages": messages})
    assert answer.status == 200, answer.text
    return answer.json()


def test_a_queue_batch_reports_its_acknowledgements_and_retries(host: WorkerdHost) -> None:
    assert deliver(host, "good", "again") == {
        "outcome": "ok",
        "ackAll": False,
        "retryBatch": {"retry": False},
        "explicitAcks": ["m0"],
        "retryMessages": [{"msgId": "m1", "delaySeconds": 5}],
    }
    assert ["q", "m0", 2, "good"] in host.request("edge", "GET", "/seen").json()


def test_an_exception_in_a_batch_keeps_earlier_acknowledgements_and_tells_the_trace(
    host: WorkerdHost,
) -> None:
    result = deliver(host, "good", "poison")
    assert result["outcome"] == "exception"
    assert result["explicitAcks"] == ["m0"]
    assert result["error"].endswith("RuntimeError: cannot digest\n")


def test_the_schedule_runs_with_its_cron_and_time(host: WorkerdHost) -> None:
    event = {"cron": "*/5 * * * *", "scheduledTime": 1_700_000_000_000}
    result = host.admin("POST", "/workers/main/scheduled", event).json()
    assert result == {"outcome": "ok", "noRetry": False}
    assert ["*/5 * * * *", 1_700_000_000_000] in host.request("edge", "GET", "/seen").json()
    failed = host.admin("POST", "/workers/main/scheduled", {**event, "cron": "bad"}).json()
    assert failed["outcome"] == "exception"
    assert failed["error"].endswith("RuntimeError: not at this hour\n")


BROKEN = "import nowhere_to_be_found\n"
NO_CLASS = "x = 1\n"
RANDOM = "import uuid\nX = uuid.uuid4()\n"


@pytest.mark.parametrize(
    ("source", "part"),
    [
        (BROKEN, "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        (NO_CLASS, "There is no 'Default' class defined"),
        (RANDOM, "cannot use system randomness at the top level"),
    ],
)
def test_a_worker_that_does_not_boot_says_why_and_is_tried_again(
    tmp_path: Path, source: str, part: str
) -> None:
    host = WorkerdHost(tmp_path)
    try:
        host.apply(workers=[a_worker(tmp_path, "edge", source)])
        for _ in range(2):
            answer = host.admin("POST", "/workers/edge/warm", {})
            assert answer.status == 500
            assert part in answer.json()["error"]
    finally:
        host.close()


FASTAPI = """
from fastapi import FastAPI
from pydantic import BaseModel
from workers import WorkerEntrypoint
import asgi

app = FastAPI()


class Version(BaseModel):
    code: int


@app.post("/versions")
def create(version: Version) -> dict[str, int]:
    return {"code": version.code + 1}


class Default(WorkerEntrypoint):
    async def fetch(self, request):
        return await asgi.fetch(app, request.js_object, self.env)
"""


def test_fastapi_with_synchronous_handlers_and_binary_wheels_runs(tmp_path: Path) -> None:
    packages = (
        *SDK,
        "annotated_doc",
        "annotated_types",
        "anyio",
        "fastapi",
        "idna",
        "opentelemetry",
        # The SDK lets packages read randomness at import by their versions (see allow_entropy.py).
        "opentelemetry_api-*.dist-info",
        "fastapi-*.dist-info",
        "pydantic",
        "pydantic_core",
        "starlette",
        "typing_extensions.py",
        "typing_inspection",
    )
    host = WorkerdHost(tmp_path)
    try:
        host.apply(
            workers=[a_worker(tmp_path, "api", FASTAPI, packages=packages, main_module="api.py")],
            routes=[{"pattern": "*/*", "script": "api"}],
        )
        warmed = host.admin("POST", "/workers/api/warm", {})
        assert warmed.status == 200, warmed.text
        headers = {"content-type": "application/json"}
        answer = host.request("api", "POST", "/versions", b'{"code": 6}', headers)
        assert (answer.status, answer.text) == (200, json.dumps({"code": 7}, separators=(",", ":")))
        assert host.request("api", "POST", "/versions", b"{}", headers).status == 422
    finally:
        host.close()
