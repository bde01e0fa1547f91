"""What each kind of resource accepts and gives, read from the installed SDK's own types.

Run as a module it prints the types as JSON: importing the SDK takes seconds and 200 MB, so a
process
of its own does it, once for each version of the SDK (see `schema.py`).

A type is one of `"string"`, `"boolean"`, `"number"`, `"any"`; `{"enum": [...]}`; `{"list": type}`;
`{"map": type}`; `{"object": {name: type}, "required": [name]}`. Names are camelCase, as on the
wire.
"""

import collections.abc
import inspect
import json
import re
import sys
import typing
import warnings
from typing import Any

# The args class of QueueConsumer has another name, because its own is taken by a nested type.
_ARGS_SUFFIXES = ("InitArgs", "Args")
_VALUES = re.compile(r'Available values: ((?:"[^"]*"(?:, )?)+)')
_PRIMITIVES: dict[object, str] = {str: "string", bool: "boolean", int: "number", float: "number"}


def types_of(names: list[str]) -> dict[str, Any]:
    """Inputs and outputs of each kind: `{kind: {"inputs": object type, "outputs": [name]}}`."""
    # Imported late: the SDK warns at import about its own old names.
    warnings.simplefilter("ignore")
    import pulumi_cloudflare

    # The one place that knows the names on the wire.
    from pulumi import _types  # pyright: ignore[reportPrivateUsage]

    reader = _Reader(_types)
    kinds: dict[str, Any] = {}
    for name in names:
        args = next(
            found
            for suffix in _ARGS_SUFFIXES
            if (found := getattr(pulumi_cloudflare, name + suffix, None)) is not None
        )
        module = sys.modules[getattr(pulumi_cloudflare, name).__module__]
        state = getattr(module, f"_{name}State")
        kinds[name] = {
            "inputs": reader.object_type(args),
            "outputs": list(_types.input_type_py_to_pulumi_names(state).values()),
        }
    return kinds


class _Reader:
    def __init__(self, sdk_types: Any) -> None:
        self._sdk = sdk_types

    def object_type(self, cls: type) -> dict[str, Any]:
        names: dict[str, str] = self._sdk.input_type_py_to_pulumi_names(cls)
        by_wire_name: dict[str, Any] = self._sdk.input_type_types(cls)
        described: dict[str, Any] = {}
        for python_name, name in names.items():
            prop = inspect.getattr_static(cls, python_name)
            described[name] = self._type(by_wire_name[name], prop.__doc__ or "")
        parameters = inspect.signature(cls.__init__).parameters
        required = [
            name
            for python_name, name in names.items()
            if parameters[python_name].default is inspect.Parameter.empty
        ]
        return {"object": described, "required": required}

    def _type(self, hint: Any, doc: str) -> Any:
        hint = self._unwrapped(hint)
        if hint is str:
            values = _available_values(doc)
            return {"enum": values} if values else "string"
        if hint in _PRIMITIVES:
            return _PRIMITIVES[hint]
        if inspect.isclass(hint) and self._sdk.is_input_type(hint):
            return self.object_type(hint)
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if origin in (collections.abc.Sequence, list):
            return {"list": self._type(arguments[0], doc)}
        if origin in (collections.abc.Mapping, dict):
            return {"map": self._type(arguments[1], doc)}
        return "any"

    def _unwrapped(self, hint: Any) -> Any:
        """`Input[T]`, `Optional[T]` and their mixtures -> T."""
        if typing.get_origin(hint) is not typing.Union:
            return hint
        for argument in typing.get_args(hint):
            name = getattr(argument, "__name__", "")
            origin = typing.get_origin(argument)
            wrapper = origin is collections.abc.Awaitable or name == "Output"
            if argument is not type(None) and not wrapper:
                return self._unwrapped(argument)
        return Any


def _available_values(doc: str) -> list[str]:
    """The values that the SDK's documentation lists; it prints `_` as `*`."""
    found = _VALUES.search(" ".join(doc.split()))
    if found is None:
        return []
    return [value.replace("*", "_") for value in re.findall(r'"([^"]*)"', found.group(1))]


if __name__ == "__main__":
    json.dump(types_of(sys.argv[1:]), sys.stdout)
