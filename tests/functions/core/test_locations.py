import pytest

from functions.core import locations
from functions.core.locations import Location
from functions.ports.records import ConflictError
from tests.contracts.object_store import run
from tests.contracts.records import tenant
from tests.functions.core.world import World

WHOLE = Location("l1", "t1", "bucket", "", None)
PREFIX = Location("l2", "t1", "bucket", "l2/", None)
BESIDE = Location("l3", "t1", "bucket", "l3/", None)


@pytest.mark.parametrize(("first", "second"), [(WHOLE, PREFIX), (PREFIX, WHOLE)])
def test_a_whole_bucket_and_a_prefix_exclude_each_other_in_the_database_itself(
    world: World, first: Location, second: Location
) -> None:
    async def scenario() -> None:
        await world.records.batch([tenant("t1"), *locations.insertion(first, "test", 1)])
        with pytest.raises(ConflictError):
            await world.records.batch(locations.insertion(second, "test", 2))
        rows = await world.rows("SELECT id FROM location")
        assert [row["id"] for row in rows] == [first.id]
        assert await world.history(second.id) == []

    run(scenario())


def test_prefixes_lie_beside_each_other(world: World) -> None:
    async def scenario() -> None:
        await world.records.batch([tenant("t1"), *locations.insertion(PREFIX, "test", 1)])
        await world.records.batch(locations.insertion(BESIDE, "test", 2))
        assert await locations.find_location(world.records, "l3") == BESIDE

    run(scenario())
