"""A Worker's settings: read whole, and every mistake said at once and without a value."""

import base64
import json

import pytest

from functions import settings
from functions.core.download_tokens import DownloadKeys, sign, verify
from functions.core.platform import Quotas, Retention
from functions.setting_values import BackupRhythm, Publishing, SettingsError

KEY = base64.b64encode(bytes(range(32))).decode()
HASH = "0" * 64
KEPT = {
    "draft_days": 30,
    "rejected_days": 7,
    "failed_hours": 24,
    "superseded_days": 365,
    "temp_hours": 1,
}
OF_JOBS = (
    settings.ZONE_ID,
    settings.API_BASE_URL,
    settings.PURGE_TOKEN,
    settings.ACCOUNT_ID,
    settings.DATABASE_ID,
    settings.BACKUP,
    settings.BACKUP_TOKEN,
    settings.DNS_RESOLVERS,
    settings.HOSTNAMES_TOKEN,
    settings.USAGE_DATASET,
    settings.USAGE_TOKEN,
)
QUOTAS = {"open_uploads": 50, "uploads_per_day": None, "stored_bytes": None}
VARIABLES: dict[str, str | None] = {
    settings.API_HOST: "api.stowage.test",
    settings.CDN_HOST: "cdn.stowage.test",
    settings.PLATFORM_ZONE: "stowage.test",
    settings.REPOSITORY_BUCKETS: '["one-bucket", "two-bucket"]',
    settings.DOWNLOAD_KEYS: json.dumps({"current": "b", "keys": {"a": KEY, "b": KEY}}),
    settings.TENANT_LINK_KEYS: json.dumps({"current": "l", "keys": {"l": KEY}}),
    settings.API_URL: "http://127.0.0.1:8786",
    settings.CDN_URL: "http://127.0.0.1:8787",
    settings.MULTI_TENANT: "true",
    settings.UPLOAD_URL_SECONDS: "900",
    settings.DOWNLOAD_URL_SECONDS: "3600",
    settings.MAX_PACKAGE_BYTES: "52428800",
    settings.MULTIPART_THRESHOLD_BYTES: "16777216",
    settings.RETENTION: json.dumps(KEPT),
    settings.QUOTAS: json.dumps(QUOTAS),
    settings.S3_ENDPOINT: "https://account.s3.example",
    settings.S3_REGION: "auto",
    settings.UPLOADS_BUCKET: "uploads",
    settings.PACKAGES_BUCKET: "packages",
    settings.ASSETS_BUCKET: "assets",
    settings.BACKUPS_BUCKET: "backups",
    settings.STORAGE: json.dumps({"active": "r2", "fallback": None, "servers": {}}),
    settings.PRESIGN_ACCESS_KEY_ID: "an-id",
    settings.PRESIGN_SECRET_ACCESS_KEY: "a-secret",
    settings.PUBLISH_ACCESS_KEY_ID: "a-publish-id",
    settings.PUBLISH_SECRET_ACCESS_KEY: "a-publish-secret",
    settings.PUBLISHING: '{"keep_generations": 3, "grace_days": 7}',
    settings.PLATFORM_KEYS: json.dumps(
        [
            {
                "id": "s1",
                "algorithm": "Ed25519",
                "public_key": KEY,
                "not_before": "2026-01-01T00:00:00Z",
                "not_after": None,
            }
        ]
    ),
    settings.ROOT_KEY_HASHES: json.dumps([HASH, HASH]),
    settings.SIGNING_KEY: json.dumps({"id": "s1", "seed": KEY}),
    settings.ZONE_ID: "9c" * 16,
    settings.API_BASE_URL: "https://api.cloudflare.com/client/v4",
    settings.PURGE_TOKEN: "a-token",
    settings.ACCOUNT_ID: "7a" * 16,
    settings.DATABASE_ID: "d-1",
    settings.BACKUP: '{"every_hours": 24, "keep_days": 30}',
    settings.BACKUP_TOKEN: "another-token",
    settings.FALLBACK_HOST: "fallback.example",
    settings.DNS_RESOLVERS: '["https://dns.example/dns-query"]',
    settings.HOSTNAMES_TOKEN: "a-fourth-token",
    settings.USAGE_DATASET: "usage_stowage_test",
    settings.USAGE_TOKEN: "a-third-token",
    settings.LOOPBACK_WEBHOOKS: "false",
}


def test_good_variables_become_typed_settings() -> None:
    edge = settings.EdgeSettings.from_mapping(VARIABLES)
    assert edge.repository_buckets == ("one-bucket", "two-bucket")
    assert edge.download_keys.current == "b"
    assert edge.download_keys.keys == {"a": bytes(range(32)), "b": bytes(range(32))}
    api = settings.ApiSettings.from_mapping(VARIABLES)
    assert api.multi_tenant is True
    assert api.download_url_seconds == 3600
    assert api.multipart_threshold_bytes == 16_777_216
    assert api.retention == Retention()
    assert api.quotas == Quotas(open_uploads=50)
    assert api.platform_keys[0].not_after is None
    assert api.root_key_hashes == (HASH, HASH)
    assert set(api.publish) == {"one-bucket", "two-bucket"}
    assert api.publish["two-bucket"].bucket == "two-bucket"
    assert api.publish["two-bucket"].key.id == "a-publish-id"
    jobs = settings.JobsSettings.from_mapping(VARIABLES)
    assert jobs.upload_target == api.presign
    assert jobs.signing_key.seed == bytes(range(32))
    assert jobs.publishing == Publishing(keep_generations=3, grace_days=7)
    assert jobs.backup_rhythm == BackupRhythm(every_hours=24, keep_days=30)


def test_every_download_key_that_is_accepted_can_sign() -> None:
    for key_id in ("a", "2026-09", "A_b-9" * 12, "x" * 64):
        given = json.dumps({"current": key_id, "keys": {key_id: KEY}})
        ring = settings.EdgeSettings.from_mapping(
            VARIABLES | {settings.DOWNLOAD_KEYS: given}
        ).download_keys
        keys = DownloadKeys(ring.current, ring.keys)
        version_id = "019ce0b8-1111-7222-8333-444455556666"
        token = sign(version_id, "packages/k", keys, 100)
        assert verify(token, "packages/k", keys, 99_000) == version_id


def test_each_worker_needs_no_setting_that_it_does_not_read() -> None:
    edge = {
        name: VARIABLES[name]
        for name in (
            settings.CDN_HOST,
            settings.PLATFORM_ZONE,
            settings.STORAGE,
            settings.PACKAGES_BUCKET,
            settings.ASSETS_BUCKET,
            settings.REPOSITORY_BUCKETS,
            settings.DOWNLOAD_KEYS,
        )
    }
    assert settings.EdgeSettings.from_mapping(edge).cdn_host == "cdn.stowage.test"
    jobs = {
        name: VARIABLES[name]
        for name in (
            settings.MAX_PACKAGE_BYTES,
            settings.RETENTION,
            settings.STORAGE,
            settings.UPLOADS_BUCKET,
            settings.PACKAGES_BUCKET,
            settings.ASSETS_BUCKET,
            settings.BACKUPS_BUCKET,
            settings.REPOSITORY_BUCKETS,
            settings.PUBLISHING,
            settings.S3_ENDPOINT,
            settings.S3_REGION,
            settings.PRESIGN_ACCESS_KEY_ID,
            settings.PRESIGN_SECRET_ACCESS_KEY,
            settings.SIGNING_KEY,
            settings.FALLBACK_HOST,
            *OF_JOBS,
        )
    }
    assert settings.JobsSettings.from_mapping(jobs).max_package_bytes == 52_428_800


def test_every_missing_variable_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        settings.ApiSettings.from_mapping({})
    named = {problem.split()[0] for problem in caught.value.problems}
    of_others = {
        settings.SIGNING_KEY,
        settings.PACKAGES_BUCKET,
        settings.BACKUPS_BUCKET,
        *OF_JOBS,
    }
    assert named == set(VARIABLES) - of_others


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (settings.REPOSITORY_BUCKETS, "[]"),
        (settings.REPOSITORY_BUCKETS, "one-bucket"),
        (settings.REPOSITORY_BUCKETS, '["Upper"]'),
        (settings.REPOSITORY_BUCKETS, "5"),
        (settings.DOWNLOAD_KEYS, "{}"),
        (settings.DOWNLOAD_KEYS, "[]"),
        (settings.DOWNLOAD_KEYS, json.dumps({"current": "x", "keys": {"a": KEY}})),
        (settings.DOWNLOAD_KEYS, json.dumps({"current": "a", "keys": {"a": "s3cret"}})),
        *(
            (settings.DOWNLOAD_KEYS, json.dumps({"current": "a", "keys": {"a": KEY, key_id: KEY}}))
            for key_id in ("", "s3cret.2026", "s3cret\n", "s3crét", "s3cret" * 11)
        ),
        (settings.CDN_URL, "https://cdn.example/"),
        (settings.CDN_URL, "cdn.example"),
        (settings.MULTI_TENANT, "yes"),
        (settings.UPLOAD_URL_SECONDS, "901"),
        (settings.UPLOAD_URL_SECONDS, "0"),
        (settings.DOWNLOAD_URL_SECONDS, "3601"),
        (settings.MAX_PACKAGE_BYTES, "5e7"),
        (settings.MULTIPART_THRESHOLD_BYTES, "0"),
        (settings.RETENTION, "{}"),
        (settings.RETENTION, '{"draft_days": 30}'),
        (settings.RETENTION, json.dumps(KEPT | {"draft_days": 0})),
        (settings.RETENTION, json.dumps(KEPT | {"draft_days": True})),
        (settings.RETENTION, json.dumps(KEPT | {"draft_days": "s3cret"})),
        (settings.RETENTION, json.dumps(KEPT | {"s3cret": 5})),
        (settings.QUOTAS, "{}"),
        (settings.QUOTAS, json.dumps(QUOTAS | {"open_uploads": 0})),
        (settings.QUOTAS, json.dumps(QUOTAS | {"uploads_per_day": "s3cret"})),
        (settings.QUOTAS, json.dumps(QUOTAS | {"s3cret": None})),
        (settings.PLATFORM_KEYS, "[{}]"),
        (settings.ROOT_KEY_HASHES, "[]"),
        (settings.ROOT_KEY_HASHES, json.dumps([HASH] * 3)),
        (settings.ROOT_KEY_HASHES, '["s3cret"]'),
        (settings.API_HOST, ""),
    ],
)
def test_a_wrong_variable_is_named_and_not_shown(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name) as caught:
        settings.ApiSettings.from_mapping(VARIABLES | {name: value})
    assert len(caught.value.problems) == 1
    assert "s3cret" not in str(caught.value)


def test_a_wrong_signing_key_is_named_and_not_shown() -> None:
    wrong = json.dumps({"id": "s1", "seed": "s3cret"})
    with pytest.raises(SettingsError, match=settings.SIGNING_KEY) as caught:
        settings.JobsSettings.from_mapping(VARIABLES | {settings.SIGNING_KEY: wrong})
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        "{}",
        "24",
        '{"every_hours": "24", "keep_days": 30}',
        '{"every_hours": true, "keep_days": 30}',
        '{"every_hours": -1, "keep_days": 30}',
        '{"every_hours": 24, "keep_days": 0}',
    ],
)
def test_a_rhythm_of_backups_that_means_nothing_is_refused(given: str) -> None:
    with pytest.raises(SettingsError, match=settings.BACKUP):
        settings.JobsSettings.from_mapping(VARIABLES | {settings.BACKUP: given})


@pytest.mark.parametrize(
    "given",
    ["{}", '{"keep_generations": -1, "grace_days": 7}', '{"keep_generations": 3, "grace_days": 0}'],
)
def test_generations_are_kept_for_a_day_at_least(given: str) -> None:
    with pytest.raises(SettingsError, match=settings.PUBLISHING):
        settings.JobsSettings.from_mapping(VARIABLES | {settings.PUBLISHING: given})


@pytest.mark.parametrize("url", ["https://api.example", "https://api.example/client/v4/", "x"])
def test_the_address_of_cloudflares_api_is_whole(url: str) -> None:
    with pytest.raises(SettingsError, match=settings.API_BASE_URL):
        settings.JobsSettings.from_mapping(VARIABLES | {settings.API_BASE_URL: url})


def test_two_buckets_never_share_a_binding() -> None:
    names = ("a-b-c", "abc", "a-bc")
    assert len({settings.repository_binding(name) for name in names}) == len(names)
    assert settings.repository_binding("stowage-dev-repositories") == (
        "REPOSITORY_STOWAGE_DEV_REPOSITORIES"
    )
