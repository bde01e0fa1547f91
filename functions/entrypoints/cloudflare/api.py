"""The api Worker: the control plane."""

from pyodide.ffi import JsProxy
from workers import Request, WorkerEntrypoint

from functions.entrypoints.cloudflare.asgi import exchange
from functions.entrypoints.cloudflare.compose.api import api
from functions.entrypoints.cloudflare.console import log_to_console

log_to_console()


class Default(WorkerEntrypoint):
    async def fetch(self, request: Request | JsProxy) -> JsProxy:
        native = request if isinstance(request, JsProxy) else request.js_object
        return await exchange(api(self.env), native)
