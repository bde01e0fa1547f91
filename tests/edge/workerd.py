"""The real edge Worker in workerd, over R2 and D1 there; every call of theirs is counted."""

import base64
import http.client
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from functions.adapters.local.records import MIGRATIONS
from functions.core.times import parse_http_date
from infra.bundle import collect
from tests.edge import site
from tests.edge.site import Answer
from tests.local.s3_client import WRITER, boto_client, token
from tests.local.workerd_host import CHECKOUT, Json, WorkerdHost, write_pack

DATABASE = "edge"
ROLES = {"PACKAGES": site.PACKAGES, "ASSETS": site.ASSETS}
NAMES = {"get": "get", "head": "head", "all": "sql", "batch": "sql"}


def a_value(name: str, text: str) -> Json:
    return {"name": name, "type": "plain_text", "text": text}


def bindings() -> list[Json]:
    keys = site.DOWNLOAD_KEYS
    encoded = {name: base64.b64encode(key).decode() for name, key in keys.keys.items()}
    repositories = {
        f"REPOSITORY_{bucket.upper().replace('-', '_')}": bucket
        for bucket in (site.REPOSITORIES, site.MORE)
    }
    return [
        *(
            {"name": name, "type": "r2_bucket", "bucket_name": bucket}
            for name, bucket in (ROLES | repositories).items()
        ),
        {"name": "DB", "type": "d1", "id": DATABASE},
        a_value("CDN_HOST", site.CDN),
        a_value("PLATFORM_ZONE", site.ZONE),
        a_value("REPOSITORY_BUCKETS", json.dumps([site.REPOSITORIES, site.MORE])),
        a_value("DOWNLOAD_KEYS", json.dumps({"current": keys.current, "keys": encoded})),
    ]


def edge_worker(folder: Path) -> Json:
    """As infra bundles it."""
    bundle = collect(CHECKOUT, "edge")
    pack = folder / "packs" / "edge" / "pack"
    write_pack(pack, {module.name: module.source.read_bytes() for module in bundle.modules})
    return {
        "name": "edge",
        "main_module": bundle.main_module,
        "pack": str(pack),
        "compatibility_date": "2026-09-15",
        "compatibility_flags": ["python_workers", "python_workers_314"],
        "bindings": bindings(),
    }


class WorkerdEdge:
    """Requests go out by http.client over one socket each: no library adds, merges or decodes
    anything."""

    def __init__(self, folder: Path) -> None:
        self.host = WorkerdHost(folder)
        try:
            self.host.apply(
                workers=[edge_worker(folder)],
                routes=[{"pattern": "*/*", "script": "edge"}],
                buckets=list(site.BUCKETS),
                databases=[DATABASE],
                s3={
                    "region": "auto",
                    "tokens": [token(WRITER, [*site.BUCKETS], "write")],
                    "cors": {},
                },
                faults=True,
            )
            self._fill()
            warmed = self.host.admin("POST", "/workers/edge/warm", {})
            assert warmed.status == 200, warmed.text
        except BaseException:
            self.host.close()
            raise

    def _fill(self) -> None:
        for migration in sorted(MIGRATIONS.glob("*.sql")):
            self.query(migration.read_text(encoding="utf-8"))
        for statement in site.statements():
            self.query(statement.sql, *statement.parameters)
        for (bucket, key), content in site.OBJECTS.items():
            self.put(bucket, key, content)
        # The second in which everything was stored is over.
        time.sleep(1)

    def query(self, sql: str, *parameters: object) -> list[Json]:
        body: Json = {"sql": sql, **({"params": list(parameters)} if parameters else {})}
        answer = self.host.admin("POST", f"/d1/{DATABASE}/query", body)
        assert answer.status == 200, answer.text
        return answer.json()["result"][0]["results"]

    def put(self, bucket: str, key: str, content: bytes) -> None:
        client: Any = boto_client(self.host)
        client.put_object(Bucket=bucket, Key=key, Body=content, ContentType="x/stored")
        client.close()

    def ask(self, host: str, method: str, target: str, headers: Mapping[str, str]) -> Answer:
        self.host.daemon.posts.clear()
        connection = http.client.HTTPConnection("127.0.0.1", self.host.ports["edge"], timeout=60)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in {"host": host, **headers}.items():
                connection.putheader(name, value)
            connection.endheaders()
            response = connection.getresponse()
            body = response.read()
            said = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, said, body, self.calls())
        finally:
            connection.close()

    def calls(self) -> tuple[str, ...]:
        asked = [body for path, _, body in self.host.daemon.posts if path == "/_faults/next"]
        return tuple(NAMES.get(call["method"]) or str(call["method"]) for call in asked)

    def modified_ms(self) -> int:
        answer = self.ask(site.ONE, "HEAD", site.INDEX, {})
        modified = parse_http_date(answer.headers["last-modified"], self.now_ms())
        assert modified is not None
        return modified

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def close(self) -> None:
        self.host.close()
