"""The configuration file of the local stack: `Pulumi.dev.yaml` in the cloud folder, made anew for
every engine call.

It is what a person committed, plus what was given with `-c` and is remembered in the cloud folder,
plus the local cloud's addresses, plus generated keys. The committed file is only ever read.
Encrypted values and the salt they belong to are carried over from the file made last time, so an
unchanged stack keeps its bytes.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import yaml

from cli.failures import Failure, UsageFailure
from cli.project import NAME
from local.home import write_private

_Document = dict[str, object]


@dataclass(frozen=True, slots=True)
class StackConfig:
    """A stack file: values by full key (`stowage:zone`), and what a passphrase needs to decrypt the
    secret ones."""

    values: dict[str, object] = field(default_factory=dict[str, object])
    salt: str | None = None

    def secure(self, keys: Iterable[str]) -> dict[str, object]:
        """The encrypted ones among these keys."""
        return {key: self.values[key] for key in keys if is_secure(self.values.get(key))}

    def get(self, name: str) -> object:
        """A value of Stowage's own namespace, or None."""
        return self.values.get(full_key(name))

    def text(self) -> str:
        """The file's content; the same configuration gives the same bytes."""
        document: _Document = {}
        if self.salt:
            document["encryptionsalt"] = self.salt
        document["config"] = dict(sorted(self.values.items()))
        return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1000)


def is_secure(value: object) -> bool:
    """Whether a value of a stack file is an encrypted one."""
    return isinstance(value, dict) and set(cast("dict[str, object]", value)) == {"secure"}


def full_key(name: str) -> str:
    """`zone` and `stowage:zone` name the same setting."""
    return name if ":" in name else f"{NAME}:{name}"


def read(path: Path) -> StackConfig:
    """A stack file; an absent one is empty.

    Raises:
        Failure: it is not a stack file.
    """
    try:
        document: object = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        return StackConfig()
    except (OSError, yaml.YAMLError) as error:
        raise Failure(f"{path} cannot be read as a stack file: {error}") from error
    if not isinstance(document, dict):
        raise Failure(f"{path} is not a stack file: it must hold `config`.")
    values = cast("_Document", document).get("config")
    if not isinstance(values, dict | None):
        raise Failure(f"{path} is not a stack file: `config` must hold settings by name.")
    salt = cast("_Document", document).get("encryptionsalt")
    named = cast("dict[str, object]", values or {})
    return StackConfig(
        {full_key(key): value for key, value in named.items()}, cast("str | None", salt)
    )


def compose(
    committed: StackConfig,
    overrides: Mapping[str, object],
    local: Mapping[str, object],
    previous: StackConfig,
    secret_names: Iterable[str],
) -> StackConfig:
    """The local stack's configuration: later sources win, but a person's choice always beats a
    generated value.

    `local` holds the addresses and public keys that the local cloud gives; `secret_names` are the
    settings whose encrypted values are taken over from `previous`.
    """
    generated = {full_key(name): value for name, value in local.items()}
    generated |= previous.secure(full_key(name) for name in secret_names)
    chosen = {full_key(name): value for name, value in overrides.items()}
    return StackConfig(generated | committed.values | chosen, previous.salt)


def split_override(text: str) -> tuple[str, str]:
    """The full key and the text of `KEY=VALUE`.

    Raises:
        UsageFailure: there is no `=` or no key.
    """
    name, separator, value = text.partition("=")
    if not separator or not name.strip():
        raise UsageFailure(
            f"-c {text}: write it as KEY=VALUE, for instance `-c multiTenant=false`."
        )
    return full_key(name.strip()), value


def parse_override(text: str) -> tuple[str, object]:
    """`KEY=VALUE` as a setting. JSON values keep their type (`false`, `60`, `["a"]`), anything else
    is text.

    Raises:
        UsageFailure: there is no `=` or no key.
    """
    key, value = split_override(text)
    return key, _value(value)


def remember(path: Path, given: Iterable[str]) -> dict[str, object]:
    """All overrides of a cloud folder, after adding these. An empty value (`-c KEY=`) forgets
    one."""
    known = _remembered(path)
    before = dict(known)
    for text in given:
        key, value = parse_override(text)
        if value == "":
            known.pop(key, None)
        else:
            known[key] = value
    if known != before:
        write_private(path, json.dumps(known, indent=2, sort_keys=True) + "\n")
    return known


def _remembered(path: Path) -> dict[str, object]:
    try:
        return cast("dict[str, object]", json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise Failure(
            f"{path}, which remembers what was given with -c, cannot be read ({error}). Mend or "
            "delete it."
        ) from error


def _value(text: str) -> object:
    try:
        return cast("object", json.loads(text))
    except ValueError:
        return text
