"""Work that an answer does not wait for."""

from collections.abc import Coroutine
from typing import Protocol


class Background(Protocol):
    def run(self, work: Coroutine[object, object, None]) -> None:
        """Starts it now and lets it go on after the answer was sent, for a limited time (30 s on
        Workers). What it raises is logged and changes nothing."""
        ...
