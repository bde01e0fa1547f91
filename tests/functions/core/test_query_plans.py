"""Every statement of every use-case finds its rows by an index."""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace

import pytest

from functions.adapters.local.cache_purger import MemoryCachePurger
from functions.adapters.local.database_export import SqliteExporter
from functions.adapters.local.multipart_store import MemoryMultipartStore
from functions.adapters.local.object_store import MemoryObjectStore
from functions.adapters.local.records import MIGRATIONS, SqliteRecords
from functions.adapters.local.usage import MemoryUsageQueries
from functions.core import (
    access,
    app_images,
    apps,
    backup_records,
    backup_retention,
    downloads,
    hostname_claims,
    multipart,
    purges,
    quotas,
    serving,
    validation,
    versions,
    webhooks,
)
from functions.core.app_image_settling import due_apps, settle
from functions.core.backups import LEASE_MS, BackupDeps, BackupPlan, run_backups
from functions.core.denials import Denials
from functions.core.hostname_drift import compare
from functions.core.ids import new_id
from functions.core.notice_deliveries import (
    due_deliveries,
    list_alert_deliveries,
    list_deliveries,
    next_due,
)
from functions.core.notice_runs import KEPT_MS, NoticeDeps, run_notices
from functions.core.notices import notice_statements
from functions.core.platform import DAY_MS, HOUR_MS, Limits, Quotas, Retention
from functions.core.purge_runs import run_purges
from functions.core.reconcile import GRACE_MS, ReconcileDeps, reconcile
from functions.core.reconcile_report import request_walk
from functions.core.repositories import Repository, create_repository
from functions.core.retention import WHY, removals
from functions.core.schedule import run_schedule
from functions.core.stale_parts import abort_stale
from functions.core.usage_reports import app_usage, repository_usage
from functions.core.usage_runs import UsageDeps, sum_up
from functions.core.version_lists import due_versions, expired_uploads, list_versions
from functions.core.webhook_urls import WebhookRules
from functions.ports.records import Row, Statement
from tests.contracts.object_store import run
from tests.functions.core.hostnames.world import HostnameWorld
from tests.functions.core.receivers import Receivers, refuses, takes
from tests.functions.core.world import APP, BUCKETS, OPERATOR, World, a_package
from tests.pictures import icon, screenshot

GIVEN = ("SCAN given", "SCAN 2 CONSTANT ROWS")
"""What is written is no table."""


class Recording(SqliteRecords):
    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, Statement] = {}

    async def fetch(self, statement: Statement) -> Sequence[Row]:
        self.seen[statement.sql] = statement
        return await super().fetch(statement)

    async def batch(self, statements: Sequence[Statement]) -> Sequence[int]:
        self.seen |= {statement.sql: statement for statement in statements}
        return await super().batch(statements)


async def use_everything(world: World) -> None:
    caller, tenant = await world.developer(), await world.tenant()
    await world.app(caller)
    await world.published(caller, 1)
    await world.published(caller, 2)
    await world.create(caller, a_package(), 3)
    await world.create(caller, a_package(), 3)
    await use_up(world, caller)
    await send_parts(world, caller)
    version, upload = await world.validating(caller, b"no archive", 4)
    message = {"version_id": version.id, "upload_id": upload.id}
    world.clock.advance(seconds=120)
    await run_schedule(world.records, world.uploads, world.uploads, world.queue, world.clock)
    await validation.mark_dead_letter(world.records, world.clock, message)
    world.clock.advance(seconds=5000)
    await run_schedule(world.records, world.uploads, world.uploads, world.queue, world.clock)
    await versions.get_version(world.records, caller, version.id)
    for code in (None, 1):
        await downloads.create_download(
            world.records, world.clock, None, APP, code, world.keys, "https://cdn.test", 60
        )
    _, key = await access.create_key(
        world.records, world.clock, world.entropy, "tenant", tenant.subject_id, None
    )
    await access.list_keys(world.records)
    await access.revoke_key(world.records, world.clock, key.id)
    assert tenant.subject_id is not None
    for multi_tenant, bucket in ((True, BUCKETS[0]), (False, BUCKETS[1])):
        world.multi_tenant = multi_tenant
        hostname = f"h{multi_tenant}.example.com".lower()
        made = await create_repository(
            world.records, world.clock, world.entropy, world.repository_settings,
            tenant.subject_id, hostname, "stable", bucket,
        )  # fmt: skip
        await create_repository(
            world.records, world.clock, world.entropy, world.repository_settings,
            tenant.subject_id, hostname, "testing", bucket, made.s3_prefix,
        )  # fmt: skip
    await use_images(world, caller)
    await use_hostnames(world)
    await serving.resolve_host(world.records, "htrue.example.com", BUCKETS)
    await change_states(world, caller)
    await keep_house(world)
    await back_up(world)
    await count_usage(world, caller, made)
    await notify(world, tenant)


async def notify(world: World, tenant: access.Caller) -> None:
    """Every way that a delivery ends, and every use of a webhook."""
    tenant_id = str(tenant.subject_id)
    receivers, rules = Receivers(), WebhookRules("stowage.test", ())
    deps = NoticeDeps(world.records, receivers, world.clock, world.entropy)
    whose = (world.records, world.clock, world.entropy)
    for answer in (takes, refuses(500), refuses(410)):
        url = f"https://h{len(receivers.calls)}.example.com/"
        await webhooks.set_webhook(*whose, rules, tenant, tenant_id, url)
        receivers.behaviour[url] = answer
        now, notice_id = world.clock.now_ms(), new_id(world.clock, world.entropy)
        await world.records.batch(
            notice_statements("hostname.active", tenant_id, "h", {}, now, lambda: notice_id)  # noqa: B023
        )
        await run_notices(deps)
    await webhooks.set_webhook(*whose, rules, tenant, tenant_id, "https://x.example/")
    await webhooks.rotate_secret(*whose, tenant, tenant_id)
    await webhooks.request_test(*whose, tenant, tenant_id)
    await list_deliveries(world.records, tenant, tenant_id)
    await list_alert_deliveries(world.records)
    world.clock.advance(milliseconds=KEPT_MS)
    await run_notices(deps)
    world.clock.advance(milliseconds=1)
    assert (await run_notices(deps)).deleted > 0
    await webhooks.remove_webhook(world.records, world.clock, tenant, tenant_id)


async def use_up(world: World, caller: access.Caller) -> None:
    """Every quota, and what the developer is told when it is."""
    limits, now = world.limits, world.clock.now_ms()
    world.limits = replace(limits, quotas=Quotas(100, 100, 10**9))
    await world.create(caller, a_package(), 21)
    await quotas.check(world.records, world.limits.quotas, caller.subject_id or "", 1, now)
    world.limits = limits


async def send_parts(world: World, caller: access.Caller) -> None:
    world.limits = Limits(multipart_threshold_bytes=1)
    version, _, _ = await world.create(caller, a_package(), 5)
    await multipart.begin(world.multipart_deps, caller, version.id)
    begun, _ = await multipart.begin(world.multipart_deps, caller, version.id)
    await multipart.renew_part(world.multipart_deps, caller, version.id, 1)
    await world.put_parts(begun, a_package())
    await world.complete(caller, version.id)
    world.queue.take()
    world.limits = Limits()


async def change_states(world: World, caller: access.Caller) -> None:
    world.queue.take()
    first, second = await world.published(caller, 11), await world.published(caller, 12)
    await world.reject((await world.draft(caller, 13)).id)
    await world.roll_back(caller, first.id)
    await world.pull(caller, second.id)
    await world.pull(OPERATOR, second.id)
    await Denials(world.records).is_denied(second.id, world.clock.now_ms())
    await world.restore(OPERATOR, second.id)
    await world.pull(caller, first.id)
    app = await apps.visible_app(world.records, caller, APP)
    page = await list_versions(world.records, app.id)
    await list_versions(world.records, app.id, after=page[0].id)
    await purges.is_pending(world.records, ["a", "b"])
    await purges.list_purges(world.records)
    await run_purges(world.records, MemoryCachePurger(), world.clock)
    world.clock.advance(seconds=60)
    await run_purges(world.records, MemoryCachePurger(), world.clock)


async def keep_house(world: World) -> None:
    parted = MemoryMultipartStore(world.clock)
    await parted.create_multipart("temp/x/package.mosis", content_type="x/y")
    world.clock.advance(milliseconds=2 * DAY_MS)
    await abort_stale(world.records, [parted], world.clock, world.limits.retention)
    key = "packages/01a0c450-6c00-7386-a648-2f61c6237cc1/org.gone/1/package.mosis"
    for store in (world.uploads, world.packages, world.assets):
        await store.put(key, b"left", length=4, content_type="x/y")
    await world.assets.put(f"assets/{APP}/icon-32.png", b"i", length=1, content_type="x/y")
    world.clock.advance(milliseconds=GRACE_MS)
    buckets = {"uploads": world.uploads, "packages": world.packages, "assets": world.assets}
    deps = ReconcileDeps(world.records, buckets, world.clock)  # pyright: ignore[reportArgumentType]
    await request_walk(world.records, world.clock, repair=True)
    await reconcile(deps, pages=100)
    world.clock.advance(milliseconds=400 * DAY_MS)
    await removals(world.records, world.limits.retention, world.clock.now_ms(), 100)
    await world.sweep()
    world.clock.advance(milliseconds=DAY_MS)
    await world.sweep()


async def back_up(world: World) -> None:
    """One that is asked for, one that is due, and one whose objects are gone afterwards."""
    backed_up = SqliteRecords()
    store, exporter = MemoryObjectStore(world.clock), SqliteExporter(backed_up)
    deps = BackupDeps(
        world.records, store, exporter, world.clock, world.entropy, BackupPlan(keep_ms=DAY_MS)
    )
    asked = await backup_records.request_backup(
        world.records, world.clock, world.entropy, "root", "request"
    )
    await backup_records.claim(world.records, asked, world.clock.now_ms(), LEASE_MS)
    world.clock.advance(milliseconds=LEASE_MS + HOUR_MS)
    await run_backups(deps)
    world.clock.advance(milliseconds=DAY_MS)
    for _ in range(3):
        assert (await run_backups(deps)).made is not None
        world.clock.advance(milliseconds=DAY_MS)
    await world.records.batch([Statement("DELETE FROM backup WHERE status = ?", ("complete",))])
    await backup_retention.sweep(world.records, store, world.clock.now_ms(), DAY_MS, "test")
    assert len(await backup_records.list_backups(world.records)) == 2
    backed_up.close()


async def use_hostnames(of: World) -> None:
    records = of.records
    world = HostnameWorld(records=records, entropy=of.entropy)
    owner, other = await world.owner(), await world.owner()
    claim = await world.active(owner)
    rival = await world.claim(other, "b.example.com")
    await world.look()
    for tenant_id, location_id, state in (
        (None, None, None),
        (owner[0].subject_id, None, None),
        (owner[0].subject_id, owner[1], "active"),
        (None, owner[1], None),
        (None, None, "removed"),
    ):
        await hostname_claims.list_claims(
            records,
            tenant_id=tenant_id,
            location_id=location_id,
            state=state,  # pyright: ignore[reportArgumentType]  (data)
        )
    world.clock.advance(seconds=60)
    await hostname_claims.request_look(records, world.clock, other[0], rival.id)
    for caller, one in ((owner[0], claim), (other[0], rival)):
        await hostname_claims.remove_claim(records, world.clock, caller, one.id)
    await world.look()
    await compare(world.hostname_deps)


async def count_usage(world: World, caller: access.Caller, repository: Repository) -> None:
    """Two days of one version and one location, written twice, the second time with more."""
    (version,) = (await world.rows("SELECT MIN(id) AS id FROM version")) or ({},)
    today = world.clock.now_ms() // DAY_MS * DAY_MS
    queries = MemoryUsageQueries()
    for more in (0, 1):
        days = [{"day": today // 1000}, {"day": today // 1000 - 86_400}]
        queries.answers += [
            [{"dataset": "usage_test"}],
            [
                day | {"version_id": str(version["id"]), "downloads": 1 + more, "sent_bytes": 5}
                for day in days
            ],
            [
                day | {"location_id": repository.location_id, "requests": f"{2 + more}"}
                | dict.fromkeys(("sent_bytes", "client_errors", "server_errors", "hits"), 1)
                for day in days
            ],
        ]  # fmt: skip
        report = await sum_up(UsageDeps(world.records, queries, "usage_test", world.clock))
        assert (report.versions, report.locations, report.errors) == (2, 2, ())
    usage = await app_usage(world.records, world.clock, caller, APP, 30)
    assert [day.downloads for day in usage.days] == [2, 2]
    seen = await repository_usage(world.records, world.clock, OPERATOR, repository.id, 30)
    assert [day.requests for day in seen.days] == [3, 3]


async def use_images(world: World, caller: access.Caller) -> None:
    deps = world.image_deps
    await app_images.set_icon(deps, caller, APP, icon())
    for grey in (1, 2):
        await app_images.add_screenshot(deps, caller, APP, screenshot(grey=grey))
    await app_images.order_screenshots(deps, caller, APP, [2, 1])
    await app_images.remove_screenshot(deps, caller, APP, 1)
    await app_images.remove_icon(deps, caller, APP)
    world.clock.advance(seconds=3600)
    for app_id in await due_apps(world.records, world.clock.now_ms(), 10):
        await settle(deps, world.packages, app_id)


def plans(statement: Statement) -> list[str]:
    connection = sqlite3.connect(":memory:")
    for file in sorted(MIGRATIONS.glob("*.sql")):
        connection.executescript(file.read_text(encoding="utf-8"))
    rows = connection.execute(
        f"EXPLAIN QUERY PLAN {statement.sql}", statement.parameters
    ).fetchall()
    connection.close()
    return [str(row[3]) for row in rows]


def test_no_statement_scans_a_table_or_sorts_what_it_found() -> None:
    records = Recording()
    world = World(records=records)
    run(use_everything(world))
    slow = {
        sql: plan
        for sql, statement in records.seen.items()
        for plan in plans(statement)
        if (plan.startswith("SCAN") and plan not in ("SCAN CONSTANT ROW", *GIVEN))
        # An app has a dozen images; whatever else is sorted may be as many as there are.
        or ("TEMP B-TREE" in plan and " FROM app_image WHERE app_id = ?" not in sql)
    }
    world.close()
    assert slow == {}
    assert len(records.seen) > 60


@pytest.mark.parametrize("status", WHY)
def test_what_retention_has_to_do_is_found_by_what_is_due(status: str) -> None:
    """The work is proportional to what is due, not to what there is: state and time are both
    looked up, and the order is the index's own."""
    records = Recording()
    run(due_versions(records, status, 5, 100))  # pyright: ignore[reportArgumentType]  (data)
    records.close()
    (statement,) = records.seen.values()
    assert plans(statement) == [
        "SEARCH version USING INDEX version_due (status=? AND due_at<?)",
        "SEARCH app USING INDEX sqlite_autoindex_app_1 (id=?)",
    ]


def test_what_is_to_be_delivered_is_found_by_what_is_due() -> None:
    """However many notices there are."""
    records = Recording()
    run(due_deliveries(records, 5, 50))
    run(next_due(records))
    records.close()
    due, soonest = records.seen.values()
    assert plans(due) == [
        "SEARCH notice_delivery USING INDEX notice_delivery_due (due_at<?)",
        "SEARCH notice USING INDEX sqlite_autoindex_notice_1 (id=?)",
        "SEARCH webhook USING INDEX sqlite_autoindex_webhook_1 (tenant_id=?) LEFT-JOIN",
    ]
    assert plans(soonest) == [
        "SEARCH notice_delivery USING COVERING INDEX notice_delivery_due (due_at>?)"
    ]


def test_expired_uploads_are_found_by_their_expiry() -> None:
    records = Recording()
    run(expired_uploads(records, 5 - Retention().temp_ms, 100))
    records.close()
    (statement,) = records.seen.values()
    assert plans(statement) == [
        "SEARCH upload USING INDEX upload_expired (expires_at<?)",
        "SEARCH version USING INDEX sqlite_autoindex_version_1 (id=?)",
    ]


def test_the_edge_finds_pulled_versions_by_the_time_of_their_pull() -> None:
    records = Recording()
    run(Denials(records).is_denied("v", 5))
    records.close()
    (statement,) = records.seen.values()
    assert plans(statement) == ["SEARCH version USING INDEX version_pulled (pulled_at>?)"]


def test_each_quota_reads_what_it_counts_and_nothing_else() -> None:
    records = Recording()
    run(quotas.check(records, Quotas(1, 1, 10), "d", 1, 5))
    records.close()
    found = [plans(statement) for statement in records.seen.values()]
    assert [first for first, _ in found] == [
        "SEARCH app USING INDEX app_developer (developer_id=?)"
    ] * 3
    assert [second for _, second in found] == [
        "SEARCH version USING INDEX version_kept (app_id=?)",
        "SEARCH version USING INDEX version_state (app_id=? AND status=?)",
        "SEARCH version USING COVERING INDEX version_created (app_id=? AND created_at>?)",
    ]
