"""Values across the border between Python and JavaScript, converted in one place.

`undefined` arrives as None but `null` as `jsnull`, and None leaves as `undefined`, which D1 and R2
refuse where they take `null`. A Python object given to an asynchronous JavaScript function is a
proxy that dies when the call returns; so everything that leaves here is a JavaScript copy, never a
proxy of a Python object.
"""

from collections.abc import Mapping
from typing import Any

import js
from pyodide.ffi import JsException, JsProxy, jsnull, to_js


def js_object(members: Mapping[str, object]) -> JsProxy:
    """A plain JavaScript object; members that are None are left out."""
    given = {name: value for name, value in members.items() if value is not None}
    return to_js(given, dict_converter=js.Object.fromEntries)


def js_bytes(data: bytes) -> JsProxy:
    """A Uint8Array with a copy of the bytes."""
    return to_js(data)


def or_none(value: Any) -> Any:
    """`null` and `undefined` both as None."""
    return None if value is jsnull else value


def error_text(error: JsException) -> str:
    """What the runtime said, without a JavaScript stack."""
    return error.message or error.name
