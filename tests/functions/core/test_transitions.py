"""The table of transitions, and that it is the only way."""

from dataclasses import replace
from typing import get_args

import pytest

from functions.core import transitions
from functions.core.problems import ProblemError
from functions.core.version_records import Status
from tests.contracts.object_store import run
from tests.functions.core.world import World, a_package


def test_every_state_but_the_first_is_reached_and_every_one_can_be_left() -> None:
    states = set(get_args(Status))
    reached = {rule.target for rule in transitions.TABLE.values()} - {None}
    left = {source for rule in transitions.TABLE.values() for source in rule.sources}
    assert reached == states - {"uploading"}
    assert left == states


def test_nothing_is_published_that_was_not_a_draft() -> None:
    into = {
        name: rule.sources for name, rule in transitions.TABLE.items() if rule.target == "published"
    }
    assert into == {"published": ("draft",), "restored": ("pulled",)}
    assert transitions.TABLE["pulled"].sources == ("published",)
    assert [n for n, rule in transitions.TABLE.items() if rule.target == "draft"] == ["validated"]


@pytest.mark.parametrize("name", transitions.TABLE)
def test_what_the_table_does_not_have_is_refused_with_the_state(
    world: World, name: transitions.Name
) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        version, _, _ = await world.create(caller, a_package())
        for status in get_args(Status):
            given = replace(version, status=status)
            rule = transitions.TABLE[name]
            if status in rule.sources:
                step = transitions.step(name, given, "test", 5)
                assert (step.from_state, step.to_state) == (status, rule.result(status))
                continue
            with pytest.raises(ProblemError) as caught:
                transitions.step(name, given, "test", 5)
            assert caught.value.problem.status == 409
            assert caught.value.problem.members["version_status"] == status

    run(scenario())
