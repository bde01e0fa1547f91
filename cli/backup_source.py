"""The backups that lie in the backups bucket, read without the platform's help: found, fetched,
and shown to be whole."""

import hashlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cli.console import Terminal
from cli.dump_file import DumpFile, RestoredDump
from cli.failures import Failure, UsageFailure
from cli.stored_objects import StoredObjects
from cli.upload import progress
from functions.core import backup_manifest
from functions.core.backup_manifest import Manifest, ManifestError
from functions.core.catalog import BACKUPS_PREFIX, BackupManifest, parse_backup
from functions.core.times import rfc3339

LATEST = "latest"


@dataclass(frozen=True, slots=True)
class FetchedBackup:
    manifest: Manifest
    dump: DumpFile


def manifests(objects: StoredObjects) -> list[BackupManifest]:
    """Of every whole backup, the newest first."""
    found = [parse_backup(key) for key, _ in objects.listed(BACKUPS_PREFIX)]
    whole = [one for one in found if isinstance(one, BackupManifest)]
    return sorted(whole, key=lambda one: (one.started_at, one.backup_id), reverse=True)


def choose(objects: StoredObjects, backup_id: str) -> BackupManifest:
    """The backup of this id, or the latest.

    Raises:
        UsageFailure: there is none; it says what there is.
    """
    found = manifests(objects)
    if not found:
        raise Failure(
            f"There is no backup in bucket {objects.bucket}. `stowage backup create` makes one."
        )
    if backup_id == LATEST:
        return found[0]
    for one in found:
        if one.backup_id == backup_id:
            return one
    newest = ", ".join(f"{one.backup_id} ({rfc3339(one.started_at)})" for one in found[:3])
    raise UsageFailure(
        f"There is no backup {backup_id} in bucket {objects.bucket}. The newest are: {newest}; "
        "`stowage backup list --bucket` lists all."
    )


def read_manifest(objects: StoredObjects, place: BackupManifest) -> Manifest:
    with objects.content(place.key) as chunks:
        text = b"".join(chunks) if chunks is not None else b""
    try:
        return backup_manifest.read(text)
    except ManifestError as error:
        raise Failure(f"The manifest {place.key} cannot be read: {error}.") from error


def fetch(
    terminal: Terminal, objects: StoredObjects, place: BackupManifest, folder: Path
) -> FetchedBackup:
    """Reads a backup to its end and proves it: the object's SHA-256, that of the text in it, the
    rows of each table, and that a database with sound references can be made of it.

    Raises:
        Failure: it is not what its manifest says.
    """
    manifest = read_manifest(objects, place)
    file = folder / f"{manifest.backup_id}.sql"
    with (
        progress(terminal, f"Backup {manifest.backup_id}", manifest.dump_size) as advance,
        objects.content(manifest.dump_key) as chunks,
        file.open("wb") as sql,
    ):
        if chunks is None:
            raise Failure(f"The dump {manifest.dump_key} is gone; its manifest is still there.")
        digest = hashlib.sha256()

        def watch(chunk: bytes) -> None:
            digest.update(chunk)
            advance(len(chunk))

        try:
            for text in _unpacked(_watched(chunks, watch)):
                sql.write(text)
        except zlib.error as error:
            raise _damaged(manifest, f"it does not unpack ({error})") from error
    if digest.hexdigest() != manifest.dump_sha256:
        raise _damaged(manifest, "its SHA-256 is another one")
    dump = DumpFile(file)
    with terminal.working("Checking the dump"):
        if dump.content() != manifest.content:
            raise _damaged(manifest, "its text holds other rows")
        with RestoredDump(dump):
            pass
    return FetchedBackup(manifest, dump)


def _watched(chunks: Iterator[bytes], watch: Callable[[bytes], None]) -> Iterator[bytes]:
    for chunk in chunks:
        watch(chunk)
        yield chunk


def _unpacked(chunks: Iterator[bytes]) -> Iterator[bytes]:
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 16)
    for chunk in chunks:
        yield unpack.decompress(chunk)
    yield unpack.flush()
    if not unpack.eof:
        raise zlib.error("it ends too early")


def _damaged(manifest: Manifest, why: str) -> Failure:
    return Failure(
        f"The dump {manifest.dump_key} is not what its manifest says: {why}. Use another backup."
    )
