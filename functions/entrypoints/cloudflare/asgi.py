"""A native request through an ASGI application.

The SDK's own bridge reads the whole body before the application sees the request; this one hands it
on chunk by chunk, so that the application can refuse a body that is too large for the isolate's
memory. Answers of the api are small and are collected.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias
from urllib.parse import unquote

from pyodide.ffi import JsProxy

from functions.adapters.cloudflare.javascript import or_none
from functions.entrypoints.cloudflare.exchange import native_response, split_url

Message: TypeAlias = MutableMapping[str, Any]
Application: TypeAlias = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[Message]],
        Callable[[Message], Awaitable[None]],
    ],
    Awaitable[None],
]


async def exchange(application: Application, request: JsProxy) -> JsProxy:
    """The application's answer as a native response."""
    answer = _Answer()
    await application(_scope(request), _Body(request).receive, answer.send)
    return native_response(answer.status, answer.headers, b"".join(answer.chunks))


def _scope(request: JsProxy) -> dict[str, Any]:
    scheme, host, raw_path, query = split_url(request.url)
    headers = [
        (name.encode(), value.encode("latin-1", "replace")) for name, value in request.headers
    ]
    # Set by Cloudflare, whatever the client sends
    # (developers.cloudflare.com/fundamentals/reference/http-headers).
    address = dict(headers).get(b"cf-connecting-ip")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": scheme,
        "server": (host, None),
        "root_path": "",
        "path": unquote(raw_path),
        "raw_path": raw_path.encode(),
        "query_string": query.encode(),
        "client": None if address is None else (address.decode("latin-1"), 0),
        "headers": headers,
    }


class _Body:
    """The body as ASGI messages, read from the native stream as the application asks for it."""

    def __init__(self, request: JsProxy) -> None:
        stream = or_none(request.body)
        self._reader = None if stream is None else stream.getReader()
        self._ended = False

    async def receive(self) -> Message:
        if self._ended:
            return {"type": "http.disconnect"}
        if self._reader is not None:
            step = await self._reader.read()
            if not step.done:
                chunk = step.value.to_bytes()
                return {"type": "http.request", "body": chunk, "more_body": True}
        self._ended = True
        return {"type": "http.request", "body": b"", "more_body": False}


class _Answer:
    def __init__(self) -> None:
        self.status = 500
        self.headers: list[tuple[str, str]] = []
        self.chunks: list[bytes] = []

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = [
                (name.decode(), value.decode("latin-1")) for name, value in message["headers"]
            ]
        elif message["type"] == "http.response.body":
            self.chunks.append(message.get("body", b""))
