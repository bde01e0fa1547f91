"""Which versions the edge refuses although a URL for them is still valid: those that were pulled
while it may have been given out.

The list is an isolate's own, read by one indexed query. A pull shows in it after `REFRESH_MS` at
the latest, and so does a restoration.
"""

import logging
from typing import cast

from functions.core.download_tokens import SKEW_SECONDS
from functions.core.problems import Problem, ProblemError
from functions.ports.records import Records, RecordsError, Statement

log = logging.getLogger("stowage.edge")

REFRESH_MS = 10_000
RETRY_MS = 2_000
"""After a query that failed."""
LONGEST_URL_MS = (3600 + 2 * SKEW_SECONDS) * 1000
"""How long after a pull a URL from before it can still be valid: its life, the skew that `verify`
allows, and as much again because `pulled_at` is of the api's clock."""


class Denials:
    """Requests of one isolate share it; each that finds the list too old reads it for itself,
    because no request may wait for another's I/O (DESIGN 4.8)."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._denied: frozenset[str] | None = None
        """None: it was never read."""
        self._read_at = 0
        self._next_at = 0

    async def is_denied(self, version_id: str, now: int) -> bool:
        """Never raises: where the database fails, the last list holds on (at first an empty one),
        and the log says so."""
        if now >= self._next_at:
            await self._refresh(now)
        return self._denied is not None and version_id in self._denied

    async def _refresh(self, now: int) -> None:
        if self._denied is not None:
            # Before the query, so that the requests behind this one go on with the list there is.
            self._next_at = now + REFRESH_MS
        try:
            rows = await self._records.fetch(
                Statement("SELECT id FROM version WHERE pulled_at >= ?", (now - LONGEST_URL_MS,))
            )
        except RecordsError as error:
            self._next_at = now + RETRY_MS
            age = "no list" if self._denied is None else f"the list of {now - self._read_at} ms ago"
            log.warning("pulled versions are refused by %s: %s", age, error)
            return
        # An answer that was overtaken by a later one must not bring the older list back.
        if self._denied is None or now >= self._read_at:
            self._denied = frozenset(cast("str", row["id"]) for row in rows)
            self._read_at, self._next_at = now, now + REFRESH_MS


def pulled() -> ProblemError:
    """The answer to a URL of a denied version."""
    return ProblemError(
        Problem(
            "version-pulled",
            "Gone",
            410,
            "This version was pulled. Ask the API for the app's current version.",
        )
    )
