"""Lets the Workers SDK adapt packages while they are imported (e.g. anyio.to_thread: no threads).

The SDK registers context managers by module name; they surround the module's creation or execution.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

Patch = Callable[[Any], Any]
Table = dict[str, Patch]

_create: Table = {}
_execute: Table = {}
_later: Table = {}
_imported: list[tuple[str, ModuleType]] = []


def _registering(table: Table) -> Callable[..., Any]:
    def register(name: str, value: Patch | None = None) -> Any:
        if value is None:

            def decorate(function: Patch) -> Any:
                return register(name, function)

            return decorate
        table[name] = value
        return value

    return register


register_create_patch = _registering(_create)
register_exec_patch = _registering(_execute)
register_before_first_request = _registering(_later)
# There is no snapshot here: nothing is to be mended after it.
register_after_snapshot = _registering({})


def block_calls(module: ModuleType, *, allowlist: Iterable[str] = ()) -> None:
    """Cloudflare blocks functions of `module` until the first request; here they may be called."""


def _around(table: Table, name: str, value: Any) -> AbstractContextManager[Any]:
    return table.get(name, nullcontext)(value)


class _Loader(Loader):
    def __init__(self, loader: Loader, name: str) -> None:
        self._loader = loader
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        with _around(_create, self._name, spec):
            return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if self._name in _later:
            _imported.append((self._name, module))
        with _around(_execute, self._name, module):
            self._loader.exec_module(module)


class _Finder:
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in _create and fullname not in _execute and fullname not in _later:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, fullname)
        return spec


_finder = _Finder()


def install() -> None:
    """Begin to watch imports."""
    sys.meta_path.insert(0, _finder)


def remove() -> None:
    """Stop watching imports."""
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)


def before_first_request() -> None:
    """Run what packages registered for the end of the start."""
    for name, module in _imported:
        _later[name](module)
    _imported.clear()
