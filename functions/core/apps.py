"""Apps: what developers publish versions of."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from functions.core import access, events, fields
from functions.core.platform import ATTEMPTS
from functions.core.problems import busy, conflict, not_found
from functions.ports.records import ConflictError, Records, Row, Statement, Value

if TYPE_CHECKING:
    from functions.ports.clock import Clock

Visibility: TypeAlias = Literal["public", "private"]
VISIBILITIES: tuple[Visibility, ...] = ("public", "private")


NO_VERSION = "none"
"""What an app's events say where its last published version was pulled."""


@dataclass(frozen=True, slots=True)
class App:
    id: str
    developer_id: str
    name: str
    visibility: Visibility
    """Versions of a private app are downloaded by their developer and operators only."""
    current_version_id: str | None
    created_at: int
    revision: int
    requires_signature: bool
    """Whether each new version must carry its developer's signature."""


async def create_app(
    records: Records,
    clock: "Clock",
    caller: access.Caller,
    app_id: str,
    name: str,
    visibility: str = "public",
) -> App:
    """Takes the globally unique id `app_id` for the calling developer, for ever.

    Raises: ProblemError 404/403 (role), 422, 409 `app-exists`.
    """
    developer_id = access.require_developer(caller)
    found = fields.Collector()
    found.app_id(app_id)
    found.name(name)
    found.one_of(visibility, VISIBILITIES, "/visibility")
    found.check()
    app = App(
        id=app_id,
        developer_id=developer_id,
        name=name,
        visibility=cast("Visibility", visibility),
        current_version_id=None,
        created_at=clock.now_ms(),
        revision=1,
        requires_signature=False,
    )
    try:
        await records.batch(
            [
                Statement(
                    "INSERT INTO app (id, developer_id, name, visibility, created_at, revision)"
                    " VALUES (?, ?, ?, ?, ?, 1)",
                    (app.id, developer_id, name, visibility, app.created_at),
                ),
                events.created(app.id, "app", caller.actor, "active", app.created_at),
            ]
        )
    except ConflictError as error:
        raise conflict(
            "app-exists", f"The app id '{app_id}' is taken; app ids are unique over all developers."
        ) from error
    return app


async def find_app(records: Records, app_id: str) -> App | None:
    rows = await records.fetch(
        Statement("SELECT * FROM app WHERE id = ? AND deleted_at IS NULL", (app_id,))
    )
    return app_of(rows[0]) if rows else None


async def own_app(records: Records, caller: access.Caller, app_id: str) -> App:
    """The calling developer's own app.

    Raises: ProblemError 403 for operators; 404 for tenants, for an unknown app and for another
    developer's.
    """
    developer_id = access.require_developer(caller)
    app = await find_app(records, app_id)
    if app is None or app.developer_id != developer_id:
        raise not_found("app")
    return app


async def visible_app(records: Records, caller: access.Caller, app_id: str) -> App:
    """For its developer and for operators.

    Raises: ProblemError 404 for everybody else.
    """
    app = await find_app(records, app_id) if caller.role != "tenant" else None
    if app is None or (caller.role != "operator" and caller.subject_id != app.developer_id):
        raise not_found("app")
    return app


async def shown_app(records: Records, caller: access.Caller | None, app_id: str) -> App:
    """A public app for everybody but tenants, without a caller too; a private one as `visible_app`.

    Raises: ProblemError 404.
    """
    app = await find_app(records, app_id)
    if app is None or not _is_shown(app, caller):
        raise not_found("app")
    return app


def _is_shown(app: App, caller: access.Caller | None) -> bool:
    if caller is not None and caller.role == "tenant":
        return False
    if app.visibility == "public":
        return True
    if caller is None:
        return False
    return caller.role == "operator" or caller.subject_id == app.developer_id


async def require_signature(
    records: Records, clock: "Clock", caller: access.Caller, app_id: str, *, is_required: bool
) -> App:
    """Whether versions of the calling developer's app must be signed by it from now on; versions
    that were validated stay as they are. Saying what holds already changes nothing.

    Raises: ProblemError 403/404, 409 `busy`.
    """
    for _ in range(ATTEMPTS):
        app = await own_app(records, caller, app_id)
        if app.requires_signature == is_required:
            return app
        reason = "signature-required" if is_required else "signature-optional"
        change = events.Transition(
            "app", app.id, app.revision, caller.actor, reason, "active", "active", clock.now_ms()
        )
        columns: dict[str, Value] = {"require_signature": int(is_required)}
        try:
            await records.batch(events.batch_of([(change, columns)]))
        except ConflictError:
            continue
        return replace(app, requires_signature=is_required, revision=app.revision + 1)
    raise busy()


def naming(
    app: App, version_id: str | None, actor: str, now: int
) -> tuple[events.Transition, dict[str, Value]]:
    """The app's current version becomes this one, or none; with the columns that go with it."""
    before = app.current_version_id
    change = events.Transition(
        "app", app.id, app.revision, actor, "current-version", before, version_id or NO_VERSION, now
    )
    # The jobs then take the images that the package names (`package_images`).
    return change, {"current_version_id": version_id, "images_due_at": now}


def app_of(row: Row) -> App:
    return App(
        id=cast("str", row["id"]),
        developer_id=cast("str", row["developer_id"]),
        name=cast("str", row["name"]),
        visibility=cast("Visibility", row["visibility"]),
        current_version_id=cast("str | None", row["current_version_id"]),
        created_at=cast("int", row["created_at"]),
        revision=cast("int", row["revision"]),
        requires_signature=bool(row["require_signature"]),
    )
