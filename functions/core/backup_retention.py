"""Clearing away old backups, by what lies in the bucket, and keeping the rows true to it.

The manifest goes first: from then on it is no backup any more, and what is left of it is deleted by
this or by the next run.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from functions.core import backup_manifest, backup_records
from functions.core.backup_manifest import ManifestError
from functions.core.catalog import (
    BACKUPS_PREFIX,
    BackupDump,
    BackupManifest,
    parse_backup,
)
from functions.core.platform import DAY_MS
from functions.ports.object_store import ObjectStoreError, StoredObject
from functions.ports.records import ConflictError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from functions.ports.object_store import ObjectStore
    from functions.ports.records import Records

LEFT_OVER_MS = DAY_MS
"""What is no whole backup after this long never becomes one: a run takes minutes."""

MOST = 100
"""Backups that one sweep deletes, and rows that it writes, at most; the next one goes on. D1 takes
1,000 queries of one run."""


@dataclass(slots=True)
class Stored:
    """What lies in the bucket of one backup."""

    backup_id: str
    started_at: int
    has_dump: bool = False
    has_manifest: bool = False

    @property
    def is_good(self) -> bool:
        return self.has_dump and self.has_manifest


@dataclass(slots=True)
class Swept:
    deleted: int = 0
    errors: list[str] = field(default_factory=list[str])


async def stored_backups(store: "ObjectStore") -> list[Stored]:
    """The oldest first. Raises: ObjectStoreError."""
    found: dict[str, Stored] = {}
    cursor = None
    while True:
        page = await store.list_objects(BACKUPS_PREFIX, cursor)
        for info in page.objects:
            kind = parse_backup(info.key)
            if kind is None:
                continue
            one = found.setdefault(kind.backup_id, Stored(kind.backup_id, kind.started_at))
            one.has_dump |= isinstance(kind, BackupDump)
            one.has_manifest |= isinstance(kind, BackupManifest)
        cursor = page.cursor
        if cursor is None:
            return sorted(found.values(), key=lambda one: (one.started_at, one.backup_id))


def plan(stored: "Iterable[Stored]", now: int, keep_ms: int) -> list[Stored]:
    """What is to be deleted: good backups older than `keep_ms`, but never the newest good one, and
    what is left over of others."""
    backups = list(stored)
    newest = max((one.started_at for one in backups if one.is_good), default=None)
    return [
        one
        for one in backups
        if (one.started_at + keep_ms <= now and one.started_at != newest)
        or (not one.is_good and one.started_at + LEFT_OVER_MS <= now)
    ]


async def sweep(
    records: "Records", store: "ObjectStore", now: int, keep_ms: int, actor: str
) -> Swept:
    """Deletes what is due, gives a row to every good backup that has none, and marks the rows of
    those that are gone. What fails is left to the next sweep.

    Raises: RecordsError.
    """
    swept = Swept()
    try:
        stored = await stored_backups(store)
    except ObjectStoreError as error:
        swept.errors.append(f"the backups could not be listed: {error}")
        return swept
    for one in plan(stored, now, keep_ms)[:MOST]:
        try:
            await delete(store, one.backup_id, one.started_at)
        except ObjectStoreError as error:
            swept.errors.append(f"backup {one.backup_id} was not deleted: {error}")
            continue
        swept.deleted += 1
        stored.remove(one)
    await _true_rows(records, store, [one for one in stored if one.is_good], now, actor, swept)
    return swept


async def delete(store: "ObjectStore", backup_id: str, started_at: int) -> None:
    """Raises: ObjectStoreError."""
    await store.delete(BackupManifest(backup_id, started_at).key)
    await store.delete(BackupDump(backup_id, started_at).key)


async def read_manifest(store: "ObjectStore", key: str) -> backup_manifest.Manifest | None:
    """None where there is none, or none that can be read. Raises: ObjectStoreError."""
    stored = await store.get(key)
    if not isinstance(stored, StoredObject) or stored.info.size > backup_manifest.MAX_BYTES:
        return None
    text = b"".join([chunk async for chunk in stored.body])
    try:
        return backup_manifest.read(text)
    except ManifestError:
        return None


async def _true_rows(
    records: "Records", store: "ObjectStore", good: list[Stored], now: int, actor: str, swept: Swept
) -> None:
    known = {one.id for one in await backup_records.complete_backups(records)}
    there = {one.backup_id for one in good}
    for backup_id in sorted(known - there)[:MOST]:
        await records.batch([backup_records.gone(backup_id, now)])
    for one in [one for one in good if one.backup_id not in known][:MOST]:
        try:
            manifest = await read_manifest(store, BackupManifest(one.backup_id, one.started_at).key)
        except ObjectStoreError as error:
            swept.errors.append(f"backup {one.backup_id}: its manifest was not read: {error}")
            continue
        if manifest is not None:
            await _insert(records, manifest, actor)


async def _insert(records: "Records", manifest: backup_manifest.Manifest, actor: str) -> None:
    try:
        await records.batch([backup_records.found(manifest, actor)])
    except ConflictError:
        # A row of another status: the run that is making it, or a request that was restored.
        return
