"""What operators see and ask of the jobs: purges, retention, reconciliation."""

import pytest

from functions.core.platform import DAY_MS
from functions.core.purges import purge_statements
from functions.core.reconcile import GRACE_MS
from functions.entrypoints.job_queue import consume
from functions.entrypoints.job_schedule import tick
from functions.ports.cache_purger import CachePurgerError
from tests.functions.entrypoints.deliveries import MemoryDelivery
from tests.functions.entrypoints.test_api_version_changes import drafted, published
from tests.functions.entrypoints.world import ROOT_KEY, World, assert_problem

pytestmark = pytest.mark.anyio


class Away:
    most_tags = 30

    async def purge(self, tags: object) -> None:
        raise CachePurgerError("the API answered 500")


async def deliver(world: World) -> list[str | None]:
    """What becomes of each waiting message."""
    deliveries = [MemoryDelivery(message.body) for message in world.queue.take()]
    await consume(deliveries, world.jobs().handler("stack-validate-package"))
    return [delivery.settled for delivery in deliveries]


async def test_what_is_to_be_purged_is_listed_with_what_went_wrong(world: World) -> None:
    tags = [f"tag-{number:03}" for number in range(101)]
    await world.records.batch(purge_statements(tags, world.clock.now_ms()))
    first = (await world.call("GET", "/v1/purges", key=ROOT_KEY)).json()
    assert [purge["tag"] for purge in first["purges"]] == tags[:100]
    rest = (await world.call("GET", f"/v1/purges?after={first['next']}", key=ROOT_KEY)).json()
    assert (len(rest["purges"]), rest["next"]) == (1, None)
    assert rest["purges"][0]["attempts"] == 0

    sound, world.purger = world.purger, Away()  # pyright: ignore[reportAttributeAccessIssue]
    await world.queue.send({"kind": "purge"})
    assert await deliver(world) == ["retry in 5"]
    failed = (await world.call("GET", "/v1/purges", key=ROOT_KEY)).json()["purges"][0]
    assert (failed["attempts"], failed["problem"]) == (1, "the API answered 500")
    world.purger = sound
    world.clock.advance(seconds=5)
    await world.queue.send({"kind": "purge"})
    assert await deliver(world) == ["ack"]
    assert (await world.call("GET", "/v1/purges", key=ROOT_KEY)).json()["purges"] == []


async def test_the_plan_of_retention_can_be_asked_for_ahead(world: World) -> None:
    key = await world.developer()
    path = await drafted(world, key)
    now = (await world.call("GET", "/v1/retention", key=ROOT_KEY)).json()
    assert (now["removals"], now["more"]) == ([], False)
    later = (await world.call("GET", "/v1/retention?days=30", key=ROOT_KEY)).json()
    upload, version = later["removals"]
    assert (upload["kind"], upload["status"]) == ("upload", "draft")
    assert (version["kind"], version["id"]) == ("version", path.rpartition("/")[2])
    assert version["why"] == "a draft that nobody published"
    for days in ("-1", "3651", "x"):
        answer = await world.call("GET", f"/v1/retention?days={days}", key=ROOT_KEY)
        problem = assert_problem(answer, 422)
        assert problem["errors"][0]["pointer"] == "?days"


async def test_a_reconciliation_is_asked_for_run_and_read(world: World) -> None:
    nothing = (await world.call("GET", "/v1/reconcile", key=ROOT_KEY)).json()
    assert nothing == {"under_way": None, "last": None}
    await world.assets.put("stray", b"left", length=4, content_type="x/y")
    world.clock.advance(milliseconds=GRACE_MS)
    for repair in (False, True):
        asked = await world.call("POST", "/v1/reconcile", {"repair": repair}, key=ROOT_KEY)
        assert asked.status_code == 202
        assert asked.json()["under_way"]["repair"] == repair
        assert await deliver(world) == ["ack"]
        walk = (await world.call("GET", "/v1/reconcile", key=ROOT_KEY)).json()["last"]
        assert walk["finished_at"] is not None
        (finding,) = walk["findings"]
        assert (finding["kind"], finding["bucket"], finding["key"]) == ("orphan", "assets", "stray")
        assert finding["is_repaired"] == repair
    assert (await world.assets.list_objects("")).objects == ()


async def test_a_long_reconciliation_goes_on_by_messages_of_its_own(world: World) -> None:
    for number in range(1000):
        await world.assets.put(f"stray/{number}", b"left", length=4, content_type="x/y")
    await world.call("POST", "/v1/reconcile", {}, key=ROOT_KEY)
    assert await deliver(world) == ["ack"]
    state = (await world.call("GET", "/v1/reconcile", key=ROOT_KEY)).json()
    assert state["under_way"]["objects"] == 720
    assert await deliver(world) == ["ack"]
    state = (await world.call("GET", "/v1/reconcile", key=ROOT_KEY)).json()
    assert (state["under_way"], state["last"]["objects"], state["last"]["young"]) == (
        None,
        1000,
        1000,
    )
    assert world.queue.take() == []


async def test_a_tick_of_the_schedule_does_every_part(world: World) -> None:
    key = await world.developer()
    path = await drafted(world, key, 1)
    pulled = await published(world, key, 2)
    await world.call("POST", f"{pulled}/pull", {"reason": "Broken."}, key=key)
    world.queue.take()
    await world.assets.put("stray", b"left", length=4, content_type="x/y")
    world.clock.advance(milliseconds=30 * DAY_MS)
    await tick(world.jobs())
    assert_problem(await world.call("GET", path, key=key), 404)
    assert "version:org.example.app/2" in world.purger.calls[0]
    assert (await world.uploads.list_objects("")).objects == ()
    assert len((await world.packages.list_objects("")).objects) == 3
    last = (await world.call("GET", "/v1/reconcile", key=ROOT_KEY)).json()["last"]
    assert [finding["key"] for finding in last["findings"]] == ["stray"]


async def test_a_part_that_fails_holds_up_no_other(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    key = await world.developer()
    path = await drafted(world, key)
    world.clock.advance(milliseconds=30 * DAY_MS)
    world.purger = None  # pyright: ignore[reportAttributeAccessIssue]
    await world.records.batch(purge_statements(["a"], world.clock.now_ms()))
    await tick(world.jobs())
    assert "purges failed" in caplog.text
    assert_problem(await world.call("GET", path, key=key), 404)


@pytest.mark.parametrize("kind", ["unheard-of", 5, ""])
async def test_a_message_of_an_unknown_kind_is_acknowledged(world: World, kind: object) -> None:
    delivery = MemoryDelivery({"kind": kind})
    await consume([delivery], world.jobs().handler("stack-validate-package"))
    assert delivery.settled == "ack"


@pytest.mark.parametrize("kind", ["purge", "reconcile"])
async def test_a_dead_call_for_the_jobs_is_left_to_the_schedule(world: World, kind: str) -> None:
    delivery = MemoryDelivery({"kind": kind})
    before = await world.dump()
    await consume([delivery], world.jobs().handler("stack-validate-package-dead"))
    assert delivery.settled == "ack"
    assert await world.dump() == before
