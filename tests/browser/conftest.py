"""One Chromium for the tests of a file; each test has a site and windows of its own."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.site import Site, Visit, served

CHROMIUM = "/usr/bin/chromium"
SCREENSHOTS = Path(__file__).parents[2] / ".build" / "screenshots"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # No longer than the file: Playwright keeps an event loop running, beside which no other test of
    # the process could start one. Its sandbox needs a user who is not root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def site() -> Iterator[Site]:
    with served() as site:
        yield site


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Callable[..., Visit]]:
    """Opens windows, and insists at the end that no page did what it must not."""
    windows: list[Visit] = []

    def opened(**options: Any) -> Visit:
        windows.append(Visit(browser, site, **options))
        return windows[-1]

    yield opened
    for window in windows:
        window.context.close()
    assert [complaint for window in windows for complaint in window.complaints] == []


@pytest.fixture
def screenshot() -> Callable[[Visit, str], Path]:
    """Keeps a picture of the page under the git-ignored build folder."""

    def taken(window: Visit, name: str) -> Path:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        # A dialog covers what is in view, and no more.
        is_whole = window.page.locator("dialog[open]").count() == 0
        window.page.screenshot(path=path, full_page=is_whole)
        return path

    return taken


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser" in item.path.as_posix():
            item.add_marker(pytest.mark.cloud)
