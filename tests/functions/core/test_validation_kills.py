"""The consumer is killed at every call of a port, before the call or right behind it, and then run
again."""

from dataclasses import replace

import pytest

from functions.core import validation, versions
from functions.core.access import Caller
from functions.core.validation import ValidationDeps
from tests.contracts.object_store import run
from tests.functions.core.fuse import Fuse, KilledError
from tests.functions.core.world import World, a_manifest, a_package, sha256

GOOD = a_package()
BAD = a_package(a_manifest(id="org.example.other"))
OPERATOR = Caller("operator", None, "root")
PORTS = ("records", "uploads", "packages", "signer", "verifier")


async def prepare(world: World, content: bytes) -> dict[str, str]:
    caller = await world.developer()
    await world.app(caller)
    version, upload = await world.validating(caller, content)
    return {"version_id": version.id, "upload_id": upload.id}


def fused(world: World, fuse: Fuse) -> ValidationDeps:
    changes = {port: fuse.wrap(getattr(world.deps, port)) for port in PORTS}
    return replace(world.deps, **changes)  # pyright: ignore[reportArgumentType]  (by name)


def count_calls(content: bytes) -> int:
    world = World()
    fuse = Fuse(None, after=False)

    async def scenario() -> None:
        message = await prepare(world, content)
        await validation.validate_upload(fused(world, fuse), message)

    run(scenario())
    world.close()
    return fuse.calls


@pytest.mark.parametrize("after", [False, True], ids=["before", "behind"])
@pytest.mark.parametrize("call", range(1, count_calls(GOOD) + 1))
def test_a_good_package_becomes_a_draft_wherever_the_consumer_was_killed(
    world: World, call: int, after: bool
) -> None:
    async def scenario() -> None:
        message = await prepare(world, GOOD)
        with pytest.raises(KilledError):
            await validation.validate_upload(fused(world, Fuse(call, after=after)), message)
        world.clock.advance(seconds=world.limits.lease_seconds)
        await validation.validate_upload(world.deps, message)
        draft = await versions.get_version(world.records, OPERATOR, message["version_id"])
        assert draft.status == "draft"
        assert await world.history(draft.id) == ["created", "completed", "validated"]
        assert draft.object_key is not None
        assert await world.packages.sha256(draft.object_key) == sha256(GOOD)
        assert len((await world.packages.list_objects("")).objects) == 3
        rows = await world.rows("SELECT lease_token FROM upload")
        assert rows[0]["lease_token"] is None

    run(scenario())


@pytest.mark.parametrize("after", [False, True], ids=["before", "behind"])
@pytest.mark.parametrize("call", range(1, count_calls(BAD) + 1))
def test_a_bad_package_fails_once_wherever_the_consumer_was_killed(
    world: World, call: int, after: bool
) -> None:
    async def scenario() -> None:
        message = await prepare(world, BAD)
        with pytest.raises(KilledError):
            await validation.validate_upload(fused(world, Fuse(call, after=after)), message)
        world.clock.advance(seconds=world.limits.lease_seconds)
        await validation.validate_upload(world.deps, message)
        failed = await versions.get_version(world.records, OPERATOR, message["version_id"])
        assert failed.status == "failed"
        assert await world.history(failed.id) == ["created", "completed", "invalid"]
        assert (await world.packages.list_objects("")).objects == ()

    run(scenario())


def test_the_calls_are_many_enough_to_mean_something() -> None:
    assert count_calls(GOOD) >= 15
