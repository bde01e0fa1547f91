"""The REST endpoints that export a D1 database as SQL text and import such a text.

Both are polled, as on Cloudflare: the first answer says `active` and a bookmark, and later ones,
asked with that bookmark, say how it went. The text itself travels by signed URLs.
"""

import asyncio
import json
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.data_plane import DataPlane
from local.home import CloudError
from local.rest.envelope import failure, success
from local.rest.signed_files import SignedFiles
from local.settling import Settler
from local.world import World

_DATABASE = "/client/v4/accounts/{account}/d1/database/{database}"
_MD5 = re.compile(r"[0-9a-f]{32}")
_TASKS_KEPT = 100

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Task:
    """One export or import that is under way or over."""

    kind: str
    database: str
    bookmark: str
    work: "asyncio.Task[Json]"


class DatabaseTransfers:
    def __init__(
        self, world: World, settler: Settler, data_plane: DataPlane, files: SignedFiles
    ) -> None:
        self._world = world
        self._settler = settler
        self._data_plane = data_plane
        self._files = files
        self._tasks: dict[str, Task] = {}

    def routes(self) -> list[Route]:
        return [
            Route(f"{_DATABASE}/export", self._answering(self._export), methods=["POST"]),
            Route(f"{_DATABASE}/import", self._answering(self._import), methods=["POST"]),
        ]

    async def close(self) -> None:
        for task in self._tasks.values():
            task.work.cancel()
        await asyncio.gather(*(task.work for task in self._tasks.values()), return_exceptions=True)

    def _answering(
        self, handle: Callable[[str, Json], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            database = request.path_params["database"]
            found = self._world.get("D1Database", database)
            if found is None or found["accountId"] != request.path_params["account"]:
                return failure(404, 7404, f"The database {database} could not be found")
            try:
                body: Any = json.loads(await request.body() or b"null")
            except ValueError:
                body = None
            if not isinstance(body, dict):
                return failure(400, 7400, "The request is malformed: the body is no JSON object")
            return await handle(database, cast("Json", body))

        return answer

    async def _export(self, database: str, body: Json) -> Response:
        if body.get("output_format") != "polling":
            return failure(400, 7400, "The request is malformed: output_format must be polling")
        if body.get("dump_options"):
            return failure(400, 7400, "dump_options are not emulated: the whole database or none")
        if body.get("current_bookmark") is None:
            return _active(self._begin("export", database, self._dump(database)))
        return await self._poll("export", database, body)

    async def _import(self, database: str, body: Json) -> Response:
        etag = str(body.get("etag", ""))
        match body.get("action"):
            case "init" if _MD5.fullmatch(etag):
                name = f"{database}-{etag}.sql"
                return success({"filename": name, "upload_url": self._files.url(name, "PUT")})
            case "ingest" if _MD5.fullmatch(etag):
                name = f"{database}-{etag}.sql"
                if body.get("filename") != name or not self._files.path(name).is_file():
                    return failure(400, 7400, f"Nothing was uploaded as {body.get('filename')}")
                return _active(self._begin("import", database, self._ingest(database, name, etag)))
            case "poll":
                return await self._poll("import", database, body)
            case _:
                return failure(
                    400, 7400, "The request is malformed: action is init or ingest with an etag "
                    "(the MD5 of the file), or poll",
                )  # fmt: skip

    def _begin(self, kind: str, database: str, work: Awaitable[Json]) -> Task:
        # The form of D1's: three counters and a digest.
        bookmark = "-".join(secrets.token_hex(4) for _ in range(3)) + f"-{secrets.token_hex(16)}"
        task = Task(kind, database, bookmark, asyncio.ensure_future(_settled(work)))
        self._tasks[bookmark] = task
        for old in list(self._tasks)[:-_TASKS_KEPT]:
            self._tasks.pop(old).work.cancel()
        return task

    async def _poll(self, kind: str, database: str, body: Json) -> Response:
        task = self._tasks.get(str(body.get("current_bookmark")))
        if task is None or (task.kind, task.database) != (kind, database):
            return failure(400, 7400, f"No {kind} of this database is under way at this bookmark")
        await asyncio.wait([task.work], timeout=1)
        if not task.work.done():
            return _active(task)
        return success({**_said(task), "success": True, "messages": [], **task.work.result()})

    async def _dump(self, database: str) -> Json:
        await self._settler.reach(database=database)
        name = f"{database}-{secrets.token_hex(8)}.sql"
        async with self._data_plane.dump(database) as response:
            await self._files.save(name, response.aiter_bytes())
        return {"filename": name, "signed_url": self._files.url(name, "GET")}

    async def _ingest(self, database: str, name: str, etag: str) -> Json:
        await self._settler.reach(database=database)
        content = await asyncio.to_thread(self._files.path(name).read_text, encoding="utf-8")
        results = await self._data_plane.query(database, {"sql": content})
        written = sum(int(one["meta"].get("rows_written") or 0) for one in results)
        meta = {"rows_written": written, "rows_read": 0, "duration": 0}
        return {"num_queries": len(results), "final_bookmark": etag, "meta": meta}


async def _settled(work: Awaitable[Json]) -> Json:
    try:
        return {"status": "complete", "result": await work}
    except (CloudError, OSError) as error:
        return {"status": "error", "error": str(error)}


def _said(task: Task) -> Json:
    return {"type": task.kind, "at_bookmark": task.bookmark}


def _active(task: Task) -> Response:
    answer = success({**_said(task), "success": True, "status": "active", "messages": []})
    answer.status_code = 202
    return answer
