"""Uploads in parts, in memory: as strict as the strictest storage."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from functions.adapters.local.object_store import MemoryObjectStore, content_of
from functions.ports.multipart_store import (
    MAX_PARTS,
    MIN_PART_BYTES,
    Part,
    PartsRefusedError,
    PendingUpload,
    UploadNotFoundError,
)
from functions.ports.object_store import Body, ObjectInfo, ObjectStoreError

if TYPE_CHECKING:
    from functions.ports.clock import Clock


@dataclass(slots=True)
class _Upload:
    key: str
    started_at: int
    content_type: str
    cache_control: str | None
    metadata: Mapping[str, str]
    parts: dict[int, tuple[Part, bytes]] = field(default_factory=dict[int, tuple[Part, bytes]])


class MemoryMultipartStore(MemoryObjectStore):
    """One bucket. The ETag of an object in parts is an MD5 of MD5s with their number behind it, as
    everywhere."""

    def __init__(self, clock: "Clock") -> None:
        super().__init__(clock)
        self._uploads: dict[str, _Upload] = {}
        self._begun = 0

    async def create_multipart(
        self,
        key: str,
        *,
        content_type: str,
        cache_control: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        self._begun += 1
        upload_id = f"upload-{self._begun}"
        self._uploads[upload_id] = _Upload(
            key, self._clock.now_ms(), content_type, cache_control, dict(metadata or {})
        )
        return upload_id

    async def put_part(
        self, key: str, upload_id: str, number: int, body: bytes | Body, *, length: int
    ) -> str:
        if not 1 <= number <= MAX_PARTS:
            raise ObjectStoreError(f"a part's number is 1 to {MAX_PARTS}, not {number}")
        content = await content_of(key, body, length)
        part = Part(number, _md5(content).hex(), length)
        self._upload(key, upload_id).parts[number] = (part, content)
        return part.etag

    async def list_parts(self, key: str, upload_id: str) -> Sequence[Part]:
        parts = self._upload(key, upload_id).parts
        return tuple(parts[number][0] for number in sorted(parts))

    async def complete_multipart(
        self, key: str, upload_id: str, parts: Sequence[Part], *, create_only: bool = True
    ) -> ObjectInfo:
        upload = self._upload(key, upload_id)
        named = sorted(parts, key=lambda part: part.number)
        _check(upload, named)
        contents = [upload.parts[part.number][1] for part in named]
        digests = b"".join(_md5(content) for content in contents)
        info = self._store(
            key,
            b"".join(contents),
            ObjectInfo(
                key=key,
                size=sum(map(len, contents)),
                etag=f"{_md5(digests).hex()}-{len(contents)}",
                uploaded_at=self._clock.now_ms(),
                content_type=upload.content_type,
                cache_control=upload.cache_control,
                metadata=upload.metadata,
            ),
            create_only=create_only,
        )
        del self._uploads[upload_id]
        return info

    async def abort_multipart(self, key: str, upload_id: str) -> None:
        upload = self._uploads.get(upload_id)
        if upload is not None and upload.key == key:
            del self._uploads[upload_id]

    async def list_multiparts(self, prefix: str) -> Sequence[PendingUpload]:
        pending = [
            PendingUpload(upload.key, upload_id, upload.started_at)
            for upload_id, upload in self._uploads.items()
            if upload.key.startswith(prefix)
        ]
        return tuple(sorted(pending, key=lambda one: one.key.encode()))

    def _upload(self, key: str, upload_id: str) -> _Upload:
        upload = self._uploads.get(upload_id)
        if upload is None or upload.key != key:
            raise UploadNotFoundError(f"there is no upload {upload_id!r} of {key!r}")
        return upload


def _check(upload: _Upload, named: Sequence[Part]) -> None:
    if not named:
        raise PartsRefusedError(f"{upload.key!r} is to be made of no part at all")
    for part in named:
        there = upload.parts.get(part.number)
        if there is None or there[0].etag != part.etag:
            raise PartsRefusedError(f"part {part.number} of {upload.key!r} was not put like that")
    sizes = {upload.parts[part.number][0].size for part in named[:-1]}
    if any(size < MIN_PART_BYTES for size in sizes):
        raise PartsRefusedError(f"only the last part may have less than {MIN_PART_BYTES} bytes")
    if len(sizes) > 1:
        raise PartsRefusedError("all parts but the last must have one size")


def _md5(content: bytes) -> bytes:
    return hashlib.md5(content, usedforsecurity=False).digest()
