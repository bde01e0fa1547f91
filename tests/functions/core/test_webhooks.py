"""A tenant's webhook: one, its own, and its secret shown once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from functions.core import notices, webhooks
from functions.core.access import Caller
from functions.core.notice_deliveries import list_deliveries
from functions.core.webhook_urls import WebhookRules
from functions.core.webhooks import OVERLAP_MS, Webhook
from functions.ports.records import Statement
from tests.contracts.object_store import run
from tests.functions.core.world import OPERATOR, World, pointers, refusal

RULES = WebhookRules("stowage.test", ())
Call: TypeAlias = Callable[[Caller], Awaitable[object]]
URL = "https://hooks.example.com/a"
OTHER = "https://hooks.example.com/b"


def tenant_of(caller: Caller) -> str:
    assert caller.subject_id is not None
    return caller.subject_id


async def put(
    world: World, caller: Caller, url: str = URL, tenant_id: str | None = None
) -> tuple[Webhook, str | None]:
    return await webhooks.set_webhook(
        world.records, world.clock, world.entropy, RULES, caller,
        tenant_id or tenant_of(caller), url,
    )  # fmt: skip


async def rotate(world: World, caller: Caller) -> Webhook:
    return await webhooks.rotate_secret(
        world.records, world.clock, world.entropy, caller, tenant_of(caller)
    )


def test_the_secret_is_given_once_and_a_repeat_changes_nothing(world: World) -> None:
    async def scenario() -> None:
        caller = await world.tenant()
        made, secret = await put(world, caller)
        assert secret == made.secret
        before = await world.snapshot()
        world.clock.advance(seconds=5)
        assert await put(world, caller) == (made, None)
        assert await world.snapshot() == before
        assert await webhooks.get_webhook(world.records, caller, tenant_of(caller)) == made
        assert await world.history(tenant_of(caller)) == ["created", "webhook-set"]
        assert made.secret not in repr(made)

    run(scenario())


def test_another_url_is_another_receiver_with_another_secret(world: World) -> None:
    async def scenario() -> None:
        caller = await world.tenant()
        first, _ = await put(world, caller)
        await rotate(world, caller)
        second, secret = await put(world, caller, OTHER)
        assert secret == second.secret
        assert secret not in (None, first.secret)
        assert second.previous_secret is None
        assert second.url == OTHER

    run(scenario())


def test_a_secret_that_is_rotated_away_signs_for_a_day(world: World) -> None:
    async def scenario() -> None:
        caller = await world.tenant()
        first, _ = await put(world, caller)
        second = await rotate(world, caller)
        now = world.clock.now_ms()
        assert second.secrets(now) == (second.secret, first.secret)
        assert second.secrets(now + OVERLAP_MS - 1) == (second.secret, first.secret)
        assert second.secrets(now + OVERLAP_MS) == (second.secret,)
        third = await rotate(world, caller)
        assert third.secrets(now) == (third.secret, second.secret)
        assert await world.history(tenant_of(caller)) == [
            "created", "webhook-set", "webhook-rotated", "webhook-rotated",
        ]  # fmt: skip

    run(scenario())


def test_a_webhook_that_is_removed_leaves_no_secret(world: World) -> None:
    async def scenario() -> None:
        caller = await world.tenant()
        await put(world, caller)
        for _ in range(2):
            await webhooks.remove_webhook(world.records, world.clock, caller, tenant_of(caller))
        assert await world.rows("SELECT * FROM webhook") == []
        gone = webhooks.get_webhook(world.records, caller, tenant_of(caller))
        assert (await refusal(gone)).status == 404
        assert (await refusal(rotate(world, caller))).status == 404
        assert await world.history(tenant_of(caller)) == [
            "created", "webhook-set", "webhook-removed",
        ]  # fmt: skip

    run(scenario())


def test_a_url_that_may_not_be_called_writes_nothing(world: World) -> None:
    async def scenario() -> None:
        caller = await world.tenant()
        before = await world.snapshot()
        problem = await refusal(put(world, caller, "http://169.254.169.254/"))
        assert (problem.status, pointers(problem)) == (422, ["/url"])
        assert await world.snapshot() == before

    run(scenario())


def test_a_webhook_is_its_tenants_and_the_operators_alone(world: World) -> None:
    async def scenario() -> None:
        owner, stranger = await world.tenant(), await world.tenant("Eve")
        developer = await world.developer()
        await put(world, owner)
        before = await world.snapshot()
        ours = tenant_of(owner)
        calls: tuple[Call, ...] = (
            lambda who: put(world, who, OTHER, ours),
            lambda who: webhooks.get_webhook(world.records, who, ours),
            lambda who: webhooks.rotate_secret(
                world.records, world.clock, world.entropy, who, ours
            ),
            lambda who: webhooks.remove_webhook(world.records, world.clock, who, ours),
            lambda who: webhooks.request_test(world.records, world.clock, world.entropy, who, ours),
            lambda who: list_deliveries(world.records, who, ours),
        )
        for call in calls:
            assert (await refusal(call(stranger))).status == 404
            assert (await refusal(call(developer))).status == 403
        nobody = "00000000-0000-7000-8000-000000000000"
        assert (await refusal(put(world, OPERATOR, URL, nobody))).status == 404
        assert await world.snapshot() == before
        assert (await webhooks.get_webhook(world.records, OPERATOR, ours)).url == URL

    run(scenario())


def test_a_stranger_learns_nothing_from_a_wrong_url(world: World) -> None:
    async def scenario() -> None:
        owner, stranger = await world.tenant(), await world.tenant("Eve")
        assert (await refusal(put(world, stranger, "x", tenant_of(owner)))).status == 404

    run(scenario())


def test_of_changes_at_once_each_leaves_one_event_and_a_whole_row(world: World) -> None:
    async def scenario() -> None:
        caller = await world.tenant()
        await asyncio.gather(*(put(world, caller, f"{URL}{number}") for number in range(3)))
        (row,) = await world.rows("SELECT * FROM webhook")
        assert str(row["url"]).startswith(URL)
        assert await world.history(tenant_of(caller)) == ["created", *["webhook-set"] * 3]

    run(scenario())


def test_a_deleted_tenant_gets_no_webhook(world: World) -> None:
    async def scenario() -> None:
        caller = await world.tenant()
        deletion = Statement("UPDATE tenant SET deleted_at = 1 WHERE id = ?", (caller.subject_id,))
        await world.records.batch([deletion])
        assert (await refusal(put(world, caller))).status == 404
        assert await world.rows("SELECT * FROM webhook") == []

    run(scenario())


def test_a_test_that_is_on_its_way_is_not_sent_twice(world: World) -> None:
    async def scenario() -> None:
        caller = await world.tenant()

        async def test() -> str:
            return await webhooks.request_test(
                world.records, world.clock, world.entropy, caller, tenant_of(caller)
            )

        assert (await refusal(test())).status == 404
        await put(world, caller)
        assert await test() == await test()
        (delivery,) = await list_deliveries(world.records, caller, tenant_of(caller))
        assert (delivery.kind, delivery.state) == (notices.TEST, "waiting")

    run(scenario())


def test_a_webhook_that_was_switched_off_is_switched_on_by_setting_it_again(world: World) -> None:
    async def scenario() -> None:
        caller = await world.tenant()
        made, _ = await put(world, caller)
        await world.records.batch([Statement("UPDATE webhook SET switched_off_at = 5")])
        test = webhooks.request_test(
            world.records, world.clock, world.entropy, caller, tenant_of(caller)
        )
        problem = await refusal(test)
        assert (problem.status, problem.slug) == (409, "webhook-switched-off")
        assert await world.rows("SELECT * FROM notice") == []
        again, secret = await put(world, caller)
        assert (again.switched_off_at, again.secret, secret) == (None, made.secret, None)

    run(scenario())


def test_of_two_rotations_at_once_the_first_ones_secret_still_signs(world: World) -> None:
    async def scenario() -> None:
        caller = await world.tenant()
        await put(world, caller)
        made = await asyncio.gather(rotate(world, caller), rotate(world, caller))
        webhook = await webhooks.get_webhook(world.records, caller, tenant_of(caller))
        assert {webhook.secret, webhook.previous_secret} == {one.secret for one in made}

    run(scenario())
