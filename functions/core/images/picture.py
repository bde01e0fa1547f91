"""What is known of a picture before anything decodes it."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Format: TypeAlias = Literal["PNG", "JPEG", "WebP"]

MAX_PARTS = 10_000
"""Chunks or segments of one file. Common pictures have some hundred at most; without a bound a few
megabytes of empty ones would keep a Worker busy for seconds."""


@dataclass(frozen=True, slots=True)
class Picture:
    format: Format
    width: int
    height: int
    """Pixels, as they are stored."""


@dataclass(frozen=True, slots=True)
class PictureProblem:
    slug: str
    detail: str


class PictureError(Exception):
    """The picture is refused, with every reason that could be found."""

    def __init__(self, *problems: PictureProblem) -> None:
        super().__init__("; ".join(f"{problem.slug}: {problem.detail}" for problem in problems))
        self.problems = problems


def damaged(detail: str) -> PictureError:
    return PictureError(PictureProblem("image-damaged", detail))


def unsupported(detail: str) -> PictureError:
    return PictureError(PictureProblem("image-format", detail))


def count_parts(seen: int) -> None:
    """Raises: PictureError."""
    if seen > MAX_PARTS:
        raise damaged(f"The file is in more than {MAX_PARTS} pieces. Save the picture anew.")


def animated() -> PictureError:
    return PictureError(
        PictureProblem("image-animated", "The picture is animated. Send a single still picture.")
    )


def rotated() -> PictureError:
    """Some decoders obey a rotation that stands in the metadata and some do not, and the metadata
    is dropped."""
    return PictureError(
        PictureProblem(
            "image-rotated",
            "The picture's Exif metadata asks for a rotation. Rotate the picture itself and remove "
            "the metadata.",
        )
    )
