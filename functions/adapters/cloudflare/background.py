"""Work behind an answer, by the invocation's waitUntil."""

import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger("stowage")


class WaitUntil:
    """`context` is the invocation's own, `self.ctx` of an entrypoint."""

    def __init__(self, context: Any) -> None:
        self._context = context

    def run(self, work: Coroutine[object, object, None]) -> None:
        self._context.waitUntil(_logged(work))


async def _logged(work: Coroutine[object, object, None]) -> None:
    try:
        await work
    except Exception:
        log.exception("work in the background failed")
