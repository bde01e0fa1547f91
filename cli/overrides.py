"""What is given with `-c`: plain settings as they are, secret ones from a file or from standard
input.

Arguments are visible to every user of the machine and stay in the shell's history, so no secret is
taken from them.
"""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cli.failures import UsageFailure
from cli.stack_config import full_key, split_override
from infra.keys import PROBLEMS

SECRET_SETTINGS = frozenset(map(full_key, PROBLEMS))
"""Settings that the program takes only when they are encrypted."""


@dataclass(frozen=True, slots=True)
class Given:
    """The settings of one command line."""

    plain: tuple[str, ...] = ()
    """As KEY=VALUE."""
    secret: Mapping[str, str] = field(default_factory=dict[str, str])
    """Secret texts by full key; an empty one forgets what was given before."""


def read_given(given: Iterable[str]) -> Given:
    """Sorts what was given with `-c`, and reads the secrets among it. Relative paths start at the
    current folder.

    Raises:
        UsageFailure: something is not KEY=VALUE, or a secret was given as a plain value or cannot
            be read.
    """
    plain: list[str] = []
    secret: dict[str, str] = {}
    for text in given:
        key, value = split_override(text)
        if key in SECRET_SETTINGS:
            secret[key] = _secret(key.partition(":")[2], value)
        else:
            plain.append(text)
    return Given(tuple(plain), secret)


def _secret(name: str, value: str) -> str:
    if not value:
        return ""
    if value == "-":
        text = sys.stdin.read()
    elif value.startswith("@"):
        text = _file(name, Path(value[1:]).expanduser())
    else:
        raise UsageFailure(
            f"{name} is secret, and a value on the command line is visible to every user of the "
            f"machine. Give it as -c {name}=@FILE, or as -c {name}=- on standard input."
        )
    # Editors and `echo` end a text with a line break, which is no part of it.
    text = text.rstrip("\r\n")
    if not text:
        raise UsageFailure(f"-c {name}={value}: nothing is in it. To forget {name}: -c {name}=")
    return text


def _file(name: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageFailure(f"-c {name}=@{path}: the file cannot be read ({error}).") from error
