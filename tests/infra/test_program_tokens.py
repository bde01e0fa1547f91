"""What the API tokens of the program may do, and who is given them."""

import json

import pytest

from functions import settings as names
from functions.settings import JobsSettings
from tests.infra.deployed import bindings, deployed, texts
from tests.infra.engine import (
    ANALYTICS_READ_ID,
    CERTIFICATES_WRITE_ID,
    D1_READ_ID,
    Engine,
)

pytestmark = pytest.mark.usefixtures("project")


def test_the_presign_token_reaches_uploads_and_is_no_output(engine: Engine) -> None:
    deployed(engine)
    resources = engine.one("AccountToken", "presign").inputs["policies"][0]["resources"]
    assert list(json.loads(resources)) == [
        f"com.cloudflare.edge.r2.bucket.{'7a' * 16}_default_stowage-dev-uploads"
    ]
    assert "s3_secret_access_key" not in engine.exports
    assert texts(engine, "api")[names.PRESIGN_ACCESS_KEY_ID] == "presign-id"


def test_the_usage_token_reads_the_analytics_of_the_account_and_no_more(engine: Engine) -> None:
    deployed(engine)
    (policy,) = engine.one("AccountToken", "usage").inputs["policies"]
    assert policy["effect"] == "allow"
    assert policy["permissionGroups"] == [{"id": ANALYTICS_READ_ID}]
    assert policy["resources"] == f'{{"com.cloudflare.api.account.{"7a" * 16}":"*"}}'
    assert texts(engine, "jobs")[names.USAGE_TOKEN] == "value-of-usage"
    assert "value-of-usage" not in str(engine.exports)


def test_edge_alone_writes_to_the_dataset_that_jobs_reads(engine: Engine) -> None:
    deployed(engine)
    assert bindings(engine, "edge")[names.USAGE]["type"] == "analytics_engine"
    dataset = bindings(engine, "edge")[names.USAGE]["dataset"]
    assert texts(engine, "jobs")[names.USAGE_DATASET] == dataset


def test_the_publish_token_reaches_the_repositories_and_is_no_output(engine: Engine) -> None:
    deployed(engine, repositoryBuckets=["debian", "rpm"])
    resources = engine.one("AccountToken", "publish").inputs["policies"][0]["resources"]
    assert list(json.loads(resources)) == [
        f"com.cloudflare.edge.r2.bucket.{'7a' * 16}_default_stowage-dev-{role}"
        for role in ("debian", "rpm")
    ]
    assert "s3_secret_access_key" not in engine.exports
    assert texts(engine, "api")[names.PUBLISH_ACCESS_KEY_ID] == "publish-id"


def test_the_backup_token_reads_the_databases_of_the_account_and_no_more(engine: Engine) -> None:
    deployed(engine)
    (policy,) = engine.one("AccountToken", "backup").inputs["policies"]
    assert policy["effect"] == "allow"
    assert policy["permissionGroups"] == [{"id": D1_READ_ID}]
    assert policy["resources"] == f'{{"com.cloudflare.api.account.{"7a" * 16}":"*"}}'
    assert texts(engine, "jobs")[names.BACKUP_TOKEN] == "value-of-backup"
    assert "value-of-backup" not in str(engine.exports)


def test_the_hostnames_token_writes_the_zones_certificates_and_no_more(engine: Engine) -> None:
    deployed(engine)
    (policy,) = engine.one("AccountToken", "hostnames").inputs["policies"]
    assert policy["effect"] == "allow"
    assert policy["permissionGroups"] == [{"id": CERTIFICATES_WRITE_ID}]
    assert (
        policy["resources"]
        == f'{{"com.cloudflare.api.account.zone.{engine.exports["zone_id"]}":"*"}}'
    )
    assert texts(engine, "jobs")[names.HOSTNAMES_TOKEN] == "value-of-hostnames"
    assert names.HOSTNAMES_TOKEN not in texts(engine, "api")
    assert "value-of-hostnames" not in str(engine.exports)


def test_jobs_learns_whom_to_ask_of_the_dns_and_where_hostnames_lead(engine: Engine) -> None:
    deployed(engine, dnsResolvers=["https://one.example/dns-query", "http://127.0.0.1:5/dns"])
    jobs = JobsSettings.from_mapping(texts(engine, "jobs"))
    assert jobs.dns_resolvers == ("https://one.example/dns-query", "http://127.0.0.1:5/dns")
    assert jobs.fallback_host == texts(engine, "api")[names.FALLBACK_HOST]


def test_jobs_learns_where_the_database_is_exported_and_how_often(engine: Engine) -> None:
    deployed(
        engine,
        backup={"everyHours": 6, "keepDays": 90},
        endpoints={"cloudflare": "http://127.0.0.1:5"},
    )
    jobs = JobsSettings.from_mapping(texts(engine, "jobs"))
    assert (jobs.backup_rhythm.every_hours, jobs.backup_rhythm.keep_days) == (6, 90)
    assert jobs.api_base_url == "http://127.0.0.1:5/client/v4"
    assert (jobs.account_id, jobs.database_id) == ("7a" * 16, "database-id")


def test_the_publisher_token_reaches_the_repositories_and_is_a_secret_output(
    engine: Engine,
) -> None:
    deployed(engine, publisherToken=True, repositoryBuckets=["debian", "rpm"])
    resources = engine.one("AccountToken", "publisher").inputs["policies"][0]["resources"]
    assert {key.rpartition("_")[2] for key in json.loads(resources)} == {
        "stowage-dev-debian",
        "stowage-dev-rpm",
    }
    assert engine.exports["s3_access_key_id"] == "publisher-id"
    assert engine.secret_exports == {"s3_secret_access_key"}
