"""The api is killed at every call of a port while it takes a package in parts, before the call or
right behind it; the developer then pushes again."""

from dataclasses import dataclass

import pytest

from functions.core import multipart, versions
from functions.core.access import Caller
from functions.core.multipart import MultipartDeps
from functions.core.platform import Limits
from functions.core.problems import ProblemError
from functions.core.stale_parts import STALE_UPLOAD_MS, abort_stale
from functions.core.version_records import Version
from tests.contracts.object_store import run
from tests.functions.core.fuse import Fuse, KilledError
from tests.functions.core.test_schedule import tick
from tests.functions.core.world import World, a_package, sha256

PACKAGE = a_package()
LIMITS = Limits(multipart_threshold_bytes=1)


@dataclass
class Developer:
    world: World
    caller: Caller
    version: Version

    async def push(self, fuse: Fuse | None = None) -> Version:
        """As `stowage push` does it, with the ports of the api on a fuse."""
        deps = self._deps(fuse)
        try:
            begun, _ = await multipart.begin(deps, self.caller, self.version.id)
        except ProblemError as error:
            if error.problem.slug not in ("upload-arrived", "upload-over"):
                raise
        else:
            await self.world.put_parts(begun, PACKAGE)
        queue = self.world.queue if fuse is None else fuse.wrap(self.world.queue)
        return await versions.complete_version(
            deps.records,
            deps.uploads,
            deps.parts,
            queue,  # pyright: ignore[reportArgumentType]  (by name)
            deps.clock,
            self.caller,
            self.version.id,
        )

    def _deps(self, fuse: Fuse | None) -> MultipartDeps:
        deps = self.world.multipart_deps
        if fuse is None:
            return deps
        records, uploads, parts = map(fuse.wrap, (deps.records, deps.uploads, deps.parts))
        return MultipartDeps(records, uploads, parts, deps.clock, deps.limits)  # pyright: ignore[reportArgumentType]


async def waiting(world: World) -> Developer:
    world.limits = LIMITS
    caller = await world.developer()
    await world.app(caller)
    version, _, _ = await world.create(caller, PACKAGE)
    return Developer(world, caller, version)


def count_calls() -> int:
    world = World()
    fuse = Fuse(None, after=False)

    async def scenario() -> None:
        await (await waiting(world)).push(fuse)

    run(scenario())
    world.close()
    return fuse.calls


@pytest.mark.parametrize("after", [False, True], ids=["before", "behind"])
@pytest.mark.parametrize("call", range(1, count_calls() + 1))
def test_a_second_push_ends_in_a_draft_wherever_the_first_was_killed(
    world: World, call: int, after: bool
) -> None:
    async def scenario() -> None:
        developer = await waiting(world)
        with pytest.raises(KilledError):
            await developer.push(Fuse(call, after=after))
        await developer.push()
        await world.work()
        draft = await world.version(developer.version.id)
        assert draft.status == "draft"
        assert await world.history(draft.id) == ["created", "completed", "validated"]
        assert draft.object_key is not None
        assert await world.packages.sha256(draft.object_key) == sha256(PACKAGE)
        # Nothing is left of it in the uploads bucket either.
        world.clock.advance(milliseconds=STALE_UPLOAD_MS)
        await tick(world)
        await abort_stale(world.records, [world.uploads], world.clock, LIMITS.retention)
        assert await world.uploads.list_multiparts("") == ()
        assert (await world.uploads.list_objects("")).objects == ()

    run(scenario())


def test_the_calls_are_many_enough_to_mean_something() -> None:
    assert count_calls() >= 12
