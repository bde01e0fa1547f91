"""Every setting is in the README's table and in the example stack, and nothing else is."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.keys import PROBLEMS
from infra.settings import Settings

PROJECT = Path(__file__).parents[2]
SETTINGS = {field.alias or name for name, field in Settings.model_fields.items()} | set(PROBLEMS)


def documented_in_readme() -> set[str]:
    table = (PROJECT / "README.md").read_text().partition("## Settings")[2].partition("\n## ")[0]
    rows = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def shown_in_example() -> set[str]:
    text = (PROJECT / "Pulumi.example.yaml").read_text()
    return set(re.findall(r"^ *#? *stowage:(\w+):", text, re.MULTILINE))


@pytest.mark.parametrize("documented", [documented_in_readme, shown_in_example])
def test_exactly_the_settings_are_documented(documented: Callable[[], set[str]]) -> None:
    assert documented() == SETTINGS
