import asyncio
from typing import TYPE_CHECKING

import pytest

from functions.core import versions
from tests.contracts.object_store import run
from tests.functions.core.world import World, a_package, refusal

if TYPE_CHECKING:
    from functions.core.version_records import Version

HOUR = 3_600_000


def test_publication_makes_a_draft_current(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        version = await world.published(caller)
        assert (version.status, version.due_at) == ("published", None)
        assert version.published_at == world.clock.now_ms()
        assert await current(world) == version.id
        assert await world.history("org.example.app") == ["created", "current-version"]
        assert await world.history(version.id) == ["created", "completed", "validated", "published"]

    run(scenario())


async def current(world: World) -> object:
    return (await world.rows("SELECT current_version_id FROM app"))[0]["current_version_id"]


def test_the_version_before_falls_due_after_a_year(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        first = await world.published(caller, 1)
        second = await world.published(caller, 2)
        old = await versions.get_version(world.records, caller, first.id)
        assert (old.status, old.due_at) == (
            "published",
            world.clock.now_ms() + 365 * 24 * HOUR,
        )
        assert (await world.history(first.id))[-1] == "superseded"
        assert await current(world) == second.id
        # Otherwise a late retry would turn the app back.
        problem = await refusal(
            versions.publish_version(world.records, world.clock, caller, first.id)
        )
        assert (problem.status, problem.slug) == (409, "illegal-transition")

    run(scenario())


def test_publication_can_be_repeated(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        version = await world.published(caller)
        before = await world.snapshot()
        again = await versions.publish_version(world.records, world.clock, caller, version.id)
        assert again == version
        assert await world.snapshot() == before

    run(scenario())


@pytest.mark.parametrize("status", ["uploading", "validating", "failed"])
def test_only_a_draft_is_published(world: World, status: str) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        if status == "uploading":
            version, _, _ = await world.create(caller, a_package())
        else:
            version, _ = await world.validating(caller, b"no archive")
        if status == "failed":
            await world.work()
        problem = await refusal(
            versions.publish_version(world.records, world.clock, caller, version.id)
        )
        assert (problem.status, problem.members["version_status"]) == (409, status)
        assert await current(world) is None

    run(scenario())


def test_racing_publications_keep_one_current_and_a_full_history(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        drafts = [await world.draft(caller, code) for code in (1, 2, 3)]
        done: list[Version] = await asyncio.gather(
            *(
                versions.publish_version(world.records, world.clock, caller, draft.id)
                for draft in drafts
            )
        )
        assert {version.status for version in done} == {"published"}
        assert await current(world) in {draft.id for draft in drafts}
        undue = await world.rows("SELECT id FROM version WHERE due_at IS NULL")
        assert [row["id"] for row in undue] == [await current(world)]
        assert await world.history("org.example.app") == ["created", *["current-version"] * 3]

    run(scenario())
