"""Publishing a suite of small packages, and then one that changed: `stowage publish` against
`rclone sync` and `aptly publish`, to the same S3 endpoint of a local cloud.

    python -m bench.publish [PACKAGES]        (1000 by default)

The peers are Debian's packages `rclone` and `aptly`; one that is not installed is left out, and
that is said. Calls of the peers are counted on their way to the endpoint; ours are the PUTs that
the command sent there and what the api asked of the bucket itself. Only ours shows readers all of
it at once; the peers write in place.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from bench import debian_packages
from bench.counting_proxy import CountingProxy, counting, said
from local.client import Cloud

_CHANGED = "one of them changed"
Row = tuple[str, str, float, str]
_ENVIRONMENT = dict(os.environ)


def stowage(home: Path, *arguments: str, key: str = "") -> str:
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "cli.app", "--home", str(home), *arguments],
        env=_ENVIRONMENT | {"STOWAGE_KEY": key},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


class Ours:
    def __init__(self, home: Path, cloud: Cloud, outputs: dict[str, Any]) -> None:
        self._home, self._cloud = home, cloud
        operator = json.loads(stowage(home, "keys", "create", "--role", "operator", "--json"))
        headers = {"authorization": f"Bearer {operator['key']}"}
        with httpx.Client(base_url=outputs["api_url"], headers=headers, timeout=60) as client:
            tenant = client.post("/v1/tenants", json={"name": "bench"}).json()
            body = {"hostname": "apt.bench.example", "distribution": "stable"}
            made = client.post("/v1/repositories", json=body | {"tenant_id": tenant["tenant_id"]})
        self._key, self._repository = tenant["key"], made.json()["repository"]["id"]

    def publish(self, folder: Path) -> str:
        """The calls."""
        self._cloud.clear_faults()
        options = ("-r", self._repository, "--json")
        printed = stowage(self._home, "publish", str(folder), *options, key=self._key)
        calls = Counter({"PUT": json.loads(printed)["sent_files"]})
        for call in self._cloud.list_faults()["calls"]:
            if call["worker"].endswith("-api") and call["binding"].startswith("REPOSITORY_"):
                calls[f"api:{call['method']}"] += call["count"]
        return said(calls)


def rclone(folder: Path, proxy: CountingProxy, outputs: dict[str, Any]) -> str:
    environment = {
        "RCLONE_S3_PROVIDER": "Other",
        "RCLONE_S3_ENDPOINT": proxy.url,
        "RCLONE_S3_REGION": "auto",
        "RCLONE_S3_ACCESS_KEY_ID": outputs["s3_access_key_id"],
        "RCLONE_S3_SECRET_ACCESS_KEY": outputs["s3_secret_access_key"],
        "RCLONE_S3_NO_CHECK_BUCKET": "true",
        "RCLONE_CONFIG": os.devnull,
    }
    target = f":s3:{outputs['buckets']['repositories']}/bench-rclone"
    _run(["rclone", "sync", "--checksum", "--transfers", "8", str(folder), target], environment)
    return proxy.take()


class Aptly:
    def __init__(self, root: Path, proxy: CountingProxy, outputs: dict[str, Any]) -> None:
        self._proxy = proxy
        self._config = root / "aptly.json"
        self._published = False
        endpoint = {
            "endpoint": proxy.url,
            "region": "auto",
            "bucket": outputs["buckets"]["repositories"],
            "prefix": "bench-aptly",
            "awsAccessKeyID": outputs["s3_access_key_id"],
            "awsSecretAccessKey": outputs["s3_secret_access_key"],
            "acl": "none",
        }
        settings = {"rootDir": str(root / "aptly"), "S3PublishEndpoints": {"bench": endpoint}}
        self._config.write_text(json.dumps(settings))
        self._run("repo", "create", "-distribution=stable", "bench")

    def publish(self) -> str:
        verb = ["publish", "update", "-skip-signing", "stable", "s3:bench:"]
        if not self._published:
            verb = [*verb[:1], "repo", "-skip-signing", "-architectures=all", "bench", "s3:bench:"]
        self._run(*verb)
        self._published = True
        return self._proxy.take()

    def add(self, folder: Path) -> None:
        """What changed comes into aptly's own database first; that is not timed."""
        self._run("repo", "remove", "bench", "Name (~ bench)")
        self._run("repo", "add", "bench", str(folder / "pool"))

    def _run(self, *arguments: str) -> None:
        _run(["aptly", f"-config={self._config}", *arguments], {})


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(  # noqa: S603
        command, env=_ENVIRONMENT | environment, check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def timed(who: str, what: str, work: Callable[[], str]) -> Row:
    begun = time.perf_counter()
    calls = work()
    return who, what, time.perf_counter() - begun, calls


def compare(root: Path, home: Path, cloud: Cloud, count: int) -> list[Row]:
    outputs = json.loads(stowage(home, "outputs", "--show-secrets", "--json"))
    folder = root / "repository"
    debian_packages.write(folder, count)
    ours = Ours(home, cloud, outputs)
    installed = {name for name in ("rclone", "aptly") if shutil.which(name)}
    rows: list[Row] = []
    with counting(outputs["s3_url"]) as proxy:
        aptly = Aptly(root, proxy, outputs) if "aptly" in installed else None
        for what in (f"{count} new packages", _CHANGED):
            if what == _CHANGED:
                debian_packages.change_one(folder)
            rows.append(timed("stowage publish", what, lambda: ours.publish(folder)))
            if "rclone" in installed:
                rows.append(timed("rclone sync", what, lambda: rclone(folder, proxy, outputs)))
            if aptly is not None:
                aptly.add(folder)
                rows.append(timed("aptly publish", what, aptly.publish))
    for name in sorted({"rclone", "aptly"} - installed):
        rows.append((name, "NOT INSTALLED, so not compared (apt-get install it)", 0.0, "-"))
    return rows


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory(prefix="stowage-bench-") as name:
        root = Path(name)
        home = root / "cloud"
        cloud = Cloud(home, faults=True)
        cloud.start()
        try:
            stowage(home, "up")
            rows = compare(root, home, cloud, count)
        finally:
            stowage(home, "down")
    table = Table("who", "what", "seconds", "calls of the storage")
    for who, what, seconds, calls in rows:
        table.add_row(who, what, f"{seconds:.1f}", calls)
    Console().print(table)


if __name__ == "__main__":
    main()
