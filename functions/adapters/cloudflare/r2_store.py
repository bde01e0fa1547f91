"""R2 through a Worker's bucket binding: writing, listing and deleting."""

from collections.abc import Mapping

from pyodide.ffi import JsException

from functions.adapters.cloudflare.javascript import js_bytes, js_object, or_none
from functions.adapters.cloudflare.r2_reader import R2ObjectReader, object_info, refuse
from functions.adapters.cloudflare.streams import NativeBody, fixed_length, native_sha256
from functions.ports.object_store import (
    Body,
    ObjectInfo,
    ObjectPage,
    ObjectStoreError,
    PreconditionFailedError,
)


class R2ObjectStore(R2ObjectReader):
    async def put(
        self,
        key: str,
        body: bytes | Body,
        *,
        length: int,
        content_type: str,
        cache_control: str | None = None,
        sha256: str | None = None,
        metadata: Mapping[str, str] | None = None,
        create_only: bool = True,
    ) -> ObjectInfo:
        if not key:
            raise ObjectStoreError("put: a key has at least one byte")
        options = js_object(
            {
                "httpMetadata": {"contentType": content_type}
                | ({} if cache_control is None else {"cacheControl": cache_control}),
                "customMetadata": dict(metadata or {}),
                "sha256": sha256,
                "onlyIf": {"etagDoesNotMatch": "*"} if create_only else None,
            }
        )
        try:
            if isinstance(body, bytes):
                if len(body) != length:
                    raise ObjectStoreError(f"put {key!r}: {len(body)} bytes instead of {length}")
                stored = or_none(await self._bucket.put(key, js_bytes(body), options))
            else:
                async with fixed_length(body, length) as stream:
                    stored = or_none(await self._bucket.put(key, stream, options))
        except JsException as error:
            refuse(error, "put", key)
        if stored is None:
            raise PreconditionFailedError(f"put {key!r}: there is an object already")
        return object_info(stored)

    async def delete(self, key: str) -> None:
        try:
            await self._bucket.delete(key)
        except JsException as error:
            refuse(error, "delete", key)

    async def list_objects(
        self,
        prefix: str,
        cursor: str | None = None,
        limit: int = 1000,
        *,
        start_after: str | None = None,
    ) -> ObjectPage:
        options = js_object(
            {
                "prefix": prefix,
                "cursor": cursor,
                "startAfter": start_after if cursor is None else None,
                "limit": limit,
                "include": ["httpMetadata", "customMetadata"],
            }
        )
        try:
            page = await self._bucket.list(options)
        except JsException as error:
            refuse(error, "list", prefix)
        return ObjectPage(
            objects=tuple(object_info(found) for found in page.objects),
            cursor=page.cursor if page.truncated else None,
        )

    async def sha256(self, key: str) -> str | None:
        try:
            found = or_none(await self._bucket.get(key))
        except JsException as error:
            refuse(error, "sha256", key)
        return None if found is None else await native_sha256(NativeBody(found.body, found.size))
