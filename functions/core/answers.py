"""What other services answer to our own requests (`ports.fetch`)."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functions.ports.fetch import FetchResponse


async def read_body(response: "FetchResponse", most: int) -> bytes | None:
    """The whole body; None where it has more than `most` bytes. The exchange is over then.

    Raises: what `response.body` raises.
    """
    data = bytearray()
    try:
        async for chunk in response.body:
            data += chunk
            if len(data) > most:
                return None
    finally:
        await response.close()
    return bytes(data)
