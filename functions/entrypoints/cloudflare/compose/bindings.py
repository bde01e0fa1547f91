"""A Worker's bindings and variables, taken from its `env`."""

from typing import Any

from pyodide.ffi import JsProxy
from workers import python_to_rpc

from functions.setting_values import SettingsError
from functions.settings import VARIABLES


def native(env: Any, name: str) -> JsProxy:
    """The native binding behind the SDK's wrapper, which copies every result into Python values and
    so is of no use for bodies.

    Raises: SettingsError.
    """
    binding = getattr(env, name, None)
    if binding is None:
        raise SettingsError([f"the binding {name} is missing"])
    return binding if isinstance(binding, JsProxy) else python_to_rpc(binding)


def variables(env: Any) -> dict[str, str | None]:
    """The text variables and secrets; None for one that this Worker has not."""
    found: dict[str, object] = {name: getattr(env, name, None) for name in VARIABLES}
    return {name: value if isinstance(value, str) else None for name, value in found.items()}
