"""The part of Pyodide's foreign-function interface that the adapters use (Pyodide 314)."""

from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import Any

class JsNull:
    def __bool__(self) -> bool: ...

jsnull: JsNull
"""JavaScript's `null`; `undefined` is `None`."""

class JsProxy:
    """A JavaScript value. Its attributes are those of the value, and so of no type known here."""

    def __getattr__(self, name: str) -> Any: ...
    def __setattr__(self, name: str, value: object) -> None: ...
    def __call__(self, *args: object, **kwargs: object) -> Any: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __aiter__(self) -> AsyncIterator[Any]: ...
    def __await__(self) -> Generator[Any, None, Any]: ...
    def to_bytes(self) -> bytes: ...
    def to_py(self) -> Any: ...

class JsException(Exception):
    name: str
    message: str

def to_js(
    value: object,
    /,
    *,
    depth: int = -1,
    dict_converter: Callable[[Any], JsProxy] | None = None,
) -> Any: ...
