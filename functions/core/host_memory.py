"""What an isolate remembers of hostnames, so that not every request asks the database."""

from collections import OrderedDict
from dataclasses import dataclass

from functions.core.locations import Location

REMEMBERED_MS = 10_000
"""How long a removed or moved hostname may go on being served as before (DESIGN 4.9)."""
MOST_HOSTS = 2_000
"""Bounds the memory of an isolate: anybody can ask for any number of unknown hosts."""


@dataclass(frozen=True, slots=True)
class Remembered:
    location: Location | None
    """None: the host is unknown."""
    until: int


class HostMemory:
    def __init__(self) -> None:
        self._hosts: OrderedDict[str, Remembered] = OrderedDict()

    def recall(self, host: str, now_ms: int) -> Remembered | None:
        """None where nothing that is still fresh is known."""
        found = self._hosts.get(host)
        return found if found is not None and now_ms < found.until else None

    def remember(
        self,
        host: str,
        location: Location | None,
        now_ms: int,
        *,
        no_later_than: int | None = None,
    ) -> None:
        until = now_ms + REMEMBERED_MS
        if no_later_than is not None:
            until = min(until, no_later_than)
        self._hosts[host] = Remembered(location, until)
        self._hosts.move_to_end(host)
        if len(self._hosts) > MOST_HOSTS:
            self._hosts.popitem(last=False)
