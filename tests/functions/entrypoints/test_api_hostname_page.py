"""How the tenants' page is served: its headers, its files, nothing else."""

import re

import pytest

from functions.entrypoints.http_api.hostname_page import FOLDER
from tests.functions.entrypoints.world import World, assert_problem

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("name", ["", *(path.name for path in FOLDER.iterdir())])
async def test_every_file_has_the_strict_headers(world: World, name: str) -> None:
    answer = await world.call("GET", f"/hostnames/{name}")
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-cache"


async def test_a_file_that_has_not_changed_is_not_sent_again(world: World) -> None:
    etag = (await world.call("GET", "/hostnames/")).headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}'):
        again = await world.call("GET", "/hostnames/", headers={"if-none-match": known})
        assert (again.status_code, again.content) == (304, b"")
    changed = await world.call("GET", "/hostnames/", headers={"if-none-match": '"other"'})
    assert changed.status_code == 200


async def test_without_its_slash_the_page_is_still_found(world: World) -> None:
    answer = await world.call("GET", "/hostnames")
    assert (answer.status_code, answer.headers["location"]) == (308, "/hostnames/")


@pytest.mark.parametrize(
    "path", ["nothing.js", "..%2f..%2fpyproject.toml", "%2e%2e/index.html", "index", "a/b.js"]
)
async def test_nothing_but_the_pages_own_files_is_served(world: World, path: str) -> None:
    assert_problem(await world.call("GET", f"/hostnames/{path}"), 404, "not-found")


async def test_the_page_holds_no_inline_script_or_style_and_names_no_other_host() -> None:
    page = (FOLDER / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page)
    for path in FOLDER.iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|//[a-z]+\.", text), path.name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|eval\(", text), path.name
