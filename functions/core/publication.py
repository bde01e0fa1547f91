"""Which version of an app is current: publication, rollback, and who takes the place of one that
leaves. The version, its app and the version before it change in one batch.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from functions.core import access, apps, events, transitions
from functions.core.platform import ATTEMPTS, DESIGNED, Retention
from functions.core.problems import busy, not_found
from functions.core.version_records import Version, find_version, get_version
from functions.ports.records import ConflictError, Records, Value

if TYPE_CHECKING:
    from functions.ports.clock import Clock

Change: TypeAlias = tuple[events.Transition, Mapping[str, Value]]
"""A transition and the columns that go with it."""


async def publish_version(
    records: Records,
    clock: "Clock",
    caller: access.Caller,
    version_id: str,
    retention: Retention = DESIGNED,
) -> Version:
    """`draft` becomes `published` and the app's current version; the version before it becomes old
    and falls due. Publishing the current version again changes nothing.

    Raises: ProblemError 404/403, 409 `illegal-transition`, 409 `busy` where other publications kept
    winning.
    """
    access.require_developer(caller)
    for _ in range(ATTEMPTS):
        version = await get_version(records, caller, version_id)
        app = await apps.own_app(records, caller, version.app_id)
        if version.status == "published":
            if app.current_version_id == version.id:
                return version
            # A late repetition of its publication must not turn the app back.
            hint = " It is old: to make it current again, roll back to it."
            raise transitions.illegal("published", version, hint)
        now = clock.now_ms()
        published = transitions.step("published", version, caller.actor, now)
        columns: Mapping[str, Value] = {
            "status": "published",
            "published_at": now,
            "due_at": None,
            "updated_at": now,
        }
        changes = [
            (published, columns),
            *await _succession(records, app, version, caller.actor, now, retention),
        ]
        try:
            await records.batch(events.batch_of(changes))
        except ConflictError:
            continue
        return await get_version(records, caller, version_id)
    raise busy()


async def roll_back(
    records: Records,
    clock: "Clock",
    caller: access.Caller,
    version_id: str,
    retention: Retention = DESIGNED,
) -> Version:
    """Makes an old published version current; for its developer and for operators. What was current
    becomes old and falls due. Repeating it changes nothing.

    Raises: ProblemError 404, 409 `illegal-transition`, 409 `busy`.
    """
    for _ in range(ATTEMPTS):
        version = await get_version(records, caller, version_id)
        app = await apps.find_app(records, version.app_id)
        if app is None:
            raise not_found("version")
        now = clock.now_ms()
        chosen = transitions.step("made-current", version, caller.actor, now)
        if app.current_version_id == version.id:
            return version
        changes = [
            (chosen, {"due_at": None, "updated_at": now}),
            *await _succession(records, app, version, caller.actor, now, retention),
        ]
        try:
            await records.batch(events.batch_of(changes))
        except ConflictError:
            continue
        return await get_version(records, caller, version_id)
    raise busy()


async def _succession(
    records: Records,
    app: apps.App,
    version: Version,
    actor: str,
    now: int,
    retention: Retention,
) -> list[Change]:
    """The app names `version`; what it named before becomes old."""
    changes: list[Change] = [apps.naming(app, version.id, actor, now)]
    current = app.current_version_id
    before = None if current is None else await find_version(records, current)
    if before is not None and before.status == "published":
        superseded = transitions.step("superseded", before, actor, now)
        due_at = now + retention.superseded_ms
        changes.append((superseded, {"due_at": due_at, "updated_at": now}))
    return changes
