"""Objects of one bucket on an S3-compatible server: writing, listing and deleting."""

import base64
import hashlib
from collections.abc import Awaitable, Callable, Mapping

from functions.adapters.s3 import documents
from functions.adapters.s3.bucket import Call
from functions.adapters.s3.connection import S3Connection
from functions.adapters.s3.errors import ObjectMissingError, RepeatRefusedError
from functions.adapters.s3.reader import META, S3ObjectReader
from functions.core import sigv4
from functions.core.storages import OWN_SHA256, StorageProfile
from functions.ports.object_store import (
    Body,
    ObjectInfo,
    ObjectPage,
    ObjectStoreError,
    PreconditionFailedError,
    StoredObject,
)


async def sha256_of(body: Body) -> str:
    """Lower-case hex."""
    digest = hashlib.sha256()
    async for chunk in body:
        digest.update(chunk)
    return digest.hexdigest()


class S3ObjectStore(S3ObjectReader):
    """`digest` hashes a body; a platform may have a faster way than through Python."""

    def __init__(
        self, connection: S3Connection, digest: Callable[[Body], Awaitable[str]] = sha256_of
    ) -> None:
        super().__init__(connection)
        self._digest = digest

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
        if isinstance(body, bytes) and len(body) != length:
            raise ObjectStoreError(f"put {key!r}: {len(body)} bytes instead of {length}")
        headers = {
            "content-type": content_type,
            **({} if cache_control is None else {"cache-control": cache_control}),
            **{META + name: value for name, value in (metadata or {}).items()},
            **self._promise(sha256),
            **await self.condition(key, create_only),
        }
        call = Call(
            "put",
            "PUT",
            key,
            headers=headers,
            body=body,
            length=length,
            payload_hash=payload_hash(self._profile, body, sha256),
            is_repeatable=create_only and isinstance(body, bytes),
        )
        try:
            answer = await self._connection.read(call)
        except RepeatRefusedError:
            return await self._own_or_refuse(key, body)
        return ObjectInfo(
            key=key,
            size=length,
            etag=documents.etag(answer.headers.get("etag", "")),
            uploaded_at=self._connection.clock.now_ms(),
            content_type=content_type,
            cache_control=cache_control,
            sha256=sha256,
            metadata=dict(metadata or {}),
        )

    def _promise(self, sha256: str | None) -> dict[str, str]:
        """What makes the storage keep the digest. It verifies it by the signed payload hash in any
        case."""
        if sha256 is None:
            return {}
        if self._profile.pins_sha256_in_presigned_put:
            return {"x-amz-checksum-sha256": base64.b64encode(bytes.fromhex(sha256)).decode()}
        return {META + OWN_SHA256: sha256}

    async def condition(self, key: str, create_only: bool) -> dict[str, str]:
        """The header that keeps a write from replacing an object. Where the storage has none it is
        looked for first.

        Raises: PreconditionFailedError, ObjectStoreError.
        """
        if not create_only:
            return {}
        if self._profile.conditional_put:
            return {"if-none-match": "*"}
        if await self.head(key) is not None:
            raise PreconditionFailedError(f"put {key!r}: there is an object already")
        return {}

    async def _own_or_refuse(self, key: str, body: bytes | Body) -> ObjectInfo:
        """After a repeated put was refused: it counts as done where those bytes lie there."""
        found = await self.head(key)
        if isinstance(body, bytes) and found is not None and found.size == len(body):
            there = found.sha256 or await self.sha256(key)
            if there == hashlib.sha256(body).hexdigest():
                return found
        raise PreconditionFailedError(f"put {key!r}: there is an object already")

    async def delete(self, key: str) -> None:
        answers = frozenset({200, 204})
        try:
            await self._connection.read(
                Call("delete", "DELETE", key, answers=answers, is_repeatable=True)
            )
        except ObjectMissingError:
            return

    async def list_objects(
        self,
        prefix: str,
        cursor: str | None = None,
        limit: int = 1000,
        *,
        start_after: str | None = None,
    ) -> ObjectPage:
        query = [
            ("list-type", "2"),
            ("encoding-type", "url"),
            ("prefix", prefix),
            ("max-keys", str(limit)),
        ]
        if cursor is not None:
            query.append(("continuation-token", cursor))
        elif start_after is not None:
            query.append(("start-after", start_after))
        call = Call("list", "GET", query=tuple(query), is_repeatable=True)
        answer = await self._connection.read(call)
        try:
            return documents.object_page(answer.data)
        except documents.DocumentError as error:
            raise ObjectStoreError(f"list {prefix!r}: {error}") from error

    async def sha256(self, key: str) -> str | None:
        stored = await self.get(key)
        return await self._digest(stored.body) if isinstance(stored, StoredObject) else None


def payload_hash(profile: StorageProfile, body: bytes | Body, sha256: str | None) -> str:
    """What the signature says of the body; `sha256` is what was promised of it."""
    if sha256 is not None:
        return sha256
    if isinstance(body, bytes):
        return hashlib.sha256(body).hexdigest()
    return sigv4.UNSIGNED_PAYLOAD if profile.refuses_cut_bodies else sigv4.SIGNED_CHUNKS
