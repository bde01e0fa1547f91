"""A D1 database behind Cloudflare's REST API, played by SQLite: one request is one transaction,
exports and imports are polled, files travel by signed URLs."""

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import httpx

from cli.database_api import DatabaseApi
from cli.rest import AccountApi
from functions.adapters.local.database_export import lines

Json = dict[str, Any]
FILES = "https://files.example"


@dataclass
class FakeD1:
    connection: sqlite3.Connection = field(
        default_factory=lambda: sqlite3.connect(":memory:", isolation_level=None)
    )
    imported: list[str] = field(default_factory=list[str])
    polls: int = 1
    """How often a transfer is said to go on."""
    stumbles: list[int] = field(default_factory=list[int])
    """Statuses with which the next polls are answered."""
    refusal: str = ""
    """Of the next import."""
    cuts: bool = False
    """Uploads arrive without their end."""
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    waiting: dict[str, list[Json]] = field(default_factory=dict[str, list[Json]])

    def __post_init__(self) -> None:
        self.connection.execute("PRAGMA foreign_keys = ON")

    def api(self) -> DatabaseApi:
        transport = httpx.MockTransport(self.answer)
        account = AccountApi("https://api.example/client/v4", "t", "acc", "zone", transport)
        return DatabaseApi(account, "d-1", transport)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql).fetchall()

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "files.example":
            return self._file(request)
        body = cast("Json", json.loads(request.content))
        if "current_bookmark" in body and self.stumbles:
            return httpx.Response(self.stumbles.pop(0), json={"errors": []})
        match request.url.path.rpartition("/")[2]:
            case "query":
                return self._query(str(body["sql"]))
            case "export":
                return self._export(body)
            case _:
                return self._import(body)

    def _file(self, request: httpx.Request) -> httpx.Response:
        name = request.url.path
        if request.method == "PUT":
            content = request.read()
            self.files[name] = content[:-1] if self.cuts else content
            return httpx.Response(200, headers={"etag": f'"{_md5(self.files[name])}"'})
        return httpx.Response(200, content=self.files[name])

    def _query(self, sql: str) -> httpx.Response:
        try:
            return _success([_rows(cursor) for cursor in self._run(sql)])
        except sqlite3.Error as error:
            return httpx.Response(400, json=_errors(str(error)))

    def _run(self, sql: str) -> list[tuple[list[Json], int]]:
        results: list[tuple[list[Json], int]] = []
        self.connection.execute("BEGIN")
        try:
            for statement in _statements(sql):
                cursor = self.connection.execute(statement)
                names = [column[0] for column in cursor.description or ()]
                found = [dict(zip(names, row, strict=True)) for row in cursor]
                results.append((found, max(cursor.rowcount, 0)))
            self.connection.execute("COMMIT")
        finally:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
        return results

    def _export(self, body: Json) -> httpx.Response:
        if "current_bookmark" in body:
            return self._next(str(body["current_bookmark"]))
        self.files["/dump"] = "".join(f"{line}\n" for line in lines(self.connection)).encode()
        return self._begin({"signed_url": f"{FILES}/dump"})

    def _import(self, body: Json) -> httpx.Response:
        match body["action"]:
            case "init":
                name = f"/{body['etag']}"
                return _success({"filename": name, "upload_url": f"{FILES}{name}"})
            case "ingest":
                sql = self.files[str(body["filename"])].decode()
                self.imported.append(sql)
                return self._begin(*self._ingest(sql))
            case _:
                return self._next(str(body["current_bookmark"]))

    def _ingest(self, sql: str) -> tuple[Json, str]:
        if self.refusal:
            return {}, self.refusal
        try:
            return {"num_queries": len(self._run(sql))}, ""
        except sqlite3.Error as error:
            return {}, str(error)

    def _begin(self, result: Json, error: str = "") -> httpx.Response:
        bookmark = f"b-{len(self.waiting)}"
        said: Json = {"success": True, "at_bookmark": bookmark, "messages": []}
        last = {"status": "error", "error": error} if error else {"status": "complete"}
        self.waiting[bookmark] = [
            *({**said, "status": "active"} for _ in range(self.polls)),
            {**said, **last, "result": result},
        ]
        return self._next(bookmark)

    def _next(self, bookmark: str) -> httpx.Response:
        answers = self.waiting[bookmark]
        return _success(answers.pop(0) if len(answers) > 1 else answers[0])


def _statements(sql: str) -> list[str]:
    found: list[str] = []
    waiting = ""
    for piece in sql.splitlines(keepends=True):
        waiting += piece
        if sqlite3.complete_statement(waiting):
            found.append(waiting)
            waiting = ""
    return [*found, waiting] if waiting.strip() else found


def _rows(result: tuple[list[Json], int]) -> Json:
    return {"success": True, "results": result[0], "meta": {"changes": result[1]}}


def _success(result: object) -> httpx.Response:
    return httpx.Response(200, json={"success": True, "errors": [], "result": result})


def _errors(message: str) -> Mapping[str, object]:
    return {"success": False, "errors": [{"code": 7500, "message": message}], "result": None}


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
