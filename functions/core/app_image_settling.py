"""What the jobs do with an app's images when its due time has come: finish what a request left
undone, and clear away what nobody sees any more."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from functions.core import app_image_records as rows
from functions.core import cache_tags, purges
from functions.core.app_image_objects import delete_objects, show_icon
from functions.core.app_image_records import AppImage
from functions.core.apps import app_of
from functions.core.byte_source import SourceChangedError
from functions.core.package_images import take_images
from functions.core.problems import ProblemError
from functions.ports.images import ImageProcessorError
from functions.ports.object_store import ObjectStoreError
from functions.ports.records import Statement

if TYPE_CHECKING:
    from functions.core.app_image_objects import ImageDeps
    from functions.ports.object_store import ObjectReader
    from functions.ports.records import Records


TRIED_AGAIN_MS = 5 * 60_000
"""When the schedule comes back to an app that it could not settle."""


_RETRIED = (ObjectStoreError, ImageProcessorError, SourceChangedError, ProblemError)


@dataclass(frozen=True, slots=True)
class Report:
    settled: int
    errors: tuple[str, ...] = ()
    """What failed and is tried again; one line each, for the log."""


async def settle_due(deps: "ImageDeps", packages: "ObjectReader", *, limit: int = 20) -> Report:
    """At most `limit` apps; what is left over waits for the next run. An app that fails, or ends
    the whole run, holds up no other: its next try is set before the first.

    Raises: RecordsError.
    """
    settled, errors = 0, list[str]()
    for app_id in await due_apps(deps.records, deps.clock.now_ms(), limit):
        now = deps.clock.now_ms()
        claim = Statement(
            "UPDATE app SET images_due_at = ? WHERE id = ? AND images_due_at <= ?",
            (now + TRIED_AGAIN_MS, app_id, now),
        )
        if list(await deps.records.batch([claim])) != [1]:
            continue
        try:
            await settle(deps, packages, app_id)
        except _RETRIED as error:
            errors.append(f"app {app_id}: {error}")
            continue
        settled += 1
    return Report(settled, tuple(errors))


async def due_apps(records: "Records", now: int, limit: int) -> Sequence[str]:
    """Ids, the longest due first."""
    found = await records.fetch(
        Statement(
            "SELECT id FROM app WHERE images_due_at IS NOT NULL AND images_due_at <= ?"
            " ORDER BY images_due_at LIMIT ?",
            (now, limit),
        )
    )
    return [cast("str", row["id"]) for row in found]


async def settle(deps: "ImageDeps", packages: "ObjectReader", app_id: str) -> None:
    """Takes over what the current version's package brings, brings the objects in line with the
    rows, has the caches purged, and sets when the app is due again, if it is. Can be broken off,
    repeated and run twice at once.

    Raises: RecordsError and those of `_RETRIED`; the app then stays due.
    """
    await take_images(deps, packages, app_id)
    found = await deps.records.fetch(Statement("SELECT * FROM app WHERE id = ?", (app_id,)))
    if not found:
        return
    app, now = app_of(found[0]), deps.clock.now_ms()
    await deps.records.batch([_expiring(app_id, now)])
    await show_icon(deps.records, deps.assets, app_id)
    images = await rows.find_images(deps.records, app_id)
    cleared = [image for image in images.rows if _is_over(image, now)]
    for image in cleared:
        await delete_objects(deps.assets, image)
    await deps.records.batch(
        [
            *(rows.entering(image, "gone", now) for image in cleared),
            *purges.purge_statements([cache_tags.images(app_id)], now),
            rows.following_up(app, now),
        ]
    )
    await purges.announce(deps.queue)


def _expiring(app_id: str, now: int) -> Statement:
    """From here on no request makes these rows live. They keep the time at which they were staged,
    so their objects go at once."""
    return Statement(
        "UPDATE app_image SET state = 'removed' WHERE app_id = ? AND state = 'staged'"
        " AND changed_at <= ?",
        (app_id, now - rows.SETTLED_MS),
    )


def _is_over(image: AppImage, now: int) -> bool:
    """An icon's objects are kept for those that were overtaken while they copied them."""
    if image.state != "removed":
        return False
    return image.kind == "screenshot" or image.changed_at + rows.SETTLED_MS <= now
