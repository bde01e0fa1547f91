"""The globals of the Workers runtime that the adapters use, as Pyodide shows them to Python.

Only what is called here is declared; a value of the runtime is a `JsProxy` and is not typed any
further.
"""

from typing import Any, Protocol

from pyodide.ffi import JsProxy

class _Class(Protocol):
    def new(self, *args: object, **options: object) -> JsProxy: ...

class _ObjectClass(Protocol):
    def fromEntries(self, entries: object, /) -> JsProxy: ...

class _JSON(Protocol):
    def parse(self, text: str) -> JsProxy: ...
    def stringify(self, value: object, /) -> str: ...

class _Crypto(Protocol):
    subtle: JsProxy
    DigestStream: _Class

AbortController: _Class
FixedLengthStream: _Class
Headers: _Class
JSON: _JSON
Object: _ObjectClass
Response: _Class
URL: _Class
crypto: _Crypto

def __getattr__(name: str) -> Any: ...
