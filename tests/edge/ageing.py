"""A Worker that makes what the edge keeps look older: it rewrites the time in an entry's note. It
runs in workerd only, in the edge's data centre."""

import json
from typing import Any

import js
from pyodide.ffi import to_js
from workers import Response, WorkerEntrypoint

NOTE = "x-stowage-note"


class Default(WorkerEntrypoint):
    async def fetch(self, request: Any) -> Any:
        asked = json.loads(await request.text())
        cache = js.caches.default
        found = await cache.match(asked["url"])
        if found is None:
            return Response("nothing is kept there", status=404)
        *fields, at = json.loads(found.headers.get(NOTE))
        headers = {name: value for name, value in found.headers if name in asked["headers"]}
        headers[NOTE] = json.dumps([*fields, at - asked["milliseconds"]])
        headers["cache-tag"] = ",".join(asked["tags"])
        native = js.Headers.new(to_js(list(headers.items())))
        init = to_js({"status": 200, "headers": native}, dict_converter=js.Object.fromEntries)
        await cache.put(asked["url"], js.Response.new(await found.arrayBuffer(), init))
        return Response("older")
