"""The queue broker with a Worker that the test plays: batches, retries, delays, dead letters."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from local.broker import Broker, UnknownQueueError
from local.data_plane import DataPlaneError
from local.queue_store import QueueStore
from local.world import World

Json = dict[str, Any]
Handler = Callable[[Json], Json]
OK: Json = {"outcome": "ok"}
DEADLINE = 20.0


class Scene:
    """A broker over two queues; `handle` plays the Worker's queue handler."""

    def __init__(self, folder: Path, handle: Handler, **settings: Any) -> None:
        self.folder = folder
        self.handle = handle
        self.batches: list[Json] = []
        # A clock that a test can move; it never stands still.
        self.shift = 0
        self.ticks = itertools.count(1_000_000)
        self.world = World(folder / "world.json")
        for name in ("work", "dead"):
            self.world.put("Queue", name, {"queueId": name, "queueName": name, "settings": {}})
        consumer = {
            "queueId": "work",
            "queueName": "work",
            "scriptName": "jobs",
            "settings": {"batchSize": 2, "maxRetries": 2, "maxWaitTimeMs": 0} | settings,
            "deadLetterQueue": "dead",
        }
        self.world.put("QueueConsumer", "c", consumer)
        self.store = QueueStore(folder / "queues.sqlite")
        self.broker = Broker(self.world, self.store, self._deliver, now_ms=self.now)

    def now(self) -> int:
        return next(self.ticks) + self.shift

    async def _deliver(self, worker: str, batch: Json) -> Json:
        assert worker == "jobs"
        self.batches.append(batch)
        return self.handle(batch)

    def bodies(self) -> list[list[Any]]:
        return [[one["body"] for one in batch["messages"]] for batch in self.batches]

    def depth(self, queue: str) -> tuple[int, int, int]:
        one = next(each for each in self.broker.describe() if each["queue"] == queue)
        return one["visible"], one["delayed"], one["in_flight"]

    def send(self, *bodies: Any, **options: Any) -> None:
        self.broker.send("work", [{"body": body, **options} for body in bodies])

    async def until(self, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE):
            while not reached():
                # A loop that waits looks again when it is woken.
                self.broker.follow()
                await asyncio.sleep(0.005)


def run(folder: Path, handle: Handler, test: Callable[[Scene], Awaitable[None]], **settings: Any):
    async def body() -> None:
        scene = Scene(folder, handle, **settings)
        scene.broker.follow()
        try:
            await test(scene)
        finally:
            await scene.broker.close()
            scene.store.close()

    asyncio.run(body())


def test_messages_are_delivered_in_batches_and_acknowledged(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        scene.send(1, {"two": 2}, "three")
        await scene.until(lambda: scene.depth("work") == (0, 0, 0))
        assert scene.bodies() == [[1, {"two": 2}], ["three"]]
        assert [one["attempts"] for one in scene.batches[0]["messages"]] == [1, 1]

    run(tmp_path, lambda _: OK, test)


def test_a_failed_handler_retries_the_whole_batch_and_then_buries_it(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        scene.send("a", "b")
        await scene.until(lambda: scene.depth("dead") == (2, 0, 0))
        assert scene.depth("work") == (0, 0, 0)
        attempts = [batch["messages"][0]["attempts"] for batch in scene.batches]
        assert attempts == [1, 2, 3]

    run(tmp_path, lambda _: {"outcome": "exception", "error": "boom"}, test)


def test_without_a_dead_letter_queue_a_message_is_dropped_after_its_retries(
    tmp_path: Path,
) -> None:
    async def test(scene: Scene) -> None:
        consumer = scene.world.get("QueueConsumer", "c")
        assert consumer is not None
        del consumer["deadLetterQueue"]
        scene.send("a")
        await scene.until(lambda: scene.depth("work") == (0, 0, 0))
        assert len(scene.batches) == 3
        assert scene.depth("dead") == (0, 0, 0)

    run(tmp_path, lambda _: {"outcome": "exception"}, test)


def test_one_message_of_a_batch_is_retried_and_the_other_is_done(tmp_path: Path) -> None:
    def handle(batch: Json) -> Json:
        retried = [
            {"msgId": one["id"]}
            for one in batch["messages"]
            if one["body"] == "again" and one["attempts"] == 1
        ]
        return {"outcome": "ok", "retryMessages": retried}

    async def test(scene: Scene) -> None:
        scene.send("again", "once")
        await scene.until(lambda: scene.depth("work") == (0, 0, 0))
        assert scene.bodies() == [["again", "once"], ["again"]]

    run(tmp_path, handle, test)


def test_an_explicit_acknowledgement_counts_even_when_the_handler_fails(tmp_path: Path) -> None:
    def handle(batch: Json) -> Json:
        done = [one["id"] for one in batch["messages"] if one["body"] == "done"]
        return {"outcome": "exception", "explicitAcks": done}

    async def test(scene: Scene) -> None:
        scene.send("done", "failed")
        await scene.until(lambda: scene.depth("dead") == (1, 0, 0))
        assert scene.bodies() == [["done", "failed"], ["failed"], ["failed"]]

    run(tmp_path, handle, test)


def test_a_batch_retry_with_a_delay_comes_back_after_it(tmp_path: Path) -> None:
    def handle(batch: Json) -> Json:
        first = batch["messages"][0]["attempts"] == 1
        return {"outcome": "ok", "retryBatch": {"retry": first, "delaySeconds": 60}}

    async def test(scene: Scene) -> None:
        scene.send("a")
        await scene.until(lambda: scene.depth("work") == (0, 1, 0))
        assert len(scene.batches) == 1
        scene.shift += 61_000
        await scene.until(lambda: scene.depth("work") == (0, 0, 0))
        assert len(scene.batches) == 2

    run(tmp_path, handle, test)


def test_a_delayed_message_waits_and_others_pass_it(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        scene.send("late", delay_seconds=60)
        scene.send("now")
        await scene.until(lambda: scene.bodies() == [["now"]])
        assert scene.depth("work") == (0, 1, 0)
        scene.shift += 61_000
        await scene.until(lambda: scene.bodies() == [["now"], ["late"]])

    run(tmp_path, lambda _: OK, test)


def test_a_batch_waits_until_it_is_full_or_its_time_is_over(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        scene.send("first")
        for _ in range(5):
            scene.broker.follow()
            await asyncio.sleep(0)
        assert scene.batches == []
        scene.send("second")
        await scene.until(lambda: scene.bodies() == [["first", "second"]])
        scene.send("alone")
        scene.shift += 10_000_000
        await scene.until(lambda: scene.bodies()[1:] == [["alone"]])

    run(tmp_path, lambda _: OK, test, maxWaitTimeMs=9_000_000)


def test_a_delivery_that_reached_nobody_costs_no_attempt(tmp_path: Path) -> None:
    failures = iter([True, True, True, True])

    def handle(_: Json) -> Json:
        if next(failures, False):
            raise DataPlaneError("workerd does not answer")
        return OK

    async def test(scene: Scene) -> None:
        scene.send("a")
        for count in range(1, 5):
            await scene.until(lambda count=count: len(scene.batches) == count)
            scene.shift += 2_000
        await scene.until(lambda: scene.depth("work") == (0, 0, 0))
        assert [one["messages"][0]["attempts"] for one in scene.batches] == [1] * 5

    run(tmp_path, handle, test)


def test_a_delivery_that_broke_the_worker_costs_an_attempt(tmp_path: Path) -> None:
    def handle(_: Json) -> Json:
        raise DataPlaneError("the Worker exceeded its memory", 500)

    async def test(scene: Scene) -> None:
        scene.send("a")
        await scene.until(lambda: scene.depth("dead") == (1, 0, 0))
        assert len(scene.batches) == 3

    run(tmp_path, handle, test)


def test_a_pause_lets_the_delivery_end_and_starts_no_other(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        await scene.broker.pause()
        scene.send("a")
        for _ in range(10):
            scene.broker.follow()
            await asyncio.sleep(0)
        assert scene.batches == []
        scene.broker.resume()
        await scene.until(lambda: scene.bodies() == [["a"]])

    run(tmp_path, lambda _: OK, test)


def test_what_was_being_handled_at_a_kill_is_delivered_again(tmp_path: Path) -> None:
    store = QueueStore(tmp_path / "queues.sqlite")
    store.add("work", [('"a"', 0)], 1)
    assert [one.deliveries for one in store.take("work", 10, 2)] == [1]
    assert store.take("work", 10, 2) == []
    store.close()

    async def test(scene: Scene) -> None:
        await scene.until(lambda: scene.bodies() == [["a"]])
        assert scene.batches[0]["messages"][0]["attempts"] == 2

    run(tmp_path, lambda _: OK, test)


def test_messages_past_their_retention_go_unread(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        queue = scene.world.get("Queue", "work")
        assert queue is not None
        queue["settings"] = {"messageRetentionPeriod": 60, "deliveryPaused": True}
        scene.send("old")
        scene.shift += 61_000
        await scene.until(lambda: scene.depth("work") == (0, 0, 0))
        assert scene.batches == []

    run(tmp_path, lambda _: OK, test)


def test_messages_of_a_deleted_queue_go_and_an_unknown_queue_is_refused(tmp_path: Path) -> None:
    async def test(scene: Scene) -> None:
        scene.broker.send("dead", [{"body": "a"}])
        scene.world.remove("Queue", "dead")
        scene.broker.follow()
        assert scene.store.depth("dead", scene.now()).visible == 0
        with pytest.raises(UnknownQueueError):
            scene.broker.send("dead", [{"body": "a"}])

    run(tmp_path, lambda _: OK, test)
