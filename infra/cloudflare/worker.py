"""A Python Worker of many modules.

The form is Worker + WorkerVersion + WorkersDeployment: a version names each module with its file,
so a changed file replaces that version and its deployment and nothing else, and no source is in the
state. This component hides the form, so that another could take its place.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_cloudflare as cloudflare

from infra.bundle import Bundle

# On purpose, both: the date fixes every other behaviour of the runtime, the flags Python 3.14
# (Pyodide 314.0.6) also on a runtime whose dates do not imply it yet. Never nodejs_compat: Pyodide
# would take the Worker for Node.js.
COMPATIBILITY_DATE = "2026-09-15"
COMPATIBILITY_FLAGS = ("python_workers", "python_workers_314")


@dataclass(frozen=True, slots=True)
class Binding:
    """What a Worker finds in its environment under a name."""

    name: str
    args: cloudflare.WorkerVersionBindingArgs


def bucket_binding(name: str, bucket: pulumi.Input[str], jurisdiction: str) -> Binding:
    place = None if jurisdiction == "default" else jurisdiction
    return Binding(name, _Args(name=name, type="r2_bucket", bucket_name=bucket, jurisdiction=place))


def database_binding(name: str, database_id: pulumi.Input[str]) -> Binding:
    return Binding(name, _Args(name=name, type="d1", database_id=database_id))


def queue_binding(name: str, queue_name: pulumi.Input[str]) -> Binding:
    return Binding(name, _Args(name=name, type="queue", queue_name=queue_name))


def analytics_binding(name: str, dataset: str) -> Binding:
    """A dataset of Analytics Engine, to write to; the first data point makes it."""
    return Binding(name, _Args(name=name, type="analytics_engine", dataset=dataset))


def images_binding(name: str) -> Binding:
    """The account's image service; there is nothing to create for it."""
    return Binding(name, _Args(name=name, type="images"))


def rate_limit_binding(name: str, namespace: str, limit: int, period_seconds: int) -> Binding:
    """A counter of this Worker: `limit` requests of one key in each period (10 or 60 s) and
    location."""
    simple = cloudflare.WorkerVersionBindingSimpleArgs(limit=limit, period=period_seconds)
    return Binding(name, _Args(name=name, type="ratelimit", namespace_id=namespace, simple=simple))


def variable(name: str, text: pulumi.Input[str]) -> Binding:
    """A value that anyone who may read the Worker's settings may read."""
    return Binding(name, _Args(name=name, type="plain_text", text=text))


def secret(name: str, text: pulumi.Input[str]) -> Binding:
    """A value that Cloudflare never shows again. The SDK does not mark the text of a binding as
    secret, so it is marked here; one secret encrypts the whole list of bindings in the state."""
    return Binding(name, _Args(name=name, type="secret_text", text=pulumi.Output.secret(text)))


_Args = cloudflare.WorkerVersionBindingArgs


@dataclass(frozen=True, kw_only=True)
class PythonWorkerArgs:
    account_id: pulumi.Input[str]
    script_name: str
    bundle: Bundle
    bindings: Sequence[Binding]
    bound: Sequence[pulumi.Resource] = field(default_factory=list[pulumi.Resource])
    """What the bindings name. The Worker is destroyed before these: destroying a version or a
    deployment sends nothing, so only the Worker's own deletion ends the binding."""
    cpu_ms: int | None = None
    """How much CPU time one invocation may take; None: as Cloudflare has it, 30 s."""
    deploy_after: Sequence[pulumi.Resource] = field(default_factory=list[pulumi.Resource])
    """What must be there before new code takes requests: the migrations it was written for."""


class PythonWorker(pulumi.ComponentResource):
    """`stowage:cloudflare:PythonWorker`: a Worker, its WorkerVersion and the WorkersDeployment that
    sends it all requests."""

    script_name: pulumi.Output[str]
    deployment: cloudflare.WorkersDeployment
    """Routes, schedules and consumers depend on it: before it the Worker has no code."""

    def __init__(
        self, name: str, args: PythonWorkerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("stowage:cloudflare:PythonWorker", name, None, opts)
        worker = cloudflare.Worker(
            name,
            account_id=args.account_id,
            name=args.script_name,
            logpush=False,
            tags=["stowage"],
            # Only by its routes: workers.dev would be a way around the zone's rules.
            subdomain=cloudflare.WorkerSubdomainArgs(enabled=False, previews_enabled=False),
            observability=cloudflare.WorkerObservabilityArgs(
                enabled=True,
                head_sampling_rate=1,
                logs=cloudflare.WorkerObservabilityLogsArgs(
                    enabled=True, head_sampling_rate=1, invocation_logs=True
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.bound)),
        )
        version = cloudflare.WorkerVersion(
            f"{name}-version",
            account_id=args.account_id,
            worker_id=worker.id,
            main_module=args.bundle.main_module,
            compatibility_date=COMPATIBILITY_DATE,
            compatibility_flags=list(COMPATIBILITY_FLAGS),
            modules=[
                cloudflare.WorkerVersionModuleArgs(
                    name=module.name,
                    content_type=module.content_type,
                    content_file=args.bundle.content_file(module),
                )
                for module in args.bundle.modules
            ],
            bindings=[binding.args for binding in sorted(args.bindings, key=lambda one: one.name)],
            limits=None
            if args.cpu_ms is None
            else cloudflare.WorkerVersionLimitsArgs(cpu_ms=args.cpu_ms),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.deployment = cloudflare.WorkersDeployment(
            f"{name}-deployment",
            account_id=args.account_id,
            script_name=worker.name,
            strategy="percentage",
            versions=[
                cloudflare.WorkersDeploymentVersionArgs(version_id=version.id, percentage=100)
            ],
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.deploy_after)),
        )
        self.script_name = worker.name
        self.register_outputs({"script_name": self.script_name})
