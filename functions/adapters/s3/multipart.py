"""Uploads in parts to an S3-compatible server."""

import hashlib
from collections.abc import Mapping, Sequence

from functions.adapters.s3 import documents
from functions.adapters.s3.bucket import Call
from functions.adapters.s3.documents import DocumentError
from functions.adapters.s3.errors import error_of
from functions.adapters.s3.reader import META
from functions.adapters.s3.store import S3ObjectStore, payload_hash
from functions.ports.multipart_store import (
    Part,
    PartsRefusedError,
    PendingUpload,
    UploadNotFoundError,
)
from functions.ports.object_store import Body, ObjectInfo, ObjectStoreError, UnavailableError

Query = tuple[tuple[str, str], ...]


class S3MultipartStore(S3ObjectStore):
    async def create_multipart(
        self,
        key: str,
        *,
        content_type: str,
        cache_control: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        headers = {
            "content-type": content_type,
            **({} if cache_control is None else {"cache-control": cache_control}),
            **{META + name: value for name, value in (metadata or {}).items()},
        }
        call = Call("create upload", "POST", key, (("uploads", ""),), headers, b"", 0)
        data = (await self._connection.read(call)).data
        try:
            return documents.upload_id(data)
        except DocumentError as error:
            raise ObjectStoreError(f"{call.subject}: {error}") from error

    async def put_part(
        self, key: str, upload_id: str, number: int, body: bytes | Body, *, length: int
    ) -> str:
        if isinstance(body, bytes) and len(body) != length:
            raise ObjectStoreError(f"part {number} of {key!r} has {len(body)} bytes, not {length}")
        call = Call(
            f"put part {number} of",
            "PUT",
            key,
            (("partNumber", str(number)), ("uploadId", upload_id)),
            body=body,
            length=length,
            payload_hash=payload_hash(self._profile, body, None),
            is_repeatable=isinstance(body, bytes),
        )
        return documents.etag((await self._connection.read(call)).headers.get("etag", ""))

    async def list_parts(self, key: str, upload_id: str) -> Sequence[Part]:
        found: list[Part] = []
        more: Query = ()
        while True:
            query = (("uploadId", upload_id), *more)
            call = Call("list parts of", "GET", key, query, is_repeatable=True)
            data = (await self._connection.read(call)).data
            try:
                parts, marker = documents.parts_page(data)
            except DocumentError as error:
                raise ObjectStoreError(f"{call.subject}: {error}") from error
            found += parts
            if marker is None:
                return tuple(found)
            more = (("part-number-marker", marker),)

    async def complete_multipart(
        self, key: str, upload_id: str, parts: Sequence[Part], *, create_only: bool = True
    ) -> ObjectInfo:
        if not parts:
            raise PartsRefusedError(f"{key!r} is to be made of no part at all")
        body = documents.completion(sorted(parts, key=lambda part: part.number))
        call = Call(
            "complete",
            "POST",
            key,
            (("uploadId", upload_id),),
            {"content-type": "application/xml", **await self.condition(key, create_only)},
            body,
            len(body),
            hashlib.sha256(body).hexdigest(),
        )
        answer = await self._connection.read(call)
        # The status went out before the work was done, so a failure may stand behind a 200.
        refused = documents.error_document(answer.data)
        if refused is not None:
            raise error_of(call.subject, answer.status, refused)
        info = await self.head(key)
        if info is None:
            raise UnavailableError(f"{call.subject}: completed, but already gone again")
        return info

    async def abort_multipart(self, key: str, upload_id: str) -> None:
        query = (("uploadId", upload_id),)
        answers = frozenset({200, 204})
        call = Call("abort", "DELETE", key, query, answers=answers, is_repeatable=True)
        try:
            await self._connection.read(call)
        except UploadNotFoundError:
            return

    async def list_multiparts(self, prefix: str) -> Sequence[PendingUpload]:
        found: list[PendingUpload] = []
        more: Query = ()
        while True:
            query = (("uploads", ""), ("prefix", prefix), ("encoding-type", "url"), *more)
            call = Call("list uploads", "GET", query=query, is_repeatable=True)
            data = (await self._connection.read(call)).data
            try:
                uploads, markers = documents.uploads_page(data)
            except DocumentError as error:
                raise ObjectStoreError(f"{call.subject}: {error}") from error
            found += uploads
            if markers is None:
                return tuple(sorted(found, key=lambda one: one.key.encode()))
            more = (("key-marker", markers[0]), ("upload-id-marker", markers[1]))
