"""Writing while objects move from one storage to another: everything new goes to the new one."""

from collections.abc import Mapping

from functions.core.fallback_reader import FallbackReader
from functions.core.merged_listing import list_merged
from functions.ports.object_store import (
    Body,
    ObjectInfo,
    ObjectPage,
    ObjectStore,
    PreconditionFailedError,
)


class FallbackStore(FallbackReader[ObjectStore]):
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
        # Nothing new is put into the old storage, so what is not there now will not come later.
        if create_only and await self._second.head(key) is not None:
            raise PreconditionFailedError(f"put {key!r}: there is an object in the old storage")
        return await self._first.put(
            key,
            body,
            length=length,
            content_type=content_type,
            cache_control=cache_control,
            sha256=sha256,
            metadata=metadata,
            create_only=create_only,
        )

    async def delete(self, key: str) -> None:
        # The old one first: the other way round, a failure in between would bring it back.
        await self._second.delete(key)
        await self._first.delete(key)

    async def list_objects(
        self,
        prefix: str,
        cursor: str | None = None,
        limit: int = 1000,
        *,
        start_after: str | None = None,
    ) -> ObjectPage:
        """Costs at least one page of each storage."""
        return await list_merged(
            self._first, self._second, prefix, cursor, limit, start_after=start_after
        )

    async def sha256(self, key: str) -> str | None:
        digest = await self._first.sha256(key)
        return digest if digest is not None else await self._second.sha256(key)
