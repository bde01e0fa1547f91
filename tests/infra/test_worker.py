from pathlib import Path

import pulumi_cloudflare as cloudflare
import pytest

from infra.bundle import collect
from infra.cloudflare.worker import (
    Binding,
    PythonWorker,
    PythonWorkerArgs,
    bucket_binding,
    database_binding,
    images_binding,
    queue_binding,
    secret,
    variable,
)
from tests.infra.engine import Engine, is_secret
from tests.infra.project import a_small_project

ACCOUNT = "7a" * 16


def a_worker(engine: Engine, project: Path, *, with_secret: bool = True) -> Engine:
    bundle = collect(a_small_project(project), "edge")

    def build() -> None:
        bucket = cloudflare.R2Bucket("bucket", account_id=ACCOUNT, name="packages")
        schema = cloudflare.D1Database("schema", account_id=ACCOUNT, name="stowage")
        PythonWorker(
            "edge",
            PythonWorkerArgs(
                account_id=ACCOUNT,
                script_name="stowage-dev-edge",
                bundle=bundle,
                bindings=[
                    variable("ZONE", "example.com"),
                    bucket_binding("PACKAGES", bucket.name, "default"),
                    database_binding("DB", schema.id),
                    *([secret("KEYS", "hush")] if with_secret else []),
                ],
                bound=[bucket],
                deploy_after=[schema],
            ),
        )

    return engine.run(build)


def test_it_is_a_worker_a_version_and_a_deployment(engine: Engine, tmp_path: Path) -> None:
    a_worker(engine, tmp_path)
    version = engine.one("WorkerVersion").inputs
    deployment = engine.one("WorkersDeployment").inputs
    assert engine.one("Worker").inputs["name"] == "stowage-dev-edge"
    assert version["workerId"] == "edge-id"
    assert version["mainModule"] == "edge.py"
    assert deployment["versions"] == [{"versionId": "edge-version-id", "percentage": 100}]
    assert deployment["strategy"] == "percentage"
    assert deployment["scriptName"] == "stowage-dev-edge"


def test_the_runtime_is_python_314_and_never_node(engine: Engine, tmp_path: Path) -> None:
    version = a_worker(engine, tmp_path).one("WorkerVersion").inputs
    assert version["compatibilityDate"] == "2026-09-15"
    assert version["compatibilityFlags"] == ["python_workers", "python_workers_314"]


def test_modules_are_files_relative_to_the_project(engine: Engine, tmp_path: Path) -> None:
    modules = a_worker(engine, tmp_path).one("WorkerVersion").inputs["modules"]
    assert {
        "name": "functions/core/rules.py",
        "contentType": "text/x-python",
        "contentFile": ".build/workers/edge/functions/core/rules.py",
    } in modules
    assert not any("contentBase64" in module for module in modules)
    assert str(tmp_path) not in repr(modules)
    assert modules == sorted(modules, key=lambda module: module["name"])


def test_bindings_come_in_the_order_of_their_names(engine: Engine, tmp_path: Path) -> None:
    bindings = a_worker(engine, tmp_path).one("WorkerVersion").inputs["bindings"]
    assert [(one["name"], one["type"]) for one in bindings] == [
        ("DB", "d1"),
        ("KEYS", "secret_text"),
        ("PACKAGES", "r2_bucket"),
        ("ZONE", "plain_text"),
    ]


def test_a_secret_binding_is_a_pulumi_secret_although_it_was_given_as_text(
    engine: Engine, tmp_path: Path
) -> None:
    assert is_secret(a_worker(engine, tmp_path).one("WorkerVersion").raw["bindings"])


def test_without_secrets_nothing_is_hidden(engine: Engine, tmp_path: Path) -> None:
    version = a_worker(engine, tmp_path, with_secret=False).one("WorkerVersion")
    assert not is_secret(version.raw["bindings"])


def test_it_is_reached_by_its_routes_only_and_watched(engine: Engine, tmp_path: Path) -> None:
    worker = a_worker(engine, tmp_path).one("Worker").inputs
    assert worker["subdomain"] == {"enabled": False, "previewsEnabled": False}
    assert worker["observability"]["enabled"] is True
    assert worker["observability"]["logs"]["enabled"] is True
    assert worker["logpush"] is False


def test_it_goes_before_what_it_is_bound_to(engine: Engine, tmp_path: Path) -> None:
    assert "bucket" in a_worker(engine, tmp_path).one("Worker").depends_on


def test_new_code_waits_for_the_schema(engine: Engine, tmp_path: Path) -> None:
    assert "schema" in a_worker(engine, tmp_path).one("WorkersDeployment").depends_on


@pytest.mark.parametrize(("jurisdiction", "given"), [("default", None), ("eu", "eu")])
def test_bindings_name_a_jurisdiction_only_where_there_is_one(
    engine: Engine, tmp_path: Path, jurisdiction: str, given: str | None
) -> None:
    binding = bucket_binding("BUCKET", "packages", jurisdiction)
    (found,) = a_bound_worker(engine, tmp_path, binding)
    assert found.get("jurisdiction") == given
    assert found["bucketName"] == "packages"


def test_a_queue_binding_names_its_queue(engine: Engine, tmp_path: Path) -> None:
    (found,) = a_bound_worker(engine, tmp_path, queue_binding("QUEUE", "validate"))
    assert found == {"name": "QUEUE", "type": "queue", "queueName": "validate"}


def test_the_image_service_is_bound_without_naming_anything(engine: Engine, tmp_path: Path) -> None:
    (found,) = a_bound_worker(engine, tmp_path, images_binding("IMAGES"))
    assert found == {"name": "IMAGES", "type": "images"}


def a_bound_worker(engine: Engine, project: Path, binding: Binding) -> list[dict[str, str]]:
    bundle = collect(a_small_project(project), "edge")
    args = PythonWorkerArgs(
        account_id=ACCOUNT, script_name="edge", bundle=bundle, bindings=[binding]
    )
    engine.run(lambda: PythonWorker("edge", args))
    return engine.one("WorkerVersion").inputs["bindings"]
