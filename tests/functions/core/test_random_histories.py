"""Random sequences of everything that happens to versions, with a fault at any call of any port:
nothing is lost, invented or published without validation, and what is repeated converges.

`histories.check` says what must hold after every step.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from functions.adapters.local.cache_purger import MemoryCachePurger
from functions.core import validation, versions
from functions.core.problems import ProblemError
from functions.core.purge_runs import run_purges
from functions.core.reconcile import ReconcileDeps, reconcile
from functions.core.reconcile_report import request_walk
from functions.core.schedule import run_schedule
from functions.ports.cache_purger import CachePurgerError
from functions.ports.object_store import ObjectStoreError, PreconditionFailedError
from functions.ports.queue import QueueError
from functions.ports.records import RecordsError
from tests.functions.core import histories
from tests.functions.core.faulty import Fault, Faults
from tests.functions.core.world import OPERATOR, World, a_manifest, a_package

pytestmark = pytest.mark.thorough

if TYPE_CHECKING:
    from functions.core.access import Caller
    from functions.core.version_records import Upload


class SigningError(Exception):
    pass


@dataclass(frozen=True)
class Change:
    """One call of the control plane that changes a version's state."""

    name: str
    pick: int
    """Which of the versions there are."""
    as_operator: bool


BROKEN = (RecordsError, ObjectStoreError, QueueError, CachePurgerError, SigningError)
CODES = st.integers(1, 4)
GOOD = st.sampled_from([True, True, True, False])
FAULTS = st.none() | st.builds(Fault, st.integers(1, 25), st.booleans())
PICKS = st.integers(0, 11)
CHANGES = st.builds(
    Change,
    st.sampled_from(["publish", "reject", "pull", "restore", "roll_back"]),
    PICKS,
    st.booleans(),
)
WAITS = st.sampled_from([1, 31, 121, 900 + 3600, 86_400, 8 * 86_400, 31 * 86_400, 366 * 86_400])
PARTS = st.sampled_from(["schedule", "retention", "purges", "reconciliation"])


class Platform(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.sound = World()
        self.faults = Faults()
        self.purger = TimedPurger(self.sound)
        self.memory = histories.Memory()
        self.uploads: dict[str, tuple[Upload, bytes]] = {}
        """What developers have at hand, by version."""
        self.messages: list[dict[str, str]] = []
        """Those that came already; they may come again at any time."""
        self.caller: Caller = self.run(self.sound.developer())
        self.run(self.sound.app(self.caller))
        self.world = World(
            clock=self.sound.clock,
            entropy=self.sound.entropy,
            records=self.wrapped(self.sound.records, RecordsError("broken")),
            queue=self.wrapped(self.sound.queue, QueueError("broken")),
            signer=self.wrapped(self.sound.signer, SigningError("broken")),
        )
        for bucket in ("uploads", "packages", "assets"):
            store = self.wrapped(getattr(self.sound, bucket), ObjectStoreError("broken"))
            setattr(self.world, bucket, store)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def wrapped(self, port: object, error: Exception) -> Any:
        return self.faults.wrap(port, lambda: error)

    def attempt(self, work: Callable[[], Coroutine[Any, Any, Any]], fault: Fault | None) -> Any:
        """With the fault, then without, as a caller does who tries again; then once more, which
        must change nothing. Answers what the second one came to, which may be a refusal."""
        self.faults.arm(fault)
        try:
            self.run(work())
        except (ProblemError, *BROKEN):
            pass
        finally:
            self.faults.arm(None)
        result = self.result_of(work)
        before = self.run(self.events())
        again = self.result_of(work)
        assert isinstance(again, ProblemError) == isinstance(result, ProblemError)
        assert self.run(self.events()) == before
        return result

    def result_of(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        try:
            return self.run(work())
        except ProblemError as refused:
            return refused

    async def events(self) -> Sequence[Any]:
        return await self.sound.rows("SELECT * FROM event ORDER BY subject_id, seq")

    def has_versions(self) -> bool:
        return bool(self.memory.versions)

    # What developers and operators do.

    @initialize(published=st.integers(0, 2), drafts=st.integers(0, 1))
    def begin(self, published: int, drafts: int) -> None:
        for code in range(1, published + drafts + 1):
            make = self.sound.published if code <= published else self.sound.draft
            self.run(make(self.caller, code))

    @rule(code=CODES, good=GOOD, fault=FAULTS)
    def push(self, code: int, good: bool, fault: Fault | None) -> None:
        """The whole way to a draft, or as far as it goes."""
        version_id = self.create(code, good, fault)
        if version_id is not None:
            self.put(version_id)
            self.attempt(lambda: self.world.complete(self.caller, version_id), fault)
            self.deliver(fault, gives_up=False)

    @rule(code=CODES, good=GOOD, fault=FAULTS)
    def begin_an_upload(self, code: int, good: bool, fault: Fault | None) -> None:
        self.create(code, good, fault)

    def create(self, code: int, good: bool, fault: Fault | None) -> str | None:
        manifest = a_manifest(version=f"1.{code}", version_code=code if good else code + 1)
        body = a_package(manifest)
        is_burned = code in self.memory.burned
        made = self.attempt(lambda: self.world.create(self.caller, body, code, f"1.{code}"), fault)
        if isinstance(made, ProblemError):
            assert made.problem.slug == "version-code-taken"
            return None
        assert not is_burned
        self.uploads[made[0].id] = made[1], body
        return made[0].id

    @precondition(lambda self: bool(self.uploads))
    @rule(pick=PICKS)
    def upload(self, pick: int) -> None:
        known = sorted(self.uploads)
        self.put(known[pick % len(known)])

    def put(self, version_id: str) -> None:
        upload, body = self.uploads[version_id]
        if upload.expires_at <= self.sound.clock.now_ms():
            return
        try:
            self.run(self.sound.put(upload, body))
        except PreconditionFailedError:
            return

    @precondition(has_versions)
    @rule(pick=PICKS, fault=FAULTS)
    def complete(self, pick: int, fault: Fault | None) -> None:
        version_id = self.version_id(pick)
        self.attempt(lambda: self.world.complete(self.caller, version_id), fault)

    @precondition(has_versions)
    @rule(change=CHANGES, fault=FAULTS)
    def change(self, change: Change, fault: Fault | None) -> None:
        self.attempt(lambda: self.perform(self.world, change), fault)

    @precondition(has_versions)
    @rule(changes=st.lists(CHANGES, min_size=2, max_size=3))
    def race(self, changes: list[Change]) -> None:
        async def all_at_once() -> list[Any]:
            work = (self.perform(self.sound, change) for change in changes)
            return await asyncio.gather(*work, return_exceptions=True)

        for result in self.run(all_at_once()):
            assert isinstance(result, ProblemError) or not isinstance(result, BaseException)

    def version_id(self, pick: int) -> str:
        known = sorted(self.memory.versions)
        return known[pick % len(known)]

    async def perform(self, world: World, change: Change) -> object:
        version_id = self.version_id(change.pick)
        caller = OPERATOR if change.as_operator else self.caller
        match change.name:
            case "publish":
                return await versions.publish_version(
                    world.records, world.clock, caller, version_id
                )
            case "reject":
                return await world.reject(version_id, caller)
            case "pull":
                return await world.pull(caller, version_id)
            case "restore":
                return await world.restore(caller, version_id)
            case _:
                return await world.roll_back(caller, version_id)

    # What the platform does by itself.

    @rule(fault=FAULTS, gives_up=st.booleans())
    def deliver(self, fault: Fault | None, gives_up: bool) -> None:
        """Every message, also those that came before; then the queue may give all of them up."""
        self.messages += [
            dict(message.body) for message in self.sound.queue.take() if "kind" not in message.body
        ]
        for body in self.messages:
            self.handle(body, fault)
        if gives_up:
            for body in self.messages:
                sound = self.sound
                self.run(validation.mark_dead_letter(sound.records, sound.clock, body))
            self.messages = []

    @rule()
    def lose_messages(self) -> None:
        self.sound.queue.take()

    def handle(self, body: dict[str, str], fault: Fault | None) -> None:
        self.faults.arm(fault)
        try:
            self.run(validation.validate_upload(self.world.deps, body))
        except BROKEN:
            pass
        finally:
            self.faults.arm(None)

    @rule(seconds=WAITS, part=PARTS, fault=FAULTS)
    def time_passes(self, seconds: int, part: str, fault: Fault | None) -> None:
        self.sound.clock.advance(seconds=seconds)
        self.attempt(lambda: self.keep_house(self.world, part), fault)

    async def keep_house(self, world: World, part: str) -> object:
        match part:
            case "schedule":
                return await run_schedule(
                    world.records, world.uploads, world.uploads, world.queue, world.clock
                )
            case "retention":
                return await world.sweep()
            case "purges":
                purger = self.wrapped(self.purger, CachePurgerError("broken"))
                return await run_purges(world.records, purger, world.clock)
            case _:
                await request_walk(world.records, world.clock, repair=True)
                deps = ReconcileDeps(
                    world.records,
                    {
                        "uploads": world.uploads,
                        "packages": world.packages,
                        "assets": world.assets,
                    },
                    world.clock,
                )
                return await reconcile(deps, pages=20)

    @invariant()
    def everything_holds(self) -> None:
        self.run(histories.check(self.sound, self.memory, self.purger.purged))

    def teardown(self) -> None:
        """Whatever broke on the way: once nothing breaks any more, all of it comes to an end."""
        try:
            for _ in range(3):
                self.sound.clock.advance(seconds=2 * 3600)
                for part in ("schedule", "purges"):
                    self.run(self.keep_house(self.sound, part))
                self.deliver(None, gives_up=False)
            self.everything_holds()
            left = "SELECT id FROM version WHERE status IN ('uploading', 'validating')"
            assert self.run(self.sound.rows(left)) == []
            assert self.run(self.sound.rows("SELECT tag FROM cache_purge")) == []
        finally:
            self.sound.close()
            self.runner.close()


class TimedPurger(MemoryCachePurger):
    """Remembers when each tag was purged last."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._clock = world.clock
        self.purged: dict[str, int] = {}

    async def purge(self, tags: Sequence[str]) -> None:
        await super().purge(tags)
        self.purged |= dict.fromkeys(tags, self._clock.now_ms())


TestRandomHistories = cast("Any", Platform).TestCase
TestRandomHistories.settings = settings(
    max_examples=150,
    stateful_step_count=50,
    # The same sequences in every run: a failure is the change's, not the day's.
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
