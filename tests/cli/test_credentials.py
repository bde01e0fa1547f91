"""Keys that are generated fit what the program and the platform expect of them."""

import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cli import credentials, secret_settings
from cli.failures import Failure
from cli.stack_config import StackConfig
from functions.core.access import parse_key, secret_hash
from infra.keys import PROBLEMS
from infra.settings import PlatformKey


def test_generated_secrets_pass_the_checks_of_the_program() -> None:
    for name, text in credentials.generate().secret_settings().items():
        assert PROBLEMS[name](text) is None, name


def test_the_public_key_is_that_of_the_signing_key() -> None:
    made = credentials.generate()
    signing = json.loads(made.signing_key)
    public = PlatformKey.model_validate(made.platform_keys[0])
    private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(signing["seed"]))
    assert public.id == signing["id"]
    assert base64.b64decode(public.public_key) == private.public_key().public_bytes_raw()


def test_the_platform_knows_the_root_operator_key_by_its_hash() -> None:
    made = credentials.generate()
    parsed = parse_key(made.root_operator_key)
    assert parsed is not None
    assert parsed[0] == "root"
    assert json.loads(made.root_key_hashes) == [secret_hash(parsed[1])]


def test_no_two_platforms_share_a_key() -> None:
    first, second = credentials.generate(), credentials.generate()
    assert first.root_operator_key != second.root_operator_key
    assert not set(first.secret_settings().values()) & set(second.secret_settings().values())


def test_keys_are_made_once_and_only_their_owner_may_read_them(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    first, made = credentials.load_or_generate(path)
    second, again = credentials.load_or_generate(path)
    assert (made, again) == (True, False)
    assert first == second
    assert path.stat().st_mode & 0o777 == 0o600


def test_damaged_keys_are_never_replaced_by_new_ones(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text('{"downloadKeys": 1')
    with pytest.raises(Failure, match=r"make clean-cloud"):
        credentials.load_or_generate(path)
    assert path.read_text() == '{"downloadKeys": 1'


def test_a_secret_is_encrypted_once_and_again_only_when_it_changed(tmp_path: Path) -> None:
    path = tmp_path / "fingerprints.json"
    settings = {"signingKey": "one", "downloadKeys": "two"}
    first = secret_settings.plan(path, settings, {}, StackConfig())
    assert set(first.stale) == {"stowage:signingKey", "stowage:downloadKeys"}
    secret_settings.note(path, first.notes)
    config = StackConfig(
        {"stowage:signingKey": {"secure": "x"}, "stowage:downloadKeys": {"secure": "y"}}
    )
    again = secret_settings.plan(path, settings, {}, config)
    assert again.stale == {}
    assert again.kept == {"stowage:signingKey", "stowage:downloadKeys"}
    changed = settings | {"downloadKeys": "three"}
    third = secret_settings.plan(path, changed, {}, config)
    assert third.stale == {"stowage:downloadKeys": "three"}
    assert third.kept == {"stowage:signingKey"}
    assert "one" not in path.read_text()


def test_a_secret_that_is_missing_in_the_stack_file_is_encrypted_again(tmp_path: Path) -> None:
    path = tmp_path / "fingerprints.json"
    settings = {"signingKey": "one"}
    secret_settings.note(path, secret_settings.plan(path, settings, {}, StackConfig()).notes)
    assert secret_settings.plan(path, settings, {}, StackConfig()).stale == {
        "stowage:signingKey": "one"
    }
