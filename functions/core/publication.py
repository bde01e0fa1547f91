"""Publishing a draft: the version, its app and the version before it change in one batch."""

from typing import TYPE_CHECKING

from functions.core import access, apps, events
from functions.core.platform import ATTEMPTS, SUPERSEDED_KEPT_MS
from functions.core.problems import ProblemError, busy, conflict
from functions.core.version_records import Version, find_version, get_version
from functions.ports.records import ConflictError, Records, Statement

if TYPE_CHECKING:
    from functions.ports.clock import Clock


async def publish_version(
    records: Records, clock: "Clock", caller: access.Caller, version_id: str
) -> Version:
    """`draft` becomes `published` and the app's current version; the version before it becomes old
    and falls due. Publishing the current version again changes nothing.

    Raises: ProblemError 404/403, 409 `not-publishable`, 409 `busy` where other publications kept
    winning.
    """
    access.require_developer(caller)
    for _ in range(ATTEMPTS):
        version = await get_version(records, caller, version_id)
        app = await apps.own_app(records, caller, version.app_id)
        if version.status == "published" and app.current_version_id == version.id:
            return version
        if version.status != "draft":
            raise _not_publishable(version)
        before = (
            await find_version(records, app.current_version_id) if app.current_version_id else None
        )
        try:
            await records.batch(_publication(version, app, before, caller.actor, clock.now_ms()))
        except ConflictError:
            continue
        return await get_version(records, caller, version_id)
    raise busy()


def _publication(
    version: Version, app: apps.App, before: Version | None, actor: str, now: int
) -> list[Statement]:
    published = events.Transition(
        "version", version.id, version.revision, actor, "published", "draft", "published", now,
        events.Guard("status = 'draft' AND deleted_at IS NULL"),
    )  # fmt: skip
    current = events.Transition(
        "app", app.id, app.revision, actor, "current-version", app.current_version_id, version.id,
        now,
    )  # fmt: skip
    statements = [
        published.event(),
        current.event(),
        published.update(
            {"status": "published", "published_at": now, "due_at": None, "updated_at": now}
        ),
        current.update({"current_version_id": version.id}),
    ]
    if before is not None and before.status == "published":
        superseded = events.Transition(
            "version", before.id, before.revision, actor, "superseded", "published", "published",
            now,
        )  # fmt: skip
        due = {"due_at": now + SUPERSEDED_KEPT_MS, "updated_at": now}
        statements += [superseded.event(), superseded.update(due)]
    return statements


def _not_publishable(version: Version) -> ProblemError:
    if version.status == "published":
        detail = (
            "The version was published and another one has taken its place. Publish a new version."
        )
    else:
        detail = f"Only a draft can be published; the version is {version.status}."
    return conflict("not-publishable", detail, version_status=version.status)
