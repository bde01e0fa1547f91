from collections.abc import Awaitable, Callable

import pytest

from functions.core.developers import create_developer
from functions.core.tenants import create_tenant
from tests.contracts.object_store import run
from tests.functions.core.world import World, pointers, refusal


def test_a_developer_comes_with_a_key_of_its_own(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer("Zoë 🙂")
        assert caller.role == "developer"
        assert caller.subject_id is not None
        rows = await world.rows("SELECT name FROM developer WHERE id = ?", caller.subject_id)
        assert rows[0]["name"] == "Zoë 🙂"
        assert await world.history(caller.subject_id) == ["created"]
        assert await world.history(caller.key_id) == ["created"]

    run(scenario())


def test_a_tenant_comes_with_a_key_of_its_own(world: World) -> None:
    async def scenario() -> None:
        caller = await world.tenant()
        assert caller.role == "tenant"
        assert caller.subject_id is not None
        assert len(await world.rows("SELECT id FROM tenant")) == 1
        assert await world.history(caller.subject_id) == ["created"]

    run(scenario())


@pytest.mark.parametrize(
    "name", ["", "  ", " a", "a ", "a\x00b", "a\nb", "a\u202eb", "a\ud800", "x" * 101]
)
@pytest.mark.parametrize("create", [create_developer, create_tenant])
def test_a_name_that_cannot_be_shown_is_refused(
    world: World, create: Callable[..., Awaitable[object]], name: str
) -> None:
    async def scenario() -> None:
        before = await world.snapshot()
        problem = await refusal(create(world.records, world.clock, world.entropy, name))
        assert (problem.status, pointers(problem)) == (422, ["/name"])
        assert await world.snapshot() == before

    run(scenario())
