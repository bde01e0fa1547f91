"""A project folder to bundle from: the checkout's functions and stand-ins for the packages of a
Worker."""

import base64
import json
import shutil
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]

SDK_FILES = (
    "asgi.py",
    "_workers_sdk_patch_loader.pth",
    "workers/__init__.py",
    "workers/workflows.js",
    "workers/types.pyi",
    "workers/__pycache__/types.cpython-314.pyc",
)


def a_package(project: Path, name: str, *files: str) -> None:
    """An installed package as pip leaves it, with its RECORD."""
    modules = project / ".build/python_modules"
    info = f"{name}-1.0.dist-info"
    listed = [*files, f"{info}/METADATA", f"{info}/RECORD"]
    for file in listed:
        path = modules / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {file}\n", encoding="utf-8")
    record = "".join(f"{file},sha256=x,1\n" for file in listed)
    (modules / info / "RECORD").write_text(record, encoding="utf-8")


def a_project(folder: Path) -> Path:
    """The checkout's functions and pages, with every package of requirements/worker.lock as an
    empty one."""
    shutil.copytree(
        CHECKOUT / "functions", folder / "functions", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copytree(CHECKOUT / "dashboard", folder / "dashboard")
    a_package(folder, "workers_runtime_sdk", *SDK_FILES)
    for line in (CHECKOUT / "requirements/worker.lock").read_text("utf-8").splitlines():
        name, separator, _ = line.partition("==")
        module = name.strip().replace("-", "_")
        if separator and module != "workers_runtime_sdk":
            a_package(folder, module, f"{module}/__init__.py")
    return folder


def a_small_project(folder: Path, **files: str) -> Path:
    """A project of three trivial Workers. `files` are by path, with `__` for `/`."""
    entries = {
        f"functions/entrypoints/cloudflare/{worker}.py": "from functions.core import rules\n"
        for worker in ("edge", "api", "jobs")
    }
    texts = {
        "functions/__init__.py": "",
        "functions/core/__init__.py": "",
        "functions/core/rules.py": "import json\n",
        "functions/migrations/0001_initial.sql": "CREATE TABLE a (b TEXT);\n",
        **entries,
        **{name.replace("__", "/") + ".py": text for name, text in files.items()},
    }
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    a_package(folder, "workers_runtime_sdk", *SDK_FILES)
    return folder


def a_key(letter: str) -> str:
    """A made-up key of 32 bytes; never one that any platform used."""
    return base64.b64encode(letter.encode() * 32).decode()


SECRETS: dict[str, Any] = {
    "downloadKeys": {"current": "d1", "keys": {"d1": a_key("d")}},
    "tenantLinkKeys": {"current": "l1", "keys": {"l1": a_key("l")}},
    "signingKey": {"id": "s1", "seed": a_key("s")},
    "rootKeyHashes": ["5" * 64],
}


ORIGIN_SECRET = "o" * 40
MINIO: dict[str, Any] = {
    "endpoint": "https://storage.stowage.test",
    "region": "us-east-1",
    "origin": {"type": "CNAME", "content": "0f1e2d.cfargotunnel.com"},
}
B2: dict[str, Any] = {
    "endpoint": "https://s3.us-west-004.backblazeb2.com",
    "region": "us-west-004",
}
STORAGE_ROLES = ("edge", "api", "jobs", "publisher")


def storage_keys(*servers: str, roles: tuple[str, ...] = STORAGE_ROLES) -> dict[str, Any]:
    """Made-up keys: `minio-edge` with the secret `secret-of-minio-edge`."""
    return {
        server: {
            role: {
                "access_key_id": f"{server}-{role}",
                "secret_access_key": f"secret-of-{server}-{role}",
            }
            for role in roles
        }
        for server in servers
    }


def with_storage(storage: str, fallback: str | None = None, **changes: Any) -> dict[str, Any]:
    """The settings of a stack whose objects lie on this storage, both servers declared."""
    return {
        "storage": storage,
        "fallbackStorage": fallback,
        "storageServers": {"minio": MINIO, "b2": B2},
        "storageKeys": storage_keys("minio", "b2"),
        "storageOriginSecret": ORIGIN_SECRET,
        **changes,
    }


def a_config(**changes: Any) -> dict[str, str]:
    """The raw values of a complete stack, as Pulumi hands them over: text, JSON where structured.
    A change of None takes the key out."""
    values: dict[str, Any] = {
        "accountId": "7a" * 16,
        "zoneId": "c0" * 16,
        "zone": "stowage.test",
        "platformKeys": [
            {
                "id": "s1",
                "algorithm": "Ed25519",
                "public_key": a_key("p"),
                "not_before": "2026-01-01T00:00:00Z",
                "not_after": None,
            }
        ],
        **SECRETS,
        **changes,
    }
    return {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in values.items()
        if value is not None
    }
