"""The storage's HTTP by the Workers runtime's own `fetch`; bodies stay JavaScript streams."""

import contextlib
from typing import Any

import js
from pyodide.ffi import JsException, JsProxy

from functions.adapters.cloudflare.javascript import error_text, js_bytes, js_object, or_none
from functions.adapters.cloudflare.streams import AT_ONCE, NativeBody, fixed_length
from functions.ports.fetch import FetchError, FetchRequest
from functions.ports.object_store import ObjectStoreError


class JsFetch:
    async def __call__(self, request: FetchRequest) -> "JsResponse":
        if request.body is None or isinstance(request.body, bytes):
            body = None if request.body is None else js_bytes(request.body)
            return JsResponse(await _fetch(request, body))
        if request.length is None:
            raise ObjectStoreError("a streamed body needs its length")
        async with fixed_length(request.body, request.length) as stream:
            return JsResponse(await _fetch(request, stream))


async def _fetch(request: FetchRequest, body: JsProxy | None) -> Any:
    abort = js.AbortController.new()
    options = js_object(
        {
            "method": request.method,
            "headers": dict(request.headers),
            "body": body,
            "redirect": "manual",
            # A storage's answer belongs to whoever signed the request: no cache on the way may keep
            # it under a URL that does not say so.
            "cache": "no-store",
            "signal": abort.signal,
        }
    )
    try:
        return await js.fetch(request.url, options)
    except JsException as error:
        raise FetchError(error_text(error)) from error
    except BaseException:
        # The deadline is over: nobody waits for the answer any more.
        abort.abort()
        raise


class JsResponse:
    def __init__(self, response: Any) -> None:
        self._response = response
        self.status = int(response.status)
        self.headers: dict[str, str] = dict(response.headers)
        self.body = _body(response, self.headers.get("content-length"))

    async def close(self) -> None:
        stream = or_none(self._response.body)
        if stream is None or self._response.bodyUsed:
            return
        with contextlib.suppress(JsException):
            await stream.cancel()


def _body(response: Any, length: str | None) -> NativeBody:
    stream = or_none(response.body)
    if stream is None:
        return NativeBody(js.Response.new(js_bytes(b"")).body, 0)
    return NativeBody(stream, int(length) if length and length.isdigit() else AT_ONCE + 1)
