"""The control plane on a loopback port, with a tenant, and a browser that looks at its page."""

import asyncio
import threading
import time
from collections.abc import Coroutine, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import uvicorn
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.functions.entrypoints.world import CNAME_TARGET, ROOT_KEY, World

START_SECONDS = 30
LOOKS, LOOK_MS = 20, 1_500
LIST = "/v1/hostnames"

T = TypeVar("T")


@dataclass
class Front:
    """The application, whose list of hostnames a test may answer itself."""

    app: ASGIApp
    shown: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """Instead of what is in the database, where there is anything."""
    is_down: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self.app
        if scope["type"] == "http" and (scope["method"], scope["path"]) == ("GET", LIST):
            if self.is_down:
                app = JSONResponse({"detail": "The platform could not finish this."}, 503)
            elif self.shown:
                app = JSONResponse({"hostnames": self.shown, "next": None})
        await app(scope, receive, send)


@dataclass
class Site:
    url: str
    world: World
    front: Front
    loop: asyncio.AbstractEventLoop
    """The server's: the world is used there and nowhere else."""
    tenant_id: str = ""

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def made(self, path: str, body: object) -> dict[str, Any]:
        return self.run(self.world.made(path, body))

    def get(self, path: str) -> dict[str, Any]:
        """As an operator."""
        return self.run(self.world.call("GET", path, key=ROOT_KEY)).json()

    def link(self, seconds: int = 86_400) -> dict[str, Any]:
        return self.made(f"/v1/tenants/{self.tenant_id}/links", {"expires_in_seconds": seconds})

    def revoke(self, link_id: str) -> None:
        path = f"/v1/tenants/{self.tenant_id}/links/{link_id}"
        assert self.run(self.world.call("DELETE", path, key=ROOT_KEY)).status_code == 204

    def add_repository(self, hostname: str, distribution: str) -> None:
        self.made(
            "/v1/repositories",
            {"tenant_id": self.tenant_id, "hostname": hostname, "distribution": distribution},
        )

    def set_record(self, name: str, kind: str, value: str) -> None:
        """At the tenant's DNS provider."""
        self.world.resolver.set(name, "TXT" if kind == "TXT" else "CNAME", value)

    def point_here(self, name: str) -> None:
        self.set_record(name, "CNAME", CNAME_TARGET)

    def turn(self) -> None:
        """One run of the jobs."""
        self.run(self.world.jobs().look_at_hostnames())


@contextmanager
def served() -> Generator[Site]:
    world = World()
    front = Front(world.application)
    config = uvicorn.Config(
        front, host="127.0.0.1", port=0, log_level="error", lifespan="off", ws="none"
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
        site = Site(url, world, front, loop)
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
        now = datetime.fromtimestamp(self.site.world.clock.now_ms() / 1000, UTC)
        self.page.clock.install(time=now)
        self.page.goto(url or self.site.link()["url"])
        return self.page

    def later(self, seconds: int = 61) -> None:
        """As if the page had been open that long."""
        self.site.world.clock.advance(seconds=seconds)
        self.page.clock.run_for(seconds * 1000)

    def until_shown(self, wanted: Locator) -> None:
        """Lets time go by until the page has looked again and shows it."""
        for _ in range(LOOKS):
            self.later()
            with suppress(AssertionError):
                expect(wanted).to_be_visible(timeout=LOOK_MS)
                return
        expect(wanted).to_be_visible()
