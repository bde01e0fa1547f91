"""Taking versions back: rejecting drafts, pulling what was published, and restoring it.

A pull changes the row; from then on no URL is given out for it. The edge refuses the URLs that were
given out before as soon as it has read the list of denials again, and the purge clears the caches
behind that. ADR 12 says why what becomes current does.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from functions.core import access, apps, cache_tags, events, fields, purges, transitions
from functions.core.denials import REFRESH_MS
from functions.core.platform import ATTEMPTS, DESIGNED, Retention
from functions.core.problems import busy, forbidden, not_found
from functions.core.publication import Change
from functions.core.version_lists import find_older_published
from functions.core.version_records import Version, get_version
from functions.ports.records import ConflictError, Records, Value

if TYPE_CHECKING:
    from functions.ports.clock import Clock
    from functions.ports.queue import Queue

PURGE_AFTER_MS = REFRESH_MS + 5_000
"""By then every isolate of the edge refuses the version's URLs, so that none fills a cache again
behind the purge."""

_NOT_WITHDRAWN: Mapping[str, Value] = {
    "withdrawn_because": None,
    "pulled_by": None,
    "pulled_at": None,
}


async def reject_version(
    records: Records,
    clock: "Clock",
    caller: access.Caller,
    version_id: str,
    reason: str,
    retention: Retention = DESIGNED,
) -> Version:
    """`draft` becomes `rejected`, by an operator. Its version_code stays burned. A rejected version
    stays as it is, with its first reason.

    Raises: ProblemError 404/403, 422, 409 `illegal-transition`, 409 `busy`.
    """
    access.require_operator(caller)
    _check_reason(reason)
    for _ in range(ATTEMPTS):
        version = await get_version(records, caller, version_id)
        if version.status == "rejected":
            return version
        now = clock.now_ms()
        rejected = transitions.step("rejected", version, caller.actor, now, detail=reason)
        columns: Mapping[str, Value] = {
            "status": "rejected",
            "withdrawn_because": reason,
            "due_at": now + retention.rejected_ms,
            "updated_at": now,
        }
        try:
            await records.batch(events.batch_of([(rejected, columns)]))
        except ConflictError:
            continue
        return await get_version(records, caller, version_id)
    raise busy()


async def pull_version(
    records: Records,
    queue: "Queue",
    clock: "Clock",
    caller: access.Caller,
    version_id: str,
    reason: str,
    retention: Retention = DESIGNED,
) -> Version:
    """`published` becomes `pulled`, by its developer or an operator. Where it was current, the
    published version with the next lower version_code becomes current, or none. A pulled version
    stays as it is, but for an operator who pulls what its developer had pulled: then it is the
    operator's.

    Raises: ProblemError 404, 422, 409 `illegal-transition`, 409 `busy`.
    """
    _check_reason(reason)
    for _ in range(ATTEMPTS):
        version = await get_version(records, caller, version_id)
        if version.status == "pulled" and not _takes_over(caller, version):
            return version
        now = clock.now_ms()
        changes = await _pulling(records, now, caller, version, reason, retention)
        asked = purges.purge_statements([purge_tag(version)], now, after_ms=PURGE_AFTER_MS)
        try:
            await records.batch([*events.batch_of(changes), *asked])
        except ConflictError:
            continue
        await purges.announce(queue, after_ms=PURGE_AFTER_MS)
        return await get_version(records, caller, version_id)
    raise busy()


async def restore_version(
    records: Records,
    clock: "Clock",
    caller: access.Caller,
    version_id: str,
    retention: Retention = DESIGNED,
) -> Version:
    """`pulled` becomes `published` again: current where its app has no current version, else old.
    What an operator pulled, only an operator restores. A published version stays as it is.

    Raises: ProblemError 404, 403, 409 `illegal-transition`, 409 `busy`.
    """
    for _ in range(ATTEMPTS):
        version = await get_version(records, caller, version_id)
        if version.status == "published":
            return version
        now = clock.now_ms()
        restored = transitions.step("restored", version, caller.actor, now)
        if version.pulled_by == "operator" and caller.role != "operator":
            raise forbidden("An operator pulled this version; only an operator can restore it.")
        app = await apps.find_app(records, version.app_id)
        if app is None:
            raise not_found("version")
        becomes_current = app.current_version_id is None
        columns: Mapping[str, Value] = {
            "status": "published",
            "due_at": None if becomes_current else now + retention.superseded_ms,
            "updated_at": now,
            **_NOT_WITHDRAWN,
        }
        changes: list[Change] = [(restored, columns)]
        if becomes_current:
            changes.append(apps.naming(app, version.id, caller.actor, now))
        try:
            await records.batch(events.batch_of(changes))
        except ConflictError:
            continue
        return await get_version(records, caller, version_id)
    raise busy()


def purge_tag(version: Version) -> str:
    """What a pull purges: all that is cached of the version."""
    return cache_tags.version(version.app_id, version.version_code)


def _takes_over(caller: access.Caller, version: Version) -> bool:
    return caller.role == "operator" and version.pulled_by == "developer"


async def _pulling(
    records: Records,
    now: int,
    caller: access.Caller,
    version: Version,
    reason: str,
    retention: Retention,
) -> list[Change]:
    by = "operator" if caller.role == "operator" else "developer"
    columns: dict[str, Value] = {"withdrawn_because": reason, "pulled_by": by, "updated_at": now}
    if version.status == "pulled":
        taken = transitions.step("taken-over", version, caller.actor, now, detail=reason)
        return [(taken, columns)]
    pulled = transitions.step("pulled", version, caller.actor, now, detail=reason)
    columns |= {"status": "pulled", "pulled_at": now, "due_at": now + retention.superseded_ms}
    app = await apps.find_app(records, version.app_id)
    if app is None:
        raise not_found("version")
    if app.current_version_id != version.id:
        return [(pulled, columns)]
    heir = await find_older_published(records, app.id, version.version_code)
    changes: list[Change] = [
        (pulled, columns),
        apps.naming(app, None if heir is None else heir.id, caller.actor, now),
    ]
    if heir is not None:
        chosen = transitions.step("made-current", heir, caller.actor, now)
        changes.append((chosen, {"due_at": None, "updated_at": now}))
    return changes


def _check_reason(reason: str) -> None:
    found = fields.Collector()
    found.reason(reason)
    found.check()
