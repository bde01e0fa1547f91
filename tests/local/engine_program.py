"""A project of a few resources with one Python Worker, for runs of the real engine."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

from pulumi import automation

from cli import pulumi_cli
from cli.pulumi_install import installers
from local.client import Cloud
from tests.local.workerd_host import CHECKOUT, SDK, python_modules

ACCOUNT = "0123456789abcdef0123456789abcdef"
ZONE = "fedcba9876543210fedcba9876543210"
ORIGIN = "fallback.stowage.test"
DECLARED = "declared.example.com"
TENANTS = "apt.releases.example.com"
SECRET_TEXT = "a-secret-text-of-the-worker"

WORKER = """
import json

from workers import Response, WorkerEntrypoint


class Default(WorkerEntrypoint):
    async def fetch(self, request):
        if "/put" in request.url:
            await self.env.BUCKET.put("object", "content")
        if "/send" in request.url:
            await self.env.QUEUE.send("sent")
        return Response(json.dumps({"greeting": "GREETING", "secret": self.env.SECRET}))

    async def queue(self, batch, env, ctx):
        for message in batch.messages:
            await self.env.BUCKET.put("queued-" + str(message.body), "x")

    async def scheduled(self, controller, env, ctx):
        await self.env.BUCKET.put("scheduled", controller.cron)
"""


@cache
def pulumi_folder() -> Path:
    """The CLI as the `stowage` command finds or installs it."""
    return pulumi_cli.find(lambda text: print(text, file=sys.stderr), installers(CHECKOUT)).folder


Json = dict[str, Any]
ENGINE_SECONDS = 150


@dataclass
class Project:
    """A project folder with its own cloud folder; `stack` runs the real engine on it."""

    folder: Path
    home: Path
    bucket: str = "objects"

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "Pulumi.yaml").write_text("name: sample\nruntime: python\n")
        self.cloud = Cloud(self.home)

    def write_worker(self, greeting: str) -> None:
        """The Worker's modules under `modules/`, one of them with this greeting."""
        modules = {"entry.py": WORKER.replace("GREETING", greeting).encode()}
        for name, content in {**python_modules(SDK), **modules}.items():
            file = self.folder / "modules" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)

    def environment(self) -> dict[str, str]:
        home = self.cloud.home
        path = [Path(sys.executable).parent, CHECKOUT / "local" / "bin", pulumi_folder()]
        return {
            "STOWAGE_HOME": str(home.root),
            "PULUMI_HOME": str(home.pulumi_home),
            "PULUMI_BACKEND_URL": f"file://{home.state}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(home.passphrase_file),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "CLOUDFLARE_API_TOKEN": home.credentials().api_token,
            "PATH": os.pathsep.join([*map(str, path), os.environ["PATH"]]),
        }

    def options_of(self, folder: Path) -> automation.LocalWorkspaceOptions:
        """The real engine, in a project folder, with this project's local cloud."""
        root = pulumi_folder()
        command = automation.PulumiCommand(root=str(root.parent) if root.name == "bin" else None)
        return automation.LocalWorkspaceOptions(
            work_dir=str(folder), env_vars=self.environment(), pulumi_command=command
        )

    def run(self, operation: str, variant: str = "plain", stack: str = "dev") -> Json:
        """Runs the engine in a process of its own (the SDK leaves unfinished work behind).

        Gives `{"changes": {operation: count}, "outputs": {name: value}}`, or `{"error": text}`.
        """
        command = [sys.executable, "-m", __name__, operation, variant, stack, self.bucket]
        done = subprocess.run(
            [*command, str(self.folder), str(self.home)],
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            timeout=ENGINE_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.splitlines()[-1])

    def changed(self, operation: str) -> dict[str, int]:
        """Counts of what an operation changed, or would change."""
        answer = self.run(operation)
        assert "changes" in answer, answer
        return {op: count for op, count in answer["changes"].items() if op != "same"}

    def wrong(self) -> None:
        """The program with a mistake in it."""
        import pulumi_cloudflare as cf

        self.program()
        cf.R2Bucket("wrong", account_id=ACCOUNT, name="No Bucket Name")

    def again(self) -> None:
        """The program with a name that is taken."""
        import pulumi_cloudflare as cf

        self.program()
        cf.R2Bucket("again", account_id=ACCOUNT, name=self.bucket)

    def adopting(self) -> None:
        """Only the bucket, which exists already."""
        import pulumi
        import pulumi_cloudflare as cf

        identifier = f"{ACCOUNT}/{self.bucket}/default"
        options = pulumi.ResourceOptions(import_=identifier, retain_on_delete=True)
        cf.R2Bucket("taken", account_id=ACCOUNT, name=self.bucket, location="weur", opts=options)

    def naming(self, *more: str) -> None:
        """Hostnames as the real program declares them."""
        import pulumi_cloudflare as cf

        from infra.cloudflare.hostnames import Hostnames, HostnamesArgs

        origin = cf.CustomHostnameFallbackOrigin("origin", zone_id=ZONE, origin=ORIGIN)
        names = [DECLARED, *more]
        Hostnames("names", HostnamesArgs(zone_id=ZONE, hostnames=names, fallback_origin=origin))

    def program(self) -> None:
        """Buckets with rules, a database, a queue with its consumer, a Worker, a route, names."""
        import pulumi
        import pulumi_cloudflare as cf

        bucket = cf.R2Bucket("bucket", account_id=ACCOUNT, name=self.bucket, location="weur")
        cf.R2BucketLifecycle(
            "rules",
            account_id=ACCOUNT,
            bucket_name=bucket.name,
            rules=[
                cf.R2BucketLifecycleRuleArgs(
                    id="temp",
                    enabled=True,
                    conditions=cf.R2BucketLifecycleRuleConditionsArgs(prefix="temp/"),
                    delete_objects_transition=cf.R2BucketLifecycleRuleDeleteObjectsTransitionArgs(
                        condition=cf.R2BucketLifecycleRuleDeleteObjectsTransitionConditionArgs(
                            type="Age", max_age=86400
                        )
                    ),
                )
            ],
        )
        database = cf.D1Database("database", account_id=ACCOUNT, name="records")
        queue = cf.Queue("queue", account_id=ACCOUNT, queue_name="work")
        worker = cf.Worker("worker", account_id=ACCOUNT, name="sample")
        files = sorted(path for path in (self.folder / "modules").rglob("*") if path.is_file())
        binding = cf.WorkerVersionBindingArgs
        version = cf.WorkerVersion(
            "version",
            account_id=ACCOUNT,
            worker_id=worker.id,
            main_module="entry.py",
            compatibility_date="2026-09-15",
            compatibility_flags=["python_workers", "python_workers_314"],
            modules=[
                cf.WorkerVersionModuleArgs(
                    name=str(path.relative_to(self.folder / "modules")),
                    content_type="text/x-python",
                    content_file=str(path.relative_to(self.folder)),
                )
                for path in files
            ],
            bindings=[
                binding(name="BUCKET", type="r2_bucket", bucket_name=bucket.name),
                binding(name="DB", type="d1", database_id=database.id),
                binding(name="QUEUE", type="queue", queue_name=queue.queue_name),
                binding(name="SECRET", type="secret_text", text=pulumi.Output.secret(SECRET_TEXT)),
            ],
        )
        deployment = cf.WorkersDeployment(
            "deployment",
            account_id=ACCOUNT,
            script_name=worker.name,
            strategy="percentage",
            versions=[cf.WorkersDeploymentVersionArgs(version_id=version.id, percentage=100)],
        )
        after = pulumi.ResourceOptions(depends_on=[deployment])
        cf.QueueConsumer(
            "consumer",
            account_id=ACCOUNT,
            queue_id=queue.queue_id,
            type="worker",
            script_name=worker.name,
            settings=cf.QueueConsumerSettingsArgs(batch_size=1, max_retries=2),
            opts=after,
        )
        cf.WorkersCronTrigger(
            "cron",
            account_id=ACCOUNT,
            script_name=worker.name,
            schedules=[cf.WorkersCronTriggerScheduleArgs(cron="0 3 1 1 *")],
            opts=after,
        )
        cf.WorkersRoute("route", zone_id=ZONE, pattern="*/*", script=worker.name, opts=after)
        groups = cf.get_account_api_token_permission_groups_list(
            account_id=ACCOUNT, name="Workers R2 Storage Bucket Item Write"
        )
        token = cf.AccountToken(
            "token",
            account_id=ACCOUNT,
            name="objects",
            policies=[
                cf.AccountTokenPolicyArgs(
                    effect="allow",
                    permission_groups=[
                        cf.AccountTokenPolicyPermissionGroupArgs(
                            id=cast("Any", groups).results[0].id
                        )
                    ],
                    resources=bucket.name.apply(
                        lambda name: (
                            f'{{"com.cloudflare.edge.r2.bucket.{ACCOUNT}_default_{name}":"*"}}'
                        )
                    ),
                )
            ],
        )
        pulumi.export("bucket", bucket.name)
        pulumi.export("database", database.uuid)
        pulumi.export("version", version.id)
        pulumi.export("token", token.value)

    def remove(self) -> None:
        """Ends the daemon; the folders go."""
        self.cloud.stop()
        shutil.rmtree(self.home, ignore_errors=True)


def main(operation: str, variant: str, name: str, bucket: str, folder: str, home: str) -> Json:
    """One run of the engine."""
    project = Project(Path(folder), Path(home), bucket)
    programs = {
        "plain": project.program,
        "wrong": project.wrong,
        "again": project.again,
        "adopting": project.adopting,
        "naming": project.naming,
        "naming-taken": lambda: project.naming(TENANTS),
    }
    stack = automation.create_or_select_stack(
        name,
        project_name="sample",
        program=programs[variant],
        opts=project.options_of(project.folder),
    )
    try:
        if operation == "preview":
            return {"changes": dict(stack.preview().change_summary)}
        done = getattr(stack, operation)()
    except automation.CommandError as error:
        return {"error": str(error)}
    outputs = {key: one.value for key, one in stack.outputs().items()}
    return {"changes": done.summary.resource_changes, "outputs": outputs}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
