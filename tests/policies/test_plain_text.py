import hashlib
import json
import secrets
from typing import Any

import pytest

from policies.rules.plain_text import problems, stack_problems
from policies.rules.resource import Resource
from tests.policies.resources import a_resource


def a_version(*bindings: dict[str, Any]) -> Resource:
    return a_resource("WorkerVersion", bindings=list(bindings))


def plain(name: str, text: str, binding_type: str = "plain_text") -> dict[str, Any]:
    key = "json" if binding_type == "json" else "text"
    return {"name": name, "type": binding_type, key: text}


@pytest.mark.parametrize(
    "name",
    [
        *("DOWNLOAD_KEYS", "SIGNING_KEY", "API_TOKEN", "PRESIGN_SECRET_ACCESS_KEY", "PASSWORD"),
        *("ROOT_KEY_HASHES", "WEBHOOK_SECRET", "hmac_key", "PRIVATE_KEY"),
    ],
)
@pytest.mark.parametrize("binding_type", ["plain_text", "json"])
def test_a_plain_binding_with_the_name_of_a_secret_is_refused(name: str, binding_type: str) -> None:
    (problem,) = problems(a_version(plain(name, "x", binding_type)))
    assert name in problem
    assert "secret_text" in problem


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN PRIVATE KEY-----\nMC4C",
        "-----BEGIN EC PRIVATE KEY-----",
        '{"id": "k1", "seed": "AAAA"}',
        '{"minio": {"access_key_id": "a", "secret_access_key": "b"}}',
        "postgres://stowage:hush@db.example.com/x",
        f"stw_root_{'a' * 43}",
    ],
)
def test_a_plain_binding_with_the_text_of_a_secret_is_refused(text: str) -> None:
    (problem,) = problems(a_version(plain("SOMETHING", text)))
    assert "looks like a secret" in problem
    assert text not in problem


@pytest.mark.parametrize(
    "binding",
    [
        plain("CDN_URL", "https://cdn.example.com"),
        plain("PRESIGN_ACCESS_KEY_ID", "0123456789abcdef0123456789abcdef"),
        plain("PLATFORM_KEYS", '[{"id":"k1","public_key":"AAAA"}]'),
        plain("S3_ENDPOINT", "http://127.0.0.1:9000"),
        plain("KEYBOARD", "qwerty"),
        {"name": "SIGNING_KEY", "type": "secret_text", "text": "hush"},
        {"name": "DB", "type": "d1", "databaseId": "x"},
    ],
)
def test_what_is_public_passes(binding: dict[str, Any]) -> None:
    assert list(problems(a_version(binding))) == []


def test_scripts_of_one_module_are_looked_at_too() -> None:
    script = a_resource("WorkersScript", bindings=[plain("API_TOKEN", "x")])
    assert len(list(problems(script))) == 1


def test_other_resources_may_have_bindings_of_any_name() -> None:
    assert list(problems(a_resource("Other", bindings=[plain("API_TOKEN", "x")]))) == []


def test_a_part_of_a_secret_in_plain_text_is_refused_and_the_id_of_a_key_is_not() -> None:
    secret, key_id = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    pair = {"access_key_id": key_id, "secret_access_key": secret}
    keys = {"name": "KEYS", "type": "secret_text", "text": json.dumps({"minio": pair})}
    one, other = a_version(keys, plain("WHO", key_id)), a_version(plain("WHAT", secret))
    ((problem, urn),) = stack_problems([one, other])
    assert "WHAT" in problem
    assert urn == other.urn


@pytest.mark.parametrize("kind", ["whole", "within"])
def test_a_secret_of_one_worker_in_the_plain_text_of_another_is_refused(kind: str) -> None:
    secret = secrets.token_urlsafe(24)
    text = secret if kind == "whole" else f"prefix {secret} suffix"
    one = a_version({"name": "KEYS", "type": "secret_text", "text": secret})
    two = a_version(plain("HARMLESS", text))
    ((problem, urn),) = stack_problems([one, two])
    assert "HARMLESS" in problem
    assert secret not in problem
    assert urn == two.urn


def test_the_value_of_a_token_and_its_hash_are_secrets() -> None:
    value = secrets.token_urlsafe(24)
    token = a_resource("AccountToken", value=value)
    for text in (value, hashlib.sha256(value.encode()).hexdigest()):
        assert len(list(stack_problems([token, a_version(plain("HARMLESS", text))]))) == 1


def test_the_address_of_a_webhook_is_a_secret() -> None:
    url = "https://hooks.example.com/services/abcdef"
    webhook = a_resource("NotificationPolicyWebhooks", url=url)
    assert len(list(stack_problems([webhook, a_version(plain("HARMLESS", url))]))) == 1


def test_short_texts_may_be_equal_by_chance() -> None:
    one = a_version({"name": "KEYS", "type": "secret_text", "text": "true"})
    assert list(stack_problems([one, a_version(plain("MULTI_TENANT", "true"))])) == []
