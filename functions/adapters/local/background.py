"""Work in the background that runs when it is told to."""

import logging
from collections.abc import Coroutine

log = logging.getLogger("stowage")


class DeferredBackground:
    def __init__(self) -> None:
        self._works: list[Coroutine[object, object, None]] = []

    def run(self, work: Coroutine[object, object, None]) -> None:
        self._works.append(work)

    async def finish(self) -> None:
        """Runs everything, and what it starts in turn."""
        while self._works:
            try:
                await self._works.pop(0)
            except Exception:
                log.exception("work in the background failed")
