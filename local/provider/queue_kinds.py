"""Queues and their consumers."""

import uuid
from typing import ClassVar

from local.deployed import deployed_workers
from local.provider.kind import Kind, Refusal, Scene
from local.provider.schema import Item


class Queue(Kind):
    name = "Queue"
    # 4 days: developers.cloudflare.com/queues/platform/limits
    defaults: ClassVar[Item] = {
        "settings": {
            "deliveryDelay": 0,
            "deliveryPaused": False,
            "messageRetentionPeriod": 345_600,
        }
    }
    key_property = "queueId"
    id_property = "queueId"

    def create(self, scene: Scene, inputs: Item) -> Item:
        self._refuse_taken(scene, inputs["queueName"], None)
        now = scene.now()
        return self.filled(inputs) | {
            "queueId": uuid.uuid4().hex,
            "createdOn": now,
            "modifiedOn": now,
            "consumers": [],
            "consumersTotalCount": 0,
            "producers": [],
            "producersTotalCount": 0,
        }

    def update(self, scene: Scene, item: Item, inputs: Item) -> Item:
        self._refuse_taken(scene, inputs["queueName"], item["queueId"])
        return self.merged(scene, item, inputs) | {"modifiedOn": scene.now()}

    def _refuse_taken(self, scene: Scene, name: str, own: str | None) -> None:
        other = scene.world.find(self.name, queueName=name)
        if other is not None and other["queueId"] != own:
            raise Refusal(f"Queue name '{name}' is already taken.", 409, 11009)

    async def delete(self, scene: Scene, item: Item) -> None:
        consumers = _consumers(scene, item)
        if consumers:
            raise Refusal(
                f"Queue {item['queueName']} still has {len(consumers)} consumer(s); delete them "
                "first.",
                409,
                11005,
            )

    def observed(self, scene: Scene, item: Item) -> Item:
        consumers = [
            {
                "consumerId": one["consumerId"],
                "createdOn": one["createdOn"],
                "deadLetterQueue": one.get("deadLetterQueue") or "",
                "queueName": item["queueName"],
                "scriptName": one.get("scriptName"),
                "settings": one.get("settings"),
                "type": one["type"],
            }
            for one in _consumers(scene, item)
        ]
        producers = [{"script": name, "type": "worker"} for name in _producers(scene, item)]
        return item | {
            "consumers": consumers,
            "consumersTotalCount": len(consumers),
            "producers": producers,
            "producersTotalCount": len(producers),
        }


class QueueConsumer(Kind):
    name = "QueueConsumer"
    replaces = frozenset({"accountId", "queueId"})
    defaults: ClassVar[Item] = {
        "settings": {"batchSize": 10, "maxRetries": 3, "maxWaitTimeMs": 5_000, "retryDelay": 0}
    }
    kept = frozenset({"scriptName", "settings"})
    unrefreshed = frozenset({"deadLetterQueue"})
    key_property = "consumerId"
    id_property = "accountId"

    def create(self, scene: Scene, inputs: Item) -> Item:
        queue = self._checked(scene, inputs)
        if _consumers(scene, queue):
            raise Refusal(
                f"Queue {queue['queueName']} already has a consumer; a queue has one at most.",
                400,
                11004,
            )
        return self.filled(inputs) | {
            "consumerId": uuid.uuid4().hex,
            "createdOn": scene.now(),
            "queueName": queue["queueName"],
        }

    def update(self, scene: Scene, item: Item, inputs: Item) -> Item:
        self._checked(scene, inputs)
        return self.merged(scene, item, inputs)

    def _checked(self, scene: Scene, inputs: Item) -> Item:
        if inputs["type"] != "worker":
            raise Refusal(
                f"The local cloud has no queue consumers of type {inputs['type']}; "
                "see the table in local/README.md."
            )
        queue = scene.world.get("Queue", inputs["queueId"])
        if queue is None:
            raise Refusal(f"Queue {inputs['queueId']} does not exist.", 404, 11000)
        script = inputs.get("scriptName")
        if not script or scene.world.find("Worker", name=script) is None:
            raise Refusal(f"The consumer's Worker {script} does not exist.", 404, 10007)
        dead = inputs.get("deadLetterQueue")
        if dead and scene.world.find("Queue", queueName=dead) is None:
            raise Refusal(f"The dead letter queue {dead} does not exist.", 404, 11000)
        return queue


def _consumers(scene: Scene, queue: Item) -> list[Item]:
    return [one for one in scene.world.all("QueueConsumer") if one["queueId"] == queue["queueId"]]


def _producers(scene: Scene, queue: Item) -> list[str]:
    """Workers whose deployed version is bound to the queue."""
    return sorted(
        worker.name
        for worker in deployed_workers(scene.world)
        if any(
            binding["type"] == "queue" and binding.get("queueName") == queue["queueName"]
            for binding in worker.bindings
        )
    )
