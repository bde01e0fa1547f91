"""The contract of objects over two stores of which one stands in for the other."""

from collections.abc import Mapping

import pytest

from functions.adapters.local.clock import FixedClock
from functions.adapters.local.object_store import MemoryObjectStore
from functions.core.fallback_store import FallbackStore
from functions.ports.object_store import Body, ObjectInfo, StoredObject
from tests.contracts.object_store import ObjectStoreContract


class HalfMoved(FallbackStore):
    """Every other object lies in the old store, as if it had been put before the new one came."""

    puts = 0

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
        info = await super().put(
            key,
            body,
            length=length,
            content_type=content_type,
            cache_control=cache_control,
            sha256=sha256,
            metadata=metadata,
            create_only=create_only,
        )
        self.puts += 1
        if self.puts % 2:
            await self._move_back(key)
        return info

    async def _move_back(self, key: str) -> None:
        stored = await self._first.get(key)
        assert isinstance(stored, StoredObject)
        await self._second.put(
            key,
            stored.body,
            length=stored.length,
            content_type=stored.info.content_type or "",
            cache_control=stored.info.cache_control,
            sha256=stored.info.sha256,
            metadata=stored.info.metadata,
            create_only=False,
        )
        await self._first.delete(key)


class TestFallbackStore(ObjectStoreContract):
    @pytest.fixture
    def store(self) -> FallbackStore:
        clock = FixedClock()
        return FallbackStore(MemoryObjectStore(clock), MemoryObjectStore(clock))


class TestFallbackStoreWithObjectsInBoth(ObjectStoreContract):
    @pytest.fixture
    def store(self) -> FallbackStore:
        clock = FixedClock()
        return HalfMoved(MemoryObjectStore(clock), MemoryObjectStore(clock))
