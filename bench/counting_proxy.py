"""Passes connections on to an S3 endpoint byte for byte, and counts the requests in them by method.

Host and path stay as the client signed them, so signatures hold.
"""

import re
import socket
import threading
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

_REQUEST = re.compile(rb"(?:^|\n)(GET|HEAD|PUT|POST|DELETE) [^ \r\n]+ HTTP/1\.1\r\n")
_LONGEST_LINE = 8192
_CHUNK = 65536


class CountingProxy:
    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname or "", parts.port or 80)
        self._server = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self.calls: Counter[str] = Counter()
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"

    def take(self) -> str:
        """What was called since it was last asked, and forgets it."""
        with self._lock:
            calls, self.calls = self.calls, Counter()
        return said(calls)

    def serve(self) -> None:
        """Until it is closed."""
        while True:
            try:
                client, _ = self._server.accept()
                server = socket.create_connection(self._target)
            except OSError:
                return
            for work in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pass_on, args=work, daemon=True).start()

    def close(self) -> None:
        # A thread that waits in accept is woken by this, and not by close alone.
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _pass_on(self, source: socket.socket, sink: socket.socket, counts: bool) -> None:
        before = b""
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                if counts:
                    before = self._count(before + data)
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def _count(self, data: bytes) -> bytes:
        """Counts whole request lines, and gives what may be the beginning of another."""
        end = 0
        for match in _REQUEST.finditer(data):
            end = match.end()
            with self._lock:
                self.calls[match[1].decode()] += 1
        return data[max(end, len(data) - _LONGEST_LINE) :]


def said(calls: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(calls.items())) or "none"


@contextmanager
def counting(target: str) -> Generator[CountingProxy]:
    proxy = CountingProxy(target)
    thread = threading.Thread(target=proxy.serve)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join()
