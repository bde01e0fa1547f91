"""Which version of which Worker is deployed."""

from dataclasses import dataclass
from typing import Any, cast

from local.world import Item, World


@dataclass(frozen=True, slots=True)
class DeployedWorker:
    """A Worker with the version that its latest deployment names."""

    worker: Item
    version: Item

    @property
    def name(self) -> str:
        return cast("str", self.worker["name"])

    @property
    def version_id(self) -> str:
        return cast("str", self.version["_id"])

    @property
    def bindings(self) -> list[dict[str, Any]]:
        return cast("list[dict[str, Any]]", self.version.get("bindings") or [])


def deployed_workers(world: World) -> list[DeployedWorker]:
    """All Workers that were deployed at least once, oldest first."""
    found: list[DeployedWorker] = []
    for worker in world.all("Worker"):
        deployment = latest_deployment(world, worker["name"])
        if deployment is not None:
            version = world.get("WorkerVersion", deployment["versions"][0]["versionId"])
            if version is not None:
                found.append(DeployedWorker(worker, version))
    return found


def latest_deployment(world: World, script: str) -> Item | None:
    """The deployment made last; deleting one sends nothing, so older ones lie behind it."""
    deployments = [one for one in world.all("WorkersDeployment") if one["scriptName"] == script]
    return deployments[-1] if deployments else None
