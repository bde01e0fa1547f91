"""The Pulumi program: reads the configuration, puts the Workers' files in place, wires the
components, exports."""

from collections.abc import Mapping
from pathlib import Path

import pulumi
import pulumi_cloudflare as cloudflare

from infra import bindings, bundle, migrations, storages
from infra.bindings import JobsTokens, Resources
from infra.cloudflare.alerts import Alerts, AlertsArgs, UsageAlertArgs
from infra.cloudflare.database import Database, DatabaseArgs
from infra.cloudflare.edge import Edge, EdgeArgs
from infra.cloudflare.hostnames import Hostnames, HostnamesArgs
from infra.cloudflare.queues import Consumers, ConsumersArgs, Queues, QueuesArgs
from infra.cloudflare.tokens import (
    ACCOUNT_SCOPE,
    ANALYTICS_READ,
    CACHE_PURGE,
    CERTIFICATES_WRITE,
    D1_READ,
    ZONE_SCOPE,
    ApiToken,
    ApiTokenArgs,
)
from infra.cloudflare.worker import Binding, PythonWorker, PythonWorkerArgs
from infra.config import Secrets, load
from infra.naming import VALIDATE_QUEUE, WORKERS
from infra.settings import Settings
from infra.storage_settings import R2

PROJECT = Path(__file__).resolve().parents[1]
"""The folder of Pulumi.yaml; the provider reads the Workers' files relative to it."""

JOBS_CPU_MS = 300_000
"""The most that Cloudflare allows (developers.cloudflare.com/workers/platform/limits): compressing
a backup takes some tens of seconds for a million rows."""


def deploy() -> None:
    """Declare everything. Called once by the engine, by `pulumi` or by `stowage`."""
    settings, secrets = load()
    try:
        bundles = {worker: bundle.collect(PROJECT, worker) for worker in WORKERS}
        schema = migrations.declared(PROJECT)
    except (bundle.BundleError, migrations.MigrationError) as error:
        raise pulumi.RunError(str(error)) from error
    for one in bundles.values():
        bundle.lay_out(PROJECT, one)
    Platform(settings, secrets, bundles, schema).export()


class Platform:
    """The Cloudflare wing of one stack."""

    def __init__(
        self,
        settings: Settings,
        secrets: Secrets,
        bundles: Mapping[str, bundle.Bundle],
        schema: tuple[migrations.Migration, ...],
    ) -> None:
        self._settings = settings
        self._secrets = secrets
        self._bundles = bundles
        self._storages = storages.declare(settings, secrets)
        self._database = self._make_database(schema)
        self._queues = self._make_queues()
        self._tokens = self._make_tokens()
        self._workers = self._make_workers()
        self._edge = self._make_edge()
        self._start_jobs()
        Hostnames(
            "hostnames",
            HostnamesArgs(
                zone_id=settings.zone_id,
                hostnames=settings.custom_hostnames,
                fallback_origin=self._edge.fallback_origin,
            ),
        )
        self._make_alerts()

    def export(self) -> None:
        """What `stowage outputs` and an operator read."""
        settings = self._settings
        pulumi.export("api_url", settings.api_url)
        pulumi.export("cdn_url", settings.cdn_url)
        pulumi.export("edge_url", settings.edge_url)
        pulumi.export("s3_url", settings.s3_url)
        pulumi.export("api_host", settings.api_host)
        pulumi.export("cdn_host", settings.cdn_host)
        pulumi.export("zone", settings.zone)
        pulumi.export("account_id", settings.account_id)
        pulumi.export("zone_id", settings.zone_id)
        pulumi.export("cname_target", self._edge.cname_target)
        pulumi.export("buckets", storages.physical_names(settings, R2))
        pulumi.export("storage", settings.storage)
        if settings.fallback_storage is not None:
            pulumi.export("fallback_storage", settings.fallback_storage)
        pulumi.export("storages", storages.places(settings))
        pulumi.export("database_id", self._database.database_id)
        pulumi.export(
            "workers", {role: worker.script_name for role, worker in self._workers.items()}
        )
        pulumi.export(
            "queues",
            {
                VALIDATE_QUEUE: self._queues.validate.queue_name,
                f"{VALIDATE_QUEUE}-dead": self._queues.dead_letters.queue_name,
            },
        )
        publisher = self._storages.publisher
        if publisher is not None:
            pulumi.export("s3_access_key_id", publisher.id)
            pulumi.export("s3_secret_access_key", publisher.secret)

    def _make_database(self, schema: tuple[migrations.Migration, ...]) -> Database:
        settings = self._settings
        return Database(
            "database",
            DatabaseArgs(
                account_id=settings.account_id,
                database_name=settings.names.database,
                jurisdiction=settings.jurisdiction,
                location=settings.location,
                migrations=schema,
                protect=settings.protect_data,
                read_replicas=settings.read_replicas,
            ),
        )

    def _make_queues(self) -> Queues:
        settings = self._settings
        return Queues(
            "queues",
            QueuesArgs(
                account_id=settings.account_id,
                validate_name=settings.names.validate_queue,
                dead_letter_name=settings.names.dead_letter_queue,
                jurisdiction=settings.jurisdiction,
            ),
        )

    def _make_tokens(self) -> JobsTokens:
        settings, make = self._settings, self._make_api_token
        account_id, zone_id = settings.account_id, settings.zone_id
        return JobsTokens(
            purge=make("purge", CACHE_PURGE, ZONE_SCOPE, zone_id),
            backup=make("backup", D1_READ, ACCOUNT_SCOPE, account_id),
            usage=make("usage", ANALYTICS_READ, ACCOUNT_SCOPE, account_id),
            hostnames=make("hostnames", CERTIFICATES_WRITE, ZONE_SCOPE, zone_id),
        )

    def _make_api_token(self, role: str, permission: str, scope: str, owner_id: str) -> ApiToken:
        settings = self._settings
        return ApiToken(
            role,
            ApiTokenArgs(
                account_id=settings.account_id,
                token_name=settings.names.token(role),
                permission=permission,
                scope=scope,
                owner_id=owner_id,
            ),
        )

    def _make_workers(self) -> dict[str, PythonWorker]:
        resources = Resources(
            settings=self._settings,
            secrets=self._secrets,
            storages=self._storages,
            database_id=self._database.database_id,
            validate_queue=self._queues.validate.queue_name,
        )
        return {
            "edge": self._worker("edge", bindings.edge(resources)),
            "api": self._worker("api", bindings.api(resources)),
            "jobs": self._worker("jobs", bindings.jobs(resources, self._tokens)),
        }

    def _worker(self, role: str, given: list[Binding]) -> PythonWorker:
        settings = self._settings
        return PythonWorker(
            role,
            PythonWorkerArgs(
                account_id=settings.account_id,
                script_name=settings.names.worker(role),
                bundle=self._bundles[role],
                bindings=given,
                bound=[
                    *self._storages.bound,
                    self._database.database,
                    self._queues.validate,
                    self._queues.dead_letters,
                ],
                cpu_ms=JOBS_CPU_MS if role == "jobs" else None,
                deploy_after=[self._database.migrations],
            ),
        )

    def _make_edge(self) -> Edge:
        settings = self._settings
        edge, api = self._workers["edge"], self._workers["api"]
        return Edge(
            "edge",
            EdgeArgs(
                zone_id=settings.zone_id,
                api_host=settings.api_host,
                cdn_host=settings.cdn_host,
                fallback_host=settings.fallback_host,
                passthrough_hosts=settings.passthrough_hosts,
                edge_script=edge.script_name,
                api_script=api.script_name,
                edge_deployment=edge.deployment,
                api_deployment=api.deployment,
            ),
        )

    def _start_jobs(self) -> None:
        settings, jobs = self._settings, self._workers["jobs"]
        Consumers(
            "consumers",
            ConsumersArgs(
                account_id=settings.account_id,
                validate_queue_id=self._queues.validate.queue_id,
                dead_letter_queue_id=self._queues.dead_letters.queue_id,
                dead_letter_queue_name=self._queues.dead_letters.queue_name,
                script_name=jobs.script_name,
                after=[jobs.deployment],
            ),
        )
        # Schedules outlive a destroy of their own; they end with the Worker.
        cloudflare.WorkersCronTrigger(
            "jobs-schedule",
            account_id=settings.account_id,
            script_name=jobs.script_name,
            schedules=[cloudflare.WorkersCronTriggerScheduleArgs(cron=settings.cron)],
            opts=pulumi.ResourceOptions(depends_on=[jobs.deployment]),
        )

    def _make_alerts(self) -> None:
        settings, usage = self._settings, self._settings.usage_alert
        if self._secrets.webhook_url is None:
            return
        Alerts(
            "alerts",
            AlertsArgs(
                account_id=settings.account_id,
                names_prefix=settings.names.prefix,
                webhook_url=self._secrets.webhook_url,
                webhook_secret=self._secrets.webhook_secret,
                usage=None
                if usage is None
                else UsageAlertArgs(product=usage.product, limit=usage.limit),
            ),
        )
