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
from functions.ports.object_store import Body, ObjectStoreError

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
            raise ObjectStoreError(f"the body broke off: {error.message}") from error

    async def discard(self) -> None:
        # A stream that broke, or that is being read, cannot be cancelled.
        with contextlib.suppress(JsException):
            await self.stream.cancel()


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
        # Whatever broke the feed has broken the reader too, which says so.
        with contextlib.suppress(asyncio.CancelledError, JsException, ObjectStoreError):
            await feed


async def _feed(body: Body, writable: JsProxy, signal: JsProxy) -> None:
    if isinstance(body, NativeBody):
        await body.stream.pipeTo(writable, js_object({"signal": signal}))
        return
    writer = writable.getWriter()
    try:
        async for chunk in body:
            await writer.write(js_bytes(chunk))
        await writer.close()
    except BaseException:
        # The reader must not wait for bytes that never come.
        writer.abort("the body broke off").catch(js.Object)
        raise
