"""The whole program, as the engine is told of it."""

import json
from pathlib import Path

import pytest

from functions import settings as names
from functions.core.platform import Quotas
from functions.setting_values import SettingsError
from functions.settings import ApiSettings, EdgeSettings, JobsSettings
from infra import program
from infra.config import ConfigError
from tests.infra.deployed import bindings, deployed, in_the_clear, texts
from tests.infra.engine import (
    Engine,
    is_secret,
)
from tests.infra.project import SECRETS, a_project

REPOSITORY = "REPOSITORY_STOWAGE_DEV_REPOSITORIES"
LOCAL = {"api": "http://127.0.0.1:1", "cdn": "http://127.0.0.1:2", "edge": "http://127.0.0.1:3"}


pytestmark = pytest.mark.usefixtures("project")


def test_everything_is_declared(engine: Engine) -> None:
    deployed(engine)
    kinds = [one.typ.rpartition(":")[2] for one in engine.resources]
    counted = {kind: kinds.count(kind) for kind in kinds if kind[0] != "S"}
    assert (
        counted.items()
        >= {
            "R2Bucket": 5,
            "R2BucketLifecycle": 5,
            "D1Database": 1,
            "Resource": 1,
            "Queue": 2,
            "QueueConsumer": 2,
            "Worker": 3,
            "WorkerVersion": 3,
            "WorkersDeployment": 3,
            "WorkersCronTrigger": 1,
            "WorkersRoute": 2,
            "DnsRecord": 3,
            "CustomHostnameFallbackOrigin": 1,
            "AccountToken": 6,
        }.items()
    )
    assert not {"R2CustomDomain", "R2ManagedDomain", "R2BucketCors"} & set(kinds)


def test_each_worker_is_bound_to_its_part_only(engine: Engine) -> None:
    deployed(engine)
    stores = {
        worker: {
            name
            for name, one in bindings(engine, worker).items()
            if one["type"] in {"r2_bucket", "d1", "queue", "images", "analytics_engine"}
        }
        for worker in ("edge", "api", "jobs")
    }
    assert stores == {
        "edge": {names.PACKAGES, names.ASSETS, REPOSITORY, names.DATABASE, names.USAGE},
        "api": {
            *(names.UPLOADS, names.ASSETS, REPOSITORY),
            *(names.DATABASE, names.VALIDATE_QUEUE, names.IMAGES),
        },
        "jobs": {
            *(names.UPLOADS, names.PACKAGES, names.ASSETS, names.BACKUPS, REPOSITORY),
            *(names.DATABASE, names.VALIDATE_QUEUE, names.IMAGES),
        },
    }


def test_each_worker_holds_its_secrets_only(engine: Engine) -> None:
    deployed(engine)
    held = {
        worker: {
            name for name, one in bindings(engine, worker).items() if one["type"] == "secret_text"
        }
        for worker in ("edge", "api", "jobs")
    }
    assert held == {
        "edge": {names.DOWNLOAD_KEYS},
        "api": {
            names.DOWNLOAD_KEYS,
            names.TENANT_LINK_KEYS,
            names.PRESIGN_SECRET_ACCESS_KEY,
            names.PUBLISH_SECRET_ACCESS_KEY,
            names.ROOT_KEY_HASHES,
        },
        "jobs": {
            names.SIGNING_KEY,
            names.PURGE_TOKEN,
            names.BACKUP_TOKEN,
            names.HOSTNAMES_TOKEN,
            names.USAGE_TOKEN,
            names.PRESIGN_SECRET_ACCESS_KEY,
        },
    }


def test_only_jobs_may_compute_for_minutes(engine: Engine) -> None:
    deployed(engine)
    limits = {one.name: one.inputs.get("limits") for one in engine.of("WorkerVersion")}
    assert limits == {
        "api-version": None,
        "edge-version": None,
        "jobs-version": {"cpuMs": 300_000},
    }


def test_bindings_with_secrets_are_encrypted(engine: Engine) -> None:
    deployed(engine)
    assert all(is_secret(one.raw["bindings"]) for one in engine.of("WorkerVersion"))


def test_the_workers_understand_what_they_are_given(engine: Engine) -> None:
    endpoints = {**LOCAL, "s3": "http://127.0.0.1:4", "cloudflare": "http://127.0.0.1:5"}
    deployed(engine, endpoints=endpoints)
    edge = EdgeSettings.from_mapping(texts(engine, "edge"))
    api = ApiSettings.from_mapping(texts(engine, "api"))
    jobs = JobsSettings.from_mapping(texts(engine, "jobs"))
    assert edge.repository_buckets == api.repository_buckets == ("stowage-dev-repositories",)
    assert edge.platform_zone == "stowage.test"
    assert api.cdn_url == "http://127.0.0.1:2"
    assert api.presign.endpoint == "http://127.0.0.1:4"
    assert api.cdn_host == "cdn.stowage.test"
    assert api.uploads_bucket == api.presign.bucket == "stowage-dev-uploads"
    assert api.multi_tenant is True
    assert api.quotas == Quotas(open_uploads=50, uploads_per_day=1000, stored_bytes=None)
    assert api.platform_keys[0].id == "s1"
    assert jobs.max_package_bytes == api.max_package_bytes == 52_428_800
    assert jobs.api_base_url == "http://127.0.0.1:5/client/v4"
    assert jobs.zone_id == engine.exports["zone_id"]


@pytest.mark.parametrize(
    ("worker", "settings"),
    [("edge", EdgeSettings), ("api", ApiSettings), ("jobs", JobsSettings)],
)
def test_each_worker_is_given_what_it_reads_and_nothing_else(
    engine: Engine,
    worker: str,
    settings: type[EdgeSettings] | type[ApiSettings] | type[JobsSettings],
) -> None:
    deployed(engine)
    with pytest.raises(SettingsError) as needs:
        settings.from_mapping({})
    needed = {problem.partition(" ")[0] for problem in needs.value.problems}
    assert set(texts(engine, worker)) == needed


@pytest.mark.parametrize(("given", "text"), [(True, "true"), (False, "false")])
def test_multi_tenant_is_a_variable_and_nothing_else(
    engine: Engine, given: bool, text: str
) -> None:
    deployed(engine, multiTenant=given)
    assert texts(engine, "api")[names.MULTI_TENANT] == text
    assert len(engine.of("R2Bucket")) == 5


def test_every_repository_bucket_is_bound_under_its_own_name(engine: Engine) -> None:
    deployed(engine, repositoryBuckets=["debian", "rpm-main"])
    for worker in ("edge", "api", "jobs"):
        found = bindings(engine, worker)
        assert found["REPOSITORY_STOWAGE_DEV_DEBIAN"]["bucketName"] == "stowage-dev-debian"
        assert found["REPOSITORY_STOWAGE_DEV_RPM_MAIN"]["bucketName"] == "stowage-dev-rpm-main"
    declared = json.loads(str(texts(engine, "edge")[names.REPOSITORY_BUCKETS]))
    assert declared == ["stowage-dev-debian", "stowage-dev-rpm-main"]


def test_the_jurisdiction_reaches_everything_that_holds_data(engine: Engine) -> None:
    deployed(engine, jurisdiction="eu", publisherToken=True)
    kinds = ("R2Bucket", "R2BucketLifecycle", "D1Database", "Queue")
    assert {one.inputs["jurisdiction"] for kind in kinds for one in engine.of(kind)} == {"eu"}
    buckets = [one for one in bindings(engine, "jobs").values() if one["type"] == "r2_bucket"]
    assert {one["jurisdiction"] for one in buckets} == {"eu"}
    for token in (engine.one("AccountToken", name) for name in ("presign", "publisher")):
        assert f".{'7a' * 16}_eu_stowage-dev-" in token.inputs["policies"][0]["resources"]
    assert engine.exports["s3_url"] == f"https://{'7a' * 16}.eu.r2.cloudflarestorage.com"
    assert texts(engine, "api")[names.S3_ENDPOINT] == engine.exports["s3_url"]


def test_on_cloudflare_the_rest_api_is_cloudflares_own_and_a_backup_is_made_every_day(
    engine: Engine,
) -> None:
    deployed(engine)
    jobs = JobsSettings.from_mapping(texts(engine, "jobs"))
    assert jobs.api_base_url == "https://api.cloudflare.com/client/v4"
    assert (jobs.backup_rhythm.every_hours, jobs.backup_rhythm.keep_days) == (24, 30)


def test_endpoints_replace_what_is_exported(engine: Engine) -> None:
    deployed(engine, endpoints={**LOCAL, "s3": "http://127.0.0.1:4"})
    found = {name: engine.exports[f"{name}_url"] for name in ("api", "cdn", "edge", "s3")}
    assert found == {**LOCAL, "s3": "http://127.0.0.1:4"}


def test_what_is_exported(engine: Engine) -> None:
    exports = deployed(engine).exports
    assert exports["api_url"] == "https://api.stowage.test"
    assert exports["cname_target"] == "fallback.stowage.test"
    assert exports["buckets"] == {
        role: f"stowage-dev-{role}"
        for role in ("uploads", "packages", "assets", "backups", "repositories")
    }
    assert exports["workers"] == {role: f"stowage-dev-{role}" for role in ("edge", "api", "jobs")}
    assert exports["queues"] == {
        "validate-package": "stowage-dev-validate-package",
        "validate-package-dead": "stowage-dev-validate-package-dead",
    }
    assert exports["database_id"] == "database-id"
    assert exports["account_id"] == "7a" * 16


@pytest.mark.parametrize("protect", [True, False])
def test_data_is_protected_and_nothing_else(engine: Engine, protect: bool) -> None:
    deployed(engine, protectData=protect)
    protected = {one.typ.rpartition(":")[2] for one in engine.resources if one.protect}
    assert protected == ({"R2Bucket", "D1Database"} if protect else set())


def test_new_code_waits_for_the_migrations(engine: Engine) -> None:
    deployed(engine)
    deployments = engine.of("WorkersDeployment")
    assert all("database-migrations" in one.depends_on for one in deployments)


def test_workers_go_before_what_they_are_bound_to(engine: Engine) -> None:
    deployed(engine)
    for worker in engine.of("Worker"):
        assert {"storage-uploads", "database", "queues-validate"} <= set(worker.depends_on)


def test_the_schedule_starts_with_the_code(engine: Engine) -> None:
    trigger = deployed(engine, cron="*/7 * * * *").one("WorkersCronTrigger")
    assert trigger.inputs["schedules"] == [{"cron": "*/7 * * * *"}]
    assert trigger.inputs["scriptName"] == "stowage-dev-jobs"
    assert "jobs-deployment" in trigger.depends_on


def test_alerts_need_a_webhook(engine: Engine) -> None:
    deployed(engine)
    assert not engine.of("NotificationPolicy")
    assert not engine.of("NotificationPolicyWebhooks")


def test_a_webhook_brings_the_alerts(engine: Engine) -> None:
    usage = {"product": "worker_requests", "limit": 10}
    deployed(engine, webhookUrl="https://hooks.example.com/a", usageAlert=usage)
    policies = engine.of("NotificationPolicy")
    assert [one.name for one in policies] == ["alerts-certificates", "alerts-usage"]


def test_the_jobs_alone_know_the_operators_webhook(engine: Engine) -> None:
    deployed(engine, webhookUrl="https://hooks.example.com/a", webhookSecret="hush-hush-hush-hush")
    given = {"ALERT_WEBHOOK_URL", "ALERT_WEBHOOK_SECRET"}
    for worker in ("edge", "api", "jobs"):
        found = bindings(engine, worker)
        assert given & set(found) == (given if worker == "jobs" else set())
        assert {found[name]["type"] for name in given & set(found)} <= {"secret_text"}
    clear = in_the_clear(engine)
    assert "hooks.example.com" not in clear
    assert "hush-hush-hush-hush" not in clear


def test_a_tenants_webhook_stays_off_this_machine_unless_the_stack_says_so(
    engine: Engine,
) -> None:
    deployed(engine)
    assert bindings(engine, "api")["LOOPBACK_WEBHOOKS"]["text"] == "false"


def test_declared_hostnames_are_attached(engine: Engine) -> None:
    deployed(engine, customHostnames=["apt.customer.org"])
    assert engine.one("CustomHostname").inputs["hostname"] == "apt.customer.org"


def test_no_secret_stands_in_the_clear(engine: Engine) -> None:
    deployed(engine, publisherToken=True)
    clear = in_the_clear(engine)
    for secret in SECRETS.values():
        assert json.dumps(secret) not in clear
        assert json.dumps(secret)[2:-2] not in clear
    assert "stowage-dev-edge" in clear


def test_the_files_of_the_workers_lie_where_the_provider_reads_them(
    engine: Engine, project: Path
) -> None:
    deployed(engine)
    for version in engine.of("WorkerVersion"):
        for module in version.inputs["modules"]:
            assert (project / module["contentFile"]).is_file()


def test_the_real_functions_deploy(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = a_project(tmp_path / "real")
    monkeypatch.setattr(program, "PROJECT", real)
    deployed(engine)
    modules = engine.one("WorkerVersion", "edge-version").inputs["modules"]
    assert "functions/settings.py" in {module["name"] for module in modules}


def test_a_wrong_configuration_declares_nothing(engine: Engine) -> None:
    with pytest.raises(ConfigError):
        deployed(engine, zone="not a zone")
    assert engine.resources == []


def test_a_worker_that_cannot_be_bundled_declares_nothing(engine: Engine, project: Path) -> None:
    (project / "functions/core/rules.py").write_text("import nothing_provides_it\n")
    with pytest.raises(Exception, match="nothing provides it"):
        deployed(engine)
    assert engine.resources == []
