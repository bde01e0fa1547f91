import asyncio
from typing import TYPE_CHECKING

import pytest

from functions.core import versions
from tests.contracts.object_store import run
from tests.functions.core.world import OPERATOR, World, a_package, refusal

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
        assert await world.current() == version.id
        assert await world.history("org.example.app") == ["created", "current-version"]
        assert await world.history(version.id) == ["created", "completed", "validated", "published"]

    run(scenario())


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
        assert await world.current() == second.id
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
        assert await world.current() is None

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
        assert await world.current() in {draft.id for draft in drafts}
        undue = await world.rows("SELECT id FROM version WHERE due_at IS NULL")
        assert [row["id"] for row in undue] == [await world.current()]
        assert await world.history("org.example.app") == ["created", *["current-version"] * 3]

    run(scenario())


def test_a_rollback_makes_an_old_version_current_for_ever(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        first, second = await world.published(caller, 1), await world.published(caller, 2)
        world.clock.advance(seconds=60)
        back = await world.roll_back(caller, first.id)
        assert (back.status, back.is_current, back.due_at) == ("published", True, None)
        assert await world.current() == first.id
        old = await world.version(second.id)
        assert (old.is_current, old.due_at) == (False, world.clock.now_ms() + 365 * 24 * HOUR)
        assert (await world.history(first.id))[-2:] == ["superseded", "made-current"]
        assert (await world.history(second.id))[-1] == "superseded"
        before = await world.snapshot()
        assert await world.roll_back(OPERATOR, first.id) == back
        assert await world.snapshot() == before

    run(scenario())


def test_only_what_was_published_is_rolled_back_to(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        await world.published(caller, 1)
        draft = await world.draft(caller, 2)
        stranger = await world.developer("Eve")
        before = await world.snapshot()
        problem = await refusal(world.roll_back(caller, draft.id))
        assert (problem.status, problem.slug) == (409, "illegal-transition")
        assert problem.members == {
            "version_status": "draft",
            "is_current": False,
            "legal_from": ["published"],
        }
        assert (await refusal(world.roll_back(stranger, draft.id))).status == 404
        assert await world.snapshot() == before

    run(scenario())


def test_racing_rollbacks_and_publications_keep_one_current(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        first, second = await world.published(caller, 1), await world.published(caller, 2)
        draft = await world.draft(caller, 3)
        await asyncio.gather(
            world.roll_back(caller, first.id),
            versions.publish_version(world.records, world.clock, caller, draft.id),
            world.roll_back(caller, second.id),
        )
        undue = await world.rows("SELECT id FROM version WHERE due_at IS NULL")
        assert [row["id"] for row in undue] == [await world.current()]

    run(scenario())
