"""`stowage apps` against the api itself, without a network between them."""

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner, Result

from cli import api_keys
from cli.app import app
from cli.platform_api import PlatformApi
from tests.cli.fakes import document
from tests.functions.entrypoints.world import World
from tests.pictures import gradient, icon, saved, screenshot

APP = "org.example.app"


class Direct(httpx.BaseTransport):
    """Hands each request to the api's application."""

    def __init__(self, world: World) -> None:
        self._world = world

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = asyncio.run(
            self._world.call(
                request.method,
                request.url.raw_path.decode(),
                headers=dict(request.headers),
                content=request.read(),
            )
        )
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


class Developer:
    def __init__(self, world: World) -> None:
        self.world = world
        self.key = asyncio.run(world.developer(APP))

    def run(self, *arguments: str) -> Result:
        environment = {"STOWAGE_KEY": self.key, "STOWAGE_API_URL": "https://api.stowage.test"}
        return CliRunner().invoke(app, ["apps", *arguments], env=environment)

    def numbers(self) -> list[int]:
        listed = document(self.run("screenshots", "list", APP, "--json").stdout)["screenshots"]
        return [one["number"] for one in listed]


@pytest.fixture
def developer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Developer]:
    world = World()
    monkeypatch.setattr(api_keys, "PlatformApi", partial(PlatformApi, transport=Direct(world)))
    yield Developer(world)
    world.records.close()


def a_file(folder: Path, name: str, data: bytes) -> str:
    path = folder / name
    path.write_bytes(data)
    return str(path)


def test_an_icon_is_set_shown_and_removed(developer: Developer, tmp_path: Path) -> None:
    file = a_file(tmp_path, "icon.png", icon())
    done = developer.run("icon", APP, file)
    assert done.exit_code == 0, done.output
    assert f"/assets/{APP}/icon-128.png" in done.stdout
    shown = developer.run("icon", APP, "--json")
    sizes = document(shown.stdout)["icon"]["sizes"]
    assert [one["pixels"] for one in sizes] == [32, 64, 128]
    for _ in range(2):
        removed = developer.run("icon", APP, "--remove")
        assert (removed.exit_code, removed.stdout) == (0, f"App {APP} has no icon.\n")
    gone = developer.run("icon", APP)
    assert gone.exit_code == 1
    assert "There is no such icon." in gone.stderr


def test_screenshots_are_added_listed_ordered_and_removed(
    developer: Developer, tmp_path: Path
) -> None:
    files = [
        a_file(tmp_path, "a.png", screenshot(grey=10)),
        a_file(tmp_path, "b.jpg", screenshot(form="JPEG", grey=20)),
        a_file(tmp_path, "c.webp", screenshot(form="WEBP", grey=30)),
    ]
    added = developer.run("screenshots", "add", APP, *files)
    assert added.exit_code == 0, added.output
    assert added.stdout.count("360 x 640") == 3
    ordered = developer.run("screenshots", "order", APP, "3", "1", "2")
    assert ordered.exit_code == 0, ordered.output
    assert developer.numbers() == [3, 1, 2]
    for _ in range(2):
        removed = developer.run("screenshots", "remove", APP, "1", "--json")
        assert (removed.exit_code, document(removed.stdout)) == (0, {"removed": [1]})
    assert developer.numbers() == [3, 2]


def test_a_bad_picture_is_refused_with_every_reason_before_anything_is_sent(
    developer: Developer, tmp_path: Path
) -> None:
    good = a_file(tmp_path, "good.png", screenshot())
    bad = a_file(tmp_path, "bad.jpg", saved(gradient(2000, 100, alpha=False), "JPEG"))
    refused = developer.run("icon", APP, bad)
    assert refused.exit_code == 1
    assert "bad.jpg cannot be taken." in refused.stderr
    for reason in ("must be PNG", "128 to 1024", "must be square"):
        assert reason in refused.stderr
    refused = developer.run("screenshots", "add", APP, good, bad)
    assert refused.exit_code == 1
    assert developer.numbers() == []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["icon", APP, "missing.png"], 2, "cannot be read"),
        (["icon", APP, "missing.png", "--remove"], 2, "not both"),
        (["screenshots", "remove", APP, "7"], 1, "There is no such screenshot."),
        (["screenshots", "order", APP, "7"], 1, "Read the list again."),
        (["screenshots", "list", "org.example.unknown"], 1, "There is no such app."),
        (["screenshots", "list", "a/../b"], 1, "refused (404"),
        (["screenshots", "order", APP], 2, "NUMBER"),
    ],
)
def test_a_refusal_says_what_was_wrong(
    developer: Developer, arguments: list[str], code: int, message: str
) -> None:
    refused = developer.run(*arguments)
    assert refused.exit_code == code, refused.output
    assert message in refused.stderr


def test_without_a_key_nothing_is_asked(developer: Developer) -> None:
    developer.key = ""
    refused = developer.run("screenshots", "list", APP)
    assert refused.exit_code == 2
    assert "STOWAGE_KEY" in refused.stderr
