"""A bucket behind the data centre's cache, as one request reads it.

1. Only whole objects are stored, whatever was asked for: a condition or HEAD is answered from the
   copy, a range is cut from it. A range of what is not stored goes to the store as it is.
2. A fresh copy is sent without a call of the store. One that is no longer fresh is compared with
   the store first (its ETag; an unchanged object is not read again), and sent all the same where
   the store fails.
3. In the second half of its freshness a copy is also compared in the background. Requests do not
   wait for each other (no request may await another's I/O), so an isolate only remembers that one
   began.
"""

import json
import logging
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from functions.core.freshness import freshness
from functions.ports.edge_cache import CacheEntry, EdgeCache
from functions.ports.object_store import (
    ByteRange,
    ObjectInfo,
    ObjectReader,
    ObjectStoreError,
    RangeNotSatisfiableError,
    StoredObject,
)

if TYPE_CHECKING:
    from functions.core.catalog import ObjectKind
    from functions.core.usage import CacheState
    from functions.ports.background import Background

log = logging.getLogger("stowage.edge")

REFRESH_MS = 10_000
"""How long an isolate leaves a refresh to the request that began it."""
MOST_REFRESHES = 1_000


class Refreshes:
    """Which refreshes an isolate has begun lately."""

    def __init__(self) -> None:
        self._until: OrderedDict[str, int] = OrderedDict()

    def begin(self, key: str, now_ms: int) -> bool:
        """Whether the caller is to do it."""
        if now_ms < self._until.get(key, 0):
            return False
        self._until[key] = now_ms + REFRESH_MS
        self._until.move_to_end(key)
        if len(self._until) > MOST_REFRESHES:
            self._until.popitem(last=False)
        return True


@dataclass(frozen=True, slots=True)
class _Copy:
    info: ObjectInfo
    compared_at: int
    entry: CacheEntry
    outside: bool
    """The range that was asked for lies outside the object."""


@dataclass(slots=True)
class CachedReader:
    """An `ObjectReader` of one object for one request."""

    cache: EdgeCache
    store: ObjectReader
    kind: "ObjectKind"
    bucket: str
    """Its physical name, where there are several of the role; else empty."""
    now_ms: int
    background: "Background"
    refreshes: Refreshes
    age_seconds: int | None = None
    """Set by the call: since when the copy that was sent was known to be the store's. None where
    the store was asked."""
    cache_state: "CacheState" = "bypass"
    """Set by the call: what part the cache had in the answer."""

    @property
    def cache_key(self) -> str:
        place = (self.kind.bucket, self.bucket, self.kind.key)
        return "/".join(["objects", *(part for part in place if part)])

    async def head(self, key: str) -> ObjectInfo | None:
        copy = await self._copy(None)
        if copy is None:
            return await self.store.head(key)
        await copy.entry.body.discard()
        if self._is_fresh(copy):
            return self._used(copy)
        try:
            return await self.store.head(key)
        except ObjectStoreError as error:
            return self._used(copy, error)

    async def get(
        self,
        key: str,
        byte_range: ByteRange | None = None,
        *,
        unless_etags: frozenset[str] | None = None,
    ) -> StoredObject | ObjectInfo | None:
        copy = await self._copy(byte_range)
        if copy is not None and self._is_fresh(copy):
            return await self._from_copy(copy, unless_etags)
        try:
            if byte_range is None:
                return await self._whole(key, copy, unless_etags)
            found = await self.store.get(key, byte_range, unless_etags=unless_etags)
        except RangeNotSatisfiableError:
            await _give_up(copy)
            raise
        except ObjectStoreError as error:
            if copy is None:
                raise
            return await self._from_copy(copy, unless_etags, error)
        await _give_up(copy)
        return found

    async def _copy(self, byte_range: ByteRange | None) -> _Copy | None:
        entry = await self.cache.match(self.cache_key, byte_range)
        if entry is None:
            return None
        noted = _read_note(entry.note, self.kind.key)
        if noted is None:
            await entry.body.discard()
            return None
        info, compared_at = noted
        whole = (0, info.size)
        asked = whole if byte_range is None else byte_range.extent(info.size)
        if (entry.offset, entry.length) != (asked or whole):
            await entry.body.discard()
            return None
        return _Copy(info, compared_at, entry, outside=asked is None)

    def _is_fresh(self, copy: _Copy) -> bool:
        age = self.now_ms - copy.compared_at
        return age < freshness(self.kind).fresh_seconds * 1000

    def _used(self, copy: _Copy, error: ObjectStoreError | None = None) -> ObjectInfo:
        """Notes that the copy is sent, and looks whether it is still the store's."""
        rule = freshness(self.kind)
        age = self.now_ms - copy.compared_at
        if error is not None:
            log.warning("%s is sent as it was %d ms ago: %s", self.cache_key, age, error)
        elif (
            not rule.never_changes
            and age >= rule.fresh_seconds * 500
            and self.refreshes.begin(self.cache_key, self.now_ms)
        ):
            self.background.run(self._refresh(copy.info.etag))
        self.cache_state = "hit" if error is None else "stale"
        # What never changes is as good as new at any age.
        self.age_seconds = 0 if rule.never_changes else age // 1000
        return copy.info

    async def _from_copy(
        self,
        copy: _Copy,
        unless_etags: frozenset[str] | None,
        error: ObjectStoreError | None = None,
    ) -> StoredObject | ObjectInfo:
        info, entry = self._used(copy, error), copy.entry
        if unless_etags is not None and info.etag in unless_etags:
            await entry.body.discard()
            return info
        if copy.outside:
            await entry.body.discard()
            raise RangeNotSatisfiableError(info.key, info.size)
        return StoredObject(info, entry.body, entry.offset, entry.length)

    async def _whole(
        self, key: str, copy: _Copy | None, unless_etags: frozenset[str] | None
    ) -> StoredObject | ObjectInfo | None:
        """From the store, and into the cache on its way, also where the client has it already."""
        known = None if copy is None else frozenset({copy.info.etag})
        found = await self.store.get(key, unless_etags=known)
        stored = await self._current(copy, found)
        if stored is None:
            return None
        if stored.info.size <= self.cache.max_bytes:
            self.cache_state = "miss"
        stored = self._keeping(stored)
        if unless_etags is not None and stored.info.etag in unless_etags:
            await stored.body.discard()
            return stored.info
        return stored

    async def _current(
        self, copy: _Copy | None, found: StoredObject | ObjectInfo | None
    ) -> StoredObject | None:
        """What the store has: the copy's own body, where it said that nothing has changed."""
        if isinstance(found, ObjectInfo):
            if copy is None or found.etag != copy.info.etag:
                raise ObjectStoreError(f"{self.kind.key!r}: no body for an ETag that was not named")
            return StoredObject(found, copy.entry.body, 0, found.size)
        await _give_up(copy)
        if found is None and copy is not None:
            await self.cache.forget(self.cache_key)
        return found

    def _keeping(self, stored: StoredObject) -> StoredObject:
        if stored.info.size > self.cache.max_bytes:
            return stored
        kept = self.cache.keep(
            self.cache_key,
            _note(stored.info, self.now_ms),
            stored.body,
            stored.info.size,
            tags=self.kind.cache_tags,
            seconds=freshness(self.kind).kept_seconds,
        )
        self.background.run(kept.storing)
        return StoredObject(stored.info, kept.body, 0, stored.info.size)

    async def _refresh(self, etag: str) -> None:
        found = await self.store.get(self.kind.key, unless_etags=frozenset({etag}))
        copy = None
        if isinstance(found, ObjectInfo):
            copy = await self._copy(None)
            # Meanwhile another request may have stored another object, or a purge have come.
            if copy is None or copy.info.etag != found.etag:
                await _give_up(copy)
                return
        stored = await self._current(copy, found)
        if stored is None:
            await self.cache.forget(self.cache_key)
        else:
            await self._keeping(stored).body.discard()


async def _give_up(copy: _Copy | None) -> None:
    if copy is not None:
        await copy.entry.body.discard()


def _note(info: ObjectInfo, compared_at: int) -> str:
    return json.dumps([info.etag, info.size, info.uploaded_at, compared_at])


def _read_note(note: str, key: str) -> tuple[ObjectInfo, int] | None:
    """None where it is not of the form that is written now: another deployment may have stored
    it."""
    try:
        etag, size, uploaded_at, compared_at = cast("tuple[str, int, int, int]", json.loads(note))
    except (ValueError, TypeError):
        return None
    return ObjectInfo(key, size, etag, uploaded_at), compared_at
