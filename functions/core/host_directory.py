"""From a host to its location, for the edge (DESIGN 4.9).

1. An isolate remembers what it learnt for 10 s.
2. The data centre's cache has it for 30 s. In the second half a hit also asks the database, in the
   background, so that a host that is often asked for never waits for it.
3. Then one indexed query. Where the database fails, what the cache has still counts, for a day: an
   outage stops no host that was served lately, in new isolates neither. A host that nothing is
   known of is then unavailable, not unknown.

So a change is followed within 30 s. The cached entry bears the tags of its host and location, so a
removal can purge it at once, and a query that finds no host any more forgets it.
"""

import json
import logging
from dataclasses import asdict
from typing import TYPE_CHECKING, cast

from functions.core import cache_tags, serving
from functions.core.host_memory import HostMemory
from functions.core.locations import Location
from functions.core.object_cache import Refreshes
from functions.ports.records import Records, RecordsError

if TYPE_CHECKING:
    from collections.abc import Collection

    from functions.ports.background import Background
    from functions.ports.edge_cache import EdgeCache

log = logging.getLogger("stowage.edge")

FRESH_MS = 30_000
KEPT_SECONDS = 86_400


class HostDirectory:
    """Of one isolate. `buckets` are the declared repository buckets: no location in another is
    served, whatever database or cache say."""

    def __init__(self, records: Records, cache: "EdgeCache", buckets: "Collection[str]") -> None:
        self._records = records
        self._cache = cache
        self._buckets = buckets
        self._memory = HostMemory()
        self._refreshes = Refreshes()

    async def find(self, host: str, now: int, background: "Background") -> Location | None:
        """`host` as `serving.normal_host` gives it. None: it is unknown.

        Raises: RecordsError where the database fails and nothing is known of the host.
        """
        remembered = self._memory.recall(host, now)
        if remembered is not None:
            return remembered.location
        known = await self._cached(host)
        if known is None:
            return await self._ask(host, now, background, was_cached=False)
        location, asked_at = known
        if now - asked_at < FRESH_MS:
            if now - asked_at >= FRESH_MS // 2 and self._refreshes.begin(host, now):
                background.run(self._refresh(host, now, background))
            self._memory.remember(host, location, now, no_later_than=asked_at + FRESH_MS)
            return location
        try:
            return await self._ask(host, now, background, was_cached=True)
        except RecordsError as error:
            log.warning("%s is served as it was %d ms ago: %s", host, now - asked_at, error)
            self._memory.remember(host, location, now)
            return location

    async def _ask(
        self, host: str, now: int, background: "Background", *, was_cached: bool
    ) -> Location | None:
        location = await serving.resolve_host(self._records, host, self._buckets)
        self._memory.remember(host, location, now)
        if location is not None:
            background.run(
                self._cache.keep_note(
                    _key(host),
                    json.dumps([asdict(location), now]),
                    tags=(cache_tags.host(host), cache_tags.hosts_of(location.id)),
                    seconds=KEPT_SECONDS,
                )
            )
        elif was_cached:
            await self._cache.forget(_key(host))
        return location

    async def _refresh(self, host: str, now: int, background: "Background") -> None:
        await self._ask(host, now, background, was_cached=True)

    async def _cached(self, host: str) -> tuple[Location, int] | None:
        """And when the database said so."""
        entry = await self._cache.match(_key(host))
        if entry is None:
            return None
        await entry.body.discard()
        try:
            fields, asked_at = json.loads(entry.note)
            location = Location(**fields)
        except (ValueError, TypeError):
            # Another deployment may have stored it, whose locations are of another form.
            return None
        return (location, cast("int", asked_at)) if location.s3_bucket in self._buckets else None


def _key(host: str) -> str:
    return f"hosts/{host}"
