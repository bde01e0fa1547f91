"""A local cloud and an engine that remember what they were asked, for tests of the commands around
them."""

import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx

from cli.deployment_events import Journal
from cli.engine import Output, Run
from cli.failures import Failure
from cli.rest import AccountApi
from local.home import CloudHome

BUCKET_TYPE = "cloudflare:index/r2Bucket:R2Bucket"
NOTHING = Run({"same": 40})
CREATED = Run({"create": 2, "same": 1}, [{"op": "create", "type": "t", "name": "n", "urn": "u"}])


@dataclass
class FakeCloud:
    """In the place of local.client.Cloud."""

    home: CloudHome
    running: bool = False
    settled: list[Mapping[str, str] | None] = field(default_factory=list[Mapping[str, str] | None])
    stops: int = 0
    servers: list[str] = field(default_factory=list[str])
    """The S3 servers that run."""
    asked_for: list[list[str]] = field(default_factory=list[list[str]])

    def is_running(self) -> bool:
        return self.running

    def start(self) -> None:
        self.running = True

    def stop(self) -> None:
        self.stops += 1
        self.running = False

    def settle(self, entry_hosts: Mapping[str, str] | None = None) -> None:
        self.settled.append(entry_hosts)

    def status(self) -> dict[str, Any]:
        return {
            "running": True,
            "queues": [{"queue": "q", "visible": 0}],
            "storage": [{"server": one, "url": "http://127.0.0.1:9"} for one in self.servers],
        }

    def run_storage(self, servers: Sequence[str], binary: Path | str) -> None:
        self.servers = list(servers)
        self.asked_for.append(self.servers)

    def trigger_cron(self, worker: str | None = None) -> list[dict[str, Any]]:
        return [{"worker": worker or "jobs", "cron": "*/5 * * * *", "outcome": "ok"}]


@dataclass
class FakeEngine:
    """In the place of cli.engine.Engine."""

    config_file: Path
    result: Run = field(default_factory=lambda: CREATED)
    failure: str = ""
    steps: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    """What is done before the failure."""
    values: dict[str, Output] = field(default_factory=dict[str, Output])
    buckets: tuple[str, ...] = ()
    jurisdiction: str = "default"
    protected: tuple[str, ...] = ()
    """Those of the buckets that are protected."""
    done: list[str] = field(default_factory=list[str])
    program: object = None
    cli: object = None
    environment: Mapping[str, str] = field(default_factory=dict[str, str])

    def _do(self, what: str, journal: Journal) -> Run:
        self.done.append(what)
        journal.say(f"  {what} is under way")
        journal.steps.extend(self.steps)
        if self.failure:
            raise Failure(self.failure)
        return self.result

    def up(self, journal: Journal) -> Run:
        return self._do("up", journal)

    def preview(self, journal: Journal) -> Run:
        return self._do("preview", journal)

    def refresh(self, journal: Journal) -> Run:
        return self._do("refresh", journal)

    def destroy(self, journal: Journal) -> Run:
        return self._do("destroy", journal)

    def outputs(self) -> dict[str, Output]:
        return self.values

    def export_state(self) -> dict[str, object]:
        resources = [
            {
                "urn": f"urn:pulumi:dev::stowage::{BUCKET_TYPE}::storage-{name}",
                "type": BUCKET_TYPE,
                "outputs": {"name": name, "jurisdiction": self.jurisdiction},
                "protect": name in self.protected,
            }
            for name in self.buckets
        ]
        return {"version": 3, "deployment": {"resources": resources}}


@dataclass
class FakeBuckets:
    """The object list of the REST API over a dictionary."""

    objects: dict[str, list[str]]
    jurisdiction: str = "default"
    """Where all of them lie; elsewhere they are not found."""

    def api(self) -> AccountApi:
        transport = httpx.MockTransport(self._answer)
        return AccountApi("http://127.0.0.1:1/client/v4", "t", "a" * 32, "b" * 32, transport)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        _, _, rest = request.url.path.partition("/r2/buckets/")
        bucket, _, key = rest.partition("/objects")
        place = request.headers.get("cf-r2-jurisdiction", "default")
        if bucket not in self.objects or place != self.jurisdiction:
            return httpx.Response(404, json={"success": False})
        keys = self.objects[bucket]
        if request.method == "DELETE":
            keys.remove(key.removeprefix("/"))
            return httpx.Response(200, json={"success": True, "result": {}})
        start = int(request.url.params.get("cursor") or 0)
        page = keys[start : start + 2]
        more = str(start + 2) if start + 2 < len(keys) else ""
        return httpx.Response(
            200,
            json={
                "success": True,
                "result": [{"key": one} for one in page],
                "result_info": {"cursor": more, "is_truncated": bool(more)},
            },
        )


def document(text: str) -> dict[str, Any]:
    """The JSON document that a command wrote to stdout."""
    import json

    return cast("dict[str, Any]", json.loads(text))


def a_program(path: Path, body: str) -> Path:
    """A shell script that can be run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path
