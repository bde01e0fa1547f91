"""D1's query endpoint over SQLite on 127.0.0.1, with the failures that a network brings."""

import json
import sqlite3
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ACCOUNT = "7a" * 16
DATABASE = "0d1-database"


@dataclass
class Endpoint:
    """`trouble` is asked before each request: it names what happens to it, or nothing."""

    token: str
    url: str = ""
    trouble: Callable[[str], str] = field(default=lambda _sql: "")
    requests: list[str] = field(default_factory=list[str])
    database: sqlite3.Connection = field(
        default_factory=lambda: sqlite3.connect(
            ":memory:", check_same_thread=False, isolation_level=None
        )
    )

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.database.execute(sql).fetchall()

    def tables(self) -> set[str]:
        return {name for (name,) in self.rows("SELECT name FROM sqlite_master WHERE type='table'")}

    def answer(self, path: str, token: str, sql: str) -> tuple[int, dict[str, Any]]:
        self.requests.append(sql)
        if token != f"Bearer {self.token}":
            return 403, _failure(10000, f"Authentication error for {token}")
        if path != f"/client/v4/accounts/{ACCOUNT}/d1/database/{DATABASE}/query":
            return 404, _failure(7404, "The database could not be found")
        try:
            return 200, {"success": True, "errors": [], "result": [self._run(sql)]}
        except sqlite3.Error as error:
            if self.database.in_transaction:
                self.database.execute("ROLLBACK")
            return 400, _failure(7500, f"{error}: SQLITE_ERROR")

    def _run(self, sql: str) -> dict[str, Any]:
        if sql.startswith("SELECT"):
            cursor = self.database.execute(sql)
            names = [column[0] for column in cursor.description]
            rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
            return {"results": rows, "success": True, "meta": {}}
        self.database.executescript(f"BEGIN;{sql}\n;COMMIT;")
        return {"results": [], "success": True, "meta": {}}


def _failure(code: int, message: str) -> dict[str, Any]:
    return {"success": False, "errors": [{"code": code, "message": message}], "result": []}


@contextmanager
def an_endpoint(token: str) -> Generator[Endpoint]:
    endpoint = Endpoint(token)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None: ...

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            trouble = endpoint.trouble(body["sql"])
            if trouble == "drop before":
                return
            status, document = endpoint.answer(
                self.path, self.headers["authorization"], body["sql"]
            )
            if trouble == "drop after":
                return
            if trouble.isdigit():
                status, document = int(trouble), _failure(0, "Internal error")
            text = b"not json" if trouble == "garbage" else json.dumps(document).encode()
            self.send_response(307 if trouble == "redirect" else status)
            if trouble == "redirect":
                self.send_header("location", f"{endpoint.url}/elsewhere")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    endpoint.url = f"http://127.0.0.1:{server.server_port}/client/v4"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        endpoint.database.close()
