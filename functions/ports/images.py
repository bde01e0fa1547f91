"""Pictures, as a port: they are decoded by native code, which a Worker has as a service only.

Only pictures whose header was checked (`core.images`) are given to it: how much it decodes is then
known and bounded.
"""

from typing import Protocol


class ImageProcessorError(Exception):
    """The processor failed in a way that a retry may mend, or that no rule of ours foresees."""


class UnreadableImageError(ImageProcessorError):
    """The picture cannot be decoded, now or later: its header is sound, but not what follows."""


class ImageProcessor(Protocol):
    async def to_png(self, picture: bytes, width: int, height: int) -> bytes:
        """The picture (PNG, JPEG or WebP) as a PNG of exactly `width` x `height` pixels: sRGB with
        8 bits a channel, its alpha kept, nothing but the pixels in it. It is scaled with a filter
        that averages what it leaves out, and stretched where the proportions differ. A rotation
        that the picture's metadata asks for is the caller's care.

        Raises: UnreadableImageError, ImageProcessorError.
        """
        ...
