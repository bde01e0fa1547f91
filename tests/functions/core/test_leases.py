import asyncio

from functions.core import leases
from functions.core.version_records import find_upload
from tests.contracts.object_store import run
from tests.functions.core.world import World, a_package


def test_of_many_takers_one_has_the_lease(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        version, upload, _ = await world.create(caller, a_package())
        now = world.clock.now_ms()
        taken = await asyncio.gather(
            *(leases.take(world.records, upload, f"t{n}", now, 30) for n in range(5))
        )
        assert sum(taken) == 1
        held = await find_upload(world.records, version.id)
        assert held is not None
        assert held.lease_until == now + 30_000
        assert held.lease_token == f"t{taken.index(True)}"
        # Somebody else's token gives nothing back.
        assert list(await world.records.batch([leases.giving_back(upload.id, "x")])) == [0]
        assert not await leases.take(world.records, upload, "late", now + 29_999, 30)
        assert await leases.take(world.records, upload, "later", now + 30_000, 30)
        assert list(await world.records.batch([leases.giving_back(upload.id, "later")])) == [1]
        assert await leases.take(world.records, upload, "next", now, 30)

    run(scenario())
