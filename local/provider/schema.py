"""The SDK's types at hand, and the check of a resource's inputs against them."""

import hashlib
import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from local.home import CloudError, write_private
from local.provider.property_values import UNKNOWN, is_unknown

_SDK = "pulumi-cloudflare"
_READING_SECONDS = 120
_READER = Path(__file__).with_name("sdk_types.py")
_PLAIN: dict[str, tuple[type, ...]] = {"string": (str,), "boolean": (bool,), "number": (int, float)}

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Failure:
    """What is wrong with one property of a resource."""

    property: str
    reason: str


class Schema:
    """Accepted and given properties of each kind."""

    def __init__(self, types: Item) -> None:
        self._types = types

    @classmethod
    def load(cls, folder: Path, kinds: list[str]) -> "Schema":
        """The types of the installed SDK, kept in `folder` by version. The first call takes
        seconds."""
        version = importlib.metadata.version(_SDK)
        reader = hashlib.sha256(_READER.read_bytes()).hexdigest()[:8]
        cache = folder / f"sdk-types-{version}-{reader}.json"
        if cache.exists():
            found = cast("Item", json.loads(cache.read_text(encoding="utf-8")))
            if found.keys() >= set(kinds):
                return cls(found)
        reading = subprocess.run(  # noqa: S603 (our own module)
            [sys.executable, "-m", "local.provider.sdk_types", *kinds],
            cwd=Path(__file__).resolve().parent.parent.parent,
            capture_output=True,
            text=True,
            timeout=_READING_SECONDS,
            check=False,
        )
        if reading.returncode != 0:
            raise CloudError(
                f"The types of {_SDK} {version} cannot be read:\n{reading.stderr[-2000:]}\n"
                "Install what the lock names: `make venv`."
            )
        write_private(cache, reading.stdout)
        return cls(cast("Item", json.loads(reading.stdout)))

    def inputs(self, kind: str) -> list[str]:
        """Names of the accepted properties."""
        return list(self._types[kind]["inputs"]["object"])

    def outputs(self, kind: str) -> list[str]:
        """Names of all properties that a resource has."""
        return list(self._types[kind]["outputs"])

    def computed(self, kind: str) -> list[str]:
        """Names of the properties that only the cloud fills."""
        accepted = set(self.inputs(kind))
        return [name for name in self.outputs(kind) if name not in accepted]

    def check(self, kind: str, inputs: Item) -> list[Failure]:
        """Unknown properties, missing ones and wrong types; values not known yet pass."""
        given = {name: value for name, value in inputs.items() if name != "__defaults"}
        return list(_wrong(self._types[kind]["inputs"], given, ""))


def _wrong(expected: Any, value: Any, path: str) -> Iterator[Failure]:
    if is_unknown(value) or expected == "any":
        return
    if isinstance(expected, str):
        if not _is_plain(expected, value):
            yield Failure(path, f"expected a {expected}, got {_shown(value)}")
    elif "enum" in expected:
        yield from _wrong_choice(expected["enum"], value, path)
    elif "list" in expected:
        yield from _wrong_list(expected["list"], value, path)
    elif "map" in expected:
        yield from _wrong_map(expected["map"], value, path)
    else:
        yield from _wrong_object(expected, value, path)


def _is_plain(expected: str, value: Any) -> bool:
    if isinstance(value, bool):
        return expected == "boolean"
    return isinstance(value, _PLAIN[expected])


def _wrong_choice(choices: list[str], value: Any, path: str) -> Iterator[Failure]:
    # Cloudflare's provider compares without regard to case.
    if not isinstance(value, str) or value.lower() not in {choice.lower() for choice in choices}:
        yield Failure(path, f"expected one of {', '.join(choices)}, got {_shown(value)}")


def _wrong_list(element: Any, value: Any, path: str) -> Iterator[Failure]:
    if not isinstance(value, list):
        yield Failure(path, f"expected a list, got {_shown(value)}")
        return
    for index, one in enumerate(cast("list[Any]", value)):
        yield from _wrong(element, one, f"{path}[{index}]")


def _wrong_map(element: Any, value: Any, path: str) -> Iterator[Failure]:
    if not isinstance(value, dict):
        yield Failure(path, f"expected a map, got {_shown(value)}")
        return
    for key, one in cast("Item", value).items():
        yield from _wrong(element, one, f"{path}.{key}")


def _wrong_object(expected: Item, value: Any, path: str) -> Iterator[Failure]:
    if not isinstance(value, dict):
        yield Failure(path, f"expected an object, got {_shown(value)}")
        return
    given = cast("Item", value)
    fields: Item = expected["object"]
    for name, one in given.items():
        below = f"{path}.{name}" if path else name
        if name not in fields:
            yield Failure(below, f"unknown property; known here: {', '.join(sorted(fields))}")
        elif one is not None:
            yield from _wrong(fields[name], one, below)
    for name in expected["required"]:
        if given.get(name) is None:
            yield Failure(f"{path}.{name}" if path else name, "missing required property")


def _shown(value: Any) -> str:
    text = json.dumps(value) if value is not UNKNOWN else "a value not known yet"
    return text if len(text) <= 60 else text[:57] + "..."
