"""Pictures by Pillow."""

import io

from PIL import Image, ImageCms

from functions.ports.images import UnreadableImageError

FORMATS = ("PNG", "JPEG", "WEBP")
_SIXTEEN_BITS = "I;16"
_WITH_ALPHA = ("LA", "PA", "RGBA", "La", "RGBa")


class PillowImages:
    async def to_png(self, picture: bytes, width: int, height: int) -> bytes:
        try:
            with Image.open(io.BytesIO(picture), formats=FORMATS) as opened:
                scaled = _in_srgb(opened).resize((width, height), Image.Resampling.LANCZOS)
        # Besides its own errors Pillow lets those of its decoders through (SyntaxError, ValueError,
        # OverflowError ...): which one says nothing but that the picture is damaged.
        except Exception as error:
            raise UnreadableImageError(f"the picture cannot be decoded: {error}") from error
        scaled.info.clear()
        output = io.BytesIO()
        scaled.save(output, "PNG", optimize=True)
        return output.getvalue()


def _in_srgb(opened: Image.Image) -> Image.Image:
    """With 8 bits a channel, and the colours that the profile means."""
    profile = opened.info.get("icc_profile")
    has_alpha = opened.mode in _WITH_ALPHA or "transparency" in opened.info
    picture = opened
    if opened.mode.startswith(_SIXTEEN_BITS):
        # `convert` would cut the values off instead of scaling them.
        picture = opened.convert("I").point(lambda value: value / 257).convert("L")
    converted = picture.convert("RGBA" if has_alpha else "RGB")
    if not profile or opened.mode not in {"RGB", "RGBA"}:
        return converted
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    target = ImageCms.createProfile("sRGB")
    return ImageCms.profileToProfile(converted, source, target) or converted
