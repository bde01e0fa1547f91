import asyncio
from typing import Any

import pytest

from functions.core import apps
from functions.core.access import Caller
from functions.core.problems import ProblemError
from tests.contracts.object_store import run
from tests.functions.core.world import World, pointers, refusal


def test_an_app_belongs_to_its_developer(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        app = await world.app(caller)
        assert (app.id, app.developer_id, app.visibility) == (
            "org.example.app",
            caller.subject_id,
            "public",
        )
        assert await apps.find_app(world.records, app.id) == app
        assert await apps.own_app(world.records, caller, app.id) == app
        stranger = await world.developer()
        assert (await refusal(apps.own_app(world.records, stranger, app.id))).status == 404
        assert await world.history(app.id) == ["created"]

    run(scenario())


def test_an_id_is_taken_once_and_for_ever(world: World) -> None:
    async def scenario() -> None:
        callers = [await world.developer() for _ in range(4)]
        results = await asyncio.gather(
            *(world.app(caller) for caller in callers), return_exceptions=True
        )
        lost = [result for result in results if isinstance(result, ProblemError)]
        assert len(lost) == 3
        assert {(e.problem.status, e.problem.slug) for e in lost} == {(409, "app-exists")}

    run(scenario())


@pytest.mark.parametrize(
    "app_id",
    ["abc", "org.example.app", "a-b_c.d1", "0.0", "a" * 128],
)
def test_an_id_of_the_grammar_is_accepted(world: World, app_id: str) -> None:
    async def scenario() -> None:
        assert (await world.app(await world.developer(), app_id)).id == app_id

    run(scenario())


@pytest.mark.parametrize(
    "app_id",
    ["", "ab", "a" * 129, "A.b", "org..app", ".org", "org.", "org/app", "a b", "ü.b", "a\n", "-ab",
     "a.-b", "..", "019ce0b8-0000-7000-8000-000000000000", None, 5],
)  # fmt: skip
def test_any_other_id_is_refused(world: World, app_id: Any) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        before = await world.snapshot()
        work = apps.create_app(world.records, world.clock, caller, app_id, "Name", "public")
        problem = await refusal(work)
        assert (problem.status, pointers(problem)) == (422, ["/app_id"])
        assert await world.snapshot() == before

    run(scenario())


def test_all_wrong_values_are_named(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        work = apps.create_app(world.records, world.clock, caller, "A", " ", "secret")
        assert pointers(await refusal(work)) == ["/app_id", "/name", "/visibility"]

    run(scenario())


@pytest.mark.parametrize(
    ("caller", "status"),
    [(Caller("operator", None, "root"), 403), (Caller("tenant", "t", "k"), 404)],
)
def test_only_developers_create_apps(world: World, caller: Caller, status: int) -> None:
    assert run(refusal(world.app(caller))).status == status
