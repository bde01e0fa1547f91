"""Once a day: what the authority has that no claim of ours knows, and what an operator vouched for
that it does not have. It is only reported: what we did not create is nobody's to delete here, and
what an operator vouched for is an operator's to declare.

What a tenant's own claims miss there is found by their own looks, which mend it.
"""

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, cast

from functions.core import holds
from functions.core.hostname_runs import MOST_HOLD_SECONDS, NAME
from functions.core.job_cursors import read_cursor, write_cursor
from functions.core.platform import DAY_MS
from functions.ports.hostname_authority import HostnameAuthorityError, RateLimitedError
from functions.ports.records import Records, Statement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from functions.core.hostname_looks import HostnameDeps
    from functions.ports.hostname_authority import CustomHostname

CURSOR = "hostname-drift"
MOST_NAMES = 200
"""Of each kind that are kept by name."""
VOUCHED = 10
"""That are looked for in one step: each is a call."""


@dataclass(frozen=True, slots=True)
class Drift:
    """A comparison, under way or at its end."""

    started_at: int
    custom_hostnames: int = 0
    """Looked at so far."""
    unknown_here: tuple[str, ...] = ()
    """Names that the authority has, and no claim: declared in the stack, or made by hand."""
    missing_there: tuple[str, ...] = ()
    """Names that an operator vouched for, and the authority has not."""
    page: str | None = None
    """Where the authority's list goes on."""
    after: str | None = None
    """Once the list is at its end: the last vouched claim that was looked for, '' at first."""
    finished_at: int | None = None


@dataclass(frozen=True, slots=True)
class DriftReport:
    drift: Drift | None
    """None: it is not time yet."""
    errors: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.drift is None:
            return "not yet"
        state = "finished" if self.drift.finished_at else "under way"
        return (
            f"{state}, {self.drift.custom_hostnames} compared, "
            f"{len(self.drift.unknown_here)} unknown here, "
            f"{len(self.drift.missing_there)} missing there"
        )


async def compare(deps: "HostnameDeps", *, steps: int = 4) -> DriftReport:
    """Goes on with the comparison, or begins one a day after the last. Each step is written by
    compare-and-set, so of two runs at once one is lost.

    Raises: RecordsError.
    """
    now = deps.clock.now_ms()
    if await holds.seconds_left(deps.records, NAME, now) > 0:
        return DriftReport(None)
    if await holds.seconds_left(deps.records, CURSOR, now) > 0:
        return DriftReport(None)
    drift, revision = await _begun(deps.records, now)
    try:
        for _ in range(steps):
            drift = await _step(deps, drift)
            if not await _write(deps.records, drift, revision):
                break
            revision += 1
            if drift.finished_at is not None:
                break
    except RateLimitedError as error:
        seconds = min(error.retry_after_seconds, MOST_HOLD_SECONDS)
        await deps.records.batch([holds.until(NAME, deps.clock.now_ms() + seconds * 1000)])
        return DriftReport(drift, (str(error),))
    except HostnameAuthorityError as error:
        return DriftReport(drift, (str(error),))
    return DriftReport(drift)


async def last_drift(records: Records) -> Drift | None:
    """The last comparison that came to its end."""
    return _drift((await read_cursor(records, CURSOR)).report)


async def _step(deps: "HostnameDeps", drift: Drift) -> Drift:
    if drift.after is not None:
        return await _look_for_vouched(deps, drift, drift.after)
    page = await deps.authority.list_page(drift.page)
    unknown = await _unknown(deps.records, page.hostnames)
    return replace(
        drift,
        custom_hostnames=drift.custom_hostnames + len(page.hostnames),
        unknown_here=(*drift.unknown_here, *unknown)[:MOST_NAMES],
        page=page.cursor,
        after="" if page.cursor is None else None,
    )


async def _unknown(records: Records, listed: "Sequence[CustomHostname]") -> list[str]:
    if not listed:
        return []
    marks = ", ".join("?" for _ in listed)
    by_name = await records.fetch(
        Statement(
            f"SELECT name FROM hostname WHERE name IN ({marks})"  # noqa: S608
            " AND proven_at IS NOT NULL AND deleted_at IS NULL",
            tuple(one.name for one in listed),
        )
    )
    by_id = await records.fetch(
        Statement(
            f"SELECT authority_id FROM hostname WHERE authority_id IN ({marks})",  # noqa: S608
            tuple(one.id for one in listed),
        )
    )
    known = {row["name"] for row in by_name} | {row["authority_id"] for row in by_id}
    return [one.name for one in listed if one.name not in known and one.id not in known]


async def _look_for_vouched(deps: "HostnameDeps", drift: Drift, after: str) -> Drift:
    rows = await deps.records.fetch(
        Statement(
            "SELECT id, name FROM hostname WHERE id > ? AND challenge_token IS NULL"
            " AND deleted_at IS NULL ORDER BY id LIMIT ?",
            (after, VOUCHED),
        )
    )
    names = [str(row["name"]) for row in rows]
    missing = [name for name in names if await deps.authority.find(name) is None]
    is_over = len(rows) < VOUCHED
    return replace(
        drift,
        missing_there=(*drift.missing_there, *missing)[:MOST_NAMES],
        after=str(rows[-1]["id"]) if rows else after,
        finished_at=deps.clock.now_ms() if is_over else None,
    )


async def _begun(records: Records, now: int) -> tuple[Drift, int]:
    """And the row's revision."""
    row = await read_cursor(records, CURSOR)
    return _drift(row.under_way) or Drift(now), row.revision


async def _write(records: Records, drift: Drift, revision: int) -> bool:
    text = json.dumps(asdict(drift), separators=(",", ":"))
    is_over = drift.finished_at is not None
    not_before = 0 if drift.finished_at is None else drift.finished_at + DAY_MS
    return await write_cursor(
        records, CURSOR, revision, text, is_over=is_over, not_before=not_before
    )


def _drift(text: str | None) -> Drift | None:
    """None also for what another release wrote in another form: then one begins anew."""
    if text is None:
        return None
    members = cast("Mapping[str, object]", json.loads(text))
    try:
        drift = Drift(**members)  # pyright: ignore[reportArgumentType]  (written by `_write`)
    except TypeError:
        return None
    return replace(
        drift,
        unknown_here=tuple(drift.unknown_here),
        missing_there=tuple(drift.missing_there),
    )
