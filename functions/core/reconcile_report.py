"""How far a reconciliation has come and what it has found, and the row that keeps it.

One walk is under way at most, whose steps are written as `core.job_cursors` says.
"""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from functions.core.job_cursors import read_cursor, write_cursor
from functions.core.platform import ATTEMPTS
from functions.core.problems import busy
from functions.ports.queue import QueueError
from functions.ports.records import Records

if TYPE_CHECKING:
    from collections.abc import Mapping

    from functions.ports.clock import Clock
    from functions.ports.queue import Queue

NAME = "reconcile"
KIND = "reconcile"
"""Of the message that has the jobs go on with the walk at once."""
MOST_FINDINGS = 200
"""Findings that are kept word for word; more are only counted."""

Bucket: TypeAlias = Literal["uploads", "packages", "assets"]
Phase: TypeAlias = Literal["uploads", "packages", "assets", "versions", "images"]
PHASES: tuple[Phase, ...] = ("uploads", "packages", "assets", "versions", "images")
"""In this order: the buckets are searched for orphans, then the versions and the images of apps for
missing objects."""


@dataclass(frozen=True, slots=True)
class Finding:
    kind: Literal["orphan", "missing", "different"]
    """`orphan`: no row claims the object. `missing`: the object of a row is not there. `different`:
    it has another size than the row says."""
    bucket: Bucket
    key: str
    version_id: str | None
    """Of the row, where it is a version."""
    size: int | None
    """Of the object, where there is one."""
    is_young: bool
    """The orphan is too young to be deleted."""
    is_repaired: bool
    """Whether this walk deleted the orphan. What a row misses is never repaired by itself."""


@dataclass(frozen=True, slots=True)
class Walk:
    """A reconciliation, under way or at its end."""

    repair: bool
    started_at: int
    phase: Phase = PHASES[0]
    at: str | None = None
    """Where the phase goes on: the store's cursor, or the last version's or app's id."""
    objects: int = 0
    versions: int = 0
    images: int = 0
    """This and the two before: looked at so far."""
    orphans: int = 0
    young: int = 0
    """Orphans that are too young to be deleted."""
    missing: int = 0
    """Objects of versions and images that are missing or different."""
    repaired: int = 0
    findings: tuple[Finding, ...] = ()
    """The first `MOST_FINDINGS`."""
    errors: tuple[str, ...] = ()
    finished_at: int | None = None

    def __str__(self) -> str:
        """For the log: without the findings themselves."""
        return (
            f"{'finished' if self.finished_at else f'at {self.phase}'}, "
            f"{self.objects} objects, {self.versions} versions and {self.images} images looked at, "
            f"{self.orphans} orphans, {self.missing} missing, {self.repaired} repaired"
        )

    def with_finding(self, finding: Finding) -> "Walk":
        kept = self.findings
        if len(kept) < MOST_FINDINGS:
            kept = (*kept, finding)
        is_orphan = finding.kind == "orphan"
        return replace(
            self,
            findings=kept,
            orphans=self.orphans + is_orphan,
            young=self.young + finding.is_young,
            missing=self.missing + (not is_orphan),
            repaired=self.repaired + finding.is_repaired,
        )


@dataclass(frozen=True, slots=True)
class State:
    """What the row says. `revision` 0: there is no row yet."""

    walk: Walk | None
    """The one under way."""
    last: Walk | None
    """The last one that came to its end."""
    revision: int


async def announce(queue: "Queue") -> None:
    """Call the jobs; where the message is lost, the schedule goes on with the walk."""
    with suppress(QueueError):
        await queue.send({"kind": KIND})


async def read_state(records: Records) -> State:
    row = await read_cursor(records, NAME)
    return State(_walk(row.under_way), _walk(row.report), row.revision)


async def request_walk(records: Records, clock: "Clock", *, repair: bool) -> Walk:
    """Begins a walk and answers it. One that is under way and repairs as much goes on instead; one
    that was only to report gives way to one that repairs.

    Raises: ProblemError 409 `busy` where steps of a walk kept winning.
    """
    for _ in range(ATTEMPTS):
        state = await read_state(records)
        if state.walk is not None and (state.walk.repair or not repair):
            return state.walk
        begun = Walk(repair, clock.now_ms())
        if await write_walk(records, state, begun):
            return begun
    raise busy()


async def write_walk(records: Records, state: State, walk: Walk) -> bool:
    """Whether the row, as it was read, names this walk now: as the one under way or, where it is
    finished, as the last one."""
    text = json.dumps(asdict(walk), separators=(",", ":"))
    is_over = walk.finished_at is not None
    return await write_cursor(records, NAME, state.revision, text, is_over=is_over)


def _walk(text: str | None) -> Walk | None:
    """None also for what another release wrote in another form: then a walk begins anew."""
    if text is None:
        return None
    members = cast("dict[str, object]", json.loads(text))
    findings = cast("list[Mapping[str, object]]", members.pop("findings", []))
    errors = cast("list[str]", members.pop("errors", []))
    try:
        return Walk(
            **members,  # pyright: ignore[reportArgumentType]  (written by `write_walk`)
            findings=tuple(
                Finding(**finding)  # pyright: ignore[reportArgumentType]
                for finding in findings
            ),
            errors=tuple(errors),
        )
    except TypeError:
        return None
