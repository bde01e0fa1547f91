"""The workerd host as the daemon runs it, and a stand-in for the daemon."""

import http.client
import json
import select
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

CHECKOUT = Path(__file__).parents[2]
MAIN = CHECKOUT / "local" / "workerd" / "main.mjs"
CONTROL_SECRET = "control-of-this-test"
START_SECONDS = 90
SOCKETS = ("edge", "api", "cdn", "s3", "admin")

Json = dict[str, Any]


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on; held open together, so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [cast("int", one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()


def python_modules(packages: Iterable[str]) -> dict[str, bytes]:
    """Files of the unpacked WebAssembly wheels (patterns) by module name; made when absent."""
    root = CHECKOUT / ".build" / "python_modules"
    if not root.is_dir():
        make = shutil.which("make") or "make"
        subprocess.run([make, "wheels"], cwd=CHECKOUT, check=True, capture_output=True)
    files = [
        file
        for package in packages
        for found in root.glob(package)
        for file in ([found] if found.is_file() else found.rglob("*"))
        if file.is_file() and "__pycache__" not in file.parts
    ]
    return {f"python_modules/{file.relative_to(root)}": file.read_bytes() for file in sorted(files)}


SDK = (
    "workers",
    "asgi.py",
    "_workers_sdk_entropy_import_context.py",
    "_workers_sdk_package_patches.py",
    "_workers_sdk_patch_loader.py",
    "_workers_sdk_patch_loader.pth",
)


def write_pack(file: Path, modules: Mapping[str, bytes]) -> None:
    """Length of the index (4 bytes), `[[name, offset, length]]` as JSON, the bytes."""
    index: list[tuple[str, int, int]] = []
    offset = 0
    for name, data in modules.items():
        index.append((name, offset, len(data)))
        offset += len(data)
    head = json.dumps(index).encode()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(struct.pack(">I", len(head)) + head + b"".join(modules.values()))


def a_worker(
    folder: Path,
    name: str,
    source: str,
    bindings: Iterable[Json] = (),
    packages: Iterable[str] = SDK,
    main_module: str = "entry.py",
) -> Json:
    """A Worker of the HostConfig whose main module is `source`."""
    pack = folder / "packs" / name / "pack"
    write_pack(pack, {main_module: source.encode(), **python_modules(packages)})
    return {
        "name": name,
        "main_module": main_module,
        "pack": str(pack),
        "compatibility_date": "2026-09-15",
        "compatibility_flags": ["python_workers", "python_workers_314"],
        "bindings": list(bindings),
    }


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, read to its end; header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class StandInDaemon:
    """Takes what Workers post to the daemon; answers fault questions from a script."""

    posts: list[tuple[str, str | None, Json]] = field(
        default_factory=list[tuple[str, str | None, Json]]
    )
    faults: Callable[[Json], str] = lambda _question: "none"
    queue_status: int = 200
    purges: list[Json] = field(default_factory=list[Json])

    def __post_init__(self) -> None:
        daemon = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                daemon.posts.append((self.path, self.headers["x-stowage-control"], body))
                if self.path == "/_faults/next":
                    self._answer(200, {"action": daemon.faults(body)})
                else:
                    self._answer(daemon.queue_status, {})

            def do_GET(self) -> None:
                self._answer(200, {"purges": daemon.purges})

            def _answer(self, status: int, value: Json) -> None:
                data = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: the test's output is not the place."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def messages(self) -> list[Json]:
        """Queue messages posted so far, with their queue's path."""
        return [
            {"path": path, **message}
            for path, _, body in list(self.posts)
            if path.startswith("/_queues/")
            for message in body["messages"]
        ]


class WorkerdHost:
    """One `node main.mjs` with a data folder and free ports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.daemon = StandInDaemon()
        self.ports: dict[str, int] = dict(zip(SOCKETS, free_ports(len(SOCKETS)), strict=True))
        self.log_file = folder / "workerd.log"
        folder.mkdir(parents=True, exist_ok=True)
        self._log = self.log_file.open("wb")
        node = shutil.which("node")
        assert node, "the local cloud needs Node.js"
        self.process = subprocess.Popen(
            [node, str(MAIN)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log
        )
        self.config: Json = {
            "ports": self.ports,
            "data": str(folder / "data"),
            "runtime_flags": {},
            "daemon": self.daemon.address,
            "control_secret": CONTROL_SECRET,
            "faults": False,
            "workers": [],
            "routes": [],
            "entry_hosts": {"api": "api.stowage.test", "cdn": "cdn.stowage.test"},
            "buckets": [],
            "databases": [],
            "s3": {"region": "auto", "tokens": [], "cors": {}},
        }

    def say(self, line: str) -> Json:
        """Writes a line of the protocol and reads the answer."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], START_SECONDS)
        assert ready, f"no answer within {START_SECONDS} s; log:\n{self.log()}"
        return json.loads(self.process.stdout.readline())

    def call(self, method: str, params: Json | None = None) -> Json:
        return self.say(json.dumps({"id": 1, "method": method, "params": params}))

    def apply(self, **changes: Any) -> Json:
        """Applies the configuration with changes, which are kept when it succeeds."""
        config = {**self.config, **changes}
        answer = self.call("apply", config)
        assert "result" in answer, answer
        self.config = config
        return answer["result"]

    def request(
        self,
        entry: str,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """A request with exactly this path and, but for Host and length, exactly these headers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[entry], timeout=60)
        try:
            given = {name.lower() for name in headers or {}}
            connection.putrequest(
                method, path, skip_host="host" in given, skip_accept_encoding=True
            )
            for name, value in (headers or {}).items():
                connection.putheader(name, value)
            if isinstance(body, bytes) and not given & {"content-length", "transfer-encoding"}:
                connection.putheader("content-length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            data = response.read()
            return Answer(
                response.status,
                {name.lower(): value for name, value in response.getheaders()},
                data,
            )
        finally:
            connection.close()

    def admin(self, method: str, path: str, body: Json | None = None) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        return self.request(
            "admin", method, path, data, {"x-stowage-control": self.config["control_secret"]}
        )

    def log(self) -> str:
        return self.log_file.read_text()

    def wait_for_log(self, text: str, seconds: float = 10) -> str:
        deadline = time.monotonic() + seconds
        while text not in self.log():
            assert time.monotonic() < deadline, f"{text!r} is not in the log:\n{self.log()}"
            time.sleep(0.02)
        return self.log()

    def close(self) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        try:
            self.process.wait(15)
        finally:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self._log.close()
            self.daemon.close()
