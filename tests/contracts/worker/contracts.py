"""A Worker that lends its R2, D1, WebCrypto and Images adapters to the contract suites: one call a
request.

It runs in workerd only; the suites' end of it is `tests/contracts/remote.py`.
"""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

from workers import Response, WorkerEntrypoint

from functions.adapters.cloudflare.d1 import D1Records
from functions.adapters.cloudflare.images import CloudflareImages
from functions.adapters.cloudflare.r2_store import R2ObjectStore
from functions.adapters.cloudflare.rate_limiter import CloudflareRateLimiter
from functions.adapters.cloudflare.webcrypto_verifier import WebCryptoVerifier
from functions.entrypoints.cloudflare.compose.bindings import native
from functions.ports.object_store import (
    Body,
    ByteRange,
    ObjectInfo,
    RangeNotSatisfiableError,
    StoredObject,
)
from functions.ports.records import Statement


class Chunks:
    def __init__(self, chunks: list[str]) -> None:
        self._chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield base64.b64decode(chunk)


def info(found: ObjectInfo) -> dict[str, Any]:
    return {name: getattr(found, name) for name in ObjectInfo.__slots__} | {
        "metadata": dict(found.metadata)
    }


class Calls:
    def __init__(self, env: Any) -> None:
        self._store = R2ObjectStore(native(env, "BUCKET"))
        self._records = D1Records(native(env, "DB"))
        self._images = CloudflareImages(native(env, "IMAGES"))
        self._limiter = CloudflareRateLimiter(native(env, "LIMITER"), 60)

    async def head(self, key: str) -> object:
        found = await self._store.head(key)
        return None if found is None else info(found)

    async def get(self, key: str, byte_range: Any, unless_etags: list[str] | None) -> object:
        found = await self._get(key, byte_range, unless_etags)
        if not isinstance(found, StoredObject):
            return None if found is None else {"info": info(found)}
        content = b"".join([chunk async for chunk in found.body])
        return {
            "info": info(found.info),
            "offset": found.offset,
            "length": found.length,
            "content": base64.b64encode(content).decode(),
        }

    async def _get(self, key: str, byte_range: Any, unless_etags: list[str] | None) -> Any:
        asked = None if byte_range is None else ByteRange(*byte_range)
        unless = None if unless_etags is None else frozenset(unless_etags)
        return await self._store.get(key, asked, unless_etags=unless)

    async def put(self, key: str, body: dict[str, Any], options: dict[str, Any]) -> object:
        content: bytes | Body
        if "content" in body:
            content = base64.b64decode(body["content"])
        elif "chunks" in body:
            content = Chunks(body["chunks"])
        else:
            content = (await self._get(body["key"], body["range"], None)).body
        return info(await self._store.put(key, content, **options))

    async def delete(self, key: str) -> None:
        await self._store.delete(key)

    async def list_objects(self, prefix: str, cursor: str | None, limit: int) -> object:
        page = await self._store.list_objects(prefix, cursor, limit)
        return {"objects": [info(found) for found in page.objects], "cursor": page.cursor}

    async def sha256(self, key: str) -> object:
        return await self._store.sha256(key)

    async def allow(self, key: str) -> object:
        return await self._limiter.allow(key)

    async def verify(self, public_key: str, signature: str, statement: str) -> object:
        given = (base64.b64decode(part) for part in (public_key, signature, statement))
        return await WebCryptoVerifier().verify(*given)

    async def fetch(self, statement: list[Any]) -> object:
        return list(await self._records.fetch(_statement(statement)))

    async def batch(self, statements: list[list[Any]]) -> object:
        return list(await self._records.batch([_statement(one) for one in statements]))

    async def to_png(self, picture: str, width: int, height: int) -> object:
        made = await self._images.to_png(base64.b64decode(picture), width, height)
        return base64.b64encode(made).decode()


def _statement(given: list[Any]) -> Statement:
    return Statement(given[0], tuple(given[1]))


class Default(WorkerEntrypoint):
    async def fetch(self, request: Any) -> Any:
        asked = json.loads(await request.text())
        try:
            result = await getattr(Calls(self.env), asked["method"])(*asked["arguments"])
        except RangeNotSatisfiableError as error:
            failure: dict[str, Any] = {"key": error.key, "size": error.size}
            return Response(json.dumps({"error": type(error).__name__} | failure))
        except Exception as error:  # the suite decides which it expected
            return Response(json.dumps({"error": type(error).__name__, "message": str(error)}))
        return Response(json.dumps({"result": result}))
