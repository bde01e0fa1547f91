"""Which storage a Worker uses: read whole, and every mistake said without a value."""

import json
from typing import Any

import pytest

from functions import settings
from functions.setting_values import SettingsError
from functions.settings import ApiSettings, EdgeSettings, JobsSettings
from functions.storage_settings import AccessKey
from tests.functions.entrypoints.test_settings import VARIABLES

BUCKETS = ("uploads", "packages", "assets", "backups", "one-bucket", "two-bucket")
SERVER: dict[str, Any] = {
    "endpoint": "https://minio.stowage.test",
    "region": "us-east-1",
    "origin_secret": True,
    "buckets": {name: f"physical-{name}" for name in BUCKETS},
}
KEY = {"access_key_id": "an-id", "secret_access_key": "s3cret"}


def on(
    active: str, fallback: str | None = None, **servers: dict[str, Any]
) -> dict[str, str | None]:
    """Variables of a stack with these storages; keys for each server."""
    choice = {"active": active, "fallback": fallback, "servers": servers}
    return VARIABLES | {
        settings.STORAGE: json.dumps(choice),
        settings.STORAGE_KEYS: json.dumps(dict.fromkeys(servers, KEY)),
        settings.STORAGE_ORIGIN_SECRET: "s3cret-origin",
    }


def test_r2_alone_needs_neither_keys_nor_an_origin_secret() -> None:
    storage = EdgeSettings.from_mapping(VARIABLES).storage
    assert storage.choice.used == ("r2",)
    assert (storage.choice.servers, storage.keys, storage.origin_secret) == ({}, {}, None)
    assert storage.choice.pins_uploads


def test_a_server_is_reached_with_the_keys_of_this_worker() -> None:
    storage = JobsSettings.from_mapping(on("minio", "r2", minio=SERVER)).storage
    assert storage.choice.used == ("minio", "r2")
    assert storage.choice.servers["minio"].endpoint == "https://minio.stowage.test"
    assert storage.choice.servers["minio"].buckets["packages"] == "physical-packages"
    assert storage.keys == {"minio": AccessKey("an-id", "s3cret")}
    assert storage.origin_secret == "s3cret-origin"


def test_a_server_without_a_proxy_of_its_own_needs_no_origin_secret() -> None:
    given = on("b2", b2=SERVER | {"origin_secret": False}) | {settings.STORAGE_ORIGIN_SECRET: None}
    assert EdgeSettings.from_mapping(given).storage.origin_secret is None


def test_uploads_are_believed_only_where_every_storage_verifies_them() -> None:
    for active, fallback, expected in (
        ("minio", None, True),
        ("b2", None, False),
        ("minio", "b2", False),
        ("b2", "r2", False),
        ("r2", "minio", True),
    ):
        used = {name: SERVER for name in (active, fallback) if name not in (None, "r2")}
        storage = ApiSettings.from_mapping(on(active, fallback, **used)).storage
        assert storage.choice.pins_uploads is expected


def test_uploads_are_presigned_for_the_active_storage() -> None:
    at_r2 = ApiSettings.from_mapping(on("r2", "minio", minio=SERVER)).presign
    assert (at_r2.endpoint, at_r2.bucket) == ("https://account.s3.example", "uploads")
    assert at_r2.key == AccessKey("an-id", "a-secret")
    without_r2 = on("minio", minio=SERVER) | {
        settings.S3_ENDPOINT: None,
        settings.S3_REGION: None,
        settings.PRESIGN_ACCESS_KEY_ID: None,
        settings.PRESIGN_SECRET_ACCESS_KEY: None,
    }
    at_minio = ApiSettings.from_mapping(without_r2).presign
    assert (at_minio.endpoint, at_minio.region) == ("https://minio.stowage.test", "us-east-1")
    assert (at_minio.bucket, at_minio.key) == ("physical-uploads", AccessKey("an-id", "s3cret"))


def test_no_secret_is_shown_by_the_settings() -> None:
    given = on("minio", "r2", minio=SERVER)
    for read in (EdgeSettings, ApiSettings, JobsSettings):
        shown = repr(read.from_mapping(given))
        assert "s3cret" not in shown
        assert "a-secret" not in shown


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in SERVER.items() if key != name}


@pytest.mark.parametrize(
    "choice",
    [
        {},
        {"active": "r2", "fallback": None},
        {"active": "s3cret", "fallback": None, "servers": {"s3cret": SERVER}},
        {"active": "r2", "fallback": "s3cret", "servers": {"s3cret": SERVER}},
        {"active": "r2", "fallback": "r2", "servers": {}},
        {"active": "minio", "fallback": None, "servers": {}},
        {"active": "r2", "fallback": None, "servers": {"minio": SERVER}},
        {"active": "minio", "fallback": "r2", "servers": {"minio": SERVER, "r2": SERVER}},
        *(
            {"active": "minio", "fallback": None, "servers": {"minio": server}}
            for server in (
                *(without(name) for name in SERVER),
                SERVER | {"endpoint": "minio.s3cret.test"},
                SERVER | {"endpoint": "https://s3cret@minio.test/path"},
                SERVER | {"region": ""},
                SERVER | {"origin_secret": "s3cret"},
                SERVER | {"buckets": {"packages": "s3cret"}},
                SERVER | {"buckets": dict.fromkeys(BUCKETS, "")},
                SERVER | {"buckets": dict.fromkeys(BUCKETS, 7)},
                SERVER | {"buckets": "s3cret"},
            )
        ),
    ],
)
def test_a_wrong_choice_is_named_and_not_shown(choice: dict[str, Any]) -> None:
    given = VARIABLES | {settings.STORAGE: json.dumps(choice)}
    with pytest.raises(SettingsError, match="STORAGE is wrong") as caught:
        EdgeSettings.from_mapping(given)
    assert len(caught.value.problems) == 1
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "keys",
    [
        None,
        "s3cret",
        json.dumps({}),
        json.dumps({"b2": KEY}),
        json.dumps({"minio": {"access_key_id": "s3cret"}}),
        json.dumps({"minio": KEY | {"secret_access_key": 7}}),
        json.dumps({"minio": KEY | {"access_key_id": ""}}),
    ],
)
def test_wrong_keys_are_named_and_not_shown(keys: str | None) -> None:
    given = on("minio", minio=SERVER) | {settings.STORAGE_KEYS: keys}
    with pytest.raises(SettingsError, match=settings.STORAGE_KEYS) as caught:
        EdgeSettings.from_mapping(given)
    assert len(caught.value.problems) == 1
    assert "s3cret" not in str(caught.value)


def test_a_missing_origin_secret_is_named() -> None:
    given = on("minio", minio=SERVER) | {settings.STORAGE_ORIGIN_SECRET: None}
    with pytest.raises(SettingsError, match=settings.STORAGE_ORIGIN_SECRET):
        JobsSettings.from_mapping(given)


def test_without_a_choice_there_is_no_storage_at_all() -> None:
    with pytest.raises(SettingsError, match="STORAGE is missing"):
        EdgeSettings.from_mapping(VARIABLES | {settings.STORAGE: None})
