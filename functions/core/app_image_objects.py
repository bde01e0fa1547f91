"""The objects of icons and screenshots: made from what was sent, written before they are seen,
deleted after.

A screenshot's key is used once, so its object is written once. An icon's keys are the same for
every icon of its app, so an icon is first written under keys of its own and copied from there: then
whoever finds another icon's bytes at the public keys can put the right ones there.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from functions.core import app_image_records as rows
from functions.core.app_image_records import AppImage
from functions.core.catalog import ICON_SIZES, Icon, IconRendition, Screenshot
from functions.core.ids import new_id
from functions.core.images.requirements import ICON, SCREENSHOT, check, screenshot_size
from functions.core.platform import ATTEMPTS
from functions.core.problems import busy
from functions.ports.object_store import StoredObject
from functions.ports.records import ConflictError

if TYPE_CHECKING:
    from functions.ports.clock import Clock
    from functions.ports.entropy import Entropy
    from functions.ports.images import ImageProcessor
    from functions.ports.object_store import ObjectStore
    from functions.ports.queue import Queue
    from functions.ports.records import Records

IMAGE_ID = "image"
"""Metadata of the objects at an icon's public keys: whose bytes they are."""


@dataclass(frozen=True, slots=True)
class ImageDeps:
    records: "Records"
    assets: "ObjectStore"
    processor: "ImageProcessor"
    queue: "Queue"
    clock: "Clock"
    entropy: "Entropy"


@dataclass(frozen=True, slots=True)
class Made:
    """A picture that was accepted, not yet written anywhere."""

    image: AppImage
    pngs: tuple[bytes, ...]
    """In the order of `objects_of`."""


def objects_of(image: AppImage) -> Sequence[IconRendition | Screenshot]:
    """What is written for the row alone."""
    if image.kind == "icon":
        return [IconRendition(image.app_id, image.id, pixels) for pixels in ICON_SIZES]
    return [Screenshot(image.app_id, cast("int", image.number))]


async def make_icon(
    deps: ImageDeps, app_id: str, data: bytes, version_id: str | None = None
) -> Made:
    """Raises: PictureError, UnreadableImageError, ImageProcessorError."""
    check(data, ICON)
    pngs = [await deps.processor.to_png(data, pixels, pixels) for pixels in ICON_SIZES]
    image = _new_image(deps, app_id, "icon", data, (max(ICON_SIZES), max(ICON_SIZES)), version_id)
    return Made(image, tuple(pngs))


async def make_screenshot(
    deps: ImageDeps, app_id: str, data: bytes, version_id: str | None = None
) -> Made:
    """Raises: PictureError, UnreadableImageError, ImageProcessorError."""
    size = screenshot_size(check(data, SCREENSHOT))
    png = await deps.processor.to_png(data, *size)
    return Made(_new_image(deps, app_id, "screenshot", data, size, version_id), (png,))


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def stage(deps: ImageDeps, made: Made) -> AppImage:
    """Writes the row, which a screenshot has its number from, and then the objects. After a failure
    the jobs clear away what was written.

    Raises: ProblemError 409 `busy`, ObjectStoreError.
    """
    image = await _inserted(deps.records, made.image)
    for kind, png in zip(objects_of(image), made.pngs, strict=True):
        await deps.assets.put(
            kind.key,
            png,
            length=len(png),
            content_type=kind.content_type,
            cache_control=kind.cache_control,
            sha256=digest(png),
        )
    return image


async def delete_objects(assets: "ObjectStore", image: AppImage) -> None:
    """Raises: ObjectStoreError."""
    for kind in objects_of(image):
        await assets.delete(kind.key)


async def discard(deps: ImageDeps, image: AppImage) -> None:
    """Takes back what `stage` wrote, where the row is still `staged`."""
    removed = rows.entering(image, "removed", deps.clock.now_ms())
    if list(await deps.records.batch([removed])) != [1]:
        return
    await delete_objects(deps.assets, image)
    gone = rows.entering(replace(image, state="removed"), "gone", deps.clock.now_ms())
    await deps.records.batch([gone])


async def show_icon(records: "Records", assets: "ObjectStore", app_id: str) -> None:
    """Brings the public keys to the live icon, or to nothing where there is none. What was written
    is compared with the row again afterwards: an icon that came meanwhile goes in its place,
    whoever wrote last.

    Raises: ObjectStoreError.
    """
    icon = (await rows.find_images(records, app_id)).icon
    for _ in range(ATTEMPTS):
        for pixels in ICON_SIZES:
            await _bring(assets, app_id, icon, pixels)
        now = (await rows.find_images(records, app_id)).icon
        if now == icon:
            return
        icon = now
    # Changed again and again: the jobs look at the app once more when it has become quiet.


async def _bring(assets: "ObjectStore", app_id: str, icon: AppImage | None, pixels: int) -> None:
    kind = Icon(app_id, pixels)
    if icon is None:
        await assets.delete(kind.key)
        return
    shown = await assets.head(kind.key)
    if shown is not None and shown.metadata.get(IMAGE_ID) == icon.id:
        return
    stored = await assets.get(IconRendition(app_id, icon.id, pixels).key)
    if not isinstance(stored, StoredObject):
        # Long removed: the row that was read is old.
        return
    await assets.put(
        kind.key,
        stored.body,
        length=stored.info.size,
        content_type=kind.content_type,
        cache_control=kind.cache_control,
        sha256=stored.info.sha256,
        metadata={IMAGE_ID: icon.id},
        create_only=False,
    )


async def claimed_assets(records: "Records", keys: Collection[str]) -> set[str]:
    """Those of the keys (at most 90, which is what one query takes) at which a row has an object,
    is about to write one or has one to delete."""
    app_ids = {parts[1] for key in keys if len(parts := key.split("/")) > 1}
    return {
        kind.key
        for image in await rows.find_images_of(records, app_ids)
        for kind in (*objects_of(image), *_shown_at(image))
    }


def shown_objects(image: AppImage, now: int) -> Sequence[IconRendition | Screenshot | Icon]:
    """Where a live image must have objects by now: those that an icon is copied to follow a little
    later."""
    is_settled = image.changed_at + rows.SETTLED_MS <= now
    return [*objects_of(image), *(_shown_at(image) if is_settled else ())]


def _shown_at(image: AppImage) -> Sequence[Icon]:
    """The public keys of a live icon."""
    if image.kind != "icon" or image.state != "live":
        return []
    return [Icon(image.app_id, pixels) for pixels in ICON_SIZES]


def _new_image(
    deps: ImageDeps,
    app_id: str,
    kind: rows.Kind,
    data: bytes,
    size: tuple[int, int],
    version_id: str | None,
) -> AppImage:
    now = deps.clock.now_ms()
    return AppImage(
        id=new_id(deps.clock, deps.entropy),
        app_id=app_id,
        kind=kind,
        number=None,
        position=None,
        state="staged",
        version_id=version_id,
        sha256=digest(data),
        width=size[0],
        height=size[1],
        created_at=now,
        changed_at=now,
    )


async def _inserted(records: "Records", image: AppImage) -> AppImage:
    for _ in range(ATTEMPTS):
        try:
            await records.batch(rows.staging(image))
        except ConflictError:
            # Another took the same number.
            continue
        return await rows.find_image(records, image.id)
    raise busy()
