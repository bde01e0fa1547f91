import struct

import pytest
from PIL import Image

from functions.core.images import webp
from functions.core.images.picture import Picture, PictureError
from tests.pictures import exif, gradient, saved

LOSSY = saved(gradient(40, 30, alpha=False), "WEBP")
LOSSLESS = saved(gradient(40, 30), "WEBP", lossless=True)
WITH_ALPHA = saved(gradient(40, 30), "WEBP")


def refused(data: bytes) -> str:
    with pytest.raises(PictureError) as refusal:
        webp.read(data)
    (problem,) = refusal.value.problems
    return problem.slug


def chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\x00" * (len(body) % 2)


def webp_of(*chunks: bytes) -> bytes:
    form = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(form)) + form


def extended(width: int, height: int, flags: int = 0) -> bytes:
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return chunk(b"VP8X", bytes((flags, 0, 0, 0)) + sides)


VP8 = LOSSY[12:]


@pytest.mark.parametrize("data", [LOSSY, LOSSLESS, WITH_ALPHA], ids=["lossy", "lossless", "alpha"])
def test_every_form_is_read(data: bytes) -> None:
    assert webp.read(data) == Picture("WebP", 40, 30)


def test_bytes_behind_the_end_are_not_looked_at() -> None:
    assert webp.read(LOSSY + b"PK\x03\x04<script>") == Picture("WebP", 40, 30)


@pytest.mark.parametrize("data", [LOSSY, WITH_ALPHA], ids=["simple", "extended"])
def test_a_webp_that_ends_early_is_refused_wherever_it_ends(data: bytes) -> None:
    for kept in range(len(data)):
        with pytest.raises(PictureError):
            webp.read(data[:kept])


def test_an_animation_is_refused_by_its_flag_and_by_its_frames() -> None:
    frames = [Image.new("RGB", (16, 16), (shade, 0, 0)) for shade in (0, 255)]
    animation = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    assert refused(animation) == "image-animated"
    unflagged = webp_of(extended(40, 30), chunk(b"ANMF", bytes(16)), VP8)
    assert refused(unflagged) == "image-animated"


def test_a_canvas_of_another_size_than_its_picture_is_refused() -> None:
    assert webp.read(webp_of(extended(40, 30), VP8)) == Picture("WebP", 40, 30)
    assert refused(webp_of(extended(41, 30), VP8)) == "image-damaged"
    assert refused(webp_of(extended(2**24, 2**24), VP8)) == "image-damaged"


def test_a_canvas_without_a_picture_or_with_two_is_refused() -> None:
    assert refused(webp_of(extended(40, 30))) == "image-damaged"
    assert refused(webp_of(extended(40, 30), VP8, VP8)) == "image-damaged"


@pytest.mark.parametrize(
    "data",
    [
        webp_of(),
        webp_of(chunk(b"ALPH", b"x"), VP8),
        webp_of(chunk(b"VP8X", b"")),
        webp_of(chunk(b"VP8 ", VP8[8:12])),
        webp_of(chunk(b"VP8 ", b"\x01" + VP8[9:])),
        webp_of(chunk(b"VP8 ", VP8[8:11] + b"\x00\x00\x00" + VP8[14:])),
        webp_of(chunk(b"VP8 ", VP8[8:14] + bytes(4) + VP8[18:])),
        webp_of(chunk(b"VP8L", b"\x2f\x00")),
        webp_of(chunk(b"VP8L", b"\x00" + LOSSLESS[21:])),
        webp_of(chunk(b"VP8L", LOSSLESS[20:24] + b"\xff" + LOSSLESS[25:])),
        webp_of(b"VP8 \xff\xff\xff\xff"),
        webp_of(extended(40, 30), VP8, b"odd"),
    ],
)
def test_chunks_that_contradict_the_standard_are_refused(data: bytes) -> None:
    assert refused(data) == "image-damaged"


@pytest.mark.parametrize("prefix", [b"", b"Exif\x00\x00"])
def test_a_rotation_in_the_metadata_is_refused(prefix: bytes) -> None:
    turned = webp_of(extended(40, 30, 8), VP8, chunk(b"EXIF", prefix + exif(8)))
    assert refused(turned) == "image-rotated"
    upright = webp_of(extended(40, 30, 8), VP8, chunk(b"EXIF", prefix + exif(1)))
    assert webp.read(upright) == Picture("WebP", 40, 30)


def test_a_file_in_very_many_pieces_is_refused() -> None:
    empty = chunk(b"none", b"")
    assert webp.read(webp_of(extended(40, 30), *[empty] * 9_000, VP8)) == Picture("WebP", 40, 30)
    assert refused(webp_of(extended(40, 30), *[empty] * 10_000, VP8)) == "image-damaged"
