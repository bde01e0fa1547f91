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
DUMP = """CREATE TABLE a (b TEXT);\nINSERT INTO "a" ("b") VALUES('c');\n"""
servers: list[ThreadingHTTPServer] = []


def record(entry: dict[str, Any]) -> None:
    with RECORD.open("a") as file:
        file.write(json.dumps({"pid": os.getpid(), **entry}) + "\n")


class Admin(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        place, name, *rest = urlsplit(self.path).path.split("/")[1:]
        if place == "d1":
            self.send(200, DUMP.encode())
        elif rest:
            self.read_object(name, unquote(rest[0]))
        else:
            self.list_objects(name)

    def read_object(self, bucket: str, key: str) -> None:
        if key in OBJECTS.get(bucket, ()):
            self.send(200, key.encode())
        else:
            self.answer(404, {"error": f"there is no object {key}"})

    def list_objects(self, bucket: str) -> None:
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
            if "NONSENSE" in body.get("sql", ""):
                self.answer(400, {"error": 'near "NONSENSE": syntax error'})
            else:
                rows: dict[str, Any] = {"success": True, "results": [{"one": 1}], "meta": {}}
                self.answer(200, {"result": [rows]})
        elif self.path == "/workers/broken/warm":
            self.answer(500, {"error": "Traceback (most recent call last): ImportError: nothing"})
        else:
            self.answer(200, {"outcome": "ok"})

    def answer(self, status: int, value: Any) -> None:
        self.send(status, json.dumps(value).encode())

    def send(self, status: int, data: bytes) -> None:
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
