import struct
import zlib

import pytest
from PIL import Image

from functions.core.images import png
from functions.core.images.picture import Picture, PictureError
from tests.pictures import (
    claiming,
    exif,
    gradient,
    icon,
    opened,
    png_chunks,
    png_of,
    saved,
    with_chunk,
)

SOUND = icon(16)
HEADER, DATA, END = png_chunks(SOUND)


def refused(data: bytes) -> str:
    with pytest.raises(PictureError) as refusal:
        png.read(data)
    (problem,) = refusal.value.problems
    return problem.slug


def header(width: int = 16, height: int = 16, *rest: int) -> tuple[bytes, bytes]:
    return b"IHDR", struct.pack(">IIBBBBB", width, height, *(rest or (8, 6, 0, 0, 0)))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_png_is_read(mode: str) -> None:
    assert png.read(saved(Image.new(mode, (30, 20)))) == Picture("PNG", 30, 20)


def test_an_interlaced_png_is_read() -> None:
    interlaced = png_of([header(16, 16, 8, 6, 0, 0, 1), DATA, END])
    assert png.read(interlaced) == Picture("PNG", 16, 16)


def test_what_the_header_says_is_known_without_unpacking_anything() -> None:
    bomb = claiming(SOUND, 2**31 - 1, 2**31 - 1)
    assert png.read(bomb) == Picture("PNG", 2**31 - 1, 2**31 - 1)


def test_bytes_behind_the_end_are_not_looked_at() -> None:
    assert png.read(SOUND + b"PK\x03\x04<script>") == Picture("PNG", 16, 16)


def test_a_png_that_ends_early_is_refused_wherever_it_ends() -> None:
    for kept in range(len(SOUND)):
        with pytest.raises(PictureError):
            png.read(SOUND[:kept])


def test_a_png_with_a_changed_byte_is_refused_wherever_it_is_changed() -> None:
    for place in range(len(SOUND)):
        changed = bytearray(SOUND)
        changed[place] ^= 0x01
        with pytest.raises(PictureError):
            png.read(bytes(changed))


@pytest.mark.parametrize(
    "chunks",
    [
        [END],
        [DATA, HEADER, END],
        [HEADER, END],
        [HEADER, HEADER, DATA, END],
        [(b"IHDR", HEADER[1] + b"\x00"), DATA, END],
        [header(0, 16), DATA, END],
        [header(16, 2**31), DATA, END],
        [header(16, 16, 16, 3, 0, 0, 0), DATA, END],
        [header(16, 16, 8, 5, 0, 0, 0), DATA, END],
        [header(16, 16, 8, 6, 1, 0, 0), DATA, END],
        [header(16, 16, 8, 6, 0, 1, 0), DATA, END],
        [header(16, 16, 8, 6, 0, 0, 2), DATA, END],
        [HEADER, DATA, (b"tEXt", b"a\x00b"), DATA, (b"PLTE", bytes(3)), DATA, END],
        [HEADER, DATA, (b"PLTE", bytes(3)), END],
        [HEADER, (b"PLTE", bytes(3)), (b"PLTE", bytes(3)), DATA, END],
        [HEADER, (b"PLTE", bytes(4)), DATA, END],
        [HEADER, (b"PLTE", bytes(3 * 257)), DATA, END],
        [header(16, 16, 2, 3, 0, 0, 0), (b"PLTE", bytes(15)), DATA, END],
        [header(16, 16, 8, 3, 0, 0, 0), DATA, END],
        [header(16, 16, 8, 0, 0, 0, 0), (b"PLTE", bytes(3)), DATA, END],
        [HEADER, DATA, (b"IEND", b"x")],
    ],
)
def test_chunks_that_contradict_the_standard_are_refused(chunks: list[tuple[bytes, bytes]]) -> None:
    assert refused(png_of(chunks)) == "image-damaged"


def test_data_that_another_chunk_tears_apart_is_refused() -> None:
    torn = [HEADER, (b"IDAT", DATA[1][:5]), (b"PLTE", bytes(3)), (b"IDAT", DATA[1][5:]), END]
    assert refused(png_of(torn)) == "image-damaged"


def test_data_in_several_chunks_is_read() -> None:
    split = [HEADER, (b"IDAT", DATA[1][:5]), (b"IDAT", DATA[1][5:]), END]
    assert png.read(png_of(split)) == Picture("PNG", 16, 16)


def test_an_unknown_chunk_that_is_needed_is_refused_and_one_that_is_not_is_left_out() -> None:
    assert refused(with_chunk(SOUND, b"NEED", b"")) == "image-format"
    assert png.read(with_chunk(SOUND, b"neeD", b"")) == Picture("PNG", 16, 16)


def test_an_animation_is_refused() -> None:
    frames = [Image.new("RGB", (16, 16), (shade, 0, 0)) for shade in (0, 255)]
    animation = saved(frames[0], save_all=True, append_images=frames[1:])
    assert refused(animation) == "image-animated"


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_rotation_in_the_metadata_is_refused(order: str) -> None:
    assert refused(with_chunk(SOUND, b"eXIf", exif(6, order))) == "image-rotated"
    for upright in (0, 1, 9):
        data = with_chunk(SOUND, b"eXIf", exif(upright, order))
        assert png.read(data) == Picture("PNG", 16, 16)


@pytest.mark.parametrize(
    ("kind", "head"),
    [
        (b"zTXt", b"Comment\x00\x00"),
        (b"iCCP", b"Profile\x00\x00"),
        (b"iTXt", b"Comment\x00\x01\x00en\x00Kommentar\x00"),
    ],
)
def test_metadata_that_unpacks_to_very_much_is_refused(kind: bytes, head: bytes) -> None:
    whole = zlib.compress(bytes(png.MAX_METADATA_BYTES + 1), 9)
    half = zlib.compress(bytes(png.MAX_METADATA_BYTES // 2 + 1), 9)
    assert len(whole) < 2000
    assert refused(with_chunk(SOUND, kind, head + whole)) == "image-metadata"
    once = with_chunk(SOUND, kind, head + half)
    assert png.read(once) == Picture("PNG", 16, 16)
    assert refused(with_chunk(once, kind, head + half)) == "image-metadata"


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP", b"iTXt", b"eXIf"])
@pytest.mark.parametrize("body", [b"", b"\x00", b"a\x00\x00no deflate", b"a\x00\x01\x00\x00"])
def test_metadata_that_nothing_can_read_harms_nothing(kind: bytes, body: bytes) -> None:
    assert png.read(with_chunk(SOUND, kind, body)) == Picture("PNG", 16, 16)


def test_the_bare_picture_has_the_same_pixels_and_nothing_else() -> None:
    source = saved(gradient(16, 16), dpi=(300, 300))
    bare = png.bare(with_chunk(source, b"tEXt", b"Author\x00somebody") + b"behind")
    assert [kind for kind, _ in png_chunks(bare)] == [b"IHDR", b"IDAT", b"IEND"]
    assert opened(bare).tobytes() == gradient(16, 16).tobytes()


def test_a_file_in_very_many_pieces_is_refused() -> None:
    empty = (b"teXt", b"")
    assert png.read(png_of([HEADER, *[empty] * 9_000, DATA, END])) == Picture("PNG", 16, 16)
    assert refused(png_of([HEADER, *[empty] * 10_000, DATA, END])) == "image-damaged"
