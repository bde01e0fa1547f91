"""Every mistake is named with the command that mends it, and all of them at once."""

import json
import shlex
from typing import Any

import pulumi
import pytest

from infra.config import SECRETS, ConfigError, Secrets, check, load, mend
from infra.settings import PlatformKey, Settings
from tests.infra.engine import Engine
from tests.infra.project import (
    CHECKOUT,
    MINIO,
    ORIGIN_SECRET,
    a_config,
    a_key,
    storage_keys,
)

MARKED = frozenset(SECRETS)


def checked(**changes: Any) -> Settings:
    return check(a_config(**changes), MARKED, "dev")


def mistakes(marked: frozenset[str] = MARKED, **changes: Any) -> str:
    with pytest.raises(ConfigError) as raised:
        check(a_config(**changes), marked, "dev")
    return str(raised.value)


def test_what_is_not_said_has_the_documented_default() -> None:
    settings = checked()
    assert settings.api_host == "api.stowage.test"
    assert settings.cdn_host == "cdn.stowage.test"
    assert settings.fallback_host == "fallback.stowage.test"
    assert settings.name_prefix == "stowage-dev"
    assert settings.repository_buckets == ("repositories",)
    assert settings.multi_tenant
    assert settings.protect_data
    assert not settings.publisher_token
    assert (settings.upload_url_seconds, settings.download_url_seconds) == (900, 3600)
    assert settings.max_package_bytes == 52_428_800
    assert settings.cron == "*/5 * * * *"
    assert settings.jurisdiction == "default"


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValueError, match="frozen"):
        checked().zone = "other.test"  # pyright: ignore[reportAttributeAccessIssue]  (the point)


def test_text_from_the_stack_file_becomes_typed() -> None:
    settings = checked(
        multiTenant="false",
        uploadUrlSeconds="5",
        repositoryBuckets='["debian", "rpm"]',
        endpoints='{"s3": "http://127.0.0.1:9000"}',
        usageAlert='{"product": "worker_requests", "limit": 10}',
        webhookUrl="https://hooks.example.com/a",
    )
    assert not settings.multi_tenant
    assert settings.upload_url_seconds == 5
    assert settings.repository_buckets == ("debian", "rpm")
    assert settings.s3_url == "http://127.0.0.1:9000"
    assert settings.usage_alert is not None
    assert settings.usage_alert.limit == 10


@pytest.mark.parametrize(
    ("jurisdiction", "host"),
    [
        ("default", f"{'7a' * 16}.r2.cloudflarestorage.com"),
        ("eu", f"{'7a' * 16}.eu.r2.cloudflarestorage.com"),
        ("fedramp", f"{'7a' * 16}.fedramp.r2.cloudflarestorage.com"),
    ],
)
def test_the_s3_endpoint_follows_the_jurisdiction(jurisdiction: str, host: str) -> None:
    assert checked(jurisdiction=jurisdiction).s3_url == f"https://{host}"


def test_endpoints_replace_public_urls_one_by_one() -> None:
    settings = checked(endpoints={"cdn": "http://127.0.0.1:8081", "edge": "http://127.0.0.1:8082"})
    assert settings.api_url == "https://api.stowage.test"
    assert settings.cdn_url == "http://127.0.0.1:8081"
    assert settings.edge_url == "http://127.0.0.1:8082"


def test_all_mistakes_are_reported_at_once_each_with_its_command() -> None:
    message = mistakes(
        accountId=None,
        zone="Stowage Test",
        uploadUrlSeconds="901",
        repositoryBuckets=["deb", "deb"],
        multiTennant="true",
        signingKey=None,
    )
    assert "6 mistakes" in message
    assert "nothing was deployed" in message
    assert "stowage up -c accountId=ACCOUNT_ID" in message
    assert "stowage up -c zone=example.com" in message
    assert "stowage:uploadUrlSeconds: Input should be less than or equal to 900" in message
    assert "'deb' is listed twice" in message
    assert "stowage up -c multiTennant= " in message
    assert "stowage up -c signingKey= " in message


@pytest.mark.parametrize(
    ("key", "command"),
    [
        ("zone", "pulumi config set --stack prod stowage:zone example.com"),
        ("signingKey", "pulumi config set --secret --stack prod stowage:signingKey "),
        ("webhookUrl", "pulumi config set --secret --stack prod stowage:webhookUrl "),
        ("multiTennant", "pulumi config rm --stack prod stowage:multiTennant"),
    ],
)
def test_the_command_that_mends_names_the_stack(key: str, command: str) -> None:
    assert mend(key, "prod").startswith(command)


def test_a_secret_of_the_local_stack_is_never_mended_by_an_argument() -> None:
    assert mend("webhookUrl", "dev").startswith("stowage up -c webhookUrl=@FILE")


def test_the_error_names_the_stack_that_is_deployed() -> None:
    with pytest.raises(ConfigError, match="--stack prod stowage:cron"):
        check(a_config(cron="nonsense"), MARKED, "prod")


PLACEHOLDERS = {"accountId", "zoneId", "platformKeys"}
"""Settings whose example cannot be right for anybody."""


@pytest.mark.parametrize(
    "key", sorted({str(one.alias) for one in Settings.model_fields.values()} - PLACEHOLDERS)
)
def test_an_example_is_one_that_the_setting_takes(key: str) -> None:
    (argument,) = shlex.split(mend(key, "dev"))[3:]
    others = {
        "zone": "example.com",
        "webhookUrl": "https://hooks.example.com/a",
        "storageServers": {"minio": MINIO | {"endpoint": "https://storage.example.com"}},
        "storageKeys": storage_keys("minio"),
        "storageOriginSecret": ORIGIN_SECRET,
    }
    checked(**{**others, key: argument.removeprefix(f"{key}=")})


def test_the_example_of_the_platform_keys_is_json_on_one_line() -> None:
    command = mend("platformKeys", "prod")
    (key,) = json.loads(shlex.split(command)[-1])
    assert set(key) == set(PlatformKey.model_fields)
    assert "\n" not in command


def test_one_mistake_is_not_called_several() -> None:
    assert "has a mistake" in mistakes(zoneId="short")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"apiHost": "api.other.test"}, "does not lie in the zone"),
        ({"apiHost": "cdn.stowage.test"}, "must differ"),
        ({"cdnHost": "*.stowage.test"}, "no wildcard"),
        ({"fallbackHost": "fallback"}, "single label"),
        ({"zone": "127.0.0.1"}, "is an address"),
        ({"customHostnames": ["a.stowage.test"]}, "platform's own zone"),
        ({"customHostnames": ["a.example.com", "a.example.com"]}, "listed twice"),
        ({"customHostnames": ["A.example.com"]}, "not a label"),
        ({"customHostnames": "a.example.com"}, "must be a list or an object"),
        ({"dnsResolvers": []}, "at least one resolver"),
        ({"dnsResolvers": ["dns.example"]}, "is not a URL"),
        ({"dnsResolvers": ["https://dns.example"]}, "has no path"),
        ({"passthroughHosts": ["www.example.com"]}, "outside the zone"),
        ({"passthroughHosts": ["api.stowage.test"]}, "platform's own hosts"),
        ({"repositoryBuckets": ["uploads"]}, "platform's own buckets"),
        ({"repositoryBuckets": ["Debian"]}, "not a name that R2 takes"),
        ({"repositoryBuckets": []}, "at least one bucket"),
        ({"namePrefix": "-stowage"}, "not a name that R2 takes"),
        ({"namePrefix": "s" * 60}, "is too long"),
        ({"location": "moon"}, "stowage:location"),
        ({"jurisdiction": "mars"}, "stowage:jurisdiction"),
        ({"downloadUrlSeconds": "0"}, "greater than or equal to 1"),
        ({"maxPackageBytes": str(6 * 1024**3)}, "less than or equal to 5368709120"),
        ({"uploadCorsOrigins": ["*"]}, "not a base URL"),
        ({"uploadCorsOrigins": ["https://*.example.com"]}, "name each origin"),
        ({"cron": "every day"}, "five fields"),
        ({"endpoints": {"cdn": "http://127.0.0.1:1/path"}}, "without a path"),
        ({"endpoints": {"cnd": "http://127.0.0.1:1"}}, "cnd: is not a setting"),
        ({"usageAlert": {"product": "r2", "limit": 1}}, "is needed for usageAlert"),
        ({"webhookSecret": "hush-hush"}, "but webhookSecret is"),
        ({"loopbackWebhooks": "true"}, "is for the local cloud alone"),
        ({"webhookUrl": "http://hooks.example.com"}, "must be an https:// URL"),
        ({"downloadKeys": {"current": "d2", "keys": {"d1": a_key("d")}}}, "among the keys"),
        ({"downloadKeys": {"current": "d1", "keys": {"d1": "c2hvcnQ="}}}, "base64 of 32 bytes"),
        ({"downloadKeys": {"current": [], "keys": {"d1": a_key("d")}}}, "among the keys"),
        ({"downloadKeys": {"current": "d 1", "keys": {"d 1": a_key("d")}}}, "a key id is"),
        ({"downloadKeys": {"current": "", "keys": {"": a_key("d")}}}, "a key id is"),
        (
            {"downloadKeys": {"current": "d1", "keys": {"d1": a_key("d"), "d&2": a_key("e")}}},
            "a key id is",
        ),
        (
            {"downloadKeys": {"current": "d1", "keys": {"d1": a_key("d")}, "old": 1}},
            "nothing else",
        ),
        ({"signingKey": "not json"}, "Ed25519 seed"),
        ({"signingKey": {"id": 1, "seed": a_key("s")}}, "a key id is"),
        ({"signingKey": {"id": "s" * 65, "seed": a_key("s")}}, "a key id is"),
        ({"signingKey": {"id": "s1\n", "seed": a_key("s")}}, "a key id is"),
        ({"signingKey": {"id": "s1", "seed": a_key("s"), "x": 1}}, "nothing else"),
        ({"rootKeyHashes": []}, "1 to 2 SHA-256 digests"),
        ({"rootKeyHashes": ["5" * 64] * 3}, "1 to 2 SHA-256 digests"),
        ({"platformKeys": []}, "holds no key with the id 's1'"),
        (
            {
                "platformKeys": [
                    {"id": "s1", "algorithm": "RSA", "public_key": "", "not_before": ""}
                ]
            },
            "0.algorithm",
        ),
        (
            {
                "platformKeys": [
                    {
                        "id": "s/1",
                        "algorithm": "Ed25519",
                        "public_key": a_key("p"),
                        "not_before": "2026-01-01T00:00:00Z",
                    }
                ]
            },
            "is not a key id",
        ),
    ],
)
def test_a_wrong_value_is_refused_with_its_reason(changes: dict[str, Any], said: str) -> None:
    assert said in mistakes(**changes)


def test_a_secret_in_plain_text_is_refused() -> None:
    message = mistakes(marked=MARKED - {"signingKey"})
    assert "stowage:signingKey: is stored in plain text" in message


def test_no_message_quotes_a_secret() -> None:
    message = mistakes(
        signingKey={"id": "s1", "seed": "SENTINEL"},
        downloadKeys="SENTINEL",
        rootKeyHashes=["SENTINEL"],
        webhookUrl="SENTINEL",
    )
    assert message.count("stowage:") >= 4
    assert "SENTINEL" not in message


def test_a_wrong_zone_does_not_hide_or_invent_other_mistakes() -> None:
    message = mistakes(zone="bad zone", repositoryBuckets=["deb", "deb"])
    assert "2 mistakes" in message


def test_the_error_is_one_that_pulumi_shows_without_a_stack_trace() -> None:
    assert issubclass(ConfigError, pulumi.RunError)


def loaded(engine: Engine, config: dict[str, str]) -> tuple[Settings, Secrets]:
    found: list[tuple[Settings, Secrets]] = []
    pulumi.runtime.set_all_config(config, [f"stowage:{key}" for key in MARKED])
    engine.run(lambda: found.append(load()))
    return found[0]


def test_secrets_are_outputs_and_never_settings(engine: Engine) -> None:
    config = {f"stowage:{key}": value for key, value in a_config().items()}
    settings, secrets = loaded(engine, config)
    assert isinstance(secrets.download_keys, pulumi.Output)
    assert secrets.webhook_url is None
    assert not {"download_keys", "signing_key", "root_key_hashes"} & set(Settings.model_fields)
    assert a_key("s") not in settings.model_dump_json()


def test_keys_of_other_namespaces_are_left_alone(engine: Engine) -> None:
    config = {f"stowage:{key}": value for key, value in a_config().items()}
    settings, _ = loaded(engine, {**config, "cloudflare:baseUrl": "http://127.0.0.1"})
    assert settings.zone == "stowage.test"


def example_keys(name: str) -> set[str]:
    lines = (CHECKOUT / name).read_text("utf-8").splitlines()
    found = (line.strip().lstrip("# ").partition(": ")[0].rstrip(":") for line in lines)
    return {key.removeprefix("stowage:") for key in found if key.startswith("stowage:")}


def test_the_example_stack_shows_every_setting_and_no_other() -> None:
    plain = {str(field.alias) for field in Settings.model_fields.values()}
    assert example_keys("Pulumi.example.yaml") == plain | set(SECRETS)
