"""Delivers queued messages to the Workers that consume them.

Rules, as Cloudflare Queues has them:
1. A batch goes out when it is full or its first message has waited the consumer's maximum.
2. A message that is neither acknowledged nor retried explicitly follows the batch: acknowledged
   when
   the handler succeeds, retried when it fails.
3. After `maxRetries` retries a message goes to the dead letter queue, or is dropped without one.
4. Delivery is at least once: a batch whose outcome is not known is delivered again.

One batch of a queue is handled at a time.
"""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

from local.data_plane import DataPlaneError
from local.queue_store import Message, QueueStore
from local.world import Item, World

# Cloudflare's defaults: developers.cloudflare.com/queues/configuration/configure-queues
_BATCH_SIZE, _WAIT_MS, _RETRIES = 10, 5_000, 3
_RETENTION_SECONDS = 345_600
_IDLE_SECONDS = 5.0
_UNREACHABLE_MS = 1_000
_DRAIN_SECONDS = 15.0
_SERVER_ERROR = 500

Json = dict[str, Any]
Deliver = Callable[[str, Json], Awaitable[Json]]
log = logging.getLogger(__name__)


class UnknownQueueError(Exception):
    """A message for a queue that does not exist."""


@dataclass(frozen=True, slots=True)
class _Consumer:
    queue: str
    worker: str
    batch_size: int
    wait_ms: int
    retries: int
    retry_delay_ms: int
    dead_letters: str | None


class Broker:
    """Runs one loop for each queue of the world; `follow` starts and ends them as queues change."""

    def __init__(
        self,
        world: World,
        store: QueueStore,
        deliver: Deliver,
        can_deliver: Callable[[str], bool] = lambda _worker: True,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        """`deliver` gives a batch to a Worker; `can_deliver` says whether that Worker is up."""
        self._world = world
        self._store = store
        self._deliver = deliver
        self._can_deliver = can_deliver
        self._now = now_ms
        self._loops: dict[str, asyncio.Task[None]] = {}
        self._wakes: dict[str, asyncio.Event] = {}
        self._open = asyncio.Event()
        self._open.set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._delivering = 0

    def send(self, queue: str, messages: list[Json]) -> None:
        """Stores messages (`{body, delay_seconds?}`), all or none.

        Raises:
            UnknownQueueError: there is no such queue.
        """
        found = self._world.find("Queue", queueName=queue)
        if found is None:
            raise UnknownQueueError(queue)
        usual = found["settings"].get("deliveryDelay") or 0
        rows = [
            (
                json.dumps(message.get("body")),
                int(1000 * message.get("delay_seconds", usual)),
            )
            for message in messages
        ]
        self._store.add(queue, rows, self._now())
        self._wake(queue)

    def follow(self) -> None:
        """Brings the loops to the world's queues. Messages of deleted queues go."""
        names = {str(queue["queueName"]) for queue in self._world.all("Queue")}
        for name in list(self._loops):
            if name not in names:
                self._loops.pop(name).cancel()
        self._store.forget_other_queues(names)
        for name in names:
            if name not in self._loops:
                self._wakes[name] = asyncio.Event()
                self._loops[name] = asyncio.create_task(self._run(name))
            self._wake(name)

    async def pause(self) -> None:
        """Starts no more deliveries and waits (for a while) until those under way have ended."""
        self._open.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), _DRAIN_SECONDS)

    def resume(self) -> None:
        self._open.set()
        for name in self._loops:
            self._wake(name)

    async def close(self) -> None:
        """Ends the loops. What is being handled is delivered again after the next start."""
        for task in self._loops.values():
            task.cancel()
        await asyncio.gather(*self._loops.values(), return_exceptions=True)
        self._loops.clear()

    def describe(self) -> list[Json]:
        """Each queue with its depth and consumer."""
        described: list[Json] = []
        for queue in self._world.all("Queue"):
            name = str(queue["queueName"])
            depth, consumer = self._store.depth(name, self._now()), self._consumer(name)
            described.append(
                {
                    "queue": name,
                    "visible": depth.visible,
                    "delayed": depth.delayed,
                    "in_flight": depth.in_flight,
                    "consumer": consumer.worker if consumer else None,
                    "dead_letter_queue": consumer.dead_letters if consumer else None,
                }
            )
        return described

    def _wake(self, queue: str) -> None:
        if queue in self._wakes:
            self._wakes[queue].set()

    async def _run(self, queue: str) -> None:
        while True:
            try:
                await self._open.wait()
                self._wakes[queue].clear()
                pause = await self._step(queue)
            except Exception:
                log.exception("queue %s: the dispatcher failed and goes on", queue)
                pause = _IDLE_SECONDS
            if pause > 0:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wakes[queue].wait(), pause)

    async def _step(self, queue: str) -> float:
        """Delivers one batch if one is due; gives the seconds until looking again."""
        now = self._now()
        self._expire(queue, now)
        consumer = self._consumer(queue)
        if consumer is None or not self._can_deliver(consumer.worker):
            return _IDLE_SECONDS
        count, first = self._store.waiting(queue, now)
        if first is None:
            return _IDLE_SECONDS
        if count < consumer.batch_size:
            due = first + consumer.wait_ms
            if due > now:
                return min((due - now) / 1000, _IDLE_SECONDS)
        await self._deliver_batch(consumer, self._store.take(queue, consumer.batch_size, now))
        return 0

    def _expire(self, queue: str, now: int) -> None:
        found = self._world.find("Queue", queueName=queue) or {"settings": {}}
        seconds = found["settings"].get("messageRetentionPeriod") or _RETENTION_SECONDS
        gone = self._store.expire(queue, now - int(1000 * seconds))
        if gone:
            log.warning("queue %s: %d messages outlived the retention period", queue, gone)

    def _consumer(self, queue: str) -> _Consumer | None:
        found = self._world.find("QueueConsumer", queueName=queue)
        owner = self._world.find("Queue", queueName=queue)
        if found is None or owner is None or owner["settings"].get("deliveryPaused"):
            return None
        settings = cast("Item", found.get("settings") or {})

        def setting(name: str, usual: int) -> int:
            value = settings.get(name)
            return usual if value is None else int(value)

        return _Consumer(
            queue,
            str(found["scriptName"]),
            setting("batchSize", _BATCH_SIZE),
            setting("maxWaitTimeMs", _WAIT_MS),
            setting("maxRetries", _RETRIES),
            1000 * setting("retryDelay", 0),
            cast("str | None", found.get("deadLetterQueue")),
        )

    async def _deliver_batch(self, consumer: _Consumer, batch: list[Message]) -> None:
        if not batch:
            return
        messages = [
            {
                "id": one.id,
                "timestamp": one.sent_at,
                "attempts": one.deliveries,
                "body": json.loads(one.body),
            }
            for one in batch
        ]
        self._delivering += 1
        self._idle.clear()
        try:
            outcome = await self._deliver(
                consumer.worker, {"queue": consumer.queue, "messages": messages}
            )
        except DataPlaneError as error:
            if error.status < _SERVER_ERROR:
                log.warning("queue %s: %s; delivered again later", consumer.queue, error)
                self._store.give_back([one.id for one in batch], self._now() + _UNREACHABLE_MS)
                return
            # The Worker was reached and broke; its message must not come back for ever.
            outcome = {"outcome": "exception", "error": str(error)}
        finally:
            self._delivering -= 1
            if not self._delivering:
                self._idle.set()
        self._settle(consumer, batch, outcome)

    def _settle(self, consumer: _Consumer, batch: list[Message], outcome: Json) -> None:
        """Acknowledges, retries or buries each message of a handled batch."""
        acknowledged = set(cast("list[str]", outcome.get("explicitAcks") or []))
        explicit = cast("list[Json]", outcome.get("retryMessages") or [])
        retried = {str(one["msgId"]): one for one in explicit}
        whole = cast("Json", outcome.get("retryBatch") or {})
        failed = outcome.get("outcome") != "ok"
        retry_rest = failed or (bool(whole.get("retry")) and not outcome.get("ackAll"))
        done: list[str] = []
        for message in batch:
            if message.id in acknowledged or not (retry_rest or message.id in retried):
                done.append(message.id)
                continue
            delay = retried.get(message.id, {}).get("delaySeconds", whole.get("delaySeconds"))
            delay_ms = consumer.retry_delay_ms if delay is None else int(1000 * delay)
            self._retry(consumer, message, delay_ms)
        self._store.acknowledge(done)
        if failed:
            log.warning(
                "queue %s: the handler of %s failed: %s",
                consumer.queue,
                consumer.worker,
                outcome.get("error") or outcome.get("outcome"),
            )

    def _retry(self, consumer: _Consumer, message: Message, delay_ms: int) -> None:
        if message.deliveries <= consumer.retries:
            self._store.retry(message.id, self._now() + delay_ms)
        elif consumer.dead_letters:
            self._store.move(message.id, consumer.dead_letters, self._now())
            self._wake(consumer.dead_letters)
        else:
            log.warning(
                "queue %s: message %s is dropped after %d deliveries (no dead letter queue)",
                consumer.queue,
                message.id,
                message.deliveries,
            )
            self._store.acknowledge([message.id])
