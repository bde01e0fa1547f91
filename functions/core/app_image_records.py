"""Icons and screenshots as rows: the value types, how they are read and written, and when the jobs
look at them again.

The rules:
1. A change of what is seen is a transition of its app's row, so that two racing changes of one
   app's images are two events of its history, one behind the other, or one of them is refused.
2. Objects follow rows. A row is `staged` before its objects are written, `live` when they are
   there, `removed` before they are deleted and `gone` when they are.
3. Whatever is left to do has a due time in its app's row, written in the same batch as what makes
   it due; only the jobs clear it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from functions.core import events
from functions.ports.records import Records, Row, Statement, Value

if TYPE_CHECKING:
    from functions.core.apps import App

Kind: TypeAlias = Literal["icon", "screenshot"]
State: TypeAlias = Literal["staged", "live", "removed", "gone"]

FOLLOWED_UP_MS = 60_000
"""When the jobs do what should have been done at once."""
SETTLED_MS = 15 * 60_000
"""No request lives that long. Then nothing writes objects of a staged row any more, and nothing
that was overtaken writes a removed icon over the live one."""
NOTHING = "none"
"""How events call no icon and no screenshots."""


@dataclass(frozen=True, slots=True)
class AppImage:
    id: str
    app_id: str
    kind: Kind
    number: int | None
    """Of a screenshot: the n of its key."""
    position: int | None
    state: State
    version_id: str | None
    """From whose package it was taken; None: it was sent by itself."""
    sha256: str
    """Of the bytes that were sent."""
    width: int
    height: int
    """Of the largest object, in pixels."""
    created_at: int
    changed_at: int


@dataclass(frozen=True, slots=True)
class AppImages:
    """The rows of one app that are not `gone`."""

    rows: tuple[AppImage, ...]

    @property
    def icon(self) -> AppImage | None:
        return next((row for row in self.rows if row.kind == "icon" and row.state == "live"), None)

    @property
    def screenshots(self) -> tuple[AppImage, ...]:
        """In the order of the list."""
        live = [row for row in self.rows if row.kind == "screenshot" and row.state == "live"]
        return tuple(sorted(live, key=lambda row: cast("int", row.position)))

    @property
    def numbers(self) -> list[int]:
        return [cast("int", row.number) for row in self.screenshots]


async def find_images(records: Records, app_id: str) -> AppImages:
    rows = await records.fetch(
        Statement(
            "SELECT * FROM app_image WHERE app_id = ? AND state <> 'gone' ORDER BY id", (app_id,)
        )
    )
    return AppImages(tuple(image_of(row) for row in rows))


async def find_images_of(records: Records, app_ids: Collection[str]) -> Sequence[AppImage]:
    """The rows of several apps that are not `gone`."""
    if not app_ids:
        return []
    marks = ", ".join("?" for _ in app_ids)
    found = await records.fetch(
        Statement(
            f"SELECT * FROM app_image WHERE app_id IN ({marks}) AND state <> 'gone'",  # noqa: S608
            tuple(sorted(app_ids)),
        )
    )
    return [image_of(row) for row in found]


async def apps_with_images(records: Records, *, after: str | None, limit: int) -> Sequence[str]:
    """The ids of the apps that have rows which are not `gone`, in order, from behind `after`."""
    found = await records.fetch(
        Statement(
            "SELECT DISTINCT app_id FROM app_image WHERE app_id > ? AND state <> 'gone'"
            " ORDER BY app_id LIMIT ?",
            (after or "", limit),
        )
    )
    return [cast("str", row["app_id"]) for row in found]


async def find_number(records: Records, app_id: str, number: int) -> AppImage | None:
    """The screenshot that has or had the number."""
    rows = await records.fetch(
        Statement("SELECT * FROM app_image WHERE app_id = ? AND number = ?", (app_id, number))
    )
    return image_of(rows[0]) if rows else None


async def find_image(records: Records, image_id: str) -> AppImage:
    """Of an id that was inserted before."""
    rows = await records.fetch(Statement("SELECT * FROM app_image WHERE id = ?", (image_id,)))
    return image_of(rows[0])


def staging(image: AppImage) -> list[Statement]:
    """Inserts the row; a screenshot gets the app's next number whatever its own says."""
    number = "NULL"
    parameters: tuple[Value, ...] = (image.id, image.app_id, image.kind)
    if image.kind == "screenshot":
        number = "(SELECT COALESCE(MAX(number), 0) + 1 FROM app_image WHERE app_id = ?)"
        parameters += (image.app_id,)
    due_at = image.created_at + SETTLED_MS
    return [
        Statement(
            "INSERT INTO app_image (id, app_id, kind, number, state, version_id, sha256, width,"  # noqa: S608
            f" height, created_at, changed_at) VALUES (?, ?, ?, {number}, 'staged', ?, ?, ?, ?, ?,"
            " ?)",
            (
                *parameters,
                image.version_id,
                image.sha256,
                image.width,
                image.height,
                image.created_at,
                image.changed_at,
            ),
        ),
        Statement(
            "UPDATE app SET images_due_at = ?"
            " WHERE id = ? AND (images_due_at IS NULL OR images_due_at > ?)",
            (due_at, image.app_id, due_at),
        ),
    ]


def entering(image: AppImage, state: State, now: int, position: int | None = None) -> Statement:
    """Changes nothing where the row has left the state in which it was read."""
    return Statement(
        "UPDATE app_image SET state = ?, position = ?, changed_at = ? WHERE id = ? AND state = ?",
        (state, position, now, image.id, image.state),
    )


def change(
    app: "App",
    actor: str,
    reason: str,
    states: tuple[str, str],
    now: int,
    rows: Sequence[Statement],
    entering_ids: Sequence[str] = (),
    columns: dict[str, Value] | None = None,
    detail: str | None = None,
) -> list[Statement]:
    """A batch that changes what is seen of the app's images: one event, from the first of `states`
    to the second. It is refused with a `ConflictError` where the app was changed since it was read,
    or one of `entering_ids` is not `staged` any more."""
    staged = (
        "EXISTS (SELECT 1 FROM app_image WHERE app_image.id = ? AND app_image.state = 'staged')"
    )
    guard = events.Guard(" AND ".join([staged] * len(entering_ids)), tuple(entering_ids))
    transition = events.Transition(
        "app",
        app.id,
        app.revision,
        actor,
        reason,
        *states,
        now,
        guard if entering_ids else None,
        detail,
    )
    return [
        transition.event(),
        transition.update({"images_due_at": now + FOLLOWED_UP_MS, **(columns or {})}),
        *rows,
    ]


def following_up(app: "App", now: int) -> Statement:
    """Sets the app's next due time from its rows, once everything that is due now is done. Changes
    nothing where there is more to do: the app was changed since it was read, or its current
    version's package was not looked through."""
    return Statement(
        "UPDATE app SET images_due_at = (SELECT MIN(changed_at) + ? FROM app_image"
        " WHERE app_image.app_id = app.id AND (state IN ('staged', 'removed')"
        " OR (state = 'live' AND changed_at > ?))) WHERE id = ? AND revision = ?"
        " AND (current_version_id IS NULL OR current_version_id = images_version_id)",
        (SETTLED_MS, now - SETTLED_MS, app.id, app.revision),
    )


def image_of(row: Row) -> AppImage:
    return AppImage(
        id=cast("str", row["id"]),
        app_id=cast("str", row["app_id"]),
        kind=cast("Kind", row["kind"]),
        number=cast("int | None", row["number"]),
        position=cast("int | None", row["position"]),
        state=cast("State", row["state"]),
        version_id=cast("str | None", row["version_id"]),
        sha256=cast("str", row["sha256"]),
        width=cast("int", row["width"]),
        height=cast("int", row["height"]),
        created_at=cast("int", row["created_at"]),
        changed_at=cast("int", row["changed_at"]),
    )


def listed(numbers: Sequence[int]) -> str:
    """How events call a list of screenshots."""
    return ",".join(str(number) for number in numbers) or NOTHING
