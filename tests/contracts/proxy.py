"""A proxy in front of an S3 server that breaks what it is told to break, and one that lacks what
Backblaze B2 lacks. It forwards everything else byte for byte, with Host as the client sent it."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeVar, cast
from urllib.parse import parse_qsl, urlsplit

T = TypeVar("T")

PIECE = 64 * 1024


@dataclass(frozen=True)
class Head:
    """Of a request; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    raw: bytes
    """Without a header `connection`."""

    @property
    def length(self) -> int:
        """Of the body; the adapter sends no other kind."""
        return int(self.headers.get("content-length", "0"))

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))


class Fault(Enum):
    NONE = auto()
    SLOW_DOWN = auto()
    """503 with S3's document; the server hears nothing."""
    INTERNAL_ERROR = auto()
    """500 with S3's document; the server hears nothing."""
    BAD_GATEWAY = auto()
    """502 with a page of HTML, as a proxy says it."""
    REDIRECT = auto()
    """307 to a place where nobody listens."""
    CUT_REQUEST = auto()
    """The connection ends before the server hears anything."""
    CUT_ANSWER = auto()
    """The server has done it; its answer is lost."""
    CUT_BODY = auto()
    """The answer breaks off in its body."""
    HANG = auto()
    """Nothing is answered until the client goes away."""


def document(status: str, code: str) -> bytes:
    body = f"<Error><Code>{code}</Code><Message>as this test wants it</Message></Error>".encode()
    head = f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    return head.encode() + body


ANSWERS = {
    Fault.SLOW_DOWN: document("503 Slow Down", "SlowDown"),
    Fault.INTERNAL_ERROR: document("500 Internal Server Error", "InternalError"),
    Fault.BAD_GATEWAY: b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 13\r\n\r\n<html></html>",
    Fault.REDIRECT: (
        b"HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:1/\r\n"
        b"content-length: 0\r\n\r\n"
    ),
}


def what_b2_refuses(head: Head) -> bytes | None:
    """The answer to what Backblaze B2 does not take (sources: functions/core/storages.py)."""
    given = {*head.headers, *(name.lower() for name in head.query)}
    for name in sorted(given):
        if name.startswith("x-amz-checksum-") or name in UNKNOWN_TO_B2:
            return document("400 Bad Request", "InvalidArgument")
    if head.method == "PUT" and given & {"if-none-match", "if-match"}:
        return document("501 Not Implemented", "NotImplemented")
    return None


UNKNOWN_TO_B2 = frozenset({"x-amz-sdk-checksum-algorithm", "x-amz-tagging", "tagging"})


class Proxy:
    """One request a connection. Runs in a thread of its own until `close`."""

    def __init__(
        self, upstream: str, refuse: Callable[[Head], bytes | None] = lambda _: None
    ) -> None:
        self._upstream = urlsplit(upstream)
        self._refuse = refuse
        self.script: list[Fault] = []
        """What happens to the next requests, one each; nothing to those after them."""
        self.heads: list[Head] = []
        """Every request so far."""
        self._exchanges: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._do(asyncio.start_server(self._accept, "127.0.0.1", 0))
        port = cast("int", self._server.sockets[0].getsockname()[1])
        self.endpoint = f"http://127.0.0.1:{port}"

    def close(self) -> None:
        """Nobody listens any more; repeating it is harmless."""
        if self._loop.is_closed():
            return
        self._do(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[None, None, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _stop(self) -> None:
        self._server.close()
        for exchange in self._exchanges:
            exchange.cancel()
        await asyncio.gather(*self._exchanges, return_exceptions=True)

    async def _accept(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        exchange = asyncio.ensure_future(self._exchange(client, answer))
        self._exchanges.add(exchange)
        exchange.add_done_callback(self._exchanges.discard)

    async def _exchange(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        try:
            head = _head(await client.readuntil(b"\r\n\r\n"))
            self.heads.append(head)
            fault = self.script.pop(0) if self.script else Fault.NONE
            await self._serve(head, fault, client, answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            # A client that is gone, or that opened a connection for nothing.
            _reset(answer)
        finally:
            answer.close()

    async def _serve(
        self,
        head: Head,
        fault: Fault,
        client: asyncio.StreamReader,
        answer: asyncio.StreamWriter,
    ) -> None:
        said = self._refuse(head) or ANSWERS.get(fault)
        if fault is Fault.CUT_REQUEST:
            _reset(answer)
        elif fault is Fault.HANG:
            await client.read()
        elif said is not None:
            await _relay(client, None, head.length)
            answer.write(said)
            await answer.drain()
        else:
            await self._forward(head, fault, client, answer)

    async def _forward(
        self,
        head: Head,
        fault: Fault,
        client: asyncio.StreamReader,
        answer: asyncio.StreamWriter,
    ) -> None:
        server, request = await asyncio.open_connection(
            self._upstream.hostname, self._upstream.port
        )
        try:
            request.write(head.raw.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
            await _relay(client, request, head.length)
            if fault is Fault.CUT_ANSWER:
                await server.read()
                _reset(answer)
                return
            relayed = 0
            while piece := await server.read(PIECE):
                answer.write(piece)
                await answer.drain()
                relayed += len(piece)
                if fault is Fault.CUT_BODY and relayed > PIECE:
                    _reset(answer)
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            # The server must not take what has arrived for the whole: B2 would not.
            _reset(request)
            raise
        finally:
            request.close()


def _head(raw: bytes) -> Head:
    first, *lines = raw.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    pairs = [line.partition(":") for line in lines]
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    kept = [line for line in lines if not line.lower().startswith("connection:")]
    return Head(method, target, headers, "\r\n".join([first, *kept, "", ""]).encode("latin-1"))


async def _relay(
    client: asyncio.StreamReader, request: asyncio.StreamWriter | None, length: int
) -> None:
    """All of a request's body, whether or not the server still wants it."""
    while length:
        piece = await client.read(min(PIECE, length))
        if not piece:
            raise asyncio.IncompleteReadError(b"", length)
        length -= len(piece)
        if request is not None and not request.is_closing():
            request.write(piece)
            with contextlib.suppress(ConnectionError):
                await request.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Ends the connection so that the other end cannot take it for a regular end."""
    with contextlib.suppress(OSError):
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()
