"""The edge Worker: all public traffic. Its bundle holds the standard library and the SDK, and
nothing that writes."""

from pyodide.ffi import JsProxy
from workers import Request, WorkerEntrypoint

from functions.entrypoints.cloudflare.compose.edge import background, data_plane
from functions.entrypoints.cloudflare.console import log_to_console
from functions.entrypoints.cloudflare.exchange import (
    data_centre,
    header_map,
    native_response,
    split_url,
)
from functions.entrypoints.http_edge.data_plane import EdgeRequest

log_to_console()


class Default(WorkerEntrypoint):
    async def fetch(self, request: Request | JsProxy) -> JsProxy:
        native = request if isinstance(request, JsProxy) else request.js_object
        _, host, raw_path, query = split_url(native.url)
        asked = EdgeRequest(
            native.method, host, raw_path, query, header_map(native), data_centre(native)
        )
        answer = await data_plane(self.env).serve(asked, background(self.ctx))
        return native_response(answer.status, answer.headers.items(), answer.body)
