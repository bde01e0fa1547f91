"""What every `ImageProcessor` keeps, whatever decodes behind it.

An adapter's suite is a subclass with the fixture `images`.
"""

import asyncio
import io
from collections.abc import Callable, Coroutine
from typing import TypeVar

import pytest
from PIL import Image, ImageCms

from functions.ports.images import ImageProcessor, UnreadableImageError
from tests.pictures import exif, gradient, opened, png_chunks, saved, with_chunk

T = TypeVar("T")


def run(work: Coroutine[object, object, T]) -> T:
    return asyncio.run(work)


def mean_error(picture: Image.Image, reference: Image.Image) -> float:
    """Mean difference of a channel, of 255."""
    found, wanted = picture.convert("RGBA").tobytes(), reference.convert("RGBA").tobytes()
    assert len(found) == len(wanted)
    return sum(abs(a - b) for a, b in zip(found, wanted, strict=True)) / len(found)


def stripes(side: int, period: int) -> Image.Image:
    """White and black lines, each of `period` pixels: their average is grey everywhere."""
    row = b"".join(b"\xff\xff\xff" if y // period % 2 else b"\x00\x00\x00" for y in range(side))
    return Image.frombytes("RGB", (side, side), row * side)


def cut_off(sound: bytes) -> bytes:
    return sound[: len(sound) // 2]


def overwritten(sound: bytes) -> bytes:
    return sound[:60] + bytes(len(sound) - 60)


def no_picture(_: bytes) -> bytes:
    return b"no picture at all"


def nothing(_: bytes) -> bytes:
    return b""


class ImageProcessorContract:
    @pytest.mark.parametrize(("width", "height"), [(32, 32), (64, 64), (128, 128), (100, 40)])
    def test_the_result_has_exactly_the_size_that_was_asked_for(
        self, images: ImageProcessor, width: int, height: int
    ) -> None:
        made = opened(run(images.to_png(saved(gradient(256, 256)), width, height)))
        assert (made.format, made.size) == ("PNG", (width, height))

    def test_alpha_is_kept_and_averaged(self, images: ImageProcessor) -> None:
        made = opened(run(images.to_png(saved(gradient(256, 256)), 32, 32)))
        assert made.mode == "RGBA"
        alphas = [made.getpixel((x, 16))[3] for x in range(32)]
        assert alphas == sorted(alphas, reverse=True)
        assert mean_error(made, gradient(256, 256).resize((32, 32), Image.Resampling.BOX)) < 2

    def test_the_colour_of_transparent_pixels_does_not_bleed_into_the_visible_ones(
        self, images: ImageProcessor
    ) -> None:
        opaque_red, clear_green = b"\xff\x00\x00\xff", b"\x00\xff\x00\x00"
        pixels = b"".join(opaque_red if x < 129 else clear_green for x in range(256))
        half = Image.frombytes("RGBA", (256, 256), pixels * 256)
        made = opened(run(images.to_png(saved(half), 32, 32)))
        red, green, _, alpha = made.getpixel((16, 16))
        assert 0 < alpha < 255
        assert red > 200
        assert green < 20

    @pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
    def test_every_format_is_read(self, images: ImageProcessor, form: str) -> None:
        source = gradient(360, 640, alpha=False)
        made = opened(run(images.to_png(saved(source, form), 180, 320)))
        assert mean_error(made, source.resize((180, 320), Image.Resampling.BOX)) < 4

    # Black and white is a noise of dots, which filters average differently.
    @pytest.mark.parametrize(("mode", "most"), [("L", 4), ("P", 4), ("LA", 4), ("1", 16)])
    def test_every_kind_of_png_is_read(
        self, images: ImageProcessor, mode: str, most: float
    ) -> None:
        source = gradient(256, 256, alpha=mode == "LA").convert(mode)
        made = opened(run(images.to_png(saved(source), 64, 64)))
        reference = source.convert("RGBA").resize((64, 64), Image.Resampling.BOX)
        assert mean_error(made, reference) < most

    def test_sixteen_bits_a_channel_become_eight(self, images: ImageProcessor) -> None:
        made = opened(run(images.to_png(saved(Image.new("I;16", (128, 128), 0x8080)), 32, 32)))
        assert made.convert("RGB").getpixel((16, 16)) == (128, 128, 128)

    def test_what_is_left_out_is_averaged_and_not_dropped(self, images: ImageProcessor) -> None:
        """Taking the nearest pixel would give black and white again."""
        made = opened(run(images.to_png(saved(stripes(512, 2)), 64, 64)))
        assert mean_error(made, Image.new("RGB", (64, 64), (128, 128, 128))) < 8

    def test_nothing_but_the_pixels_is_in_the_result(self, images: ImageProcessor) -> None:
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        source = saved(gradient(256, 256), dpi=(300, 300), icc_profile=profile)
        for kind, body in [
            (b"tEXt", b"Author\x00somebody"),
            (b"tIME", bytes(7)),
            (b"eXIf", exif(1)),
        ]:
            source = with_chunk(source, kind, body)
        made = run(images.to_png(source + b"<script>", 64, 64))
        assert {kind for kind, _ in png_chunks(made)} <= {
            b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND",
        }  # fmt: skip
        assert made.endswith(b"IEND\xae\x42\x60\x82")

    def test_a_picture_of_the_wanted_size_keeps_its_pixels(self, images: ImageProcessor) -> None:
        source = gradient(128, 128)
        made = opened(run(images.to_png(saved(source), 128, 128)))
        assert mean_error(made, source) < 1

    @pytest.mark.parametrize("damage", [cut_off, overwritten, no_picture, nothing])
    @pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
    def test_what_cannot_be_decoded_is_refused_and_the_next_picture_is_read(
        self, images: ImageProcessor, form: str, damage: Callable[[bytes], bytes]
    ) -> None:
        sound = saved(gradient(200, 200, alpha=False), form)
        with pytest.raises(UnreadableImageError):
            run(images.to_png(damage(sound), 64, 64))
        assert opened(run(images.to_png(sound, 64, 64))).size == (64, 64)

    def test_the_colours_are_those_that_the_profile_means(self, images: ImageProcessor) -> None:
        """A profile whose red and green are exchanged, so that ignoring it shows."""
        made = opened(run(images.to_png(_with_swapped_profile(), 32, 32))).convert("RGB")
        red, green, _ = made.getpixel((16, 16))
        assert green > 200
        assert red < 60


def _with_swapped_profile() -> bytes:
    """Pure red, by a profile that calls green what sRGB calls red."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = profile.index(b"rXYZ", 128), profile.index(b"gXYZ", 128)
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    source = Image.new("RGB", (128, 128), (255, 0, 0))
    output = io.BytesIO()
    source.save(output, "PNG", icc_profile=bytes(profile))
    return output.getvalue()
