"""What the scenarios of the suites over object stores share."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from functions.ports.object_store import (
    ObjectInfo,
    ObjectStore,
    StoredObject,
)

T = TypeVar("T")

MEGABYTE = 1024 * 1024


def run(work: Coroutine[object, object, T]) -> T:
    return asyncio.run(work)


async def put(
    store: ObjectStore, key: str, content: bytes, *, create_only: bool = True
) -> ObjectInfo:
    return await store.put(
        key, content, length=len(content), content_type="text/plain", create_only=create_only
    )


async def content_of(stored: StoredObject | ObjectInfo | None) -> bytes:
    assert isinstance(stored, StoredObject)
    return b"".join([chunk async for chunk in stored.body])


async def keys_under(
    store: ObjectStore, prefix: str, limit: int = 1000, start_after: str | None = None
) -> list[str]:
    """All of them, page by page."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = await store.list_objects(prefix, cursor, limit, start_after=start_after)
        assert len(page.objects) <= limit
        found += [info.key for info in page.objects]
        cursor = page.cursor
        if cursor is None:
            return found
