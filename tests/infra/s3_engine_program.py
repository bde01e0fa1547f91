"""A project of one bucket on an S3-compatible server, for runs of the real engine.

Each run is a process of its own: the SDK leaves unfinished work behind.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pulumi import automation

from infra.s3.configuration import Configuration
from infra.s3.provider import S3Bucket
from tests.local.engine_program import ENGINE_SECONDS, pulumi_folder
from tests.local.workerd_host import CHECKOUT

Json = dict[str, Any]


@dataclass(frozen=True)
class Project:
    """A folder with its own state; `run` runs the real engine on it with these keys."""

    folder: Path
    endpoint: str
    keys: dict[str, str]
    origin_secret: str

    def run(self, operation: str) -> Json:
        """Gives `{"changes": {operation: count}, "state": text}`, or `{"error": text}`."""
        done = subprocess.run(
            [sys.executable, "-m", __name__, operation, str(self.folder), self.endpoint],
            cwd=CHECKOUT,
            env={**os.environ, **self.keys, "ORIGIN_SECRET": self.origin_secret},
            capture_output=True,
            text=True,
            timeout=ENGINE_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.splitlines()[-1])

    def changed(self, operation: str) -> dict[str, int]:
        answer = self.run(operation)
        assert "changes" in answer, answer
        return {op: count for op, count in answer["changes"].items() if op != "same"}


def program(endpoint: str) -> None:
    S3Bucket(
        "b2-uploads",
        storage="b2",
        endpoint=endpoint,
        region="us-west-004",
        is_proxied=True,
        bucket="stowage-test-uploads",
        role="uploads",
        owner="stowage-test",
        adopt=False,
        configured=Configuration(
            lifecycle=[{"prefix": "temp/", "expire_days": 1, "abort_multipart_days": 7}], cors=[]
        ),
    )


def main(operation: str, folder: str, endpoint: str) -> Json:
    """One run of the engine."""
    path = os.pathsep.join(
        [str(Path(sys.executable).parent), str(pulumi_folder()), os.environ["PATH"]]
    )
    root = pulumi_folder()
    options = automation.LocalWorkspaceOptions(
        work_dir=folder,
        pulumi_home=f"{folder}/home",
        env_vars={
            "PULUMI_BACKEND_URL": f"file://{folder}/state",
            "PULUMI_CONFIG_PASSPHRASE": "of-a-test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PYTHONPATH": str(CHECKOUT),
            "PATH": path,
        },
        pulumi_command=automation.PulumiCommand(
            root=str(root.parent) if root.name == "bin" else None
        ),
    )
    stack = automation.create_or_select_stack(
        "dev", project_name="stowage", program=lambda: program(endpoint), opts=options
    )
    secret = automation.ConfigValue(os.environ["ORIGIN_SECRET"], secret=True)
    stack.set_config("stowage:storageOriginSecret", secret)
    try:
        if operation == "preview":
            return {"changes": dict(stack.preview().change_summary)}
        done = getattr(stack, operation)()
    except automation.CommandError as error:
        return {"error": str(error)}
    state = "".join(file.read_text() for file in Path(folder, "state").rglob("*.json"))
    return {"changes": done.summary.resource_changes, "state": state}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
