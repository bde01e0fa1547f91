"""The part of workers-runtime-sdk that the entry points use."""

from typing import Any

from pyodide.ffi import JsProxy

class Request:
    """The SDK's wrapper of a native Request."""

    @property
    def js_object(self) -> JsProxy: ...

class Response:
    def __init__(self, body: str | bytes | None = None, status: int | None = None) -> None: ...

class WorkerEntrypoint:
    """`env` holds the bindings and variables, `ctx` the lifetime of the invocation."""

    ctx: Any
    env: Any

    def __init__(self, ctx: object, env: object) -> None: ...

def python_to_rpc(value: object, /) -> Any:
    """For a binding that the SDK has wrapped: the native binding itself."""

def python_from_rpc(value: object, /) -> Any:
    """A JavaScript value as the Python value that stands for it."""
