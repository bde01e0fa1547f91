"""The tenants' page in Chromium: what a tenant does there, and what it is told."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from playwright.sync_api import Locator, Page, expect

from functions.ports.records import Statement
from tests.browser.site import Site, Visit
from tests.hostname_documents import a_hostname

Open: TypeAlias = Callable[..., Visit]
Keep: TypeAlias = Callable[[Visit, str], Path]
OWN = "apt.acme.example"
"""The one that came with the repository."""
NAME = "apt.example.com"
CHALLENGE = f"_stowage-challenge.{NAME}"


@pytest.fixture(autouse=True)
def a_repository(site: Site) -> None:
    site.add_repository(OWN, "stable")


def add(page: Page, name: str = NAME) -> Locator:
    page.get_by_label("Hostname", exact=True).fill(name)
    page.get_by_role("button", name="Add hostname").click()
    card = page.get_by_role("article", name=name)
    expect(card).to_be_visible()
    return card


def badge(card: Locator, words: str) -> Locator:
    return card.locator(".hostname-head .badge").get_by_text(words, exact=True)


def wanted(card: Locator) -> str:
    """The value of the challenge, as the page shows it."""
    return card.locator(".value code").nth(1).inner_text()


def check(window: Visit) -> None:
    """Presses the button and lets the jobs run."""
    window.later(10)
    with window.page.expect_response(re.compile("/check$")) as answer:
        window.page.get_by_role("button", name=f"Check {NAME} now").click()
    assert answer.value.status == 202
    window.site.turn()


def make_active(window: Visit, card: Locator) -> None:
    site = window.site
    site.set_record(CHALLENGE, "TXT", wanted(card))
    site.point_here(NAME)
    check(window)
    window.until_shown(badge(card, "Getting the certificate"))
    site.world.authority.set(NAME, "active")
    check(window)
    window.until_shown(badge(card, "Active"))


def test_a_hostname_goes_from_its_request_to_active_and_is_removed(
    site: Site, visit: Open, screenshot: Keep
) -> None:
    window = visit()
    page = window.open()
    expect(page.get_by_text("Acme Packages")).to_be_visible()
    vouched = page.get_by_role("article", name=OWN)
    expect(badge(vouched, "Active")).to_be_visible()
    expect(vouched.get_by_role("button", name="Check")).to_have_count(0)
    card = add(page)
    expect(card.get_by_role("heading", level=3)).to_be_focused()
    expect(badge(card, "Set the DNS records")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="is added")).to_be_attached()
    screenshot(window, "1-added")

    record = card.get_by_role("listitem").filter(has_text="Shows that the name is yours")
    for what, text in (("name", CHALLENGE), ("value", wanted(card))):
        record.get_by_role("button", name=f"Copy {what}: {text}").click()
        assert page.evaluate("navigator.clipboard.readText()") == text
        said = f"{what.title()} copied."
        expect(page.get_by_role("status").filter(has_text=said)).to_be_attached()

    site.set_record(CHALLENGE, "TXT", "stowage-challenge=of-somebody-else")
    check(window)
    window.until_shown(badge(card, "Waiting for DNS"))
    expect(card.get_by_text("holds another value than the one below")).to_be_visible()
    expect(record.get_by_text("Different value found")).to_be_visible()
    expect(record.get_by_text("stowage-challenge=of-somebody-else")).to_be_visible()
    expect(card.get_by_text("Not found yet")).to_be_visible()
    screenshot(window, "2-wrong-record")

    site.set_record(CHALLENGE, "TXT", wanted(card))
    site.point_here(NAME)
    check(window)
    window.until_shown(badge(card, "Getting the certificate"))
    expect(card.locator(".step.done")).to_have_count(2)
    expect(card.locator("[aria-current=step]")).to_contain_text("Certificate")
    screenshot(window, "3-right-record")

    site.world.authority.set(NAME, "active")
    check(window)
    window.until_shown(badge(card, "Active"))
    expect(card.locator(".record").first).to_be_hidden()
    screenshot(window, "4-active")

    card.get_by_role("button", name=f"Remove {NAME}").click()
    dialog = page.get_by_role("dialog", name=f"Remove {NAME}?")
    expect(dialog).to_contain_text("nothing is served under this name any more")
    screenshot(window, "5-removal")
    dialog.get_by_role("button", name="Keep it").click()
    expect(dialog).to_be_hidden()
    expect(card.get_by_role("button", name=f"Remove {NAME}")).to_be_focused()
    card.get_by_role("button", name=f"Remove {NAME}").click()
    dialog.get_by_role("button", name="Remove").click()
    expect(card).to_be_hidden()
    expect(page.get_by_role("heading", name="Your hostnames")).to_be_focused()
    assert [one["name"] for one in site.get("/v1/hostnames")["hostnames"]] == [OWN]


def test_everything_can_be_done_with_the_keyboard_alone(site: Site, visit: Open) -> None:
    window = visit()
    page = window.open()
    expect(page.get_by_role("button", name="Add hostname")).to_be_visible()

    def reach(control: Locator) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            if control.and_(page.locator(":focus")).count():
                return
        pytest.fail(f"the keyboard does not reach {control}")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to your hostnames")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your hostnames")).to_be_focused()
    page.get_by_role("heading", name="Hostnames", exact=True).focus()
    reach(page.get_by_label("Hostname", exact=True))
    page.keyboard.type(f"https://{NAME.upper()}./x")
    page.keyboard.press("Enter")
    card = page.get_by_role("article", name=NAME)
    expect(card).to_be_visible()
    reach(card.get_by_role("button", name="Copy value: stowage-challenge"))
    page.keyboard.press("Space")
    assert page.evaluate("navigator.clipboard.readText()") == wanted(card)
    window.later(10)
    reach(page.get_by_role("button", name=f"Check {NAME} now"))
    page.keyboard.press("Enter")
    expect(card.get_by_text("It is looked at now")).to_be_visible()
    removal = page.get_by_role("button", name=f"Remove {NAME}")
    reach(removal)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Keep it")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(removal).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(card).to_be_hidden()
    assert [one["name"] for one in site.get("/v1/hostnames")["hostnames"]] == [OWN]


def test_a_change_leaves_focus_and_what_was_unfolded_where_they_are(
    site: Site, visit: Open
) -> None:
    window = visit()
    page = window.open()
    card = add(page)
    site.set_record(CHALLENGE, "TXT", wanted(card))
    site.point_here(NAME)
    check(window)
    window.until_shown(badge(card, "Getting the certificate"))
    card.locator("summary").get_by_text("DNS records").click()
    copy = card.get_by_role("button", name="Copy value: fallback")
    copy.focus()
    site.world.authority.set(NAME, "active")
    site.world.clock.advance(seconds=86_000)
    site.turn()
    window.until_shown(badge(card, "Active"))
    expect(copy).to_be_focused()
    expect(page.get_by_role("status").filter(has_text=f"{NAME}: Active.")).to_be_attached()


def test_a_name_that_moves_away_is_flagged(site: Site, visit: Open, screenshot: Keep) -> None:
    window = visit()
    page = window.open()
    card = add(page)
    make_active(window, card)
    site.set_record(NAME, "CNAME", "elsewhere.example.net")
    site.world.authority.set(NAME, "moved")
    check(window)
    window.until_shown(badge(card, "Points elsewhere"))
    expect(card.get_by_text("elsewhere.example.net")).to_be_visible()
    expect(card.get_by_text("unless it points here again")).to_be_visible()
    screenshot(window, "6-moved")


def test_a_refused_name_says_why_beside_its_field(
    site: Site, visit: Open, screenshot: Keep
) -> None:
    window = visit()
    page = window.open()
    page.get_by_role("button", name="Add hostname").click()
    field = page.get_by_label("Hostname", exact=True)
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("Type the hostname first"))
    for name, reason in (
        ("*.example.com", "This name must not be a wildcard"),
        ("apt.stowage.test", "belongs to the platform itself"),
    ):
        field.fill(name)
        field.press("Enter")
        expect(field).to_have_accessible_description(re.compile(reason))
        expect(field).to_have_value(name)
    screenshot(window, "refused")
    add(page)
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
    hostnames = site.get("/v1/hostnames")["hostnames"]
    leads_to = {one["name"]: one["location_id"] for one in hostnames}
    assert leads_to[NAME] == leads_to["deb.acme.example"] != leads_to[OWN]
    claimed = site.run(
        site.world.records.fetch(
            Statement("SELECT certificate FROM hostname WHERE name = ?", (NAME,))
        )
    )
    assert [row["certificate"] for row in claimed] == ["txt"]


def test_a_name_in_another_script_is_shown_as_it_is_written(site: Site, visit: Open) -> None:
    card = add(visit().open(), "bücher.example.com")
    expect(card.get_by_role("heading", level=3)).to_have_text("bücher.example.com")
    expect(card.locator(".ascii")).to_have_text("xn--bcher-kva.example.com")


def test_a_tenant_without_a_location_is_told_what_is_missing(site: Site, visit: Open) -> None:
    site.tenant_id = site.made("/v1/tenants", {"name": "New"})["tenant_id"]
    page = visit().open()
    expect(page.get_by_text("nothing yet that a hostname could lead to")).to_be_visible()
    expect(page.get_by_text("No hostname yet")).to_be_visible()
    expect(page.get_by_label("Hostname", exact=True)).to_be_hidden()


def test_what_others_wrote_is_shown_as_text_and_never_as_markup(site: Site, visit: Open) -> None:
    window = visit()
    page = window.open()
    add(page)
    expect(page.get_by_role("article")).to_have_count(2)
    markup = "<img src=x onerror=document.title='taken'><script>document.title='taken'</script>"
    evil = a_hostname(NAME, explanation=markup, errors=[markup], warnings=[markup])
    evil["records"][0] |= {"state": "wrong", "found": [markup], "help": markup}
    site.front.shown = [evil]
    window.until_shown(page.get_by_text(markup).first)
    expect(page.get_by_text(markup)).to_have_count(5)
    assert page.title() == "Hostnames - Acme Packages"
    assert page.locator("article img, article script").count() == 0


def test_a_platform_that_does_not_answer_is_said_and_asked_again(site: Site, visit: Open) -> None:
    window = visit()
    page = window.open()
    add(page)
    site.front.is_down = True
    window.until_shown(page.get_by_text("What you see may be old"))
    expect(page.get_by_role("article", name=NAME)).to_be_visible()
    site.front.is_down = False
    site.front.shown = [a_hostname("deb.example.com")]
    window.until_shown(page.get_by_role("article", name="deb.example.com"))
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
        site.revoke(link["id"])
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
    site.revoke(link["id"])
    ended = page.get_by_role("heading", name="This link was withdrawn")
    window.until_shown(ended)
    expect(ended).to_be_focused()
    expect(page.get_by_role("article")).to_be_hidden()
