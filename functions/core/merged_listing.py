"""The listings of two stores as one: in order of the keys' bytes, each key once, page by page.

The cursor says for each store where its current page began, and which key was given last: a page
that was used up half-way is read again and its beginning skipped, so nothing is kept in between.
"""

import json
from dataclasses import dataclass, field
from typing import cast

from functions.ports.object_store import ObjectInfo, ObjectPage, ObjectStore


@dataclass(slots=True)
class _Side:
    store: ObjectStore
    begin: str | None = None
    """The cursor of the page that `objects` are left of."""
    next: str | None = None
    """The cursor of the page to read next; None at the beginning and, with `is_last`, at the
    end."""
    is_last: bool = False
    """No page follows."""
    objects: list[ObjectInfo] = field(default_factory=list[ObjectInfo])

    async def advance(self, prefix: str, limit: int, after: bytes) -> ObjectInfo | None:
        """The first object behind the key `after`; None at the end."""
        while True:
            while self.objects and self.objects[0].key.encode() <= after:
                del self.objects[0]
            if self.objects:
                return self.objects[0]
            if self.is_last:
                return None
            page = await self.store.list_objects(
                prefix, self.next, limit, start_after=after.decode() or None
            )
            self.begin, self.next = self.next, page.cursor
            self.objects, self.is_last = list(page.objects), page.cursor is None


async def list_merged(
    first: ObjectStore,
    second: ObjectStore,
    prefix: str,
    cursor: str | None,
    limit: int,
    *,
    start_after: str | None = None,
) -> ObjectPage:
    """Where both have a key, `first` is the one that counts.

    Raises: ObjectStoreError.
    """
    sides = (_Side(first), _Side(second))
    after = (start_after or "").encode() if cursor is None else _resume(sides, cursor)
    found: list[ObjectInfo] = []
    while True:
        heads = [await side.advance(prefix, limit, after) for side in sides]
        present = [head for head in heads if head is not None]
        if not present:
            return ObjectPage(tuple(found), None)
        if len(found) == limit:
            return ObjectPage(tuple(found), _cursor(sides, after))
        smallest = min(present, key=lambda info: info.key.encode())
        found.append(smallest)
        after = smallest.key.encode()


def _cursor(sides: tuple[_Side, _Side], after: bytes) -> str:
    places = [{"at": side.begin, "end": side.is_last and not side.objects} for side in sides]
    return json.dumps({"after": after.decode(), "sides": places})


def _resume(sides: tuple[_Side, _Side], cursor: str) -> bytes:
    said = json.loads(cursor)
    for side, place in zip(sides, cast("list[dict[str, object]]", said["sides"]), strict=True):
        side.next, side.is_last = cast("str | None", place["at"]), bool(place["end"])
    return cast("str", said["after"]).encode()
