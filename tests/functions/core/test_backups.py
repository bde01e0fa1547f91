import asyncio
import gzip
import hashlib
from collections.abc import Iterator

import pytest

from functions.core import backup_records
from functions.core.backups import LEASE_MS, RETRY_MS, BackupPlan
from functions.core.catalog import BackupDump
from functions.core.platform import DAY_MS, HOUR_MS
from functions.core.problems import ProblemError
from functions.ports.records import Statement
from tests.contracts.object_store import run
from tests.contracts.records import developer
from tests.functions.core.backup_world import BackupWorld


@pytest.fixture
def backups() -> Iterator[BackupWorld]:
    made = BackupWorld()
    yield made
    made.world.close()


async def asked_for(backups: BackupWorld) -> backup_records.Backup:
    world = backups.world
    return await backup_records.request_backup(
        world.records, world.clock, world.entropy, "root", "request"
    )


def test_a_backup_is_a_dump_and_a_manifest_from_which_every_row_comes_back(
    backups: BackupWorld,
) -> None:
    async def scenario() -> None:
        world = backups.world
        caller = await world.developer("Ada Lovelace; --'\"")
        name = 'an end\r\nof a line; and \\n, \'INSERT INTO "app" (\'\nINSERT INTO "app" (1);'
        await world.records.batch([developer(1, name)])
        await world.app(caller)
        await world.published(caller)
        before = await world.snapshot()
        report = await backups.run()
        assert (report.errors, report.deleted) == ([], 0)

        (manifest,) = await backups.manifests()
        assert manifest.backup_id == report.made
        stamp = "20260921T141321Z"
        assert await backups.keys() == [
            f"backups/2026/09/{stamp}-{report.made}.json",
            f"backups/2026/09/{stamp}-{report.made}.sql.gz",
        ]
        dump = await backups.content(manifest.dump_key)
        assert len(dump) == manifest.dump_size
        assert hashlib.sha256(dump).hexdigest() == manifest.dump_sha256
        text = gzip.decompress(dump)
        assert len(text) == manifest.content.size
        assert hashlib.sha256(text).hexdigest() == manifest.content.sha256

        restored = await backups.restored(manifest)
        for table, rows in before:
            cursor = restored.execute(f"SELECT * FROM {table} ORDER BY 1, 2")  # noqa: S608
            names = [column[0] for column in cursor.description]
            assert [dict(zip(names, row, strict=True)) for row in cursor] == rows
            assert manifest.content.tables.get(table, None) is None or rows
            if rows:
                assert manifest.content.tables[table].rows == len(rows)
        assert restored.execute("PRAGMA foreign_key_check").fetchall() == []
        restored.close()

    run(scenario())


def test_the_row_says_what_was_made(backups: BackupWorld) -> None:
    async def scenario() -> None:
        await backups.world.developer()
        report = await backups.run()
        assert report.made is not None
        row = await backup_records.get_backup(backups.world.records, report.made)
        (manifest,) = await backups.manifests()
        assert (row.status, row.reason, row.actor) == ("complete", "schedule", "schedule")
        assert (row.object_key, row.size) == (manifest.dump_key, manifest.dump_size)
        assert row.sha256 == manifest.dump_sha256
        assert (row.started_at, row.finished_at) == (manifest.started_at, manifest.finished_at)
        counted = sum(table.rows for table in manifest.content.tables.values())
        assert row.row_count == counted >= 4
        assert row.lease_until is None

    run(scenario())


def test_a_backup_shows_one_moment_whatever_is_written_meanwhile(backups: BackupWorld) -> None:
    async def scenario() -> None:
        world = backups.world
        await world.developer("before")
        backups.exporter.meanwhile = lambda: world.records.batch([developer(2, "late")])
        await backups.run()
        assert len(await world.rows("SELECT * FROM developer")) == 2
        (manifest,) = await backups.manifests()
        assert manifest.content.tables["developer"].rows == 1

    run(scenario())


def test_one_is_due_when_its_time_since_the_last_has_passed(backups: BackupWorld) -> None:
    async def scenario() -> None:
        assert (await backups.run()).made is not None
        assert (await backups.run()).made is None
        backups.pass_days(0.9)
        assert (await backups.run()).made is None
        backups.pass_days(0.1)
        assert (await backups.run()).made is not None
        assert backups.exporter.exports == 2

    run(scenario())


def test_without_a_rhythm_only_what_is_asked_for_is_made() -> None:
    backups = BackupWorld(BackupPlan(every_ms=None))

    async def scenario() -> None:
        assert (await backups.run()).made is None
        asked = await asked_for(backups)
        assert (await backups.run()).made == asked.id
        backups.pass_days(400)
        assert (await backups.run()).made is None

    run(scenario())
    backups.world.close()


def test_what_is_asked_for_is_made_once_however_often_it_is_asked(backups: BackupWorld) -> None:
    async def scenario() -> None:
        first = await asked_for(backups)
        assert (await asked_for(backups)).id == first.id
        assert (first.status, first.reason, first.actor) == ("requested", "request", "root")
        assert (await backups.run()).made == first.id
        assert (await backups.run()).made is None
        second = await asked_for(backups)
        assert second.id != first.id
        assert (await backups.run()).made == second.id

    run(scenario())


def test_a_backup_that_nobody_made_is_not_found(backups: BackupWorld) -> None:
    for backup_id in ("nothing", "00000000-0000-7000-8000-000000000000"):
        with pytest.raises(ProblemError) as caught:
            run(backup_records.get_backup(backups.world.records, backup_id))
        assert caught.value.problem.status == 404


def test_two_runs_at_once_make_one(backups: BackupWorld) -> None:
    async def scenario() -> None:
        reports = await asyncio.gather(*(backups.run() for _ in range(4)))
        assert sum(report.made is not None for report in reports) == 1
        assert backups.exporter.exports == 1
        assert await backups.statuses() == ["complete"]
        assert len(await backups.keys()) == 2

    run(scenario())


@pytest.mark.parametrize("failing", ["export", "measuring", "storing", "dump", "manifest"])
def test_a_failed_backup_leaves_a_row_that_says_why_and_nothing_in_the_bucket(
    backups: BackupWorld, failing: str
) -> None:
    async def scenario() -> None:
        await backups.world.developer()
        backups.exporter.refuses = failing == "export"
        backups.exporter.breaks_at = {"measuring": 1, "storing": 2}.get(failing, 0)
        backups.store.refused = {"dump": (".gz",), "manifest": (".json",)}.get(failing, ())
        report = await backups.run()
        assert report.made is None
        (said,) = report.errors
        assert await backups.keys() == []
        (row,) = await backup_records.list_backups(backups.world.records)
        assert row.status == "failed"
        assert row.problem is not None
        assert row.problem in said
        assert "away" in row.problem or "broke off" in row.problem
        assert backups.exporter.closed == (0 if failing == "export" else 1)

    run(scenario())


def test_after_a_failure_the_database_is_left_alone_for_a_while(backups: BackupWorld) -> None:
    async def scenario() -> None:
        backups.exporter.refuses = True
        assert (await backups.run()).errors
        assert (await backups.run()).errors == []
        assert backups.exporter.exports == 1
        backups.world.clock.advance(milliseconds=RETRY_MS)
        backups.exporter.refuses = False
        assert (await backups.run()).made is not None
        assert await backups.statuses() == ["failed", "complete"]

    run(scenario())


def test_what_is_asked_for_does_not_wait_for_an_earlier_failure(backups: BackupWorld) -> None:
    async def scenario() -> None:
        backups.exporter.refuses = True
        await backups.run()
        backups.exporter.refuses = False
        asked = await asked_for(backups)
        assert (await backups.run()).made == asked.id

    run(scenario())


async def running(backups: BackupWorld) -> backup_records.Backup:
    """A run that dies right after it began."""
    asked = await asked_for(backups)
    now = backups.world.clock.now_ms()
    assert await backup_records.claim(backups.world.records, asked, now, LEASE_MS)
    return await backup_records.get_backup(backups.world.records, asked.id)


def test_while_one_is_made_no_other_is_begun(backups: BackupWorld) -> None:
    async def scenario() -> None:
        await running(backups)
        second = await asked_for(backups)
        assert (await backups.run()).made is None
        assert await backups.statuses() == ["running", "requested"]
        backups.world.clock.advance(milliseconds=LEASE_MS)
        assert (await backups.run()).made == second.id
        assert await backups.statuses() == ["failed", "complete"]

    run(scenario())


def test_what_a_dead_run_left_is_cleared_away(backups: BackupWorld) -> None:
    async def scenario() -> None:
        dead = await running(backups)
        key = BackupDump(dead.id, dead.started_at or 0).key
        await backups.store.put(key, b"whole", length=5, content_type="application/gzip")
        backups.world.clock.advance(milliseconds=LEASE_MS)
        report = await backups.run()
        assert any("ended before it was whole" in error for error in report.errors)
        assert key not in await backups.keys()

    run(scenario())


def test_a_run_that_died_behind_its_manifest_has_made_a_backup(backups: BackupWorld) -> None:
    async def scenario() -> None:
        report = await backups.run()
        await backups.world.records.batch(
            [
                Statement(
                    "UPDATE backup SET status = 'running', lease_until = 0, finished_at = NULL,"
                    " object_key = NULL, size = NULL, sha256 = NULL, row_count = NULL"
                )
            ]
        )
        again = await backups.run()
        assert (again.made, again.errors) == (None, [])
        assert report.made is not None
        row = await backup_records.get_backup(backups.world.records, report.made)
        (manifest,) = await backups.manifests()
        assert (row.status, row.sha256) == ("complete", manifest.dump_sha256)

    run(scenario())


def test_a_run_that_outlives_its_lease_leaves_no_manifest(backups: BackupWorld) -> None:
    async def scenario() -> None:
        async def long_work() -> None:
            backups.world.clock.advance(milliseconds=LEASE_MS)

        backups.exporter.meanwhile = long_work
        report = await backups.run()
        assert report.made is None
        assert "lease" in report.errors[0]
        assert await backups.keys() == []

    run(scenario())


def test_old_backups_go_behind_a_new_one(backups: BackupWorld) -> None:
    async def scenario() -> None:
        made: list[str | None] = []
        for _ in range(33):
            made.append((await backups.run()).made)
            backups.pass_days(1)
        kept = [manifest.backup_id for manifest in await backups.manifests()]
        assert kept == made[-30:]
        assert len(await backups.keys()) == 60
        shown = await backup_records.list_backups(backups.world.records)
        assert [row.id for row in shown] == kept[::-1]

    run(scenario())


def test_the_newest_good_backup_stays_while_new_ones_fail(backups: BackupWorld) -> None:
    async def scenario() -> None:
        good = (await backups.run()).made
        backups.exporter.refuses = True
        for _ in range(50):
            backups.pass_days(1)
            assert (await backups.run()).made is None
        assert [manifest.backup_id for manifest in await backups.manifests()] == [good]
        backups.exporter.refuses = False
        backups.pass_days(1)
        newer = await backups.run()
        assert newer.deleted == 1
        assert [manifest.backup_id for manifest in await backups.manifests()] == [newer.made]

    run(scenario())


def test_a_rhythm_may_be_shorter_than_the_pause_after_a_failure() -> None:
    backups = BackupWorld(BackupPlan(every_ms=HOUR_MS, keep_ms=DAY_MS))

    async def scenario() -> None:
        for _ in range(30):
            assert (await backups.run()).made is not None
            backups.world.clock.advance(milliseconds=HOUR_MS)
        assert len(await backups.manifests()) == 24

    run(scenario())
    backups.world.close()
