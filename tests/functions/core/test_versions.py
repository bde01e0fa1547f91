import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from functions.adapters.local.queue import MemoryQueue
from functions.adapters.local.verifier import Ed25519Verifier
from functions.core import versions
from functions.core.access import Caller
from functions.core.schedule import run_schedule
from functions.ports.queue import QueueError
from functions.ports.records import Row, Statement
from tests.contracts.object_store import run
from tests.functions.core.world import (
    InterleavedRecords,
    World,
    a_manifest,
    a_package,
    pointers,
    refusal,
    sha256,
)

OPERATOR = Caller("operator", None, "root")
HOUR = 3_600_000


def test_a_new_version_waits_for_its_upload(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        content = a_package()
        version, upload, created = await world.create(caller, content)
        assert created
        now = world.clock.now_ms()
        assert (version.status, version.size, version.sha256) == (
            "uploading",
            len(content),
            sha256(content),
        )
        assert upload.object_key == f"temp/{upload.id}/package.mosis"
        assert upload.expires_at == now + 900_000
        assert version.due_at == upload.expires_at + HOUR
        assert await versions.get_version(world.records, caller, version.id) == version
        assert await world.history(version.id) == ["created"]

    run(scenario())


def test_the_same_request_gets_the_same_upload_and_more_time(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        content = a_package()
        version, upload, _ = await world.create(caller, content)
        world.clock.advance(seconds=600)
        again, later, created = await world.create(caller, content)
        assert not created
        assert (again.id, later.id, again.revision) == (version.id, upload.id, version.revision)
        assert later.expires_at == world.clock.now_ms() + 900_000
        assert again.due_at == later.expires_at + HOUR
        assert await world.history(version.id) == ["created"]

    run(scenario())


def test_more_time_that_was_written_is_answered_whatever_happens_next(world: World) -> None:
    """The version is deleted between the writing and the answer."""

    class Deleting(InterleavedRecords):
        async def fetch(self, statement: Statement) -> Sequence[Row]:
            return await world.records.fetch(statement)

        async def batch(self, statements: Sequence[Statement]) -> Sequence[int]:
            changed = await world.records.batch(statements)
            await world.records.batch([Statement("UPDATE version SET deleted_at = 1")])
            return changed

    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        content = a_package()
        version, upload, _ = await world.create(caller, content)
        world.clock.advance(seconds=600)
        records = Deleting()
        again, later, created = await versions.create_version(
            records, world.clock, world.entropy, world.limits, caller, version.app_id, 1, "1.0",
            len(content), sha256(content), verifier=Ed25519Verifier(),
        )  # fmt: skip
        records.close()
        assert not created
        expires_at = world.clock.now_ms() + 900_000
        assert again == replace(version, due_at=expires_at + HOUR)
        assert later == replace(upload, expires_at=expires_at)

    run(scenario())


def test_more_time_never_becomes_less(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        content = a_package()
        _, upload, _ = await world.create(caller, content)
        world.clock.advance(seconds=-600)
        _, later, _ = await world.create(caller, content)
        assert later.expires_at == upload.expires_at

    run(scenario())


@pytest.mark.parametrize("change", ["name", "size", "bytes"])
def test_another_package_under_a_code_in_use_is_refused(world: World, change: str) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        content = a_package()
        await world.create(caller, content)
        before = await world.snapshot()
        other = {"name": content, "size": content + b"x", "bytes": content[:-1] + b"x"}[change]
        name = "2.0" if change == "name" else "1.0"
        problem = await refusal(world.create(caller, other, 1, name))
        assert (problem.status, problem.slug) == (409, "version-code-taken")
        assert problem.members["version_status"] == "uploading"
        assert await world.snapshot() == before

    run(scenario())


@pytest.mark.parametrize("status", ["validating", "draft", "published"])
def test_a_code_in_use_is_refused_for_the_same_package_too(world: World, status: str) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        content = a_package()
        version, _ = await world.validating(caller, content)
        if status != "validating":
            await world.work()
        if status == "published":
            await versions.publish_version(world.records, world.clock, caller, version.id)
        problem = await refusal(world.create(caller, content))
        assert (problem.status, problem.members["version_status"]) == (409, status)

    run(scenario())


def test_codes_of_different_apps_do_not_meet(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        await world.app(caller, "org.example.other")
        await world.create(caller, a_package())
        _, _, created = await world.create(caller, a_package(), app_id="org.example.other")
        assert created

    run(scenario())


def test_racing_creations_make_one_version(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        made = await asyncio.gather(*(world.create(caller, a_package()) for _ in range(6)))
        assert sum(created for _, _, created in made) == 1
        assert len({version.id for version, _, _ in made}) == 1
        assert len(await world.rows("SELECT id FROM upload")) == 1

    run(scenario())


BAD_VALUES: dict[str, tuple[Any, Any, Any, Any, list[str]]] = {
    "zero code": (0, "1.0", 5, "0" * 64, ["/version_code"]),
    "negative code": (-1, "1.0", 5, "0" * 64, ["/version_code"]),
    "code too large": (2**53, "1.0", 5, "0" * 64, ["/version_code"]),
    "boolean code": (True, "1.0", 5, "0" * 64, ["/version_code"]),
    "code as text": ("1", "1.0", 5, "0" * 64, ["/version_code"]),
    "empty name": (1, "", 5, "0" * 64, ["/version_name"]),
    "name with line feed": (1, "1\n0", 5, "0" * 64, ["/version_name"]),
    "long name": (1, "x" * 65, 5, "0" * 64, ["/version_name"]),
    "no size": (1, "1.0", 0, "0" * 64, ["/size"]),
    "too large": (1, "1.0", 52_428_801, "0" * 64, ["/size"]),
    "short digest": (1, "1.0", 5, "0" * 63, ["/sha256"]),
    "upper-case digest": (1, "1.0", 5, "A" * 64, ["/sha256"]),
    "all": (None, None, None, None, ["/version_code", "/version_name", "/size", "/sha256"]),
}


@pytest.mark.parametrize("case", BAD_VALUES)
def test_wrong_values_are_all_named_and_nothing_is_written(world: World, case: str) -> None:
    code, name, size, digest, wrong = BAD_VALUES[case]

    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        before = await world.snapshot()
        work = versions.create_version(
            world.records, world.clock, world.entropy, world.limits, caller, "org.example.app",
            code, name, size, digest, verifier=Ed25519Verifier(),
        )  # fmt: skip
        problem = await refusal(work)
        assert problem.status == 422
        assert pointers(problem) == wrong
        assert await world.snapshot() == before

    run(scenario())


def test_the_limits_themselves_are_accepted(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        _, upload, created = await versions.create_version(
            world.records, world.clock, world.entropy, world.limits, caller, "org.example.app",
            2**53 - 1, "x" * 64, 52_428_800, "f" * 64, verifier=Ed25519Verifier(),
        )  # fmt: skip
        assert created
        assert upload.size == 52_428_800

    run(scenario())


def test_a_stranger_learns_nothing(world: World) -> None:
    async def scenario() -> None:
        owner, stranger, tenant = (
            await world.developer(),
            await world.developer(),
            await world.tenant(),
        )
        await world.app(owner)
        version, upload, _ = await world.create(owner, a_package())
        await world.put(upload, a_package())
        before = await world.snapshot()
        for caller in (stranger, tenant):
            for work in (
                world.create(caller, a_package(), 2),
                world.complete(caller, version.id),
                versions.publish_version(world.records, world.clock, caller, version.id),
                versions.get_version(world.records, caller, version.id),
            ):
                assert (await refusal(work)).status == 404
        for work in (
            world.create(OPERATOR, a_package(), 2),
            world.complete(OPERATOR, version.id),
            versions.publish_version(world.records, world.clock, OPERATOR, version.id),
        ):
            assert (await refusal(work)).status == 403
        assert (await versions.get_version(world.records, OPERATOR, version.id)).id == version.id
        assert await world.snapshot() == before

    run(scenario())


def test_an_unknown_app_or_version_is_not_found(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        for work in (
            world.create(caller, a_package()),
            world.complete(caller, "019ce0b8-0000-7000-8000-000000000000"),
            versions.publish_version(world.records, world.clock, caller, "x"),
            versions.get_version(world.records, caller, "'; DROP TABLE version; --"),
        ):
            assert (await refusal(work)).status == 404

    run(scenario())


def test_completion_sends_one_message(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        version, upload = await world.validating(caller)
        assert version.status == "validating"
        assert version.due_at == world.clock.now_ms() + 120_000
        (message,) = world.queue.take()
        assert message.body == {"version_id": version.id, "upload_id": upload.id}
        assert await world.history(version.id) == ["created", "completed"]

    run(scenario())


def test_completion_without_an_upload_is_refused(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        version, upload, _ = await world.create(caller, a_package())
        before = await world.snapshot()
        problem = await refusal(world.complete(caller, version.id))
        assert (problem.status, problem.slug) == (409, "upload-missing")
        await world.put(upload, b"too short")
        problem = await refusal(world.complete(caller, version.id))
        assert (problem.status, problem.slug) == (409, "upload-size-mismatch")
        assert await world.snapshot() == before
        assert world.queue.take() == []

    run(scenario())


def test_completion_can_be_repeated_at_any_time(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        version, _ = await world.validating(caller)
        assert (await world.complete(caller, version.id)).status == "validating"
        # Two messages, one result.
        assert [outcome.kind for outcome in await world.work()] == ["draft", "settled"]
        assert (await world.complete(caller, version.id)).status == "draft"
        assert world.queue.take() == []
        await versions.publish_version(world.records, world.clock, caller, version.id)
        assert (await world.complete(caller, version.id)).status == "published"
        assert await world.history(version.id) == ["created", "completed", "validated", "published"]

    run(scenario())


def test_racing_completions_leave_one_event(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        version, upload, _ = await world.create(caller, a_package())
        await world.put(upload, a_package())
        done = await asyncio.gather(*(world.complete(caller, version.id) for _ in range(5)))
        assert {each.status for each in done} == {"validating"}
        assert await world.history(version.id) == ["created", "completed"]

    run(scenario())


def test_a_failing_queue_is_healed_by_the_schedule(world: World) -> None:
    class Away(MemoryQueue):
        async def send(self, message: object, *, delay_seconds: int = 0) -> None:
            raise QueueError("the queue is away")

    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        sound, world.queue = world.queue, Away()
        version, _ = await world.validating(caller)
        assert version.status == "validating"
        world.queue = sound
        world.clock.advance(seconds=120)
        await run_schedule(world.records, world.uploads, world.uploads, world.queue, world.clock)
        assert [outcome.kind for outcome in await world.work()] == ["draft"]

    run(scenario())


def test_a_deleted_version_is_not_found_and_keeps_its_code(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        version, _, _ = await world.create(caller, a_package())
        await world.records.batch([Statement("UPDATE version SET deleted_at = 1")])
        work = versions.get_version(world.records, caller, version.id)
        assert (await refusal(work)).status == 404
        problem = await refusal(world.create(caller, a_package()))
        assert problem.status == 409

    run(scenario())


def test_a_manifest_with_another_code_does_not_pass_for_a_reused_one(world: World) -> None:
    async def scenario() -> None:
        caller = await world.developer()
        await world.app(caller)
        version, _ = await world.validating(caller, a_package(a_manifest(version_code=2)))
        assert [outcome.kind for outcome in await world.work()] == ["failed"]
        again, upload, created = await world.create(caller, a_package())
        assert created
        await world.put(upload, a_package())
        await world.complete(caller, again.id)
        assert [outcome.kind for outcome in await world.work()] == ["draft"]
        assert (await versions.get_version(world.records, caller, version.id)).status == "failed"

    run(scenario())
