from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.core.images.picture import Picture, PictureError
from functions.core.images.requirements import (
    ICON,
    SCREENSHOT,
    SCREENSHOT_SIDE,
    Requirements,
    check,
    read,
    screenshot_size,
)
from tests.pictures import claiming, gradient, icon, saved, screenshot

SAMPLES = [
    icon(16),
    saved(gradient(20, 16, alpha=False), "JPEG"),
    saved(gradient(20, 16, alpha=False), "JPEG", progressive=True),
    saved(gradient(20, 16), "WEBP"),
    saved(gradient(20, 16), "WEBP", lossless=True),
]


def refused(data: bytes, wanted: Requirements) -> list[str]:
    with pytest.raises(PictureError) as refusal:
        check(data, wanted)
    assert all(problem.detail for problem in refusal.value.problems)
    return [problem.slug for problem in refusal.value.problems]


@pytest.mark.parametrize("side", [128, 512, 1024])
def test_a_square_png_is_an_icon(side: int) -> None:
    assert check(claiming(icon(128), side, side), ICON) == Picture("PNG", side, side)


@pytest.mark.parametrize(
    ("data", "slugs"),
    [
        (claiming(icon(), 127, 127), ["image-dimensions"]),
        (claiming(icon(), 1025, 1025), ["image-dimensions"]),
        (claiming(icon(), 128, 129), ["image-shape"]),
        (claiming(icon(), 2000, 100), ["image-dimensions", "image-shape"]),
        (claiming(icon(), 2**31 - 1, 2**31 - 1), ["image-dimensions"]),
        (saved(gradient(128, 128, alpha=False), "JPEG"), ["image-format"]),
        (screenshot(form="WEBP"), ["image-format", "image-shape"]),
        (b"GIF89a", ["image-format"]),
        (b"", ["image-format"]),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", ["image-format"]),
        (icon()[:-1], ["image-damaged"]),
        (icon() + bytes(ICON.max_bytes), ["image-too-large"]),
    ],
)
def test_what_is_no_icon_is_refused_with_everything_that_is_wrong(
    data: bytes, slugs: list[str]
) -> None:
    assert refused(data, ICON) == slugs


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize(("width", "height"), [(320, 320), (360, 800), (800, 320)])
def test_a_picture_of_the_right_size_is_a_screenshot(width: int, height: int, form: str) -> None:
    found = check(screenshot(width, height, form), SCREENSHOT)
    assert (found.width, found.height) == (width, height)


@pytest.mark.parametrize(
    ("width", "height", "slugs"),
    [
        (319, 400, ["image-dimensions"]),
        (3841, 2000, ["image-dimensions"]),
        (3840, 2161, ["image-dimensions"]),
        (320, 801, ["image-shape"]),
        (801, 320, ["image-shape"]),
        (2**31 - 1, 2**31 - 1, ["image-dimensions"]),
    ],
)
def test_what_is_no_screenshot_is_refused(width: int, height: int, slugs: list[str]) -> None:
    assert refused(claiming(icon(), width, height), SCREENSHOT) == slugs


@given(st.integers(320, 3840), st.integers(320, 3840))
def test_a_screenshot_is_kept_with_its_proportions_and_never_enlarged(
    width: int, height: int
) -> None:
    kept_width, kept_height = screenshot_size(Picture("PNG", width, height))
    assert max(kept_width, kept_height) == min(SCREENSHOT_SIDE, max(width, height))
    assert min(kept_width, kept_height) <= min(width, height)
    # Half a pixel of the shorter side is what rounding may cost.
    assert abs(kept_width * height - kept_height * width) <= max(width, height)


@given(st.binary(max_size=400))
def test_reading_any_bytes_raises_nothing_but_the_refusal(data: bytes) -> None:
    _read(data)


@given(st.sampled_from(SAMPLES), st.data())
def test_reading_a_mutilated_picture_raises_nothing_but_the_refusal(
    sound: bytes, data: st.DataObject
) -> None:
    mutilate: Callable[[bytes], bytes] = data.draw(st.sampled_from([_overwrite, _cut, _insert]))(
        data
    )
    _read(mutilate(sound))


@given(
    st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\x40\x00\x00\x00WEBPVP8X"]),
    st.binary(max_size=200),
)
def test_reading_nonsense_behind_a_signature_raises_nothing_but_the_refusal(
    signature: bytes, rest: bytes
) -> None:
    _read(signature + rest)


def _read(data: bytes) -> None:
    with suppress(PictureError):
        found = read(data)
        assert found.width > 0
        assert found.height > 0


def _overwrite(data: st.DataObject) -> Callable[[bytes], bytes]:
    patch = data.draw(st.binary(min_size=1, max_size=8))

    def apply(sound: bytes) -> bytes:
        start = data.draw(st.integers(0, len(sound) - 1))
        return sound[:start] + patch + sound[start + len(patch) :]

    return apply


def _cut(data: st.DataObject) -> Callable[[bytes], bytes]:
    def apply(sound: bytes) -> bytes:
        start = data.draw(st.integers(0, len(sound) - 1))
        return sound[:start] + sound[data.draw(st.integers(start, len(sound))) :]

    return apply


def _insert(data: st.DataObject) -> Callable[[bytes], bytes]:
    patch = data.draw(st.binary(min_size=1, max_size=64))

    def apply(sound: bytes) -> bytes:
        start = data.draw(st.integers(0, len(sound)))
        return sound[:start] + patch + sound[start:]

    return apply
