"""Cloudflare Queues through a Worker's producer binding."""

from collections.abc import Mapping

from pyodide.ffi import JsException, JsProxy

from functions.adapters.cloudflare.javascript import error_text, js_object
from functions.ports.queue import QueueError


class CloudflareQueue:
    def __init__(self, queue: JsProxy) -> None:
        self._queue = queue

    async def send(self, message: Mapping[str, str], *, delay_seconds: int = 0) -> None:
        options = js_object({"contentType": "json", "delaySeconds": delay_seconds})
        try:
            await self._queue.send(js_object(message), options)
        except JsException as error:
            raise QueueError(error_text(error)) from error
