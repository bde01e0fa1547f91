"""A body of unknown digest in chunks that are each signed, so that the server can tell a whole one
from one that was cut off or changed on the way."""

from collections.abc import AsyncIterator

from functions.core.sigv4 import ChunkSigner
from functions.ports.object_store import Body, ObjectStoreError

CHUNK_BYTES = 256 * 1024
"""S3 wants at least 8 KiB of all but the last."""
_SIGNATURE = ";chunk-signature="
_SIGNATURE_DIGITS = 64


def framed_length(length: int) -> int:
    """Bytes on the wire for `length` bytes of the object."""
    whole, rest = divmod(length, CHUNK_BYTES)
    return whole * _frame(CHUNK_BYTES) + (_frame(rest) if rest else 0) + _frame(0)


def _frame(size: int) -> int:
    return len(f"{size:x}{_SIGNATURE}\r\n\r\n") + _SIGNATURE_DIGITS + size


class SignedChunks:
    """`body`, which must have `length` bytes, framed. Without its last, empty chunk it is nothing
    to the server."""

    def __init__(self, body: bytes | Body, length: int, signer: ChunkSigner) -> None:
        self._body = body
        self._length = length
        self._signer = signer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = self._length
        pending = bytearray()
        async for piece in self._pieces():
            left -= len(piece)
            if left < 0:
                break
            pending += piece
            while len(pending) >= CHUNK_BYTES:
                yield self._framed(bytes(pending[:CHUNK_BYTES]))
                del pending[:CHUNK_BYTES]
        if left:
            how = "more" if left < 0 else "less"
            raise ObjectStoreError(f"the body has {how} than {self._length} bytes")
        if pending:
            yield self._framed(bytes(pending))
        yield self._framed(b"")

    async def _pieces(self) -> AsyncIterator[bytes]:
        if isinstance(self._body, bytes):
            yield self._body
            return
        async for piece in self._body:
            yield piece

    def _framed(self, chunk: bytes) -> bytes:
        signature = self._signer.sign(chunk)
        return f"{len(chunk):x}{_SIGNATURE}{signature}\r\n".encode() + chunk + b"\r\n"
