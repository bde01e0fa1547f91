"""Settings of the storages: what is taken, and what is refused with its reason."""

from dataclasses import replace
from typing import Any

import pytest

from functions.core.storages import PROFILES
from infra import storage_consistency
from infra.config import SECRETS, ConfigError, check
from infra.settings import Settings
from tests.infra.project import B2, MINIO, ORIGIN_SECRET, a_config, storage_keys, with_storage

MARKED = frozenset(SECRETS)
LOCAL = {"endpoint": "http://127.0.0.1:9000", "region": "us-east-1"}


def checked(**changes: Any) -> Settings:
    return check(a_config(**changes), MARKED, "prod")


def mistakes(**changes: Any) -> str:
    with pytest.raises(ConfigError) as raised:
        check(a_config(**changes), MARKED, "prod")
    return str(raised.value)


def test_r2_needs_nothing_and_is_the_default() -> None:
    settings = checked()
    assert settings.storages == ("r2",)
    assert settings.servers == {}


@pytest.mark.parametrize("storage", ["minio", "b2"])
def test_a_server_is_reached_where_the_settings_say(storage: str) -> None:
    settings = checked(**with_storage(storage))
    declared = {"minio": MINIO, "b2": B2}[storage]
    assert settings.s3_url == declared["endpoint"]
    assert list(settings.servers) == [storage]
    assert settings.servers[storage].region == declared["region"]


def test_the_fallback_is_used_too_and_the_active_storage_comes_first() -> None:
    settings = checked(**with_storage("minio", "r2"))
    assert settings.storages == ("minio", "r2")
    assert settings.s3_url == "https://storage.stowage.test"
    assert settings.r2_url.endswith(".r2.cloudflarestorage.com")


def test_a_server_that_is_declared_and_not_used_needs_no_keys() -> None:
    assert checked(storageServers={"minio": MINIO}).servers == {}


def test_buckets_have_the_platform_s_names_unless_others_are_given() -> None:
    server = {**MINIO, "buckets": {"uploads": "incoming"}}
    found = checked(**with_storage("minio", storageServers={"minio": server})).servers["minio"]
    assert found.physical("uploads", "stowage-prod-uploads") == "incoming"
    assert found.physical("assets", "stowage-prod-assets") == "stowage-prod-assets"


def test_on_this_machine_a_server_may_speak_plain_http_and_has_no_name_in_the_zone() -> None:
    for endpoint in ("http://127.0.0.1:9000", "http://localhost:9000", "http://[::1]:9000"):
        server = {**LOCAL, "endpoint": endpoint, "origin": MINIO["origin"]}
        checked(**with_storage("minio", storageServers={"minio": server}))


def test_a_name_of_the_zone_that_is_guarded_otherwise_passes_through() -> None:
    server = {**MINIO, "origin": None}
    changes = with_storage("minio", storageServers={"minio": server}, storageOriginSecret=None)
    assert checked(**changes, passthroughHosts=["storage.stowage.test"]).storage == "minio"


def test_two_secrets_are_taken_while_one_is_rotated() -> None:
    both = f"{'n' * 40},{ORIGIN_SECRET}"
    assert checked(**with_storage("minio", storageOriginSecret=both)).storage == "minio"


def test_everything_that_a_used_server_lacks_is_said_at_once() -> None:
    message = mistakes(
        storage="minio",
        fallbackStorage="b2",
        storageServers={"minio": MINIO},
        storageKeys=storage_keys("minio", roles=("edge",)),
    )
    assert "b2: is not set, but the storage 'b2' is used" in message
    assert "stowage:storageOriginSecret: is needed for the origin" in message
    assert "minio: the key of api is missing" in message
    assert "minio: the key of jobs is missing" in message
    assert "pulumi config set --stack prod stowage:storageServers '{" in message
    assert "pulumi config set --secret --stack prod stowage:storageKeys" in message


def minio(**changes: Any) -> dict[str, Any]:
    return with_storage("minio", storageServers={"minio": {**MINIO, **changes}})


def b2(**changes: Any) -> dict[str, Any]:
    return with_storage("b2", storageServers={"b2": {**B2, **changes}})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"storage": "s3"}, "stowage:storage: Input should be 'r2', 'b2' or 'minio'"),
        (with_storage("minio", "minio"), "like storage itself"),
        ({"storage": "minio"}, "minio: is not set, but the storage 'minio' is used"),
        ({"storageServers": {"r2": MINIO}}, "r2: is not a setting"),
        ({"storageServers": {"b2": {**B2, "origin": MINIO["origin"]}}}, "b2.origin: is not a"),
        (
            {"storageServers": {"minio": {"endpoint": MINIO["endpoint"]}}},
            "minio.region: is not set",
        ),
        (minio(endpoint="http://storage.stowage.test"), "must be https"),
        (minio(endpoint="https://id:secret@storage.stowage.test"), "must hold no key"),
        (minio(endpoint="https://storage.stowage.test/path"), "without a path"),
        (minio(endpoint="https://storage.stowage.test:8443"), "has no port"),
        (minio(endpoint="https://storage.example.com"), "does not lie in the zone"),
        (minio(endpoint="https://api.stowage.test"), "platform's own hosts"),
        (
            {**minio(), "passthroughHosts": ["storage.stowage.test"]},
            "stowage:passthroughHosts: 'storage.stowage.test' is the origin",
        ),
        (minio(origin=None), "where the route */* would answer in its place"),
        (minio(region="US East"), "is not a region"),
        (minio(buckets={"uploads": "Incoming"}), "not a bucket name that every server takes"),
        (minio(buckets={"uploads": "ab"}), "not a bucket name that every server takes"),
        (minio(buckets={"upload": "incoming"}), "'upload' is no bucket of this stack"),
        (minio(adopt=["upload"]), "'upload' is no bucket of this stack"),
        (
            minio(buckets={"uploads": "shared", "assets": "shared"}),
            "the buckets uploads and assets would be the same one, 'shared'",
        ),
        (
            minio(buckets={"uploads": "stowage-prod-assets"}),
            "the buckets uploads and assets would be the same one",
        ),
        (minio(origin={"type": "A", "content": "2001:db8::1"}), "is not an IPv4 address"),
        (minio(origin={"type": "AAAA", "content": "192.0.2.1"}), "is not an IPv6 address"),
        (minio(origin={"type": "CNAME", "content": "192.0.2.1"}), "is an address"),
        (minio(origin={"type": "TXT", "content": "a"}), "minio.origin.type"),
        (b2(endpoint="https://storage.example.com"), "must be https://s3.REGION.backblazeb2.com"),
        (b2(region="eu-central-003"), "is not that of the endpoint, 'us-west-004'"),
        (b2(buckets={"uploads": "short"}), "takes no bucket 'short' (uploads)"),
        (b2(buckets={"uploads": "b2-uploads"}), "not beginning with 'b2-'"),
        ({**b2(), "namePrefix": "b2-stowage"}, "takes no bucket 'b2-stowage-uploads'"),
        ({**b2(), "maxPackageBytes": str(5 * 1024**3)}, "more than Backblaze takes in one PUT"),
        (with_storage("minio", storageKeys=None), "storageKeys: is needed for minio"),
        (
            with_storage("minio", storageKeys=storage_keys("b2")),
            "minio: the key of edge is missing",
        ),
        (
            {
                **with_storage(
                    "minio", storageKeys=storage_keys("minio", roles=("edge", "api", "jobs"))
                ),
                "publisherToken": True,
            },
            "minio: the key of publisher is missing",
        ),
        (with_storage("minio", storageOriginSecret=None), "anybody could reach the server"),
        (with_storage("minio", storageOriginSecret="short"), "must be 32 to 128 letters"),
        (with_storage("minio", storageOriginSecret='"' * 40), "must be 32 to 128 letters"),
        (
            with_storage("minio", storageOriginSecret=f"{ORIGIN_SECRET},{ORIGIN_SECRET}"),
            "must be 32 to 128 letters",
        ),
        (
            with_storage("minio", storageOriginSecret=",".join("abc"[n] * 40 for n in range(3))),
            "two of them",
        ),
        (with_storage("minio", storageKeys="not json"), "nothing else"),
        (with_storage("minio", storageKeys={"r2": {}}), "nothing else"),
        (with_storage("minio", storageKeys={"minio": {"root": {}}}), "nothing else"),
        (
            with_storage("minio", storageKeys={"minio": {"edge": {"access_key_id": "a"}}}),
            "nothing else",
        ),
        (
            with_storage(
                "minio",
                storageKeys={"minio": {"edge": {"access_key_id": 'a"b', "secret_access_key": "s"}}},
            ),
            "nothing else",
        ),
    ],
)
def test_a_wrong_value_is_refused_with_its_reason(changes: dict[str, Any], said: str) -> None:
    assert said in mistakes(**changes)


def test_no_two_workers_share_a_key() -> None:
    shared = storage_keys("minio")
    shared["minio"]["jobs"] = shared["minio"]["edge"]
    message = mistakes(**with_storage("minio", storageKeys=shared))
    assert "minio: edge and jobs have the same key" in message


def test_cors_is_refused_where_the_storage_keeps_no_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    without = {**PROFILES, "minio": replace(PROFILES["minio"], cors=False)}
    monkeypatch.setattr(storage_consistency, "PROFILES", without)
    message = mistakes(**minio(), uploadCorsOrigins=["https://console.example.com"])
    assert "keeps no CORS rules of a bucket" in message


def test_no_message_quotes_a_secret() -> None:
    sentinel = storage_keys("minio")
    sentinel["minio"]["edge"]["secret_access_key"] = "SENTINEL"
    sentinel["minio"]["other"] = "SENTINEL"
    message = mistakes(
        **with_storage("minio", storageKeys=sentinel, storageOriginSecret="SENTINEL")
    )
    assert "storageKeys" in message
    assert "SENTINEL" not in message


def test_a_key_in_plain_text_is_refused() -> None:
    with pytest.raises(ConfigError, match="storageKeys: is stored in plain text"):
        check(a_config(**with_storage("minio")), MARKED - {"storageKeys"}, "prod")


def test_a_wrong_server_does_not_invent_other_mistakes() -> None:
    assert "has a mistake;" in mistakes(**minio(region="US East"))
