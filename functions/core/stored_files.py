"""Which files of a page lie in the location already, by as few calls of the store as it takes: one
listing of the stretch between the first key and the last."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from functions.core.publication_lists import ListedFile, folders
from functions.ports.object_store import ObjectInfo, ObjectStore

MOST_LISTINGS = 20
"""Calls. Where a stretch holds more than so many thousands of other objects, the files that are
left are looked for one by one."""
AT_ONCE = 8
"""Requests to a storage; a Worker waits for no more than six answers at a time anyway
(developers.cloudflare.com/workers/platform/limits/#simultaneous-open-connections)."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """`missing` and `differing` in the order of the page."""

    missing: tuple[ListedFile, ...]
    differing: tuple[ListedFile, ...]
    """Another object has the key."""
    obstructed: tuple[str, ...]
    """Paths that are a folder of what lies there, or lie in what is a file there."""


async def compare(
    store: ObjectStore, s3_prefix: str, generation: int | None, files: Sequence[ListedFile]
) -> Comparison:
    """By size and SHA-256. Where neither listing nor head tells the digest, the object is read.

    Raises: ObjectStoreError.
    """
    missing: list[ListedFile] = []
    differing: list[ListedFile] = []
    obstructed: list[str] = []
    for part in (_of(files, immutable=True), _of(files, immutable=False)):
        keys = {file.key(s3_prefix, generation): file for file in part}
        found = await _find(store, list(keys))
        taken = {folder for key in found for folder in folders(key)}
        for key, file in keys.items():
            if key in taken or any(folder in found for folder in folders(key)):
                obstructed.append(file.path)
        there = [(file, found[key]) for key, file in keys.items() if key in found]
        missing += [file for key, file in keys.items() if key not in found]
        differing += await _differing(store, there)
    return Comparison(tuple(missing), tuple(differing), tuple(obstructed))


def _of(files: Sequence[ListedFile], *, immutable: bool) -> list[ListedFile]:
    return [file for file in files if file.is_immutable == immutable]


async def _find(store: ObjectStore, keys: Sequence[str]) -> Mapping[str, ObjectInfo]:
    """What lies in the stretch of the keys, which are in order. More than was asked for may be
    among it."""
    if not keys:
        return {}
    first, last = keys[0], keys[-1]
    same = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    prefix = "".join(character for character, _ in same)
    cursor, end = None, last.encode()
    found: dict[str, ObjectInfo] = {}
    for _ in range(MOST_LISTINGS):
        # Listings begin behind a key: what is one character shorter comes before it.
        behind = first[:-1] if len(prefix) < len(first) - 1 else None
        page = await store.list_objects(prefix, cursor, start_after=behind)
        found |= {info.key: info for info in page.objects}
        cursor = page.cursor
        if cursor is None or (page.objects and page.objects[-1].key.encode() > end):
            return found
    reached = max((key.encode() for key in found), default=b"")
    left = [key for key in keys if key.encode() > reached]
    for start in range(0, len(left), AT_ONCE):
        infos = await asyncio.gather(*(store.head(key) for key in left[start : start + AT_ONCE]))
        found |= {info.key: info for info in infos if info is not None}
    return found


async def _differing(
    store: ObjectStore, there: Sequence[tuple[ListedFile, ObjectInfo]]
) -> list[ListedFile]:
    differing: list[ListedFile] = []
    for start in range(0, len(there), AT_ONCE):
        part = there[start : start + AT_ONCE]
        same = await asyncio.gather(*(_is_same(store, file, info) for file, info in part))
        differing += [file for (file, _), is_same in zip(part, same, strict=True) if not is_same]
    return differing


async def _is_same(store: ObjectStore, file: ListedFile, listed: ObjectInfo) -> bool:
    if listed.size != file.size:
        return False
    known = listed.sha256
    if known is None:
        info = await store.head(listed.key)
        known = (info and info.sha256) or await store.sha256(listed.key)
    return known == file.sha256
