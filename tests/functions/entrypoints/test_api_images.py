"""Icons and screenshots through the api, and as the cdn host then serves them."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest

from functions.core.images.requirements import ICON, SCREENSHOT
from functions.entrypoints.job_queue import consume
from functions.entrypoints.job_schedule import tick
from functions.ports.images import ImageProcessorError
from tests.functions.entrypoints.deliveries import MemoryDelivery
from tests.functions.entrypoints.edge import CDN, Edge, content
from tests.functions.entrypoints.packages import a_package, announced
from tests.functions.entrypoints.world import CDN_URL, ROOT_KEY, World, assert_problem
from tests.pictures import gradient, icon, opened, png_chunks, saved, screenshot

pytestmark = pytest.mark.anyio

ICON_PATH = "/v1/apps/org.example.app/icon"
SCREENSHOTS = "/v1/apps/org.example.app/screenshots"
PNG = {"content-type": "image/png"}


@pytest.fixture
async def key(world: World) -> str:
    return await world.developer()


async def put_icon(world: World, key: str, data: bytes) -> httpx.Response:
    return await world.call("PUT", ICON_PATH, key=key, headers=PNG, content=data)


async def post(
    world: World, key: str, data: bytes, media_type: str = "image/png"
) -> httpx.Response:
    headers = {"content-type": media_type}
    return await world.call("POST", SCREENSHOTS, key=key, headers=headers, content=data)


async def numbers(world: World) -> list[int]:
    listed = (await world.call("GET", SCREENSHOTS)).json()["screenshots"]
    return [one["number"] for one in listed]


async def test_an_icon_is_served_by_the_cdn_host_in_three_sizes(
    world: World, edge: Edge, key: str
) -> None:
    source = saved(gradient(256, 256), dpi=(300, 300)) + b"<script>alert(1)</script>"
    answer = await put_icon(world, key, source)
    assert answer.status_code == 200
    assert (await world.call("GET", ICON_PATH)).json() == answer.json()
    made = answer.json()["icon"]
    assert [size["pixels"] for size in made["sizes"]] == [32, 64, 128]
    assert made["version_id"] is None
    for size in made["sizes"]:
        served = await edge.ask(size["url"].removeprefix(CDN_URL), CDN)
        assert served.status == 200
        assert served.headers["content-type"] == "image/png"
        assert served.headers["cache-control"] == "public, max-age=604800"
        assert served.headers["x-content-type-options"] == "nosniff"
        png = await content(served)
        assert opened(png).size == (size["pixels"], size["pixels"])
        assert {kind for kind, _ in png_chunks(png)} == {b"IHDR", b"IDAT", b"IEND"}


async def test_another_icon_has_other_urls_and_other_bytes(
    world: World, edge: Edge, key: str
) -> None:
    seen: list[tuple[str, bytes]] = []
    for colour in ((200, 0, 0, 255), (0, 0, 200, 255)):
        answer = await put_icon(world, key, icon(colour=colour))
        url = answer.json()["icon"]["sizes"][1]["url"].removeprefix(CDN_URL)
        await edge.purge()
        seen.append((url, await content(await edge.ask(url, CDN))))
    (first_url, first), (second_url, second) = seen
    assert first_url != second_url
    assert first != second
    assert await content(await edge.ask(first_url, CDN)) == second


async def test_a_removed_icon_is_nowhere(world: World, edge: Edge, key: str) -> None:
    await put_icon(world, key, icon())
    for _ in range(2):
        assert (await world.call("DELETE", ICON_PATH, key=key)).status_code == 204
    assert_problem(await world.call("GET", ICON_PATH), 404, "not-found")
    for pixels in (32, 64, 128):
        path = f"/assets/org.example.app/icon-{pixels}.png"
        assert (await edge.ask(path, CDN)).status == 404


async def test_what_an_icon_is_made_from_is_not_served(world: World, edge: Edge, key: str) -> None:
    await put_icon(world, key, icon())
    page = await world.assets.list_objects("assets/org.example.app/icons/")
    assert len(page.objects) == 3
    for found in page.objects:
        assert (await edge.ask(f"/{found.key}", CDN)).status == 404


@pytest.mark.parametrize(
    ("headers", "data", "status", "slug"),
    [
        (PNG, b"", 422, "image-format"),
        ({}, icon(), 415, "unsupported-media-type"),
        ({"content-type": "application/json"}, b"{}", 415, "unsupported-media-type"),
        ({"content-type": "image/jpeg"}, icon(), 415, "unsupported-media-type"),
        (PNG, saved(gradient(128, 128, alpha=False), "JPEG"), 422, "image-format"),
        (PNG, b"<svg/>", 422, "image-format"),
        (PNG, icon(64), 422, "image-dimensions"),
        (PNG, saved(gradient(128, 129)), 422, "image-shape"),
        (PNG, icon()[:-20], 422, "image-damaged"),
        (PNG, icon() + bytes(ICON.max_bytes), 413, "content-too-large"),
    ],
)
async def test_a_bad_icon_is_refused_and_leaves_nothing(
    world: World, key: str, headers: Mapping[str, str], data: bytes, status: int, slug: str
) -> None:
    before = await world.dump()
    answer = await world.call("PUT", ICON_PATH, key=key, headers=headers, content=data)
    assert_problem(answer, status, slug)
    assert await world.dump() == before


async def test_a_refusal_says_everything_that_is_wrong(world: World, key: str) -> None:
    bad = saved(gradient(2000, 100, alpha=False), "JPEG")
    problem = assert_problem(await put_icon(world, key, bad), 422, "image-format")
    assert [one["slug"] for one in problem["problems"]] == [
        "image-format", "image-dimensions", "image-shape",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "most"),
    [("PUT", ICON_PATH, ICON.max_bytes), ("POST", SCREENSHOTS, SCREENSHOT.max_bytes)],
)
async def test_a_picture_that_says_it_is_too_large_is_refused_unread(
    world: World, key: str, method: str, path: str, most: int
) -> None:
    async def body() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    transport = httpx.ASGITransport(world.application)
    headers = {"content-length": str(most + 1), "authorization": f"Bearer {key}", **PNG}
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        answer = await client.request(method, path, content=body(), headers=headers)
    assert str(most) in assert_problem(answer, 413, "content-too-large")["detail"]


async def test_nothing_of_a_picture_is_read_for_a_caller_without_a_key(world: World) -> None:
    async def body() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    transport = httpx.ASGITransport(world.application)
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        answer = await client.put(ICON_PATH, content=body(), headers=PNG)
    assert_problem(answer, 401, "unauthorized")


@pytest.mark.parametrize(
    ("form", "media_type"),
    [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")],
)
async def test_a_screenshot_of_each_format_is_served_as_png(
    world: World, edge: Edge, key: str, form: str, media_type: str
) -> None:
    answer = await post(world, key, screenshot(form=form), media_type)
    assert answer.status_code == 201
    made = answer.json()["screenshot"]
    assert (made["number"], made["width"], made["height"]) == (1, 360, 640)
    served = await edge.ask(made["url"].removeprefix(CDN_URL), CDN)
    assert (served.status, served.headers["content-type"]) == (200, "image/png")
    assert opened(await content(served)).size == (360, 640)
    again = await post(world, key, screenshot(form=form), media_type)
    assert (again.status_code, again.json()) == (200, answer.json())


async def test_the_format_is_what_the_bytes_are_whatever_the_header_says(
    world: World, key: str
) -> None:
    answer = await post(world, key, screenshot(form="JPEG"), "image/webp")
    assert answer.status_code == 201


async def test_screenshots_are_ordered_and_removed(world: World, edge: Edge, key: str) -> None:
    for grey in (10, 20, 30):
        assert (await post(world, key, screenshot(grey=grey))).status_code == 201
    order = {"numbers": [3, 1, 2]}
    answer = await world.call("PUT", f"{SCREENSHOTS}/order", order, key=key)
    assert answer.status_code == 200
    assert answer.json() == (await world.call("GET", SCREENSHOTS)).json()
    assert await numbers(world) == [3, 1, 2]
    for _ in range(2):
        answer = await world.call("DELETE", f"{SCREENSHOTS}/1", key=key)
        assert answer.status_code == 204
    assert await numbers(world) == [3, 2]
    assert (await edge.ask("/assets/org.example.app/screenshots/1.png", CDN)).status == 404


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        ({"numbers": [1]}, 409, "screenshots-changed"),
        ({"numbers": [1, 2, 3]}, 409, "screenshots-changed"),
        ({"numbers": [1, 1]}, 422, "invalid-request"),
        ({"numbers": ["1", "2"]}, 422, "invalid-request"),
        ({"numbers": [1, True]}, 422, "invalid-request"),
        ({"numbers": list(range(11))}, 422, "invalid-request"),
        ({}, 422, "invalid-request"),
        ([2, 1], 422, "invalid-request"),
    ],
)
async def test_a_bad_order_is_refused_and_changes_nothing(
    world: World, key: str, body: Any, status: int, slug: str
) -> None:
    for grey in (10, 20):
        await post(world, key, screenshot(grey=grey))
    before = await world.dump()
    answer = await world.call("PUT", f"{SCREENSHOTS}/order", body, key=key)
    assert_problem(answer, status, slug)
    assert await world.dump() == before


@pytest.mark.parametrize("number", ["0", "2", "x", "1.0", "+1", "01x", "9" * 30, "²"])
async def test_a_screenshot_that_is_not_there_is_not_found(
    world: World, key: str, number: str
) -> None:
    await post(world, key, screenshot())
    answer = await world.call("DELETE", f"{SCREENSHOTS}/{number}", key=key)
    assert_problem(answer, 404, "not-found")
    assert await numbers(world) == [1]


async def test_a_private_apps_images_are_listed_for_its_developer_and_operators_only(
    world: World,
) -> None:
    owner = await world.developer("org.example.secret", "private")
    stranger = await world.developer("org.example.other")
    path = "/v1/apps/org.example.secret/screenshots"
    for key, status in ((owner, 200), (ROOT_KEY, 200), (stranger, 404), (None, 404)):
        assert (await world.call("GET", path, key=key)).status_code == status
    assert_problem(await world.call("GET", path.replace("secret", "unknown")), 404, "not-found")


class Broken:
    async def to_png(self, picture: bytes, width: int, height: int) -> bytes:
        raise ImageProcessorError("s3cret inside")


async def test_a_failing_image_service_is_answered_with_503_and_leaves_nothing(
    world: World, key: str
) -> None:
    before = await world.dump()
    world.change(processor=Broken())
    answer = await put_icon(world, key, icon())
    assert_problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"]
    assert "s3cret" not in answer.text
    assert await world.dump() == before


async def test_the_description_says_what_a_picture_may_be(world: World) -> None:
    paths = (await world.call("GET", "/openapi.json")).json()["paths"]
    body = paths["/v1/apps/{app_id}/screenshots"]["post"]["requestBody"]
    assert set(body["content"]) == {"image/png", "image/jpeg", "image/webp"}
    body = paths["/v1/apps/{app_id}/icon"]["put"]["requestBody"]
    schema = {"type": "string", "format": "binary", "maxLength": ICON.max_bytes}
    assert body == {"content": {"image/png": {"schema": schema}}, "required": True}


async def published(world: World, key: str, data: bytes) -> str:
    """The id of the version."""
    created = await world.made("/v1/apps/org.example.app/versions", announced(data), key)
    await world.uploaded(created, data)
    version_id: str = created["version"]["id"]
    for step in ("complete", "publish"):
        await world.call("POST", f"/v1/versions/{version_id}/{step}", key=key)
        await work(world)
    return version_id


async def work(world: World) -> None:
    """Delivers every message that waits."""
    messages = [MemoryDelivery(message.body) for message in world.queue.take()]
    await consume(messages, world.jobs().work)
    assert {message.settled for message in messages} <= {"ack"}


async def test_what_a_package_brings_is_seen_as_soon_as_it_is_published(
    world: World, edge: Edge, key: str
) -> None:
    files = {"icon.png": icon(colour=(0, 0, 200, 255)), "a.png": screenshot()}
    data = a_package(files=files, icon="icon.png", screenshots=["a.png"])
    version_id = await published(world, key, data)
    made = (await world.call("GET", ICON_PATH)).json()["icon"]
    assert made["version_id"] == version_id
    served = await edge.ask(made["sizes"][0]["url"].removeprefix(CDN_URL), CDN)
    assert opened(await content(served)).getpixel((16, 16)) == (0, 0, 200, 255)
    listed = (await world.call("GET", SCREENSHOTS)).json()["screenshots"]
    assert [(one["number"], one["version_id"]) for one in listed] == [(1, version_id)]


async def test_where_the_message_is_lost_the_schedule_takes_them_over(
    world: World, key: str
) -> None:
    data = a_package(files={"icon.png": icon()}, icon="icon.png")
    created = await world.made("/v1/apps/org.example.app/versions", announced(data), key)
    await world.uploaded(created, data)
    path = f"/v1/versions/{created['version']['id']}"
    await world.call("POST", f"{path}/complete", key=key)
    await work(world)
    await world.call("POST", f"{path}/publish", key=key)
    world.queue.take()
    assert (await world.call("GET", ICON_PATH)).status_code == 404
    await tick(world.jobs())
    assert (await world.call("GET", ICON_PATH)).status_code == 200


@pytest.mark.parametrize("body", [{}, {"app_id": 5}, {"app_id": "org.example.unknown"}])
async def test_a_message_that_names_no_app_is_acknowledged(
    world: World, body: dict[str, object]
) -> None:
    before = await world.dump()
    delivery = MemoryDelivery({"kind": "app-images", **body})
    await consume([delivery], world.jobs().work)
    assert delivery.settled == "ack"
    assert await world.dump() == before
