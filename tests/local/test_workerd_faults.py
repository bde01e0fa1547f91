"""Faults: what a Worker meets when a test lets a binding's call fail, vanish, repeat or wait."""

import base64
import json
import threading
import time
from collections.abc import Iterator

import pytest

from tests.local.storage_cloud import until
from tests.local.workerd_host import Answer, Json, WorkerdHost, a_worker
from tests.pictures import icon

pytestmark = pytest.mark.cloud

POINTS = [
    json.dumps(point)
    for point in (
        {"indexes": ["i"], "blobs": ["a", ""], "doubles": [1.5]},
        {},
        {"blobs": ["x"] * 21},
        {"doubles": [0] * 21},
        {"indexes": ["a", "b"]},
        {"blobs": ["\u00e4" * 8_193]},
        {"indexes": ["\u00e4" * 49]},
        {"doubles": ["1"]},
    )
]
"""The first two are good."""
SOURCE = """
import json

import base64

import js
from pyodide.ffi import to_js
from workers import Response, WorkerEntrypoint, python_to_rpc

PICTURE = base64.b64decode("A PICTURE")
POINTS = THE POINTS


class Default(WorkerEntrypoint):
    async def fetch(self, request):
        path = js.URL.new(request.url).pathname
        try:
            return Response(await getattr(self, "on_" + path.strip("/"))())
        except Exception as error:
            return Response(str(error), status=503)

    async def on_put(self):
        stored = await self.env.BUCKET.put("key", "value")
        return "nothing" if stored is None else stored.key

    async def on_head(self):
        return str(await self.env.BUCKET.head("key") is not None)

    async def on_insert(self):
        await self.env.DB.prepare("INSERT INTO t VALUES (?1)").bind("x").run()
        return "inserted"

    async def on_batch(self):
        insert = self.env.DB.prepare("INSERT INTO t VALUES (?1)")
        results = await self.env.DB.batch([insert.bind("a"), insert.bind("b")])
        return str(len(results))

    async def on_count(self):
        found = await self.env.DB.prepare("SELECT count(*) AS n FROM t").first()
        return str(found["n"])

    async def on_send(self):
        await self.env.JOBS.send({"a": 1})
        return "sent"

    async def on_note(self):
        dataset = python_to_rpc(self.env.USAGE)
        given = [js.JSON.parse(text) for text in POINTS]
        for point in given[:2]:
            dataset.writeDataPoint(point)
        refused = []
        for point in given[2:]:
            try:
                dataset.writeDataPoint(point)
            except Exception as error:
                refused.append(str(error))
        return "; ".join(refused)

    async def on_resize(self):
        images = python_to_rpc(self.env.IMAGES)
        picture = images.input(js.Response.new(to_js(PICTURE)).body)
        half = to_js({"width": 4}, dict_converter=js.Object.fromEntries)
        form = to_js({"format": "image/png"}, dict_converter=js.Object.fromEntries)
        made = await picture.transform(half).output(form)
        return str((await made.response().arrayBuffer()).to_bytes()[16:24].hex())
""".replace("A PICTURE", base64.b64encode(icon(8)).decode()).replace("THE POINTS", repr(POINTS))

BINDINGS: list[Json] = [
    {"name": "BUCKET", "type": "r2_bucket", "bucket_name": "b"},
    {"name": "DB", "type": "d1", "id": "db"},
    {"name": "JOBS", "type": "queue", "queue_name": "q"},
    {"name": "IMAGES", "type": "images"},
    {"name": "USAGE", "type": "analytics_engine", "dataset": "usage_test"},
]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerdHost]:
    started = WorkerdHost(tmp_path_factory.mktemp("faults"))
    try:
        started.apply(
            workers=[a_worker(started.folder, "jobs", SOURCE, BINDINGS)],
            routes=[{"pattern": "*/*", "script": "jobs"}],
            buckets=["b"],
            databases=["db"],
            faults=True,
        )
        yield started
    finally:
        started.close()


@pytest.fixture
def host(running: WorkerdHost) -> Iterator[WorkerdHost]:
    sql = "DROP TABLE IF EXISTS t; CREATE TABLE t (a TEXT)"
    assert running.admin("POST", "/d1/db/query", {"sql": sql}).status == 200
    assert running.admin("DELETE", "/r2/b/key").status == 200
    running.daemon.posts.clear()
    yield running
    running.daemon.faults = lambda _question: "none"


def only(binding: str, method: str, action: str) -> "Answering":
    return Answering(binding, method, action)


class Answering:
    """Gives `action` to calls of one binding's method, `none` to the others."""

    def __init__(self, binding: str, method: str, action: str) -> None:
        self.wanted = (binding, method)
        self.action = action
        self.questions: list[Json] = []

    def __call__(self, question: Json) -> str:
        self.questions.append(question)
        asked = (question["binding"], question["method"])
        return self.action if asked == self.wanted else "none"


def get(host: WorkerdHost, path: str) -> Answer:
    return host.request("edge", "GET", path)


def test_without_a_planned_fault_everything_works_and_every_call_is_asked_for(
    host: WorkerdHost,
) -> None:
    asking = only("", "", "none")
    host.daemon.faults = asking
    paths = ["/put", "/head", "/insert", "/batch", "/count", "/send", "/resize"]
    assert [get(host, path).text for path in paths] == [
        "key",
        "True",
        "inserted",
        "2",
        "3",
        "sent",
        "0000000400000004",
    ]
    # Data points of an earlier test may still be on their way.
    asked = [(one["binding"], one["method"]) for one in asking.questions]
    assert [one for one in asked if one[0] != "USAGE"] == [
        ("BUCKET", "put"),
        ("BUCKET", "head"),
        ("DB", "run"),
        ("DB", "batch"),
        ("DB", "first"),
        ("JOBS", "send"),
        ("IMAGES", "output"),
    ]
    assert {one["worker"] for one in asking.questions} == {"jobs"}


@pytest.mark.parametrize(("action", "happened"), [("fail", "False"), ("fail_after", "True")])
def test_a_call_fails_before_or_after_it_happened(
    host: WorkerdHost, action: str, happened: str
) -> None:
    host.daemon.faults = only("BUCKET", "put", action)
    answer = get(host, "/put")
    assert answer.status == 503
    assert "injected fault: BUCKET.put" in answer.text
    assert get(host, "/head").text == happened


def test_a_dropped_call_looks_done_and_is_not(host: WorkerdHost) -> None:
    host.daemon.faults = only("JOBS", "send", "drop")
    assert get(host, "/send").text == "sent"
    assert host.daemon.messages() == []


def test_a_repeated_call_happens_twice(host: WorkerdHost) -> None:
    host.daemon.faults = only("JOBS", "send", "repeat")
    assert get(host, "/send").text == "sent"
    assert [message["body"] for message in host.daemon.messages()] == [{"a": 1}, {"a": 1}]
    host.daemon.faults = only("DB", "run", "repeat")
    assert get(host, "/insert").text == "inserted"
    assert get(host, "/count").text == "2"


def noted(host: WorkerdHost) -> list[Json]:
    """The data points that came to the daemon."""
    return [
        point
        for path, _, body in list(host.daemon.posts)
        if path == "/_datasets/usage_test/points"
        for point in body["points"]
    ]


def test_data_points_come_in_one_batch_behind_the_answer_but_for_those_beyond_the_limits(
    host: WorkerdHost,
) -> None:
    assert get(host, "/note").text.split("; ") == [
        "TypeError: Maximum of 20 blobs supported.",
        "TypeError: Maximum of 20 doubles supported.",
        "TypeError: Maximum of 1 indexes supported.",
        "TypeError: Cumulative size of blobs exceeds 16384 bytes.",
        "TypeError: Size of indexes exceeds 96 bytes.",
        "TypeError: writeDataPoint(): doubles of a wrong type",
    ]
    until(lambda: noted(host) != [])
    found = noted(host)
    assert all(abs(point.pop("at") / 1000 - time.time()) < 3600 for point in found)
    assert found == [
        {"indexes": ["i"], "blobs": ["a", ""], "doubles": [1.5]},
        {"indexes": [], "blobs": [], "doubles": []},
    ]


@pytest.mark.parametrize("action", ["fail", "hold"])
def test_data_points_that_cannot_be_sent_delay_nothing_and_are_lost(
    host: WorkerdHost, action: str
) -> None:
    asking = only("USAGE", "writeDataPoint", action)
    host.daemon.faults = asking
    for _ in range(2):
        assert get(host, "/note").status == 200
    until(lambda: any(question["binding"] == "USAGE" for question in list(asking.questions)))
    assert get(host, "/note").status == 200
    asking.action = "none"
    until(lambda: get(host, "/note").status == 200 and noted(host) != [])


def test_a_failing_batch_leaves_nothing(host: WorkerdHost) -> None:
    host.daemon.faults = only("DB", "batch", "fail")
    assert get(host, "/batch").status == 503
    assert get(host, "/count").text == "0"


def test_a_held_call_waits_until_it_is_released(host: WorkerdHost) -> None:
    asking = only("DB", "run", "hold")
    host.daemon.faults = asking
    answers: list[Answer] = []
    waiting = threading.Thread(target=lambda: answers.append(get(host, "/insert")))
    waiting.start()
    while not any(question.get("held") for question in list(asking.questions)):
        assert waiting.is_alive()
    assert get(host, "/count").text == "0"
    asking.action = "none"
    waiting.join(30)
    assert [answer.text for answer in answers] == ["inserted"]
    assert get(host, "/count").text == "1"
