"""The control plane on a loopback port, with a tenant, and a browser that looks at its page."""

import asyncio
import threading
import time
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.hostnames_api import FakeHostnames
from tests.functions.entrypoints.world import World

START_SECONDS = 30

T = TypeVar("T")


@dataclass
class Site:
    url: str
    world: World
    hostnames: FakeHostnames
    loop: asyncio.AbstractEventLoop
    """The server's: the world is used there and nowhere else."""
    tenant_id: str = ""

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def made(self, path: str, body: object) -> dict[str, Any]:
        return self.run(self.world.made(path, body))

    def link(self, seconds: int = 3600) -> dict[str, Any]:
        return self.made(f"/v1/tenants/{self.tenant_id}/links", {"expires_in_seconds": seconds})

    def token(self) -> str:
        return str(self.link()["url"]).partition("#")[2]

    def add_repository(self, hostname: str, distribution: str) -> None:
        self.made(
            "/v1/repositories",
            {"tenant_id": self.tenant_id, "hostname": hostname, "distribution": distribution},
        )


@contextmanager
def served() -> Generator[Site]:
    world = World()
    hostnames = FakeHostnames(world.application)
    config = uvicorn.Config(
        hostnames, host="127.0.0.1", port=0, log_level="error", lifespan="off", ws="none"
    )
    server = uvicorn.Server(config)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_until_complete, args=(server.serve(),))
    thread.start()
    try:
        deadline = time.monotonic() + START_SECONDS
        while not server.started:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        world.change(api_url=url)
        site = Site(url, world, hostnames, loop)
        site.tenant_id = site.made("/v1/tenants", {"name": "Acme Packages"})["tenant_id"]
        yield site
    finally:
        server.should_exit = True
        thread.join()
        loop.close()
        world.records.close()


class Visit:
    """One visitor's browser window. Whatever the page does that it must not, is noted."""

    def __init__(self, browser: Browser, site: Site, **options: Any) -> None:
        self.site = site
        self.complaints: list[str] = []
        self.context: BrowserContext = browser.new_context(
            permissions=["clipboard-read", "clipboard-write"], locale="en-GB", **options
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(10_000)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("console", lambda message: self._console(message.type, message.text))
        self.page.on("request", lambda request: self._request(request.url, request.headers))

    def _console(self, kind: str, text: str) -> None:
        """Violations of the Content-Security-Policy are written here. That an answer was no success
        is written too, and is no fault of the page."""
        if kind in ("error", "warning") and "Failed to load resource" not in text:
            self.complaints.append(f"{kind}: {text}")

    def _request(self, url: str, headers: dict[str, str]) -> None:
        if not url.startswith(f"{self.site.url}/"):
            self.complaints.append(f"a request left the host: {url}")
        if headers.get("referer"):
            self.complaints.append(f"{url} was told the referrer {headers['referer']}")
        if "stl." in url:
            self.complaints.append(f"a request's URL held the token: {url}")

    def open(self, url: str | None = None) -> Page:
        self.page.clock.install()
        self.page.goto(url or self.site.link()["url"])
        return self.page

    def later(self, seconds: int = 61) -> None:
        """As if the page had been open that long."""
        self.page.clock.run_for(seconds * 1000)
