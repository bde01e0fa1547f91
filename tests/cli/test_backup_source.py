"""Backups in the bucket: found, fetched, and shown to be whole or not."""

import asyncio
import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cli import backup_source
from cli.backup_source import LATEST, choose, fetch, manifests
from cli.console import Terminal
from cli.failures import Failure, UsageFailure
from functions.core.backup_manifest import Manifest
from tests.cli.fake_objects import FakeObjects
from tests.functions.core.backup_world import BackupWorld


async def made(count: int) -> tuple[FakeObjects, list[Manifest]]:
    """As many backups as the platform would make, a day apart."""
    backups = BackupWorld()
    await backups.world.developer("Ada")
    for _ in range(count):
        assert (await backups.run()).made
        backups.pass_days(1)
    objects = FakeObjects({key: await backups.content(key) for key in await backups.keys()})
    found = await backups.manifests()
    backups.world.close()
    return objects, found


@pytest.fixture
def terminal() -> Terminal:
    return Terminal()


def test_the_latest_is_chosen_unless_one_is_named() -> None:
    objects, found = asyncio.run(made(3))
    ids = [one.backup_id for one in found]
    assert [one.backup_id for one in manifests(objects)] == ids[::-1]
    assert choose(objects, LATEST).backup_id == ids[-1]
    assert choose(objects, ids[0]).backup_id == ids[0]
    with pytest.raises(UsageFailure, match=ids[-1]):
        choose(objects, "another")


def test_a_dump_without_its_manifest_is_no_backup() -> None:
    objects, found = asyncio.run(made(2))
    newest = found[-1].dump_key.replace(".sql.gz", ".json")
    del objects.objects[newest]
    assert choose(objects, LATEST).backup_id == found[0].backup_id


def test_where_there_is_none_it_is_said_how_to_make_one() -> None:
    objects = FakeObjects({"backups/notes.txt": b"x"})
    with pytest.raises(Failure, match="stowage backup create"):
        choose(objects, LATEST)


def test_a_whole_backup_is_fetched_with_its_text(terminal: Terminal, tmp_path: Path) -> None:
    objects, (manifest,) = asyncio.run(made(1))
    fetched = fetch(terminal, objects, choose(objects, LATEST), tmp_path)
    assert fetched.manifest == manifest
    text = gzip.decompress(objects.objects[manifest.dump_key])
    assert fetched.dump.sql.read_bytes() == text
    assert fetched.dump.content() == manifest.content


def cut(content: bytes) -> bytes:
    return content[:-20]


def flipped(content: bytes) -> bytes:
    return content[:40] + bytes([content[40] ^ 1]) + content[41:]


def repacked(content: bytes) -> bytes:
    return gzip.compress(gzip.decompress(content), mtime=1)


@pytest.mark.parametrize(
    ("damage", "said"),
    [(cut, "does not unpack"), (flipped, r"unpack|SHA-256"), (repacked, "SHA-256 is another")],
)
def test_a_damaged_dump_is_told_by_its_hash(
    terminal: Terminal, tmp_path: Path, damage: Callable[[bytes], bytes], said: str
) -> None:
    objects, (manifest,) = asyncio.run(made(1))
    objects.objects[manifest.dump_key] = damage(objects.objects[manifest.dump_key])
    with pytest.raises(Failure, match=said):
        fetch(terminal, objects, choose(objects, LATEST), tmp_path)


def test_a_dump_with_other_rows_than_its_manifest_says_is_refused(
    terminal: Terminal, tmp_path: Path
) -> None:
    objects, (manifest,) = asyncio.run(made(1))
    text = gzip.decompress(objects.objects[manifest.dump_key]).replace(b"'Ada'", b"'Bea'")
    dump = gzip.compress(text)
    key = manifest.dump_key.replace(".sql.gz", ".json")
    document = json.loads(objects.objects[key])
    document["dump"] |= {"size": len(dump), "sha256": hashlib.sha256(dump).hexdigest()}
    objects.objects |= {manifest.dump_key: dump, key: json.dumps(document).encode()}
    with pytest.raises(Failure, match="holds other rows"):
        fetch(terminal, objects, choose(objects, LATEST), tmp_path)


def test_a_dump_that_is_gone_and_a_manifest_that_is_none_are_said_so(
    terminal: Terminal, tmp_path: Path
) -> None:
    objects, (manifest,) = asyncio.run(made(1))
    del objects.objects[manifest.dump_key]
    with pytest.raises(Failure, match="is gone"):
        fetch(terminal, objects, choose(objects, LATEST), tmp_path)
    objects.objects[manifest.dump_key.replace(".sql.gz", ".json")] = b"{}"
    with pytest.raises(Failure, match="cannot be read"):
        backup_source.read_manifest(objects, choose(objects, LATEST))
