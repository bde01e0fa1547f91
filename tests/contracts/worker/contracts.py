"""A Worker that lends its R2, S3, D1, WebCrypto and Images adapters to the contract suites: one
call a request.

It runs in workerd only; the suites' end of it is `tests/contracts/remote.py`.
"""

import asyncio
import base64
import json
from dataclasses import astuple
from typing import Any, cast

import js
from workers import Response, WorkerEntrypoint

from functions.adapters.cloudflare.cache import CloudflareCache
from functions.adapters.cloudflare.d1 import D1Records
from functions.adapters.cloudflare.fetch import JsFetch
from functions.adapters.cloudflare.images import CloudflareImages
from functions.adapters.cloudflare.javascript import js_bytes
from functions.adapters.cloudflare.purge import CloudflareCachePurger
from functions.adapters.cloudflare.r2_store import R2ObjectStore
from functions.adapters.cloudflare.rate_limiter import CloudflareRateLimiter
from functions.adapters.cloudflare.streams import NativeBody, native_sha256
from functions.adapters.cloudflare.system import SystemClock, SystemEntropy
from functions.adapters.cloudflare.webcrypto_verifier import WebCryptoVerifier
from functions.adapters.s3.bucket import S3Bucket
from functions.adapters.s3.connection import S3Connection
from functions.adapters.s3.multipart import S3MultipartStore
from functions.adapters.s3.retries import Retries
from functions.core import webhook_calls
from functions.core.sigv4 import Credentials
from functions.core.storages import PROFILES
from functions.entrypoints.cloudflare.compose.bindings import native
from functions.ports.cache_purger import PurgeLimitError
from functions.ports.multipart_store import Part
from functions.ports.object_store import (
    Body,
    ByteRange,
    ObjectInfo,
    ObjectStore,
    RangeNotSatisfiableError,
    StoredObject,
)
from functions.ports.records import Statement
from tests.contracts.bodies import Chunks, Pattern

PIECE = 1024 * 1024
"""Bytes that go with an answer; a larger body is asked for in pieces."""


def info(found: ObjectInfo) -> dict[str, Any]:
    return {name: getattr(found, name) for name in ObjectInfo.__slots__} | {
        "metadata": dict(found.metadata)
    }


def _store(env: Any, server: dict[str, Any] | None) -> ObjectStore:
    if server is None:
        return R2ObjectStore(native(env, "BUCKET"))
    bucket = S3Bucket(
        PROFILES["minio"],
        server["endpoint"],
        env.S3_REGION,
        server["bucket"],
        Credentials(env.S3_ACCESS_KEY_ID, env.S3_SECRET_ACCESS_KEY),
    )
    retries = Retries(deadline_seconds=server["deadline_seconds"])
    connection = S3Connection(bucket, JsFetch(), SystemClock(), SystemEntropy(), retries)
    return S3MultipartStore(connection, native_sha256)


class Calls:
    def __init__(self, env: Any, server: dict[str, Any] | None) -> None:
        self._env = env
        self._store = _store(env, server)
        self._parts = cast("S3MultipartStore", self._store)
        self._records = D1Records(native(env, "DB"))
        self._cache = CloudflareCache("cdn.example")
        self._images = CloudflareImages(native(env, "IMAGES"))
        self._limiter = CloudflareRateLimiter(native(env, "LIMITER"), 60)

    async def head(self, key: str) -> object:
        found = await self._store.head(key)
        return None if found is None else info(found)

    async def get(self, key: str, byte_range: Any, unless_etags: list[str] | None) -> object:
        found = await self._get(key, byte_range, unless_etags)
        if not isinstance(found, StoredObject):
            return None if found is None else {"info": info(found)}
        answer = {"info": info(found.info), "offset": found.offset, "length": found.length}
        if found.length > PIECE:
            await cast("NativeBody", found.body).stream.cancel()
            return answer | {"content": None}
        content = b"".join([chunk async for chunk in found.body])
        return answer | {"content": base64.b64encode(content).decode()}

    async def _get(self, key: str, byte_range: Any, unless_etags: list[str] | None) -> Any:
        asked = None if byte_range is None else ByteRange(*byte_range)
        unless = None if unless_etags is None else frozenset(unless_etags)
        return await self._store.get(key, asked, unless_etags=unless)

    async def put(self, key: str, body: dict[str, Any], options: dict[str, Any]) -> object:
        return info(await self._store.put(key, await self._sent(body), **options))

    async def _sent(self, body: dict[str, Any]) -> bytes | Body:
        content: bytes | Body
        if "content" in body:
            content = base64.b64decode(body["content"])
        elif "chunks" in body:
            content = Chunks(*map(base64.b64decode, body["chunks"]))
        elif "pattern" in body:
            content = Pattern(*body["pattern"])
        else:
            content = (await self._get(body["key"], body["range"], None)).body
        return content

    async def delete(self, key: str) -> None:
        await self._store.delete(key)

    async def list_objects(
        self, prefix: str, cursor: str | None, limit: int, start_after: str | None
    ) -> object:
        page = await self._store.list_objects(prefix, cursor, limit, start_after=start_after)
        return {"objects": [info(found) for found in page.objects], "cursor": page.cursor}

    async def sha256(self, key: str) -> object:
        return await self._store.sha256(key)

    async def allow(self, key: str) -> object:
        return await self._limiter.allow(key)

    async def create_multipart(self, key: str, options: dict[str, Any]) -> object:
        return await self._parts.create_multipart(key, **options)

    async def put_part(
        self, key: str, upload_id: str, number: int, body: dict[str, Any], length: int
    ) -> object:
        content = await self._sent(body)
        return await self._parts.put_part(key, upload_id, number, content, length=length)

    async def list_parts(self, key: str, upload_id: str) -> object:
        return [astuple(part) for part in await self._parts.list_parts(key, upload_id)]

    async def complete_multipart(
        self, key: str, upload_id: str, parts: list[list[Any]], create_only: bool
    ) -> object:
        named = [Part(*part) for part in parts]
        return info(
            await self._parts.complete_multipart(key, upload_id, named, create_only=create_only)
        )

    async def abort_multipart(self, key: str, upload_id: str) -> None:
        await self._parts.abort_multipart(key, upload_id)

    async def list_multiparts(self, prefix: str) -> object:
        return [astuple(one) for one in await self._parts.list_multiparts(prefix)]

    async def cache_match(self, key: str, byte_range: Any) -> object:
        asked = None if byte_range is None else ByteRange(*byte_range)
        found = await self._cache.match(key, asked)
        if found is None:
            return None
        return {
            "note": found.note,
            "offset": found.offset,
            "length": found.length,
            "content": await _encoded(found.body),
        }

    async def cache_keep(
        self, key: str, note: str, content: str, length: int, tags: list[str], seconds: int
    ) -> object:
        body = NativeBody(js.Response.new(js_bytes(base64.b64decode(content))).body, length)
        kept = self._cache.keep(key, note, body, length, tags=tags, seconds=seconds)
        storing = asyncio.ensure_future(kept.storing)
        sent = await _encoded(kept.body)
        await storing
        return sent

    async def cache_keep_note(self, key: str, note: str, tags: list[str], seconds: int) -> None:
        await self._cache.keep_note(key, note, tags=tags, seconds=seconds)

    async def cache_forget(self, key: str) -> None:
        await self._cache.forget(key)

    async def purge(self, base_url: str, zone_id: str, token: str, tags: list[str]) -> None:
        await CloudflareCachePurger(base_url, zone_id, token).purge(tags)

    async def call_webhook(
        self, url: str, secret: str, message_id: str, body: str, now_ms: int
    ) -> object:
        receiver = webhook_calls.Receiver(url, (secret,))
        answer = await webhook_calls.call(JsFetch(), receiver, message_id, body.encode(), now_ms)
        return [answer.status, answer.problem, answer.retry_after_seconds]

    async def verify(self, public_key: str, signature: str, statement: str) -> object:
        given = (base64.b64decode(part) for part in (public_key, signature, statement))
        return await WebCryptoVerifier().verify(*given)

    async def fetch(self, statement: list[Any], session: str | None) -> object:
        records = D1Records(native(self._env, "DB"), session=session, seconds=30)
        return list(await records.fetch(_statement(statement)))

    async def batch(self, statements: list[list[Any]]) -> object:
        return list(await self._records.batch([_statement(one) for one in statements]))

    async def to_png(self, picture: str, width: int, height: int) -> object:
        made = await self._images.to_png(base64.b64decode(picture), width, height)
        return base64.b64encode(made).decode()


async def _encoded(body: Body) -> str:
    return base64.b64encode(b"".join([chunk async for chunk in body])).decode()


def _statement(given: list[Any]) -> Statement:
    return Statement(given[0], tuple(given[1]))


class Default(WorkerEntrypoint):
    async def fetch(self, request: Any) -> Any:
        asked = json.loads(await request.text())
        try:
            calls = Calls(self.env, asked["server"])
            result = await getattr(calls, asked["method"])(*asked["arguments"])
        except RangeNotSatisfiableError as error:
            failure: dict[str, Any] = {"key": error.key, "size": error.size}
            return Response(json.dumps({"error": type(error).__name__} | failure))
        except PurgeLimitError as error:
            failure = {"message": str(error), "seconds": error.retry_after_seconds}
            return Response(json.dumps({"error": type(error).__name__} | failure))
        except Exception as error:  # the suite decides which it expected
            return Response(json.dumps({"error": type(error).__name__, "message": str(error)}))
        return Response(json.dumps({"result": result}))
