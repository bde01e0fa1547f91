"""The edge Worker in workerd, by requests a second and by what each request asks of R2, D1 and the
cache: full, range, conditional, and the same from a warm cache.

Floor and ceiling are a Python Worker that does nothing behind the same front, and the front itself,
a JavaScript Worker that answers alone. A Python Worker that does nothing but answer from the cache
tells how much of a warm answer is the cache's own. All take turns over the same number of
connections, so that whatever else the machine does meets each of them.

    .venv/bin/python -m bench.edge
"""

import socket
import statistics
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.edge import site
from tests.edge.workerd import WorkerdEdge, edge_worker
from tests.local.workerd_host import a_worker

ROUNDS = 3
CONNECTIONS = 4
NULL_HOST, CACHE_HOST, NO_HOST = "null.test", "cache.test", "nowhere.test"
NULL = """
import js
from workers import WorkerEntrypoint


class Default(WorkerEntrypoint):
    async def fetch(self, request):
        return js.Response.new("nothing")
"""
CACHE = """
import js
from pyodide.ffi import to_js
from workers import WorkerEntrypoint

URL = "https://cache.test/entry"


class Default(WorkerEntrypoint):
    async def fetch(self, request):
        found = await js.caches.default.match(URL)
        if found is None:
            headers = js.Headers.new(to_js([["cache-control", "max-age=3600"]]))
            init = js.Object.fromEntries(to_js([["headers", headers]]))
            await js.caches.default.put(URL, js.Response.new("0123456789", init))
            found = await js.caches.default.match(URL)
        return found
"""
DEB = "/pool/main/hello_1.dsc"
RANGED = "/dists/stable/main/binary-amd64/Packages"
"""Never asked for as a whole, and so never in the cache."""
USAGE = {"name": "USAGE", "type": "analytics_engine", "dataset": "usage_bench"}


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of request. `path` with a `%d` names no object twice, so the cache never has it."""

    name: str
    host: str
    path: str
    headers: Mapping[str, str]
    status: int
    requests: int = 100
    """In one turn, of all connections together."""


KINDS = (
    Kind("JavaScript Worker that answers alone", NO_HOST, "/", {}, 522),
    Kind("null Python Worker", NULL_HOST, "/", {}, 200),
    Kind("null Python Worker that asks the cache", CACHE_HOST, "/", {}, 200),
    Kind("full, from the cache", site.ONE, DEB, {}, 200),
    Kind("range, from the cache", site.ONE, DEB, {"range": "bytes=2-5"}, 206),
    Kind("304, from the cache", site.ONE, DEB, {"if-none-match": "*"}, 304),
    Kind("range, not in the cache", site.ONE, RANGED, {"range": "bytes=2-5"}, 206),
    Kind("full, not in the cache", site.ONE, "/dists/cold-%d", {}, 200, 30),
    Kind("404", site.ONE, "/nothing-%d", {}, 404),
    Kind("unknown host", site.UNKNOWN, "/", {}, 404),
)
COLD = (ROUNDS + 1) * 30 + 1


def ask(connection: socket.socket, kind: Kind, number: int) -> None:
    """One request on a connection that stays, and its answer to the end."""
    path = kind.path % number if "%d" in kind.path else kind.path
    lines = [f"GET {path} HTTP/1.1", f"host: {kind.host}"]
    lines += [f"{name}: {value}" for name, value in kind.headers.items()]
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    data = b""
    while b"\r\n\r\n" not in data:
        data += _received(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    status = int(head[9:12])
    if status != kind.status:
        raise RuntimeError(f"{kind.name}: {status}, not {kind.status}: {data[:300]!r}")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line[15:])
    if status == 304:
        length = 0
    while len(body) < length:
        body += _received(connection)


def _received(connection: socket.socket) -> bytes:
    data = connection.recv(65_536)
    if not data:
        raise RuntimeError("the connection was closed")
    return data


def turn(port: int, kind: Kind, first: int) -> float:
    """Requests a second."""

    def work(number: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            for one in range(number, kind.requests, CONNECTIONS):
                ask(connection, kind, first + one)

    begun = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for done in [pool.submit(work, number) for number in range(CONNECTIONS)]:
            done.result()
    return kind.requests / (time.perf_counter() - begun)


def calls(edge: WorkerdEdge, kind: Kind, number: int) -> str:
    """What one request asks, by the fault face."""
    if kind.host in (NO_HOST, NULL_HOST, CACHE_HOST):
        return "cache" if kind.host == CACHE_HOST else "-"
    if kind.path == DEB:
        edge.warm(kind.host, kind.path)
    path = kind.path % number if "%d" in kind.path else kind.path
    answer = edge.ask(kind.host, "GET", path, kind.headers)
    return ", ".join(answer.calls) or "-"


def measure(edge: WorkerdEdge, folder: Path) -> None:
    for number in range(COLD):
        edge.put(site.REPOSITORIES, f"{site.LOCATION_ONE}/dists/cold-{number}", site.DIGITS)
    asked = [calls(edge, kind, COLD - 1) for kind in KINDS]
    # Without the fault face, which holds up every call of a binding.
    worker = edge_worker(folder)
    edge.host.apply(
        workers=[
            {**worker, "bindings": [*worker["bindings"], USAGE]},
            a_worker(folder, "null", NULL),
            a_worker(folder, "cache", CACHE),
        ],
        routes=[
            {"pattern": f"{NULL_HOST}/*", "script": "null"},
            {"pattern": f"{CACHE_HOST}/*", "script": "cache"},
            *({"pattern": f"{host}/*", "script": "edge"} for host in (site.ONE, site.UNKNOWN)),
        ],
        data_centres=["ams"],
        faults=False,
    )
    port = edge.host.ports["edge"]
    rates: dict[str, list[float]] = {kind.name: [] for kind in KINDS}
    for number in range(ROUNDS + 1):
        for kind in KINDS:
            rate = turn(port, kind, number * kind.requests)
            if number:
                rates[kind.name].append(rate)
    show(rates, asked)


def show(rates: Mapping[str, list[float]], asked: list[str]) -> None:
    floor = statistics.median(rates[KINDS[1].name])
    table = Table("request", "requests a second", "of the null Python Worker", "calls")
    for kind, made in zip(KINDS, asked, strict=True):
        rate = statistics.median(rates[kind.name])
        table.add_row(kind.name, f"{rate:.0f}", f"{rate / floor:.2f}", made)
    Console(width=120).print(table)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="stowage-bench-") as folder:
        edge = WorkerdEdge(Path(folder))
        try:
            measure(edge, Path(folder))
        finally:
            edge.close()


if __name__ == "__main__":
    main()
