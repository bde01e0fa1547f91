"""Taking over the icon and the screenshots that a package brings, when its version becomes current.

A draft changes nothing that is seen. What the manifest names takes the place of what was there,
whoever brought it; what it does not name stays. Each time that another version becomes current, its
package is looked through once: the app's row says which one was the last.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from functions.core import app_image_records as rows
from functions.core import manifest
from functions.core.app_image_objects import (
    ImageDeps,
    digest,
    discard,
    make_icon,
    make_screenshot,
    stage,
)
from functions.core.app_image_records import AppImage, AppImages
from functions.core.apps import App, app_of
from functions.core.archive import Entry, read_archive, read_entry
from functions.core.byte_source import ByteSource
from functions.core.catalog import PackageManifest
from functions.core.images.picture import PictureError
from functions.core.package_pictures import WANTED, Named, named_pictures
from functions.core.platform import ATTEMPTS
from functions.core.problems import busy
from functions.core.version_records import Version, find_version
from functions.ports.images import UnreadableImageError
from functions.ports.object_store import StoredObject
from functions.ports.records import ConflictError, Statement

if TYPE_CHECKING:
    from functions.core.manifest import Manifest
    from functions.ports.object_store import ObjectReader

ACTOR = "jobs"


@dataclass(frozen=True, slots=True)
class _Todo:
    app: App
    version_id: str
    """Of the current version."""
    last: str | None
    """The version that was looked through last."""

    def done(self) -> Statement:
        """For a version that brings nothing. Changes nothing where the app was changed since."""
        return Statement(
            "UPDATE app SET images_version_id = ? WHERE id = ? AND revision = ?",
            (self.version_id, self.app.id, self.app.revision),
        )


@dataclass(slots=True)
class _Taking:
    """The pictures of one package, as far as they are taken."""

    version: Version
    before: AppImages
    staged: list[AppImage] = field(default_factory=list[AppImage])
    screenshots: list[AppImage] = field(default_factory=list[AppImage])
    """In the manifest's order: staged ones, and live ones that were made from the same bytes."""
    complaints: list[str] = field(default_factory=list[str])

    @property
    def icon(self) -> AppImage | None:
        return next((one for one in self.staged if one.kind == "icon"), None)


async def take_images(deps: ImageDeps, packages: "ObjectReader", app_id: str) -> None:
    """Of the app's current version, where it was not done before. A picture that cannot be decoded,
    though its header is sound, is left out and noted in the app's history.

    Raises: ProblemError 409 `busy` where other changes kept winning; ImageProcessorError,
    ObjectStoreError, SourceChangedError.
    """
    for _ in range(ATTEMPTS):
        todo = await _to_look_through(deps, app_id)
        if todo is None:
            return
        version = await find_version(deps.records, todo.version_id)
        declared = None if version is None else await _manifest(packages, version)
        if version is None or declared is None or not named_pictures(declared):
            await deps.records.batch([todo.done()])
            return
        taking = _Taking(version, await rows.find_images(deps.records, app_id))
        await _take(deps, packages, declared, taking)
        try:
            await deps.records.batch(_change(todo, taking, deps.clock.now_ms()))
        except ConflictError:
            for image in taking.staged:
                await discard(deps, image)
            continue
        return
    raise busy()


async def _to_look_through(deps: ImageDeps, app_id: str) -> _Todo | None:
    found = await deps.records.fetch(Statement("SELECT * FROM app WHERE id = ?", (app_id,)))
    if not found:
        return None
    app, last = app_of(found[0]), cast("str | None", found[0]["images_version_id"])
    if app.current_version_id is None or app.current_version_id == last:
        return None
    return _Todo(app, app.current_version_id, last)


async def _manifest(packages: "ObjectReader", version: Version) -> "Manifest | None":
    kind = PackageManifest(version.developer_id, version.app_id, version.version_code)
    stored = await packages.get(kind.key)
    if not isinstance(stored, StoredObject):
        return None
    return manifest.read(b"".join([chunk async for chunk in stored.body]))[0]


async def _take(
    deps: ImageDeps, packages: "ObjectReader", declared: "Manifest", taking: _Taking
) -> None:
    """One picture after the other, so that no more than one is in memory."""
    key = cast("str", taking.version.object_key)
    info = await packages.head(key)
    if info is None:
        taking.complaints.append("the package is gone")
        return
    source = ByteSource(packages, key, info.etag, info.size)
    archive = await read_archive(source.read, info.size, content_bytes=0)
    files: dict[str, Entry] = {entry.name: entry for entry in archive.entries}
    for picture in named_pictures(declared):
        entry = files.get(picture.path)
        limit = WANTED[picture.kind].max_bytes
        data = None if entry is None else await read_entry(source.read, entry, limit)
        if data is None:
            taking.complaints.append(f"{picture.pointer}: it cannot be read from the package")
        else:
            await _take_one(deps, taking, picture, data)


async def _take_one(deps: ImageDeps, taking: _Taking, picture: Named, data: bytes) -> None:
    sha256 = digest(data)
    known = [*taking.before.screenshots, *taking.staged]
    if taking.before.icon is not None:
        known.append(taking.before.icon)
    image = next((one for one in known if (one.kind, one.sha256) == (picture.kind, sha256)), None)
    if image is None:
        make = make_icon if picture.kind == "icon" else make_screenshot
        try:
            made = await make(deps, taking.version.app_id, data, taking.version.id)
        except PictureError as error:
            taking.complaints.append(f"{picture.pointer}: {error}")
            return
        except UnreadableImageError:
            # What the decoder says of it is nothing for a history that people read.
            taking.complaints.append(f"{picture.pointer}: the picture cannot be decoded")
            return
        image = await stage(deps, made)
        taking.staged.append(image)
    if image.kind == "screenshot" and image not in taking.screenshots:
        taking.screenshots.append(image)


def _change(todo: _Todo, taking: _Taking, now: int) -> list[Statement]:
    changes: list[Statement] = []
    if taking.icon is not None:
        if taking.before.icon is not None:
            changes.append(rows.entering(taking.before.icon, "removed", now))
        changes.append(rows.entering(taking.icon, "live", now))
    # Where none of them could be taken, those that are there stay.
    if taking.screenshots:
        for image in taking.before.screenshots:
            if image not in taking.screenshots:
                changes.append(rows.entering(image, "removed", now))
        for position, image in enumerate(taking.screenshots, 1):
            changes.append(rows.entering(image, "live", now, position))
    return rows.change(
        todo.app,
        ACTOR,
        "package-images",
        (todo.last or rows.NOTHING, todo.version_id),
        now,
        changes,
        [image.id for image in taking.staged],
        {"images_version_id": todo.version_id},
        "; ".join(taking.complaints) or None,
    )
