"""What the runtime does in Python around a Worker's handlers: import, convert, call."""

import importlib
import os
from inspect import isawaitable
from types import ModuleType
from typing import Any

from _cloudflare import allow_entropy, import_patch_manager
from pyodide.code import relaxed_call


def import_main(name: str) -> ModuleType:
    """Import the main module under the runtime's rules for top-level code.

    Randomness from the system is refused there, as Cloudflare does: its snapshot of the imported
    program would hand the same "random" bytes to every isolate.
    """
    real_urandom = os.urandom
    os.urandom = allow_entropy.guarded(real_urandom)
    import_patch_manager.install()
    try:
        module = importlib.import_module(name)
    finally:
        import_patch_manager.remove()
        os.urandom = real_urandom
    import_patch_manager.before_first_request()
    return module


async def call(relaxed: bool, instance: Any, handler: str, *args: Any) -> Any:
    """Call a handler with converted arguments and convert its result (Response -> its JS
    object)."""
    from workers import python_from_rpc, python_to_rpc

    method = getattr(instance, handler)
    converted = [python_from_rpc(arg) for arg in args]
    result = relaxed_call(method, *converted) if relaxed else method(*converted)
    if isawaitable(result):
        result = await result
    return python_to_rpc(result)
