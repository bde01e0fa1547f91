"""The stack file of the local cloud: what a person chose wins, and what is secret stays
encrypted."""

import json
from pathlib import Path

import pytest

from cli import stack_config
from cli.failures import Failure, UsageFailure
from cli.stack_config import StackConfig

SECURE = {"secure": "v1:abc"}


def test_a_persons_choice_beats_a_generated_value() -> None:
    composed = stack_config.compose(
        StackConfig({"stowage:zone": "a.test", "stowage:endpoints": {"api": "http://mine"}}),
        {"zone": "b.test"},
        {"endpoints": {"api": "http://127.0.0.1:1"}},
        StackConfig(),
        [],
    )
    assert composed.get("zone") == "b.test"
    assert composed.get("endpoints") == {"api": "http://mine"}


def test_encrypted_values_and_their_salt_are_carried_over() -> None:
    previous = StackConfig({"stowage:signingKey": SECURE, "stowage:old": "gone"}, "salt")
    composed = stack_config.compose(StackConfig(), {}, {}, previous, ["signingKey"])
    assert composed.salt == "salt"
    assert composed.values == {"stowage:signingKey": SECURE}


def test_a_plain_value_is_never_taken_for_an_encrypted_one() -> None:
    previous = StackConfig({"stowage:signingKey": "in the clear"}, "salt")
    composed = stack_config.compose(StackConfig(), {}, {}, previous, ["signingKey"])
    assert composed.values == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("multiTenant=false", ("stowage:multiTenant", False)),
        ("uploadUrlSeconds=5", ("stowage:uploadUrlSeconds", 5)),
        ('repositoryBuckets=["a","b"]', ("stowage:repositoryBuckets", ["a", "b"])),
        ("cron=*/5 * * * *", ("stowage:cron", "*/5 * * * *")),
        ("cloudflare:x=y=z", ("cloudflare:x", "y=z")),
    ],
)
def test_an_override_keeps_the_type_of_its_value(text: str, expected: tuple[str, object]) -> None:
    assert stack_config.parse_override(text) == expected


@pytest.mark.parametrize("text", ["multiTenant", "=false", " =x"])
def test_an_override_without_key_or_value_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageFailure, match="KEY=VALUE"):
        stack_config.parse_override(text)


def test_overrides_are_remembered_until_an_empty_value_forgets_them(tmp_path: Path) -> None:
    path = tmp_path / "overrides.json"
    stack_config.remember(path, ["multiTenant=false", "cron=0 * * * *"])
    assert stack_config.remember(path, []) == {
        "stowage:multiTenant": False,
        "stowage:cron": "0 * * * *",
    }
    assert stack_config.remember(path, ["multiTenant="]) == {"stowage:cron": "0 * * * *"}
    assert json.loads(path.read_text()) == {"stowage:cron": "0 * * * *"}
    assert path.stat().st_mode & 0o077 == 0


def test_a_file_that_is_written_reads_back_the_same(tmp_path: Path) -> None:
    config = StackConfig({"stowage:b": [1, "x"], "stowage:a": SECURE}, "v1:salt:with=signs")
    path = tmp_path / "Pulumi.dev.yaml"
    path.write_text(config.text())
    assert stack_config.read(path) == config
    assert stack_config.read(path).text() == config.text()


def test_an_absent_stack_file_is_an_empty_one(tmp_path: Path) -> None:
    assert stack_config.read(tmp_path / "none.yaml") == StackConfig()


@pytest.mark.parametrize("text", ["config: [1]", "- a", "a: {"])
def test_a_file_that_is_no_stack_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "Pulumi.dev.yaml"
    path.write_text(text)
    with pytest.raises(Failure, match=r"Pulumi\.dev\.yaml"):
        stack_config.read(path)
