import struct

import pytest
from PIL import Image

from functions.core.images import jpeg
from functions.core.images.picture import Picture, PictureError
from tests.pictures import exif, gradient, saved

SOUND = saved(gradient(40, 30, alpha=False), "JPEG")
SOF = SOUND.index(b"\xff\xc0")
SOS = SOUND.index(b"\xff\xda")


def refused(data: bytes) -> str:
    with pytest.raises(PictureError) as refusal:
        jpeg.read(data)
    (problem,) = refusal.value.problems
    return problem.slug


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def behind_start(further: bytes) -> bytes:
    return SOUND[:2] + further + SOUND[2:]


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 2}])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_every_common_jpeg_is_read(mode: str, options: dict[str, object]) -> None:
    source = gradient(40, 30, alpha=False).convert(mode)
    assert jpeg.read(saved(source, "JPEG", **options)) == Picture("JPEG", 40, 30)


def test_restart_markers_belong_to_the_data() -> None:
    restarting = saved(gradient(64, 64, alpha=False), "JPEG", restart_marker_blocks=1)
    assert b"\xff\xd0" in restarting
    assert jpeg.read(restarting) == Picture("JPEG", 64, 64)


def test_bytes_behind_the_end_are_not_looked_at() -> None:
    assert jpeg.read(SOUND + b"PK\x03\x04<script>" + SOUND) == Picture("JPEG", 40, 30)


def test_a_jpeg_that_ends_early_is_refused_wherever_it_ends() -> None:
    for kept in range(len(SOUND)):
        with pytest.raises(PictureError):
            jpeg.read(SOUND[:kept])


def test_a_size_that_nothing_could_hold_is_only_read() -> None:
    claiming = SOUND[: SOF + 5] + b"\xff\xff\xff\xff" + SOUND[SOF + 9 :]
    assert jpeg.read(claiming) == Picture("JPEG", 65535, 65535)


@pytest.mark.parametrize("place", [SOF + 5, SOF + 7])
def test_a_side_of_nothing_is_refused(place: int) -> None:
    assert refused(SOUND[:place] + b"\x00\x00" + SOUND[place + 2 :]) == "image-damaged"


def test_more_than_one_frame_is_refused() -> None:
    length = int.from_bytes(SOUND[SOF + 2 : SOF + 4], "big")
    frame = SOUND[SOF : SOF + 2 + length]
    assert refused(SOUND[:SOF] + frame + SOUND[SOF:]) == "image-damaged"


@pytest.mark.parametrize("marker", [0xC3, 0xC5, 0xC9, 0xCA, 0xCF])
def test_frames_that_few_decoders_read_are_refused(marker: int) -> None:
    assert refused(SOUND[: SOF + 1] + bytes((marker,)) + SOUND[SOF + 2 :]) == "image-format"


def test_cmyk_and_twelve_bits_are_refused() -> None:
    cmyk = saved(Image.new("CMYK", (40, 30)), "JPEG")
    assert refused(cmyk) == "image-format"
    assert refused(SOUND[: SOF + 4] + b"\x0c" + SOUND[SOF + 5 :]) == "image-format"


@pytest.mark.parametrize(
    "data",
    [
        SOUND[:SOS] + b"\xff\xd9",
        SOUND[:SOF] + SOUND[SOS:],
        b"\xff\xd8\xff\xd9",
        behind_start(b"\xff\x01\x00\x02"),
        behind_start(b"\xff\xd8\x00\x02"),
        behind_start(b"\xff\xe0\x00\x01"),
        behind_start(b"\xff\xe0\xff\xff"),
        SOUND[:SOF] + b"between" + SOUND[SOF:],
        SOUND[: SOF + 2] + struct.pack(">H", 4) + b"\x08\x00" + SOUND[SOS:],
    ],
)
def test_segments_that_contradict_the_standard_are_refused(data: bytes) -> None:
    assert refused(data) == "image-damaged"


def test_fill_bytes_before_a_marker_are_allowed() -> None:
    assert jpeg.read(SOUND[:SOS] + b"\xff\xff\xff" + SOUND[SOS:]) == Picture("JPEG", 40, 30)


def test_a_picture_that_is_to_be_gone_through_again_and_again_is_refused() -> None:
    length = int.from_bytes(SOUND[SOS + 2 : SOS + 4], "big")
    scan = SOUND[SOS : SOS + 2 + length]
    few = SOUND[:-2] + scan * (jpeg.MAX_SCANS - 1) + b"\xff\xd9"
    assert jpeg.read(few) == Picture("JPEG", 40, 30)
    many = SOUND[:-2] + scan * jpeg.MAX_SCANS + b"\xff\xd9"
    assert refused(many) == "image-scans"


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_rotation_in_the_metadata_is_refused(order: str) -> None:
    turned = behind_start(segment(0xE1, b"Exif\x00\x00" + exif(6, order)))
    assert refused(turned) == "image-rotated"
    upright = behind_start(segment(0xE1, b"Exif\x00\x00" + exif(1, order)))
    assert jpeg.read(upright) == Picture("JPEG", 40, 30)


@pytest.mark.parametrize(
    "body", [b"", b"Exif\x00\x00", b"Exif\x00\x00II*\x00", b"Exif\x00\x00II*\x00\xff\xff\xff\xff"]
)
def test_metadata_that_nothing_can_read_harms_nothing(body: bytes) -> None:
    assert jpeg.read(behind_start(segment(0xE1, body))) == Picture("JPEG", 40, 30)


def test_a_file_in_very_many_pieces_is_refused() -> None:
    empty = segment(0xE0, b"")
    assert jpeg.read(behind_start(empty * 9_000)) == Picture("JPEG", 40, 30)
    assert refused(behind_start(empty * 10_000)) == "image-damaged"


def test_megabytes_of_fill_bytes_are_gone_through_once() -> None:
    filled = SOUND[:-2] + b"\xff" * 5_000_000
    assert refused(filled) == "image-damaged"
    assert jpeg.read(filled + b"\xd9") == Picture("JPEG", 40, 30)
    assert refused(SOUND[:SOS] + b"\xff" * 5_000_000) == "image-damaged"
