"""The jobs Worker: queues and schedule. It has no route; only its bindings reach it."""

import json
from dataclasses import dataclass
from typing import Any

import js
from workers import WorkerEntrypoint, python_to_rpc

from functions.adapters.cloudflare.javascript import js_object
from functions.entrypoints.cloudflare.compose.jobs import jobs
from functions.entrypoints.cloudflare.console import log_to_console
from functions.entrypoints.job_queue import consume
from functions.entrypoints.job_schedule import tick

log_to_console()


@dataclass(frozen=True, slots=True)
class NativeDelivery:
    message: Any

    @property
    def id(self) -> str:
        return str(self.message.id)

    @property
    def attempts(self) -> int:
        return int(self.message.attempts)

    def body(self) -> object:
        # A body that is `undefined` has no JSON text.
        return json.loads(js.JSON.stringify(self.message.body) or "null")

    def ack(self) -> None:
        self.message.ack()

    def retry(self, delay_seconds: int) -> None:
        self.message.retry(js_object({"delaySeconds": delay_seconds}))


class Default(WorkerEntrypoint):
    async def queue(self, batch: Any, *_: object) -> None:
        native = python_to_rpc(batch)
        deliveries = [NativeDelivery(message) for message in native.messages]
        await consume(deliveries, jobs(self.env).handler(str(native.queue)))

    async def scheduled(self, *_: object) -> None:
        await tick(jobs(self.env))
