"""The tenants' page in Chromium: what a tenant does there, and what it is told."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from playwright.sync_api import Page, expect

from tests.browser.hostnames_api import CHALLENGE, TARGET
from tests.browser.site import Site, Visit
from tests.functions.entrypoints.world import ROOT_KEY

Open: TypeAlias = Callable[..., Visit]
Keep: TypeAlias = Callable[[Visit, str], Path]
NAME = "apt.example.com"


@pytest.fixture(autouse=True)
def a_repository(site: Site) -> None:
    site.add_repository("apt.acme.example", "stable")


def add(page: Page, name: str = NAME) -> None:
    page.get_by_label("Hostname", exact=True).fill(name)
    page.get_by_role("button", name="Add hostname").click()
    expect(page.get_by_role("article", name=name)).to_be_visible()


def test_a_hostname_goes_from_its_request_to_active_and_is_removed(
    site: Site, visit: Open, screenshot: Keep
) -> None:
    window = visit()
    page = window.open()
    expect(page.get_by_text("Acme Packages")).to_be_visible()
    expect(page.get_by_text("No hostname yet")).to_be_visible()
    add(page)
    card = page.get_by_role("article", name=NAME)
    expect(card.get_by_role("heading", level=3)).to_be_focused()
    expect(card.get_by_text("Set the DNS records", exact=True)).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="is added")).to_be_attached()
    screenshot(window, "1-added")

    record = card.get_by_role("listitem").filter(has_text="Shows that the name is yours")
    for what, text in (("name", f"_stowage-challenge.{NAME}"), ("value", CHALLENGE)):
        record.get_by_role("button", name=f"Copy {what}: {text}").click()
        assert page.evaluate("navigator.clipboard.readText()") == text
        said = f"{what.title()} copied."
        expect(page.get_by_role("status").filter(has_text=said)).to_be_attached()

    ownership, routing = site.hostnames.known[f"id-of-{NAME}"]["records"]
    ownership |= {"state": "wrong", "found": ["stowage-challenge=of-somebody-else"]}
    routing |= {"state": "missing"}
    explanation = "The TXT record of the challenge holds another value than the one below."
    site.hostnames.change(NAME, state="awaiting_dns", explanation=explanation)
    window.later()
    expect(card.get_by_text(explanation)).to_be_visible()
    expect(record.get_by_text("Different value found")).to_be_visible()
    expect(record.get_by_text("stowage-challenge=of-somebody-else")).to_be_visible()
    expect(card.get_by_text("Not found yet")).to_be_visible()
    screenshot(window, "2-wrong-record")

    ownership |= {"state": "ok", "found": [CHALLENGE]}
    routing |= {"state": "ok", "found": [TARGET]}
    site.hostnames.change(NAME, state="validating", proven_at="2026-11-25T09:10:00.000Z")
    window.later()
    expect(card.get_by_text("Getting the certificate")).to_be_visible()
    expect(card.locator(".step.done")).to_have_count(2)
    expect(card.locator("[aria-current=step]")).to_contain_text("Certificate")
    screenshot(window, "3-right-record")

    site.hostnames.change(NAME, state="active", active_at="2026-11-25T09:12:00.000Z")
    window.later()
    expect(card.locator(".badge").get_by_text("Active", exact=True)).to_be_visible()
    expect(card.get_by_text("Found", exact=True)).to_have_count(2)
    expect(card.locator(".record").first).to_be_hidden()
    screenshot(window, "4-active")

    card.get_by_role("button", name=f"Remove {NAME}").click()
    dialog = page.get_by_role("dialog", name=f"Remove {NAME}?")
    expect(dialog).to_contain_text("nothing is served under this name any more")
    screenshot(window, "5-removal")
    dialog.get_by_role("button", name="Keep it").click()
    expect(dialog).to_be_hidden()
    assert site.hostnames.known
    expect(card.get_by_role("button", name=f"Remove {NAME}")).to_be_focused()
    card.get_by_role("button", name=f"Remove {NAME}").click()
    dialog.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("No hostname yet")).to_be_visible()
    expect(page.get_by_role("heading", name="Your hostnames")).to_be_focused()
    assert not site.hostnames.known


def test_everything_can_be_done_with_the_keyboard_alone(site: Site, visit: Open) -> None:
    page = visit().open()
    expect(page.get_by_role("button", name="Add hostname")).to_be_visible()

    def reach(role: str, name: str) -> None:
        for _ in range(30):
            page.keyboard.press("Tab")
            if page.get_by_role(role, name=name).and_(page.locator(":focus")).count():  # pyright: ignore[reportArgumentType]
                return
        pytest.fail(f"the keyboard does not reach the {role} {name}")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to your hostnames")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your hostnames")).to_be_focused()
    page.get_by_role("heading", name="Hostnames", exact=True).focus()
    reach("textbox", "Hostname")
    page.keyboard.type(f"https://{NAME.upper()}./x")
    page.keyboard.press("Enter")
    expect(page.get_by_role("article", name=NAME)).to_be_visible()
    assert site.hostnames.bodies[-1]["name"] == NAME
    reach("button", f"Copy value: {CHALLENGE}")
    page.keyboard.press("Space")
    assert page.evaluate("navigator.clipboard.readText()") == CHALLENGE
    reach("button", f"Check {NAME} now")
    page.keyboard.press("Enter")
    expect(page.get_by_text("It is looked at now")).to_have_count(2)
    assert site.hostnames.checks == [f"id-of-{NAME}"]
    reach("button", f"Remove {NAME}")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Keep it")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("button", name=f"Remove {NAME}")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No hostname yet")).to_be_visible()


def test_a_change_leaves_focus_and_what_was_unfolded_where_they_are(
    site: Site, visit: Open
) -> None:
    window = visit()
    page = window.open()
    add(page)
    for record in site.hostnames.known[f"id-of-{NAME}"]["records"]:
        record["state"] = "ok"
    site.hostnames.change(NAME, state="validating", proven_at="2026-11-25T09:10:00.000Z")
    window.later()
    summary = page.locator("summary")
    summary.click()
    expect(page.get_by_role("button", name=f"Copy value: {CHALLENGE}")).to_be_visible()
    page.get_by_role("button", name=f"Copy value: {CHALLENGE}").focus()
    site.hostnames.change(NAME, state="active", active_at="2026-11-25T09:12:00.000Z")
    window.later()
    expect(page.locator(".badge").get_by_text("Active", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name=f"Copy value: {CHALLENGE}")).to_be_focused()
    expect(page.get_by_role("status").filter(has_text=f"{NAME}: Active.")).to_be_attached()


def test_a_refused_name_says_why_beside_its_field(
    site: Site, visit: Open, screenshot: Keep
) -> None:
    window = visit()
    page = window.open()
    page.get_by_role("button", name="Add hostname").click()
    field = page.get_by_label("Hostname", exact=True)
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("Type the hostname first", exact=False).first).to_be_visible()
    site.hostnames.refusal = {
        "status": 422,
        "detail": "1 value of the request cannot be accepted.",
        "errors": [{"pointer": "/name", "detail": "must not be a wildcard"}],
    }
    field.fill("*.example.com")
    field.press("Enter")
    expect(field).to_have_accessible_description(re.compile("This name must not be a wildcard."))
    expect(field).to_have_value("*.example.com")
    screenshot(window, "refused")
    site.hostnames.refusal = {"status": 409, "detail": "It is in use on the platform already."}
    field.press("Enter")
    expect(field).to_have_accessible_description(re.compile("in use on the platform already"))
    site.hostnames.refusal = None
    field.fill(NAME)
    field.press("Enter")
    expect(page.get_by_role("article", name=NAME)).to_be_visible()
    expect(field).not_to_have_attribute("aria-invalid", "true")


def test_where_there_are_several_locations_one_is_chosen(site: Site, visit: Open) -> None:
    page = visit().open()
    expect(page.get_by_role("button", name="Add hostname")).to_be_visible()
    expect(page.get_by_label("Leads to")).to_be_hidden()
    site.add_repository("deb.acme.example", "testing")
    page.reload()
    page.get_by_label("Leads to").select_option("testing (deb.acme.example)")
    page.get_by_label("The name is in use elsewhere").check()
    add(page)
    (body,) = site.hostnames.bodies
    listed = site.run(site.world.call("GET", "/v1/locations", key=site.token())).json()
    (chosen,) = [
        location["id"]
        for location in listed["locations"]
        if location["distributions"] == ["testing"]
    ]
    assert body == {
        "name": NAME,
        "location_id": chosen,
        "certificate": "txt",
    }


def test_what_others_wrote_is_shown_as_text_and_never_as_markup(site: Site, visit: Open) -> None:
    window = visit()
    page = window.open()
    add(page)
    markup = "<img src=x onerror=document.title='taken'><script>document.title='taken'</script>"
    record = site.hostnames.known[f"id-of-{NAME}"]["records"][0]
    record |= {"state": "wrong", "found": [markup], "help": markup}
    site.hostnames.change(NAME, explanation=markup, errors=[markup], warnings=[markup])
    window.later()
    expect(page.get_by_text(markup)).to_have_count(5)
    assert page.title() == "Hostnames - Acme Packages"
    assert page.locator("article img, article script").count() == 0


def test_a_platform_that_does_not_answer_is_said_and_asked_again(site: Site, visit: Open) -> None:
    window = visit()
    page = window.open()
    add(page)
    site.hostnames.is_down = True
    window.later()
    expect(page.get_by_text("What you see may be old")).to_be_visible()
    expect(page.get_by_role("article", name=NAME)).to_be_visible()
    site.hostnames.is_down = False
    window.later(240)
    expect(page.get_by_text("What you see may be old")).to_be_hidden()


def test_a_page_that_nobody_looks_at_asks_for_nothing(site: Site, visit: Open) -> None:
    window = visit()
    page = window.open()
    add(page)
    window.later()
    hide = "Object.defineProperty(document, 'hidden', {value: %s, configurable: true});"
    page.evaluate(hide % "true" + "document.dispatchEvent(new Event('visibilitychange'))")
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    window.later(3600)
    assert seen == []
    page.evaluate(hide % "false" + "document.dispatchEvent(new Event('visibilitychange'))")
    window.later(1)
    assert [url.partition("/v1/")[2] for url in seen] == ["hostnames"]


def test_looks_become_rarer_while_nothing_happens_and_frequent_when_something_does(
    site: Site, visit: Open
) -> None:
    window = visit()
    page = window.open(f"{site.url}/hostnames/")
    page.evaluate(
        """async () => {
            const { Polling } = await import("/hostnames/polling.js");
            window.looks = [];
            window.changes = false;
            new Polling(async () => { looks.push(Date.now()); return changes; }).start();
        }"""
    )
    gaps = "looks.slice(1).map((look, index) => Math.round((look - looks[index]) / 1000))"
    window.later(600)
    calm: list[int] = page.evaluate(gaps)
    assert calm == sorted(calm)
    assert (calm[0], calm[-1]) == (6, 60)
    page.evaluate("looks.length = 0; changes = true")
    window.later(120)
    assert page.evaluate(gaps)[-1] == 4


@pytest.mark.parametrize(
    ("end", "heading"),
    [
        ("absent", "A link is needed"),
        ("spoilt", "This link does not work"),
        ("expired", "This link has expired"),
        ("revoked", "This link was withdrawn"),
    ],
)
def test_a_link_that_opens_nothing_says_why(
    site: Site, visit: Open, screenshot: Keep, end: str, heading: str
) -> None:
    link = site.link(60)
    url: str = link["url"]
    if end == "absent":
        url = url.partition("#")[0]
    elif end == "spoilt":
        url = url[:-6]
    elif end == "expired":
        site.world.clock.advance(seconds=61)
    else:
        revoke_link(site, link["id"])
    window = visit()
    page = window.open(url)
    expect(page.get_by_role("heading", name=heading)).to_be_focused()
    expect(page.get_by_label("Hostname", exact=True)).to_be_hidden()
    screenshot(window, f"link-{end}")


def test_a_link_that_is_revoked_while_the_page_is_open_ends_it(site: Site, visit: Open) -> None:
    link = site.link()
    window = visit()
    page = window.open(link["url"])
    add(page)
    revoke_link(site, link["id"])
    window.later()
    expect(page.get_by_role("heading", name="This link was withdrawn")).to_be_focused()
    expect(page.get_by_role("article")).to_be_hidden()


def revoke_link(site: Site, link_id: str) -> None:
    path = f"/v1/tenants/{site.tenant_id}/links/{link_id}"
    assert site.run(site.world.call("DELETE", path, key=ROOT_KEY)).status_code == 204
