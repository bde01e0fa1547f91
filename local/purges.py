"""Purges of the zones' caches: what was purged and when, and how often a plan lets one purge.

Nothing of it outlives the daemon, because the caches do not either: a cache may lose everything at
any time, and here it does when the daemon starts.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MOST_ENTRIES = 100
"""Of one request, on every plan."""
MOST_TAG_CHARACTERS = 1024
_ROUNDING = 1e-6
FORMS = ("files", "tags", "hosts", "prefixes")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PurgePlan:
    """A token bucket for each account. Purges by URL have another limit, which is not played."""

    per_second: float
    bucket: int


PLANS = {
    "free": PurgePlan(5 / 60, 25),
    "pro": PurgePlan(5, 25),
    "business": PurgePlan(10, 50),
    "enterprise": PurgePlan(50, 500),
}
"""developers.cloudflare.com/cache/how-to/purge-cache, purge limits."""


class Purges:
    """The log and the limit of one account."""

    def __init__(self, plan: PurgePlan, clock: Callable[[], float] = time.time) -> None:
        self._plan = plan
        self._clock = clock
        self._left = float(plan.bucket)
        self._counted_at = clock()
        self._latest: dict[tuple[str, str], int] = {}

    def take(self) -> int:
        """Seconds to wait, rounded up, or 0: the purge may happen and is counted."""
        now = self._clock()
        refill = (now - self._counted_at) * self._plan.per_second
        self._left = min(self._plan.bucket, self._left + refill)
        self._counted_at = now
        if self._left < 1 - _ROUNDING:
            return math.ceil(round((1 - self._left) / self._plan.per_second, 3))
        self._left -= 1
        return 0

    def note(self, said: Json) -> Json:
        """Remembers a purge and gives it with its time, `at` in milliseconds."""
        at = math.ceil(self._clock() * 1000)
        if said.get("purge_everything") is True:
            self._latest[("purge_everything", "")] = at
        for form in FORMS[1:]:
            self._latest |= {(form, str(entry)): at for entry in said.get(form, [])}
        return {"at": at, **said}

    def describe(self) -> list[Json]:
        """The latest purge of everything that was purged, as the Workers' isolates read it."""
        return [
            {"at": at, form: True if form == "purge_everything" else [entry]}
            for (form, entry), at in self._latest.items()
        ]


def refusal(said: Json) -> tuple[int, str] | None:
    """Code and message where Cloudflare would not take the request; None where it would."""
    forms = [name for name in FORMS if name in said]
    if not forms and said.get("purge_everything") is not True:
        given = "purge_everything, files, tags, hosts, prefixes"
        return 1012, f"Request must contain one of {given}"
    for name in forms:
        if not isinstance(said[name], list) or not 0 < len(said[name]) <= MOST_ENTRIES:
            return 1094, f"{name} is a list of 1 to {MOST_ENTRIES} entries"
    for tag in said.get("tags", []):
        if not isinstance(tag, str) or len(tag) > MOST_TAG_CHARACTERS:
            return 1100, f"Tag exceeds maximum length of {MOST_TAG_CHARACTERS} characters"
        if not tag.isascii() or not tag.isprintable():
            return 1315, "Non-printable characters are forbidden in tags"
    return None
