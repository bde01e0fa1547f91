"""The real edge Worker in workerd, over R2 and D1 there; every call of theirs is counted."""

import base64
import http.client
import json
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from functions.adapters.local.records import MIGRATIONS
from functions.core.times import parse_http_date
from infra.bundle import collect
from tests.edge import site
from tests.edge.site import Answer
from tests.local.s3_client import WRITER, boto_client, token
from tests.local.workerd_host import CHECKOUT, Json, WorkerdHost, a_worker, write_pack

DATABASE = "edge"
AGEING = Path(__file__).with_name("ageing.py")
ROLES = {"PACKAGES": site.PACKAGES, "ASSETS": site.ASSETS}
RESERVED = ".stowage-cache/1"
DATA_CENTRES = ("ams", "sin")
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
        a_value("STORAGE", json.dumps({"active": "r2", "fallback": None, "servers": {}})),
        a_value("PACKAGES_BUCKET", site.PACKAGES),
        a_value("ASSETS_BUCKET", site.ASSETS),
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
                workers=[edge_worker(folder), a_worker(folder, "ageing", AGEING.read_text())],
                routes=[
                    {"pattern": "*/*", "script": "edge"},
                    {"pattern": "ageing.test/*", "script": "ageing"},
                ],
                buckets=list(site.BUCKETS),
                databases=[DATABASE],
                data_centres=list(DATA_CENTRES),
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

    def delete(self, bucket: str, key: str) -> None:
        answer = self.host.admin("DELETE", f"/r2/{bucket}/{quote(key, safe='')}")
        assert answer.status == 200, answer.text

    def ask(
        self,
        host: str,
        method: str,
        target: str,
        headers: Mapping[str, str],
        *,
        where: str = DATA_CENTRES[0],
    ) -> Answer:
        self.host.daemon.posts.clear()
        connection = http.client.HTTPConnection("127.0.0.1", self.host.ports["edge"], timeout=60)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            own = {"host": host, "x-stowage-data-centre": where}
            for name, value in {**own, **headers}.items():
                connection.putheader(name, value)
            connection.endheaders()
            response = connection.getresponse()
            body = response.read()
            said = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, said, body, self.calls())
        finally:
            connection.close()

    def leave(self, host: str, path: str) -> None:
        """Asks, reads the beginning of the answer and goes away."""
        request = f"GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n".encode()
        with socket.create_connection(("127.0.0.1", self.host.ports["edge"])) as connection:
            connection.sendall(request)
            assert connection.recv(100).startswith(b"HTTP/1.1 200 ")

    def publish(self) -> None:
        """The rows behind the package."""
        for statement in site.published():
            self.query(statement.sql, *statement.parameters)

    def pull(self) -> None:
        sql = "UPDATE version SET status = 'pulled', pulled_at = ? WHERE id = ?"
        self.query(sql, self.now_ms(), site.VERSION)

    def warm(self, host: str, path: str, *, where: str = DATA_CENTRES[0]) -> None:
        """Asks until the answer comes from the cache: what is stored behind an answer takes a
        moment."""
        for _ in range(100):
            answer = self.ask(host, "GET", path, {}, where=where)
            assert answer.status == 200
            if "get" not in answer.calls and "sql" not in answer.calls:
                return
            time.sleep(0.02)
        raise AssertionError(f"{host}{path} does not get warm")

    def ask_warm(
        self,
        host: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        *,
        method: str = "GET",
        where: str = DATA_CENTRES[0],
    ) -> Answer:
        """The answer of a warm cache. What counts for seconds can end just between getting warm and
        asking; then both are done again."""
        for _ in range(4):
            self.warm(host, path, where=where)
            answer = self.ask(host, method, path, headers or {}, where=where)
            if not answer.store and "sql" not in answer.calls:
                return answer
        raise AssertionError(f"{host}{path} does not stay warm")

    def know(self, host: str, path: str) -> None:
        """Asks in a new isolate, until the data centre's cache has where the host leads."""
        self.host.apply()
        self.warm(host, path)
        for _ in range(100):
            if self._age(f"hosts/{host}", 0, [f"host:{host}"]):
                return
            time.sleep(0.02)
        raise AssertionError(f"nothing is kept of {host}")

    def age_host(self, host: str, seconds: int) -> None:
        """What is kept of where a host leads was learnt so much earlier."""
        assert self._age(f"hosts/{host}", seconds, [f"host:{host}"])

    def age_object(self, host: str, path: str, seconds: int) -> None:
        """What is kept of a file of tenant one was compared with the store so much earlier."""
        self.warm(host, path)
        key = f"objects/repositories/{site.REPOSITORIES}/{site.LOCATION_ONE}{path}"
        assert self._age(key, seconds, [f"location:{site.LOCATION_ONE}"])

    def _age(self, key: str, seconds: int, tags: list[str]) -> bool:
        """Whether anything is kept there."""
        body = {
            "url": f"https://{site.CDN}/{RESERVED}/{key}",
            "milliseconds": seconds * 1000,
            "headers": ["content-length", "content-type", "cache-control"],
            "tags": tags,
        }
        sent = {"host": "ageing.test", "x-stowage-data-centre": DATA_CENTRES[0]}
        answer = self.host.request("edge", "POST", "/", json.dumps(body).encode(), sent)
        assert answer.status in (200, 404), answer.text
        return answer.status == 200

    def purge(self, **what: object) -> None:
        told: Json = {"at": time.time_ns() // 1_000_000, **what}
        # The daemon tells isolates that begin later.
        self.host.daemon.purges.append(told)
        assert self.host.admin("POST", "/caches/purge", told).status == 200

    def cool(self, host: str, path: str) -> None:
        """Purges until nothing is cached there, nor under way into the cache from an earlier
        request: what is being stored when a purge comes survives it."""
        cold = 0
        for _ in range(100):
            if cold == 0:
                self.purge(purge_everything=True)
            cold = cold + 1 if "head" in self.ask(host, "HEAD", path, {}).calls else 0
            if cold == 3:
                return
        raise AssertionError(f"{host}{path} does not get cold")

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
