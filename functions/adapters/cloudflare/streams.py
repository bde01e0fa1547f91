"""Bodies that stay JavaScript streams, so that handing one from a bucket to a response or to
another bucket moves no byte through Python."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import js
from pyodide.ffi import JsException, JsProxy

from functions.adapters.cloudflare.javascript import js_bytes, js_object
from functions.ports.object_store import Body, ObjectStoreError, UnavailableError

AT_ONCE = 1024 * 1024
"""Bytes. A body up to this size comes into Python in one piece, which costs one crossing instead of
one a chunk."""


@dataclass(frozen=True, slots=True)
class NativeBody:
    """A ReadableStream of `length` bytes, consumed at most once."""

    stream: JsProxy
    length: int

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            if self.length <= AT_ONCE:
                whole = await js.Response.new(self.stream).arrayBuffer()
                if self.length:
                    yield whole.to_bytes()
                return
            async for chunk in self.stream:
                yield chunk.to_bytes()
        except JsException as error:
            raise UnavailableError(f"the body broke off: {error.message}") from error

    async def discard(self) -> None:
        # A stream that broke, or that is being read, cannot be cancelled.
        with contextlib.suppress(JsException):
            await self.stream.cancel()


async def native_sha256(body: Body) -> str:
    """Lower-case hex, without that a byte passes through Python."""
    if not isinstance(body, NativeBody):
        raise TypeError(f"a {type(body).__name__} is no body of this platform")
    sink = js.crypto.DigestStream.new("SHA-256")
    try:
        await body.stream.pipeTo(sink)
        return (await sink.digest).to_bytes().hex()
    except JsException as error:
        raise UnavailableError(f"the body broke off: {error.message}") from error


@asynccontextmanager
async def fixed_length(body: Body, length: int) -> AsyncGenerator[JsProxy]:
    """The readable end of a stream of exactly `length` bytes, which is what R2 asks of a body;
    shorter or longer bodies break it. Nothing is left running at the end, whether or not the stream
    was read to its end."""
    channel = js.FixedLengthStream.new(length)
    abort = js.AbortController.new()
    feed = asyncio.ensure_future(_feed(body, channel.writable, abort.signal))
    try:
        yield channel.readable
    finally:
        abort.abort()
        feed.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await feed


async def _feed(body: Body, writable: JsProxy, signal: JsProxy) -> None:
    """Whatever breaks it breaks the reader too, which says so; the runtime would log it as well if
    it were raised in this task."""
    with contextlib.suppress(JsException, ObjectStoreError):
        if isinstance(body, NativeBody):
            await body.stream.pipeTo(writable, js_object({"signal": signal}))
        else:
            await _write(body, writable.getWriter())


async def _write(body: Body, writer: JsProxy) -> None:
    try:
        async for chunk in body:
            await writer.write(js_bytes(chunk))
        await writer.close()
    except BaseException:
        # The reader must not wait for bytes that never come.
        writer.abort("the body broke off").catch(js.Object)
        raise
