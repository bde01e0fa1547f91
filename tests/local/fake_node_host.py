"""Plays the workerd host: the protocol on stdin and stdout, an admin Worker that keeps objects in
memory. Run as a program: `fake_node_host.py RECORD`, a file that gets one line for each call."""

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

RECORD = Path(sys.argv[1])
OBJECTS: dict[str, set[str]] = {"full": {"a b/c", "d"}}
servers: list[ThreadingHTTPServer] = []


def record(entry: dict[str, Any]) -> None:
    with RECORD.open("a") as file:
        file.write(json.dumps({"pid": os.getpid(), **entry}) + "\n")


class Admin(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        bucket = urlsplit(self.path).path.split("/")[2]
        objects = [{"key": key, "size": 1} for key in sorted(OBJECTS.get(bucket, ()))]
        self.answer(200, {"objects": objects, "truncated": False})

    def do_DELETE(self) -> None:
        _, _, bucket, key = self.path.split("/", 3)
        OBJECTS.get(bucket, set()).discard(unquote(key))
        self.answer(200, {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        record({"call": self.path, "body": body})
        if self.path.endswith("/query"):
            if body.get("sql") == "NONSENSE":
                self.answer(400, {"error": 'near "NONSENSE": syntax error'})
            else:
                rows: dict[str, Any] = {"success": True, "results": [{"one": 1}], "meta": {}}
                self.answer(200, {"result": [rows]})
        elif self.path == "/workers/broken/warm":
            self.answer(500, {"error": "Traceback (most recent call last): ImportError: nothing"})
        else:
            self.answer(200, {"outcome": "ok"})

    def answer(self, status: int, value: Any) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: stderr is the log."""


def apply(config: dict[str, Any]) -> None:
    record({"apply": config})
    if any(worker["name"] == "refused" for worker in config["workers"]):
        raise ValueError("the host refuses this configuration")
    if not servers:
        servers.append(ThreadingHTTPServer(("127.0.0.1", config["ports"]["admin"]), Admin))
        threading.Thread(target=servers[0].serve_forever, daemon=True).start()


for line in sys.stdin:
    request = json.loads(line)
    try:
        apply(request["params"])
        result: dict[str, Any] = {"result": {}}
    except (ValueError, OSError) as error:
        result = {"error": {"message": str(error)}}
    print(json.dumps({"id": request["id"], **result}), flush=True)
