"""Workers, their deployments, schedules and routes."""

# A kind that needs less than its base class gives still has its signature.
# ruff: noqa: ARG002
import re
import uuid
from typing import ClassVar

from cronsim import CronSim, CronSimError

from local.deployed import deployed_workers, latest_deployment
from local.provider.kind import Kind, Refusal, Scene
from local.provider.schema import Item

_WORKER_NAME = re.compile(r"[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?")
_SAMPLING = {"enabled": False, "headSamplingRate": 1}


class Worker(Kind):
    name = "Worker"
    defaults: ClassVar[Item] = {
        "logpush": False,
        "tags": [],
        "tailConsumers": [],
        "subdomain": {"enabled": False, "previewsEnabled": False},
        "observability": {
            **_SAMPLING,
            "logs": {**_SAMPLING, "destinations": [], "invocationLogs": True, "persist": True},
            "traces": {**_SAMPLING, "destinations": [], "persist": True},
        },
    }

    def create(self, scene: Scene, inputs: Item) -> Item:
        self._refuse_name(scene, inputs["name"], None)
        now = scene.now()
        return self.filled(inputs) | {
            "_id": uuid.uuid4().hex,
            "createdOn": now,
            "updatedOn": now,
            "references": _references(scene, inputs["name"]),
        }

    def update(self, scene: Scene, item: Item, inputs: Item) -> Item:
        self._refuse_name(scene, inputs["name"], item["_id"])
        if inputs["name"] != item["name"]:
            _rename(scene, item["name"], inputs["name"])
        return self.merged(scene, item, inputs) | {"updatedOn": scene.now()}

    def _refuse_name(self, scene: Scene, name: str, own: str | None) -> None:
        if not _WORKER_NAME.fullmatch(name):
            raise Refusal(
                f"{name!r} is no Worker name: lower-case letters, digits, hyphens and underscores, "
                "63 at most.",
                400,
                10016,
            )
        other = scene.world.find(self.name, name=name)
        if other is not None and other["_id"] != own:
            raise Refusal(f"A Worker named {name} already exists.", 409, 10040)

    async def delete(self, scene: Scene, item: Item) -> None:
        references = _references(scene, item["name"])
        others = [one["name"] for one in references["workers"]]
        queues = [one["queueName"] for one in references["queues"]]
        if (others or queues) and not item.get("force"):
            reasons = [f"the Worker {one} is bound to it" for one in others]
            reasons += [f"it consumes the queue {one}" for one in queues]
            raise Refusal(
                f"The Worker {item['name']} cannot be deleted: {'; '.join(reasons)}.", 409, 10064
            )
        _remove_what_belongs(scene, item)

    def observed(self, scene: Scene, item: Item) -> Item:
        deployment = latest_deployment(scene.world, item["name"])
        return item | {
            "references": _references(scene, item["name"]),
            "deployedOn": deployment["createdOn"] if deployment else None,
        }


def _references(scene: Scene, name: str) -> Item:
    queues = [
        {
            "queueConsumerId": one["consumerId"],
            "queueId": one["queueId"],
            "queueName": one["queueName"],
        }
        for one in scene.world.all("QueueConsumer")
        if one.get("scriptName") == name
    ]
    workers = [
        {"id": other.worker["_id"], "name": other.name}
        for other in deployed_workers(scene.world)
        if other.name != name
        and any(one["type"] == "service" and one.get("service") == name for one in other.bindings)
    ]
    return {
        "dispatchNamespaceOutbounds": [],
        "domains": [],
        "durableObjects": [],
        "queues": queues,
        "workers": workers,
    }


def _rename(scene: Scene, old: str, new: str) -> None:
    for kind in ("WorkersDeployment", "QueueConsumer"):
        for one in scene.world.all(kind):
            if one.get("scriptName") == old:
                one["scriptName"] = new
    schedules = scene.world.get("WorkersCronTrigger", old)
    if schedules is not None:
        scene.world.remove("WorkersCronTrigger", old)
        scene.world.put("WorkersCronTrigger", new, schedules | {"scriptName": new})
    for route in scene.world.all("WorkersRoute"):
        if route.get("script") == old:
            route["script"] = new


def _remove_what_belongs(scene: Scene, worker: Item) -> None:
    world = scene.world
    for version in world.all("WorkerVersion"):
        if version["_worker"] == worker["_id"]:
            world.remove("WorkerVersion", version["_id"])
    for deployment in world.all("WorkersDeployment"):
        if deployment["scriptName"] == worker["name"]:
            world.remove("WorkersDeployment", deployment["_id"])
    world.remove("WorkersCronTrigger", worker["name"])
    scene.blobs.keep_only(
        digest for version in world.all("WorkerVersion") for digest in version["_content"].values()
    )


class WorkersDeployment(Kind):
    name = "WorkersDeployment"
    replaces = frozenset({"accountId", "scriptName", "strategy", "versions"})
    delete_warning = "Deleting a deployment sends nothing; it stays until its Worker goes."

    def create(self, scene: Scene, inputs: Item) -> Item:
        worker = scene.world.find("Worker", name=inputs["scriptName"])
        if worker is None:
            raise Refusal(f"The Worker {inputs['scriptName']} does not exist.", 404, 10007)
        versions = inputs["versions"]
        if len(versions) != 1 or versions[0]["percentage"] != 100:
            raise Refusal(
                "The local cloud deploys one version at 100 percent; gradual deployments are in "
                "the table of what is not emulated, local/README.md."
            )
        version = scene.world.get("WorkerVersion", versions[0]["versionId"])
        if version is None or version["_worker"] != worker["_id"]:
            raise Refusal(
                f"The Worker {worker['name']} has no version {versions[0]['versionId']}.",
                404,
                10212,
            )
        return self.filled(inputs) | {
            "_id": str(uuid.uuid4()),
            "createdOn": scene.now(),
            "source": "api",
            "authorEmail": "operator@stowage.test",
        }

    def update(self, scene: Scene, item: Item, inputs: Item) -> Item:
        # The provider's update sends nothing.
        return item | self.filled(inputs)


class WorkersCronTrigger(Kind):
    name = "WorkersCronTrigger"
    replaces = frozenset({"accountId", "scriptName"})
    unrefreshed = frozenset({"schedules"})
    key_property = "scriptName"
    id_property = "scriptName"
    delete_warning = "This resource cannot be destroyed from Pulumi; the schedules stay."

    def create(self, scene: Scene, inputs: Item) -> Item:
        return self.update(scene, {}, inputs)

    def update(self, scene: Scene, item: Item, inputs: Item) -> Item:
        if scene.world.find("Worker", name=inputs["scriptName"]) is None:
            raise Refusal(f"The Worker {inputs['scriptName']} does not exist.", 404, 10007)
        for schedule in inputs["schedules"]:
            try:
                CronSim(schedule["cron"], scene.clock())
            except CronSimError as error:
                raise Refusal(
                    f"invalid cron string: {schedule['cron']} ({error}).", 400, 10100
                ) from error
        return self.merged(scene, item, inputs)


class WorkersRoute(Kind):
    name = "WorkersRoute"
    replaces = frozenset({"zoneId"})

    def create(self, scene: Scene, inputs: Item) -> Item:
        self._checked(scene, inputs, None)
        return self.filled(inputs) | {"_id": uuid.uuid4().hex}

    def update(self, scene: Scene, item: Item, inputs: Item) -> Item:
        self._checked(scene, inputs, item["_id"])
        return self.merged(scene, item, inputs)

    def _checked(self, scene: Scene, inputs: Item, own: str | None) -> None:
        other = scene.world.find(self.name, zoneId=inputs["zoneId"], pattern=inputs["pattern"])
        if other is not None and other["_id"] != own:
            raise Refusal(
                f"A route with the same pattern already exists: {inputs['pattern']}.", 409, 10020
            )
        script = inputs.get("script")
        if script and scene.world.find("Worker", name=script) is None:
            raise Refusal(
                f"The Worker {script} of route {inputs['pattern']} does not exist.", 404, 10007
            )
