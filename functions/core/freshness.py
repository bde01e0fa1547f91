"""How long the edge's own copies count. Clients go by `Cache-Control`; these are for the cache
behind it, which purges reach."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from functions.core import catalog

if TYPE_CHECKING:
    from functions.core.catalog import ObjectKind


@dataclass(frozen=True, slots=True)
class Freshness:
    fresh_seconds: int
    """So long a copy is sent without a look at the store. In the second half a hit also looks, in
    the background, so that what is often asked for never waits."""
    kept_seconds: int
    """Afterwards it is compared with the store, and sent as it is only where the store fails."""

    @property
    def never_changes(self) -> bool:
        return self.fresh_seconds == self.kept_seconds


DAY = 86_400
FOREVER = Freshness(DAY, DAY)
REPLACEABLE = Freshness(300, 7 * DAY)
"""A replacement purges the copy; what was being stored just then is noticed after five minutes."""
CHANGING = Freshness(30, DAY)

_BY_RULE = {
    catalog.IMMUTABLE: FOREVER,
    catalog.EXACT: FOREVER,
    catalog.LONG: REPLACEABLE,
    catalog.INDEX: CHANGING,
}


def freshness(kind: "ObjectKind") -> Freshness:
    """Of a kind that the edge serves."""
    return _BY_RULE[kind.cache_control]
