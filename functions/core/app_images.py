"""An app's icon and screenshots, as its developer changes them and everybody sees them.

What is refused leaves nothing behind: pictures are checked and made before anything is written.
Every change can be repeated: it then changes nothing more, and finishes what broke off.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from functions.core import access, apps, cache_tags, fields, purges
from functions.core import app_image_records as rows
from functions.core.app_image_objects import (
    ImageDeps,
    Made,
    delete_objects,
    digest,
    discard,
    make_icon,
    make_screenshot,
    show_icon,
    stage,
)
from functions.core.app_image_records import AppImage, AppImages
from functions.core.images.picture import PictureError, PictureProblem
from functions.core.images.requirements import MAX_SCREENSHOTS
from functions.core.platform import ATTEMPTS
from functions.core.problems import Problem, ProblemError, busy, conflict, not_found
from functions.ports.images import UnreadableImageError
from functions.ports.records import ConflictError, Records, Statement

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence


async def list_images(records: Records, caller: access.Caller | None, app_id: str) -> AppImages:
    """Of a public app for everybody, of a private one for its developer and operators.

    Raises: ProblemError 404.
    """
    await apps.shown_app(records, caller, app_id)
    return await rows.find_images(records, app_id)


async def set_icon(deps: ImageDeps, caller: access.Caller, app_id: str, data: bytes) -> AppImage:
    """The picture becomes the app's icon, in the place of the one before.

    Raises: ProblemError 404/403, 413/422 (see `refusal_of`), 409 `busy`; ImageProcessorError,
    ObjectStoreError.
    """
    await apps.own_app(deps.records, caller, app_id)
    icon = (await rows.find_images(deps.records, app_id)).icon
    if icon is None or icon.sha256 != digest(data):
        made = await _accepted(make_icon(deps, app_id, data))
        icon = await _bring_in_icon(deps, caller, app_id, made)
    await _show(deps, app_id)
    return icon


async def remove_icon(deps: ImageDeps, caller: access.Caller, app_id: str) -> None:
    """Raises: ProblemError 404/403, 409 `busy`; ObjectStoreError."""
    for _ in range(ATTEMPTS):
        app = await apps.own_app(deps.records, caller, app_id)
        icon = (await rows.find_images(deps.records, app_id)).icon
        if icon is not None:
            now = deps.clock.now_ms()
            removed = [rows.entering(icon, "removed", now)]
            states = (icon.id, rows.NOTHING)
            try:
                await deps.records.batch(
                    rows.change(app, caller.actor, "icon-removed", states, now, removed)
                )
            except ConflictError:
                continue
        await _show(deps, app_id)
        return
    raise busy()


async def add_screenshot(
    deps: ImageDeps, caller: access.Caller, app_id: str, data: bytes
) -> tuple[AppImage, bool]:
    """The picture becomes the last of the list, and whether it is new: one that is in the list
    already stays where it is.

    Raises: ProblemError 404/403, 413/422 (see `refusal_of`), 409 `too-many-screenshots`, 409
    `busy`; ImageProcessorError, ObjectStoreError.
    """
    await apps.own_app(deps.records, caller, app_id)
    listed = (await rows.find_images(deps.records, app_id)).screenshots
    sha256 = digest(data)
    for screenshot in listed:
        if screenshot.sha256 == sha256:
            return screenshot, False
    made = await _accepted(make_screenshot(deps, app_id, data))
    _check_count(listed)
    return await _bring_in_screenshot(deps, caller, app_id, made), True


async def remove_screenshot(
    deps: ImageDeps, caller: access.Caller, app_id: str, number: int
) -> None:
    """Its number is never given out again.

    Raises: ProblemError 404/403, 409 `busy`; ObjectStoreError.
    """
    for _ in range(ATTEMPTS):
        app = await apps.own_app(deps.records, caller, app_id)
        screenshot = await rows.find_number(deps.records, app_id, number)
        if screenshot is None or screenshot.state == "staged":
            raise not_found("screenshot")
        if screenshot.state == "live":
            now = deps.clock.now_ms()
            before = (await rows.find_images(deps.records, app_id)).numbers
            after = [one for one in before if one != number]
            states = (rows.listed(before), rows.listed(after))
            removed = [rows.entering(screenshot, "removed", now)]
            try:
                await deps.records.batch(
                    rows.change(app, caller.actor, "screenshot-removed", states, now, removed)
                )
            except ConflictError:
                continue
        if screenshot.state != "gone":
            await _clear_screenshot(deps, replace(screenshot, state="removed"))
        return
    raise busy()


async def order_screenshots(
    deps: ImageDeps, caller: access.Caller, app_id: str, numbers: "Sequence[int]"
) -> AppImages:
    """The list in the order of `numbers`, which are those of the list. No object changes.

    Raises: ProblemError 404/403, 422, 409 `screenshots-changed` (with the list's `numbers`) where
    they are not, 409 `busy`.
    """
    for _ in range(ATTEMPTS):
        app = await apps.own_app(deps.records, caller, app_id)
        _check_numbers(numbers)
        images = await rows.find_images(deps.records, app_id)
        if sorted(images.numbers) != sorted(numbers):
            raise conflict(
                "screenshots-changed",
                "The numbers are not exactly those of the app's screenshots. Read the list again.",
                numbers=images.numbers,
            )
        if images.numbers == list(numbers):
            return images
        now = deps.clock.now_ms()
        places = [
            Statement(
                "UPDATE app_image SET position = ? WHERE app_id = ? AND number = ?",
                (position, app_id, number),
            )
            for position, number in enumerate(numbers, 1)
        ]
        states = (rows.listed(images.numbers), rows.listed(numbers))
        try:
            await deps.records.batch(
                rows.change(app, caller.actor, "screenshots-ordered", states, now, places)
            )
        except ConflictError:
            continue
        return await rows.find_images(deps.records, app_id)
    raise busy()


def refusal_of(problems: "Sequence[PictureProblem]") -> ProblemError:
    """422 with the first problem's slug (`image-format`, `image-dimensions`, `image-shape`,
    `image-damaged` ...) and all of them in `problems`; 413 for `image-too-large`."""
    first = problems[0].slug
    return ProblemError(
        Problem(
            first,
            "Image refused",
            413 if first == "image-too-large" else 422,
            " ".join(problem.detail for problem in problems),
            {"problems": [{"slug": one.slug, "detail": one.detail} for one in problems]},
        )
    )


async def _accepted(making: "Awaitable[Made]") -> Made:
    try:
        return await making
    except PictureError as error:
        raise refusal_of(error.problems) from error
    except UnreadableImageError as error:
        detail = "The picture cannot be decoded: it is damaged. Save it anew and send it again."
        raise refusal_of([PictureProblem("image-damaged", detail)]) from error


async def _bring_in_icon(
    deps: ImageDeps, caller: access.Caller, app_id: str, made: Made
) -> AppImage:
    icon = await stage(deps, made)
    for _ in range(ATTEMPTS):
        app = await apps.own_app(deps.records, caller, app_id)
        before = (await rows.find_images(deps.records, app_id)).icon
        now = deps.clock.now_ms()
        changes = [rows.entering(icon, "live", now)]
        if before is not None:
            changes.insert(0, rows.entering(before, "removed", now))
        states = (rows.NOTHING if before is None else before.id, icon.id)
        try:
            await deps.records.batch(
                rows.change(app, caller.actor, "icon-set", states, now, changes, [icon.id])
            )
        except ConflictError:
            continue
        return await rows.find_image(deps.records, icon.id)
    await discard(deps, icon)
    raise busy()


async def _bring_in_screenshot(
    deps: ImageDeps, caller: access.Caller, app_id: str, made: Made
) -> AppImage:
    screenshot = await stage(deps, made)
    for _ in range(ATTEMPTS):
        app = await apps.own_app(deps.records, caller, app_id)
        images = await rows.find_images(deps.records, app_id)
        try:
            _check_count(images.screenshots)
        except ProblemError:
            # Others came in between.
            await discard(deps, screenshot)
            raise
        now = deps.clock.now_ms()
        position = 1 + max((one.position or 0 for one in images.screenshots), default=0)
        after = [*images.numbers, screenshot.number or 0]
        states = (rows.listed(images.numbers), rows.listed(after))
        changes = [rows.entering(screenshot, "live", now, position)]
        try:
            await deps.records.batch(
                rows.change(
                    app, caller.actor, "screenshot-added", states, now, changes, [screenshot.id]
                )
            )
        except ConflictError:
            continue
        return await rows.find_image(deps.records, screenshot.id)
    await discard(deps, screenshot)
    raise busy()


async def _show(deps: ImageDeps, app_id: str) -> None:
    """Purged behind the change of the objects, so that no cache keeps what was there before."""
    await show_icon(deps.records, deps.assets, app_id)
    asked = purges.purge_statements([cache_tags.images(app_id)], deps.clock.now_ms())
    await deps.records.batch(asked)
    await purges.announce(deps.queue)


async def _clear_screenshot(deps: ImageDeps, screenshot: AppImage) -> None:
    await delete_objects(deps.assets, screenshot)
    now = deps.clock.now_ms()
    asked = purges.purge_statements([cache_tags.images(screenshot.app_id)], now)
    await deps.records.batch([rows.entering(screenshot, "gone", now), *asked])
    await purges.announce(deps.queue)


def _check_count(screenshots: "Sequence[AppImage]") -> None:
    if len(screenshots) >= MAX_SCREENSHOTS:
        raise conflict(
            "too-many-screenshots",
            f"The app has {MAX_SCREENSHOTS} screenshots, which is the most. Remove one first.",
        )


def _check_numbers(numbers: "Sequence[int]") -> None:
    found = fields.Collector()
    if len(set(numbers)) != len(numbers):
        found.add("/numbers", "must not name a screenshot twice")
    found.check()
