"""Tenants with webhooks, and notices on their way to them."""

from dataclasses import dataclass, field
from typing import cast

from functions.adapters.local.entropy import SeededEntropy
from functions.core import events, webhooks
from functions.core.access import Caller
from functions.core.ids import new_id
from functions.core.notice_deliveries import Delivery, DeliveryState, list_deliveries
from functions.core.notice_runs import NoticeDeps, NoticeReport, run_notices
from functions.core.notices import NoticeKind, notice_statements
from functions.core.webhook_calls import Receiver, alert_receiver
from functions.core.webhook_urls import WebhookRules
from functions.ports.entropy import Entropy
from functions.ports.fetch import Fetch
from functions.ports.records import Records
from tests.functions.core.receivers import Receivers
from tests.functions.core.world import World

URL = "https://hooks.example.com/a"
ALERT_URL = "https://alerts.example.com/"
ALERT_SECRET = "hush-hush-of-a-test"


@dataclass
class NoticeWorld:
    world: World = field(default_factory=World)
    receivers: Receivers = field(default_factory=Receivers)
    alert: Receiver | None = field(default_factory=lambda: alert_receiver(ALERT_URL, ALERT_SECRET))

    async def tenant(self, url: str | None = URL) -> Caller:
        caller = await self.world.tenant()
        if url is not None:
            await self.set(caller, url)
        return caller

    async def set(self, caller: Caller, url: str = URL) -> str | None:
        world = self.world
        _, secret = await webhooks.set_webhook(
            world.records, world.clock, world.entropy, WebhookRules("stowage.test", ()),
            caller, cast("str", caller.subject_id), url,
        )  # fmt: skip
        return secret

    async def shown(self, caller: Caller) -> list[Delivery]:
        """What the tenant sees of its deliveries."""
        found = await list_deliveries(self.world.records, caller, cast("str", caller.subject_id))
        return list(found)

    async def secret(self, caller: Caller) -> str:
        (row,) = await self.world.rows(
            "SELECT secret FROM webhook WHERE tenant_id = ?", caller.subject_id
        )
        return cast("str", row["secret"])

    async def happen(
        self, caller: Caller | None, kind: NoticeKind = "hostname.active", **payload: object
    ) -> str:
        """The id of the notice; some transition is written in the same batch."""
        world = self.world
        notice_id = new_id(world.clock, world.entropy)
        now = world.clock.now_ms()
        await world.records.batch(
            [
                events.created(notice_id, "hostname", "test", "active", now),
                *notice_statements(
                    kind,
                    None if caller is None else caller.subject_id,
                    "hostname-1",
                    payload,
                    now,
                    lambda: notice_id,
                ),
            ]
        )
        return notice_id

    def deps(
        self,
        records: Records | None = None,
        fetch: Fetch | None = None,
        entropy: Entropy | None = None,
    ) -> NoticeDeps:
        return NoticeDeps(
            records or self.world.records,
            fetch or self.receivers,
            self.world.clock,
            entropy or SeededEntropy(),
            self.alert,
        )

    async def run(self, batch: int = 50) -> NoticeReport:
        return await run_notices(self.deps(), batch=batch)

    async def run_until_idle(self, most: int = 100) -> int:
        """Runs whenever something is due, until nothing waits; how often that was."""
        for count in range(1, most + 1):
            report = await self.run()
            if report.retry_after_seconds is None:
                return count
            self.world.clock.advance(seconds=report.retry_after_seconds)
        raise AssertionError(f"something still waits after {most} runs")

    async def states(self, destination: str = "tenant") -> list[DeliveryState]:
        rows = await self.world.rows(
            "SELECT state FROM notice_delivery WHERE destination = ? ORDER BY notice_id",
            destination,
        )
        return [cast("DeliveryState", row["state"]) for row in rows]
