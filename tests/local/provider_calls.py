"""The provider without the engine and without workerd: calls as the engine makes them."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.blobs import Blobs
from local.provider.engine import EngineCalls
from local.provider.property_values import secret
from local.provider.schema import Schema
from local.world import World

ACCOUNT = "0123456789abcdef0123456789abcdef"
ZONE = "fedcba9876543210fedcba9876543210"
Json = dict[str, Any]


@dataclass
class Made:
    """A resource as the engine's state holds it."""

    kind: str
    id: str
    inputs: Json
    outputs: Json


@dataclass
class Calls:
    """Engine calls on a world of its own."""

    folder: Path
    schema: Schema
    full_buckets: set[str] = field(default_factory=set[str])

    def __post_init__(self) -> None:
        self.project = self.folder / "project"
        (self.project / "modules").mkdir(parents=True)
        self.module("entry.py", "greeting = 'hello'")
        blobs = self.folder / "blobs"
        blobs.mkdir()
        self.world = World(self.folder / "world.json")
        self.blobs = Blobs(blobs)
        self.calls = EngineCalls(self.world, self.blobs, self._schema, self._is_empty)

    async def _schema(self) -> Schema:
        return self.schema

    async def _is_empty(self, bucket: str) -> bool:
        return bucket not in self.full_buckets

    def module(self, name: str, text: str) -> None:
        (self.project / "modules" / name).write_text(text)

    def serve(self, method: str, kind: str, **request: Any) -> Json:
        common = {"type": f"cloudflare:index/x:{kind}", "project": str(self.project)}
        return asyncio.run(self.calls.serve(method, common | request))

    def check(self, kind: str, /, **inputs: Any) -> dict[str, str]:
        """Reasons by property."""
        answer = self.serve("check", kind, news=inputs, olds={})
        return {one["property"]: one["reason"] for one in answer["failures"]}

    def create(self, kind: str, /, **inputs: Any) -> Made:
        assert not self.check(kind, **inputs)
        answer = self.serve("create", kind, properties=inputs, preview=False)
        return Made(kind, answer["id"], inputs, answer["properties"])

    def preview(self, kind: str, /, **inputs: Any) -> Json:
        return self.serve("create", kind, properties=inputs, preview=True)["properties"]

    def diff(self, made: Made, **changes: Any) -> tuple[list[str], list[str]]:
        """(changed, replacing) of a program with these changes."""
        return self.plan(made, made.inputs | changes)

    def plan(self, known: Made, news: Json) -> tuple[list[str], list[str]]:
        """(changed, replacing) of a program that says `news`."""
        answer = self.serve(
            "diff",
            known.kind,
            id=known.id,
            olds=known.outputs,
            old_inputs=known.inputs,
            news=news,
        )
        return answer["changed"], answer["replaces"]

    def update(self, made: Made, **changes: Any) -> Made:
        news = made.inputs | changes
        answer = self.serve(
            "update", made.kind, id=made.id, olds=made.outputs, news=news, preview=False
        )
        return Made(made.kind, made.id, news, answer["properties"])

    def read(self, made: Made) -> Made | None:
        answer = self.serve(
            "read", made.kind, id=made.id, properties=made.outputs, inputs=made.inputs
        )
        if not answer["id"]:
            return None
        return Made(made.kind, answer["id"], answer["inputs"], answer["properties"])

    def imported(self, kind: str, import_id: str) -> Made | None:
        answer = self.serve("read", kind, id=import_id, properties={}, inputs={})
        if not answer["id"]:
            return None
        return Made(kind, answer["id"], answer["inputs"], answer["properties"])

    def delete(self, made: Made) -> list[str]:
        """Gives the warnings."""
        answer = self.serve("delete", made.kind, id=made.id, properties=made.outputs)
        return answer["warnings"]

    def bucket(self, name: str = "objects", **inputs: Any) -> Made:
        return self.create("R2Bucket", accountId=ACCOUNT, name=name, **inputs)

    def queue(self, name: str = "work", **inputs: Any) -> Made:
        return self.create("Queue", accountId=ACCOUNT, queueName=name, **inputs)

    def worker(self, name: str = "sample", **inputs: Any) -> Made:
        return self.create("Worker", accountId=ACCOUNT, name=name, **inputs)

    def version_inputs(self, worker: Made, **inputs: Any) -> Json:
        return {
            "accountId": ACCOUNT,
            "workerId": worker.id,
            "mainModule": "entry.py",
            "compatibilityDate": "2026-09-15",
            "compatibilityFlags": ["python_workers", "python_workers_314"],
            "modules": [
                {
                    "name": "entry.py",
                    "contentType": "text/x-python",
                    "contentFile": "modules/entry.py",
                }
            ],
            "bindings": [],
        } | inputs

    def version(self, worker: Made, **inputs: Any) -> Made:
        return self.create("WorkerVersion", **self.version_inputs(worker, **inputs))

    def deploy(self, worker: Made, version: Made) -> Made:
        return self.create(
            "WorkersDeployment",
            accountId=ACCOUNT,
            scriptName=worker.inputs["name"],
            strategy="percentage",
            versions=[{"versionId": version.id, "percentage": 100}],
        )

    def deployed(self, name: str = "sample", **inputs: Any) -> Made:
        """A Worker with a deployed version."""
        worker = self.worker(name)
        self.deploy(worker, self.version(worker, **inputs))
        return worker


__all__ = ["ACCOUNT", "ZONE", "Calls", "Json", "Made", "secret"]
