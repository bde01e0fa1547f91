"""Icons and screenshots, from the developer's file to the cdn host."""

import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from local.client import Cloud
from tests.e2e.packages import Developer, a_developer, a_package
from tests.e2e.stack import Stack
from tests.pictures import claiming, exif, gradient, icon, png_chunks, saved, screenshot, with_chunk

RED, BLUE = (200, 30, 30, 255), (30, 30, 200, 255)
PNG = "image/png"


@pytest.fixture(scope="module")
def developer(stack: Stack) -> Developer:
    return a_developer(stack, "org.example.pictured")


def send(
    developer: Developer, method: str, path: str, data: bytes, media_type: str = PNG
) -> httpx.Response:
    return developer.stack.client.request(
        method,
        f"{developer.stack.outputs['api_url']}/v1/apps/{developer.app_id}/{path}",
        content=data,
        headers={"authorization": f"Bearer {developer.key}", "content-type": media_type},
    )


def set_icon(developer: Developer, data: bytes) -> dict[str, str]:
    """The URLs of the sizes."""
    answer = send(developer, "PUT", "icon", data)
    assert answer.status_code == 200, answer.text
    return {str(one["pixels"]): one["url"] for one in answer.json()["icon"]["sizes"]}


def picture(answer: httpx.Response) -> Image.Image:
    found = Image.open(io.BytesIO(answer.content))
    found.load()
    return found


def served(stack: Stack, url: str, is_new: Callable[[httpx.Response], bool]) -> httpx.Response:
    """What the cdn host answers as soon as the change has reached it."""
    deadline = time.monotonic() + 60
    while True:
        answer = stack.client.get(url)
        if is_new(answer):
            return answer
        assert time.monotonic() < deadline, f"{url} still answers {answer.status_code}"
        time.sleep(0.2)


def middle(answer: httpx.Response) -> tuple[int, ...] | None:
    if answer.status_code != 200:
        return None
    found = picture(answer).convert("RGBA")
    return found.getpixel((found.width // 2, found.height // 2))


def objects(stack: Stack, app_id: str) -> list[str]:
    """The keys in the bucket, as the account's own API lists them."""
    bucket = stack.outputs["buckets"]["assets"]
    answer = stack.client.get(
        f"{stack.account_url}/r2/buckets/{bucket}/objects",
        params={"prefix": f"assets/{app_id}/"},
        headers={"authorization": f"Bearer {stack.api_token}"},
    )
    assert answer.status_code == 200, answer.text
    return [found["key"] for found in answer.json()["result"]]


def test_an_icon_is_served_in_three_sizes_and_replaced(stack: Stack, developer: Developer) -> None:
    source = with_chunk(saved(gradient(512, 512), dpi=(300, 300)), b"tEXt", b"Author\x00somebody")
    urls = set_icon(developer, source)
    assert set(urls) == {"32", "64", "128"}
    for pixels, url in urls.items():
        assert url.startswith(
            f"{stack.outputs['cdn_url']}/assets/{developer.app_id}/icon-{pixels}.png"
        )
        answer = stack.client.get(url)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == PNG
        assert answer.headers["cache-control"] == "public, max-age=604800"
        assert answer.headers["x-content-type-options"] == "nosniff"
        found = picture(answer)
        assert (found.format, found.mode, found.size) == ("PNG", "RGBA", (int(pixels),) * 2)
        assert {kind for kind, _ in png_chunks(answer.content)} == {b"IHDR", b"IDAT", b"IEND"}
    set_icon(developer, icon(colour=BLUE))
    for url in urls.values():
        served(stack, url, lambda answer: middle(answer) == BLUE)


def test_a_removed_icon_is_gone(stack: Stack) -> None:
    developer = a_developer(stack, "org.example.unpictured")
    urls = set_icon(developer, icon())
    path = f"/v1/apps/{developer.app_id}/icon"
    assert stack.api("DELETE", path, key=developer.key).status_code == 204
    assert stack.api("GET", path).status_code == 404
    for url in urls.values():
        served(stack, url, lambda answer: answer.status_code == 404)


def test_screenshots_are_added_ordered_and_removed(stack: Stack, developer: Developer) -> None:
    made: list[dict[str, Any]] = []
    for grey, form in ((40, "PNG"), (120, "JPEG"), (200, "WEBP")):
        data = screenshot(540, 960, form, grey=grey)
        answer = send(developer, "POST", "screenshots", data, f"image/{form.lower()}")
        assert answer.status_code == 201, answer.text
        made.append(answer.json()["screenshot"])
    for grey, one in zip((40, 120, 200), made, strict=True):
        answer = stack.client.get(one["url"])
        assert answer.headers["content-type"] == PNG
        found = picture(answer).convert("RGB")
        assert found.size == (540, 960)
        assert abs(found.getpixel((270, 480))[0] - grey) <= 2
    numbers = [one["number"] for one in made]
    path = f"/v1/apps/{developer.app_id}/screenshots"
    order = {"numbers": [numbers[2], numbers[0], numbers[1]]}
    ordered = stack.api("PUT", f"{path}/order", order, key=developer.key)
    assert ordered.status_code == 200, ordered.text
    listed = stack.api("GET", path).json()["screenshots"]
    assert [one["number"] for one in listed] == order["numbers"]
    removed = stack.api("DELETE", f"{path}/{numbers[0]}", key=developer.key)
    assert removed.status_code == 204
    served(stack, made[0]["url"], lambda answer: answer.status_code == 404)
    listed = stack.api("GET", path).json()["screenshots"]
    assert [one["number"] for one in listed] == [numbers[2], numbers[1]]


def test_a_large_screenshot_is_scaled_down(stack: Stack) -> None:
    developer = a_developer(stack, "org.example.large")
    answer = send(developer, "POST", "screenshots", screenshot(1440, 3200, "JPEG"), "image/jpeg")
    assert answer.status_code == 201, answer.text
    assert picture(stack.client.get(answer.json()["screenshot"]["url"])).size == (864, 1920)


ICONS = {
    "nothing": (b"", 422, "image-format"),
    "a page": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 422, "image-format"),
    "a JPEG": (saved(gradient(128, 128, alpha=False), "JPEG"), 422, "image-format"),
    "not square": (saved(gradient(128, 160)), 422, "image-shape"),
    "too small": (icon(127), 422, "image-dimensions"),
    "a bomb": (claiming(icon(), 60_000, 60_000), 422, "image-dimensions"),
    "a lie": (claiming(icon(128), 1024, 1024), 422, "image-damaged"),
    "cut off": (icon()[:-20], 422, "image-damaged"),
    "turned": (with_chunk(icon(), b"eXIf", exif(6)), 422, "image-rotated"),
    "too many bytes": (icon() + bytes(2 * 1024 * 1024), 413, "content-too-large"),
}


@pytest.mark.parametrize("name", ICONS)
def test_a_bad_icon_is_refused_and_leaves_nothing(stack: Stack, name: str) -> None:
    data, status, slug = ICONS[name]
    developer = a_developer(stack, f"org.example.bad-{name.replace(' ', '-').lower()}")
    answer = send(developer, "PUT", "icon", data)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:stowage:problem:{slug}"
    assert objects(stack, developer.app_id) == []
    assert stack.query("SELECT id FROM app_image WHERE app_id = ?", developer.app_id) == []


def test_what_a_package_brings_is_seen_once_it_is_published(stack: Stack) -> None:
    developer = a_developer(stack, "org.example.bringing")
    for code, colour, grey in ((1, RED, 60), (2, BLUE, 160)):
        files = {"icon.png": icon(colour=colour), "a.jpg": screenshot(form="JPEG", grey=grey)}
        package = a_package(
            developer.app_id, code, files=files, icon="icon.png", screenshots=["a.jpg"]
        )
        version = developer.drafted(package)
        assert version["status"] == "draft", version
        before = stack.api("GET", f"/v1/apps/{developer.app_id}/screenshots").json()
        assert version["id"] not in {one["version_id"] for one in before["screenshots"]}
        assert developer.publish(version["id"]).status_code == 200
        url = f"{stack.outputs['cdn_url']}/assets/{developer.app_id}/icon-64.png"
        served(stack, url, lambda answer, colour=colour: middle(answer) == colour)
        listed = stack.api("GET", f"/v1/apps/{developer.app_id}/screenshots").json()["screenshots"]
        assert [one["version_id"] for one in listed] == [version["id"]]
        shown = middle(stack.client.get(listed[0]["url"]))
        assert shown is not None
        assert abs(shown[0] - grey) <= 2


def test_a_package_with_a_bad_icon_fails_and_changes_nothing(stack: Stack) -> None:
    developer = a_developer(stack, "org.example.badly-bringing")
    bomb = claiming(icon(), 60_000, 60_000)
    package = a_package(developer.app_id, files={"icon.png": bomb}, icon="icon.png")
    version = developer.drafted(package)
    assert version["status"] == "failed"
    (problem,) = version["problems"]
    assert (problem["slug"], problem["pointer"]) == ("icon-invalid", "/icon")
    assert objects(stack, developer.app_id) == []


def test_the_command_sets_an_icon_and_orders_screenshots(stack: Stack, tmp_path: Path) -> None:
    developer = a_developer(stack, "org.example.commanded")
    (tmp_path / "icon.png").write_bytes(icon(colour=RED))
    files: list[str] = []
    for grey in (50, 150):
        (tmp_path / f"{grey}.png").write_bytes(screenshot(grey=grey))
        files.append(str(tmp_path / f"{grey}.png"))
    as_developer = ("--key", developer.key)
    done = stack.read("apps", "icon", developer.app_id, str(tmp_path / "icon.png"), *as_developer)
    assert middle(stack.client.get(done["icon"]["sizes"][0]["url"])) == RED
    stack.run("apps", "screenshots", "add", developer.app_id, *files, *as_developer)
    stack.run("apps", "screenshots", "order", developer.app_id, "2", "1", *as_developer)
    listed = stack.read("apps", "screenshots", "list", developer.app_id, *as_developer)
    assert [one["number"] for one in listed["screenshots"]] == [2, 1]
    (tmp_path / "bad.png").write_bytes(icon(64))
    refused = stack.run(
        "apps", "icon", developer.app_id, str(tmp_path / "bad.png"), *as_developer, expect=1
    )
    assert "Each side must have 128 to 1024." in refused.stderr


@pytest.fixture
def faults(faulty_stack: Stack) -> Any:
    cloud = Cloud(faulty_stack.home, faults=True)
    yield cloud
    cloud.clear_faults()


def test_a_failing_image_service_leaves_nothing(faulty_stack: Stack, faults: Cloud) -> None:
    developer = a_developer(faulty_stack, "org.example.serviceless")
    api = faulty_stack.outputs["workers"]["api"]
    faults.add_fault(worker=api, binding="IMAGES", method="output", action="fail", count=2)
    answer = send(developer, "PUT", "icon", icon())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert objects(faulty_stack, developer.app_id) == []
    # One failure by itself is the service's and not the picture's.
    faults.clear_faults()
    faults.add_fault(worker=api, binding="IMAGES", method="output", action="fail")
    set_icon(developer, icon())


def test_an_icon_that_was_committed_and_not_shown_is_shown_by_the_schedule(
    faulty_stack: Stack, faults: Cloud
) -> None:
    developer = a_developer(faulty_stack, "org.example.unshown")
    urls = set_icon(developer, icon(colour=RED))
    # Three of the six objects are the icon's own; the public ones fail.
    faults.add_fault(
        worker=faulty_stack.outputs["workers"]["api"],
        binding="ASSETS",
        method="put",
        nth=4,
        action="fail",
    )
    assert send(developer, "PUT", "icon", icon(colour=BLUE)).status_code == 503
    faulty_stack.query("UPDATE app SET images_due_at = 1 WHERE id = ?", developer.app_id)
    faulty_stack.run("trigger", "cron")
    for url in urls.values():
        served(faulty_stack, url, lambda answer: middle(answer) == BLUE)
