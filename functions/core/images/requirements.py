"""What an icon and a screenshot must be (docs/app-images.md says it to developers).

The format is what the bytes are, whatever a header of the request or a file's name says.
"""

from dataclasses import dataclass

from functions.core.images import jpeg, png, webp
from functions.core.images.picture import (
    Format,
    Picture,
    PictureError,
    PictureProblem,
    unsupported,
)


@dataclass(frozen=True, slots=True)
class Requirements:
    formats: tuple[Format, ...]
    max_bytes: int
    min_side: int
    max_side: int
    """Pixels, of each side."""
    max_pixels: int
    aspect: tuple[int, int]
    """The longer side is at most the first to the second of the shorter one; (1, 1): square."""


ICON = Requirements(("PNG",), 2 * 1024 * 1024, 128, 1024, 1024 * 1024, (1, 1))
SCREENSHOT = Requirements(("PNG", "JPEG", "WebP"), 5 * 1024 * 1024, 320, 3840, 3840 * 2160, (5, 2))
MAX_SCREENSHOTS = 8
"""Of one app at a time."""
SCREENSHOT_SIDE = 1920
"""Pixels: a longer side is scaled down to it, so that what is kept of a screenshot stays within a
Worker's memory whatever is on it."""


def check(data: bytes, wanted: Requirements) -> Picture:
    """What the picture is. Decodes nothing, so that a bomb is refused before anything unpacks it.

    Raises: PictureError with everything that is wrong.
    """
    if len(data) > wanted.max_bytes:
        raise PictureError(_too_many_bytes(len(data), wanted))
    picture = read(data)
    problems = _problems(picture, wanted)
    if problems:
        raise PictureError(*problems)
    return picture


def read(data: bytes) -> Picture:
    """What the picture is, whatever it should be.

    Raises: PictureError.
    """
    if data.startswith(png.SIGNATURE):
        return png.read(data)
    if data.startswith(jpeg.SIGNATURE):
        return jpeg.read(data)
    if webp.is_webp(data):
        return webp.read(data)
    raise unsupported("The bytes are no PNG, JPEG or WebP picture.")


def screenshot_size(picture: Picture) -> tuple[int, int]:
    """Width and height that the picture is kept with: its own, or scaled down to
    `SCREENSHOT_SIDE`."""
    longer = max(picture.width, picture.height)
    if longer <= SCREENSHOT_SIDE:
        return picture.width, picture.height
    return (
        _scaled(picture.width, longer),
        _scaled(picture.height, longer),
    )


def _scaled(side: int, longer: int) -> int:
    return (side * SCREENSHOT_SIDE + longer // 2) // longer


def _problems(picture: Picture, wanted: Requirements) -> list[PictureProblem]:
    found: list[PictureProblem] = []
    if picture.format not in wanted.formats:
        found.append(
            PictureProblem(
                "image-format",
                f"The picture is a {picture.format}. It must be {_either(wanted.formats)}.",
            )
        )
    shorter, longer = sorted((picture.width, picture.height))
    size = f"{picture.width} x {picture.height} pixels"
    if shorter < wanted.min_side or longer > wanted.max_side:
        found.append(
            PictureProblem(
                "image-dimensions",
                f"The picture has {size}. Each side must have {wanted.min_side} to "
                f"{wanted.max_side}.",
            )
        )
    elif picture.width * picture.height > wanted.max_pixels:
        found.append(
            PictureProblem(
                "image-dimensions",
                f"The picture has {size}, which is more than {wanted.max_pixels} in all.",
            )
        )
    most, to = wanted.aspect
    if longer * to > shorter * most:
        must = (
            "It must be square."
            if most == to
            else f"Its longer side may be {most}:{to} of the shorter one at most."
        )
        found.append(PictureProblem("image-shape", f"The picture has {size}. {must}"))
    return found


def _either(formats: tuple[Format, ...]) -> str:
    *others, last = formats
    return f"{', '.join(others)} or {last}" if others else last


def _too_many_bytes(size: int, wanted: Requirements) -> PictureProblem:
    return PictureProblem(
        "image-too-large",
        f"The picture has {size} bytes; at most {wanted.max_bytes} are taken.",
    )
