from collections.abc import Iterator

import pytest

from functions.core import backup_records
from functions.core.backup_retention import LEFT_OVER_MS, Stored, plan, stored_backups, sweep
from functions.core.catalog import BackupDump, BackupManifest
from functions.core.platform import DAY_MS
from functions.ports.records import Statement
from tests.contracts.object_store import run
from tests.functions.core.backup_world import BackupWorld

NOW = 1_790_000_000_000
KEEP = 30 * DAY_MS


def stored(name: str, days_old: float, *, dump: bool = True, manifest: bool = True) -> Stored:
    return Stored(name, NOW - int(days_old * DAY_MS), dump, manifest)


def planned(*backups: Stored) -> set[str]:
    return {one.backup_id for one in plan(backups, NOW, KEEP)}


def test_what_is_older_than_its_time_goes() -> None:
    assert planned(stored("a", 31), stored("b", 30), stored("c", 29.9), stored("d", 0)) == {
        *("a", "b")
    }


def test_the_newest_good_one_never_goes() -> None:
    assert planned(stored("a", 90), stored("b", 80)) == {"a"}
    assert planned(stored("a", 90), stored("b", 80, manifest=False)) == {"b"}
    assert planned(stored("a", 90), stored("b", 80, dump=False)) == {"b"}


def test_what_is_left_over_of_a_backup_goes_when_none_can_be_made_of_it_any_more() -> None:
    young = LEFT_OVER_MS / DAY_MS / 2
    assert planned(stored("a", young, manifest=False), stored("b", young, dump=False)) == set()
    assert planned(stored("a", 1, manifest=False), stored("b", 1, dump=False)) == {"a", "b"}


def test_nothing_goes_of_nothing() -> None:
    assert planned() == set()


@pytest.fixture
def backups() -> Iterator[BackupWorld]:
    made = BackupWorld()
    yield made
    made.world.close()


async def swept(backups: BackupWorld) -> list[str]:
    world = backups.world
    result = await sweep(world.records, backups.store, world.clock.now_ms(), KEEP, "test")
    return result.errors


def test_foreign_objects_are_left_alone(backups: BackupWorld) -> None:
    async def scenario() -> None:
        for key in ("backups/README", "backups/2026/09/x.sql.gz", "by-hand.sql"):
            await backups.store.put(key, b"x", length=1, content_type="text/plain")
        backups.pass_days(100)
        assert await swept(backups) == []
        assert len(await backups.keys()) == 3
        assert await stored_backups(backups.store) == []

    run(scenario())


def test_a_database_that_was_restored_learns_of_the_backups_made_since(
    backups: BackupWorld,
) -> None:
    async def scenario() -> None:
        made = [(await backups.run()).made]
        backups.pass_days(1)
        made.append((await backups.run()).made)
        await backups.world.records.batch([Statement("DELETE FROM backup")])
        assert await swept(backups) == []
        rows = await backup_records.list_backups(backups.world.records)
        assert [row.id for row in rows] == made[::-1]
        assert {(row.status, row.reason) for row in rows} == {("complete", "found")}
        first = (await backups.manifests())[0]
        assert rows[1].sha256 == first.dump_sha256
        assert await swept(backups) == []
        assert len(await backup_records.list_backups(backups.world.records)) == 2

    run(scenario())


def test_backups_that_somebody_deleted_are_not_shown_any_more(backups: BackupWorld) -> None:
    async def scenario() -> None:
        await backups.run()
        for key in await backups.keys():
            await backups.store.delete(key)
        assert await swept(backups) == []
        assert await backup_records.list_backups(backups.world.records) == []

    run(scenario())


def test_a_manifest_that_cannot_be_read_gets_no_row(backups: BackupWorld) -> None:
    async def scenario() -> None:
        for kind in (BackupDump, BackupManifest):
            key = kind("01a0c450-6c00-7d07-acd8-be6f9f6209c2", NOW).key
            await backups.store.put(key, b"{}", length=2, content_type="text/plain")
        assert await swept(backups) == []
        assert await backup_records.list_backups(backups.world.records) == []
        assert len(await backups.keys()) == 2

    run(scenario())


def test_what_could_not_be_deleted_is_said_and_goes_later(backups: BackupWorld) -> None:
    async def scenario() -> None:
        old = (await backups.run()).made
        backups.pass_days(31)
        backups.store.keeps = True
        report = await backups.run()
        assert report.made is not None
        assert (report.deleted, len(report.errors)) == (0, 1)
        assert str(old) in report.errors[0]
        backups.store.keeps = False
        backups.pass_days(1)
        assert (await backups.run()).deleted == 1
        assert len(await backups.keys()) == 4

    run(scenario())
