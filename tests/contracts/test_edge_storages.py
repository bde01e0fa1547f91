"""The edge Worker itself, as it is bundled, on storages that its settings choose: an S3-compatible
server alone, and one with R2 to fall back to."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from functions import settings
from functions.adapters.s3.bucket import ORIGIN_HEADER, S3Bucket
from functions.adapters.s3.store import S3ObjectStore
from functions.core.catalog import Icon
from functions.core.sigv4 import Credentials
from functions.core.storages import PROFILES
from infra import bundle
from tests.contracts.object_store import put, run
from tests.contracts.proxy import Fault, Proxy
from tests.contracts.s3_buckets import connection_to
from tests.contracts.versitygw import REGION, Versitygw
from tests.local.s3_client import WRITER, endpoint, token
from tests.local.workerd_host import CHECKOUT, Answer, Json, WorkerdHost, write_pack

pytestmark = [pytest.mark.cloud, pytest.mark.xdist_group("edge in workerd")]

ORIGIN_SECRET = "origin-secret-of-this-test"
BUCKETS = ("test-packages", "test-assets", "test-repositories")
PATH = f"/{Icon('org.example.app', 64).key}"
CONTENT = bytes(range(256)) * 1000


@dataclass
class Edges:
    """Two of them: `alone` on the server, `moving` from R2 to it."""

    host: WorkerdHost
    proxy: Proxy
    server: S3Bucket
    """The assets there."""
    r2: S3Bucket
    """The assets in R2."""

    def ask(self, edge: str, path: str, method: str = "GET", **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.host.request(
            "edge", method, path, headers={"host": f"{edge}.stowage.test", **named}
        )

    def put(self, bucket: S3Bucket, path: str, content: bytes) -> None:
        store = S3ObjectStore(connection_to(bucket))
        run(put(store, path.removeprefix("/"), content, create_only=False))


def an_edge(folder: Path, name: str, variables: dict[str, str]) -> Json:
    """A Worker of the HostConfig with exactly the modules that would be uploaded."""
    made = bundle.collect(CHECKOUT, "edge")
    pack = folder / "packs" / name / "pack"
    write_pack(pack, {module.name: module.source.read_bytes() for module in made.modules})
    bindings: list[Json] = [
        {"name": settings.DATABASE, "type": "d1", "id": "test"},
        *({"name": key, "type": "plain_text", "text": text} for key, text in variables.items()),
    ]
    if name == "moving":
        names = (settings.PACKAGES, settings.ASSETS, settings.repository_binding(BUCKETS[2]))
        bindings += [
            {"name": binding, "type": "r2_bucket", "bucket_name": bucket}
            for binding, bucket in zip(names, BUCKETS, strict=True)
        ]
    return {
        "name": name,
        "main_module": made.main_module,
        "pack": str(pack),
        "compatibility_date": "2026-09-15",
        "compatibility_flags": ["python_workers", "python_workers_314"],
        "bindings": bindings,
    }


@pytest.fixture(scope="module")
def edges(tmp_path_factory: pytest.TempPathFactory, gateway: Versitygw) -> Iterator[Edges]:
    proxy = Proxy(gateway.endpoint)
    folder = tmp_path_factory.mktemp("edges")
    host = WorkerdHost(folder)
    try:
        physical = {bucket: gateway.new_bucket() for bucket in BUCKETS}
        server = {
            "endpoint": proxy.endpoint,
            "region": REGION,
            "origin_secret": True,
            "buckets": physical,
        }
        key = base64.b64encode(bytes(32)).decode()
        variables = {
            settings.PLATFORM_ZONE: "zone.test",
            settings.PACKAGES_BUCKET: BUCKETS[0],
            settings.ASSETS_BUCKET: BUCKETS[1],
            settings.REPOSITORY_BUCKETS: json.dumps(BUCKETS[2:]),
            settings.DOWNLOAD_KEYS: json.dumps({"current": "a", "keys": {"a": key}}),
            settings.STORAGE_KEYS: json.dumps(
                {
                    "minio": {
                        "access_key_id": gateway.credentials.access_key_id,
                        "secret_access_key": gateway.credentials.secret_access_key,
                    }
                }
            ),
            settings.STORAGE_ORIGIN_SECRET: ORIGIN_SECRET,
        }
        workers = [
            an_edge(
                folder,
                name,
                variables
                | {
                    settings.CDN_HOST: f"{name}.stowage.test",
                    settings.STORAGE: json.dumps(
                        {"active": "minio", "fallback": fallback, "servers": {"minio": server}}
                    ),
                },
            )
            for name, fallback in (("alone", None), ("moving", "r2"))
        ]
        host.apply(
            workers=workers,
            routes=[
                {"pattern": f"{worker['name']}.stowage.test/*", "script": worker["name"]}
                for worker in workers
            ],
            buckets=list(BUCKETS),
            databases=["test"],
            s3={"region": "auto", "tokens": [token(WRITER, [BUCKETS[1]], "write")], "cors": {}},
        )
        assets = S3Bucket(
            PROFILES["minio"], gateway.endpoint, REGION, physical[BUCKETS[1]], gateway.credentials
        )
        writer = Credentials(str(WRITER.access_key), str(WRITER.secret_key))
        r2 = S3Bucket(PROFILES["r2"], endpoint(host), "auto", BUCKETS[1], writer)
        yield Edges(host, proxy, assets, r2)
    finally:
        host.close()
        proxy.close()


@pytest.mark.parametrize("edge", ["alone", "moving"])
def test_an_object_is_served_from_the_server(edges: Edges, edge: str) -> None:
    edges.put(edges.server, PATH, CONTENT)
    whole = edges.ask(edge, PATH)
    assert (whole.status, whole.body) == (200, CONTENT)
    assert whole.headers["content-length"] == str(len(CONTENT))
    assert whole.headers["content-type"] == "image/png"
    head = edges.ask(edge, PATH, "HEAD")
    assert (head.status, head.headers["content-length"]) == (200, str(len(CONTENT)))
    part = edges.ask(edge, PATH, range="bytes=1000-1003")
    assert (part.status, part.body) == (206, CONTENT[1000:1004])
    assert part.headers["content-range"] == f"bytes 1000-1003/{len(CONTENT)}"
    assert edges.ask(edge, PATH, range="bytes=999999-").status == 416
    known = edges.ask(edge, PATH, if_none_match=f'"other", {whole.headers["etag"]}')
    assert (known.status, known.body) == (304, b"")
    assert edges.ask(edge, "/assets/org.example.none/icon-64.png").status == 404


def test_an_empty_object_is_served(edges: Edges) -> None:
    path = PATH.replace("64", "32")
    edges.put(edges.server, path, b"")
    answer = edges.ask("alone", path)
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "0")


def test_what_has_not_moved_yet_is_served_from_r2(edges: Edges) -> None:
    path = PATH.replace("64", "128")
    edges.put(edges.r2, path, b"in R2")
    assert edges.ask("moving", path).body == b"in R2"
    assert edges.ask("moving", path, range="bytes=3-").body == b"R2"
    assert edges.ask("alone", path).status == 404
    edges.put(edges.server, path, b"moved")
    assert edges.ask("moving", path).body == b"moved"


def test_every_request_to_the_server_carries_the_origin_secret(edges: Edges) -> None:
    before = len(edges.proxy.heads)
    edges.put(edges.server, PATH, CONTENT)
    edges.ask("alone", PATH)
    edges.ask("alone", PATH, "HEAD")
    heads = edges.proxy.heads[before:]
    assert len(heads) == 2
    assert {head.headers[ORIGIN_HEADER] for head in heads} == {ORIGIN_SECRET}
    assert {head.headers["accept-encoding"] for head in heads} == {"identity"}


def test_a_server_that_refuses_is_unavailable_and_tells_no_secret(edges: Edges) -> None:
    edges.proxy.script = [Fault.INTERNAL_ERROR] * 4
    answer = edges.ask("alone", PATH)
    assert answer.status == 503
    assert ORIGIN_SECRET not in answer.text
    assert ORIGIN_SECRET not in edges.host.log()
