"""The storage's HTTP by httpx, streaming both ways."""

from collections.abc import AsyncIterator, Mapping
from urllib.parse import urlsplit

import httpx

from functions.ports.fetch import FetchError, FetchRequest
from functions.ports.object_store import Body, ObjectStoreError, OpenBody, UnavailableError

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
CONNECT_SECONDS = 10.0
STALL_SECONDS = 60.0
"""Without a byte taken or given; an exchange as a whole may take longer."""


class HttpxFetch:
    """For one storage. `aclose` ends the idle connections that it keeps with `keep_alive`."""

    def __init__(self, endpoint: str, *, keep_alive: bool = True) -> None:
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(STALL_SECONDS, connect=CONNECT_SECONDS),
            limits=httpx.Limits(max_keepalive_connections=None if keep_alive else 0),
            # A proxy is for the way out; it cannot reach this machine's own ports.
            trust_env=urlsplit(endpoint).hostname not in LOOPBACK,
            follow_redirects=False,
        )

    async def __call__(self, request: FetchRequest) -> "HttpxResponse":
        headers, content = dict(request.headers), request.body
        if request.length is not None:
            headers["content-length"] = str(request.length)
            if content is not None and not isinstance(content, bytes):
                content = _exactly(content, request.length)
        try:
            # Built without the client, which would add headers of its own.
            built = httpx.Request(request.method, request.url, headers=headers, content=content)
            return HttpxResponse(await self._client.send(built, stream=True))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise FetchError(f"{type(error).__name__}: {error}") from error

    async def aclose(self) -> None:
        await self._client.aclose()


class HttpxResponse:
    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.status = response.status_code
        self.headers: Mapping[str, str] = dict(response.headers)
        self.body: OpenBody = _HttpxBody(response)

    async def close(self) -> None:
        await self._response.aclose()


class _HttpxBody:
    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._response.aiter_raw():
                yield chunk
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise UnavailableError(f"the body broke off: {type(error).__name__}") from error
        finally:
            await self._response.aclose()

    async def discard(self) -> None:
        await self._response.aclose()


async def _exactly(body: Body, length: int) -> AsyncIterator[bytes]:
    left = length
    async for chunk in body:
        left -= len(chunk)
        if left < 0:
            break
        yield chunk
    if left:
        raise ObjectStoreError(f"the body has {'more' if left < 0 else 'less'} than {length} bytes")
