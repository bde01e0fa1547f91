"""The icon and the screenshots that a package's manifest names: found in the archive, and judged by
the same rules as those that are sent by themselves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from functions.core import manifest
from functions.core.app_image_records import Kind
from functions.core.archive import ArchiveProblem, read_entry
from functions.core.images.picture import PictureError
from functions.core.images.requirements import ICON, SCREENSHOT, Requirements, check

if TYPE_CHECKING:
    from functions.core.archive import Entry, ReadRange
    from functions.core.manifest import Manifest

WANTED: Mapping[Kind, Requirements] = {"icon": ICON, "screenshot": SCREENSHOT}


@dataclass(frozen=True, slots=True)
class Named:
    kind: Kind
    path: str
    """Of the file in the package."""
    pointer: str
    """Of its name in the manifest."""


def named_pictures(declared: "Manifest") -> list[Named]:
    """The icon, then the screenshots in their order."""
    found = [] if declared.icon is None else [Named("icon", declared.icon, "/icon")]
    return found + [
        Named("screenshot", path, f"/screenshots/{number}")
        for number, path in enumerate(declared.screenshots)
    ]


async def check_pictures(
    read_range: "ReadRange", files: Mapping[str, "Entry"], declared: "Manifest"
) -> list[ArchiveProblem]:
    """Problems `icon-invalid` and `screenshot-invalid`. Each picture is read, the largest 5 MiB,
    and none is decoded.

    Raises: what the range reads raise.
    """
    problems: list[ArchiveProblem] = []
    for picture in named_pictures(declared):
        for detail in await _wrong(read_range, files[picture.path], WANTED[picture.kind]):
            problems.append(
                ArchiveProblem(
                    f"{picture.kind}-invalid", detail, manifest.NAME, picture.path, picture.pointer
                )
            )
    return problems


async def _wrong(read_range: "ReadRange", entry: "Entry", wanted: Requirements) -> list[str]:
    if entry.size > wanted.max_bytes:
        return [f"The picture has {entry.size} bytes; at most {wanted.max_bytes} are taken."]
    data = await read_entry(read_range, entry, wanted.max_bytes)
    if data is None:
        return ["The picture cannot be unpacked to what the archive says of it."]
    try:
        check(data, wanted)
    except PictureError as error:
        return [problem.detail for problem in error.problems]
    return []
