"""The tenants' page for everybody: names, order, contrast, narrow screens, less motion."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from playwright.sync_api import Page, expect

from tests.browser.site import Site, Visit
from tests.hostname_documents import a_hostname, a_record

Open: TypeAlias = Callable[..., Visit]
Keep: TypeAlias = Callable[[Visit, str], Path]
LEAST_CONTRAST = 4.5
"""WCAG 2.2, 1.4.3 (AA), for text of any size."""

TEXTS = """() => {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
        if (element.closest(".unseen, .skip, script, noscript")) continue;
        let ground = element;
        while (getComputedStyle(ground).backgroundColor === "rgba(0, 0, 0, 0)") {
            ground = ground.parentElement;
        }
        found.push([
            walker.currentNode.data.trim().slice(0, 40),
            getComputedStyle(element).color,
            getComputedStyle(ground).backgroundColor,
        ]);
    }
    return found;
}"""
UNNAMED = """() => [...document.querySelectorAll("button, input, select, a, dialog, article")]
    .filter((one) => {
        const labels = one.labels ? [...one.labels].map((label) => label.textContent) : [];
        const by = (one.getAttribute("aria-labelledby") || "").split(" ").filter(Boolean)
            .map((id) => document.getElementById(id).textContent);
        const names = [...labels, ...by, one.getAttribute("aria-label"), one.textContent];
        return !names.some((name) => name && name.trim());
    })
    .map((one) => one.outerHTML.slice(0, 80))"""
REPEATED = """() => {
    const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
    return ids.filter((id, index) => ids.indexOf(id) !== index);
}"""
LEVELS = """() => [...document.querySelectorAll("h1, h2, h3, h4")]
    .filter((one) => one.checkVisibility()).map((one) => Number(one.tagName[1]))"""


@pytest.fixture(autouse=True)
def every_state(site: Site) -> None:
    """One hostname in each state, with everything that a card can show."""
    site.add_repository("apt.acme.example", "stable")
    site.add_repository("deb.acme.example", "testing")
    for index, state in enumerate(
        ("requested", "awaiting_dns", "validating", "active", "moved", "blocked", "of-the-future")
    ):
        made = a_hostname(
            f"{state.replace('_', '-')}.example.com",
            state=state,
            created_at=f"2026-09-0{index + 1}T09:00:00.000Z",
            checked_at="2026-09-21T14:00:00.000Z",
            deadline_at="2026-09-27T09:00:00.000Z",
            errors=["CAA records forbid the certificate."] if state == "validating" else [],
            warnings=["This is the domain itself."] if state == "active" else [],
            http_tokens=[
                {"url": "http://a.example/.well-known/x", "body": "y", "purpose": "pre_validation"}
            ],
        )
        made["records"][0] |= {"state": "ok"}
        made["records"][1] |= {"state": "wrong", "found": ["elsewhere.example.net", "10.0.0.1"]}
        made["records"].append(a_record("TXT", "a.b", "c", "certificate", required=False))
        site.front.shown.append(made)


def opened(visit: Open, **options: Any) -> tuple[Visit, Page]:
    window = visit(**options)
    page = window.open()
    expect(page.get_by_role("article")).to_have_count(7)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    return window, page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_enough_contrast(visit: Open, screenshot: Keep, scheme: str) -> None:
    window, page = opened(visit, color_scheme=scheme)
    screenshot(window, f"states-{scheme}")
    page.get_by_role("button", name="Remove active.example.com").click()
    page.evaluate("document.getElementById('name-error').hidden = false")
    page.evaluate("document.getElementById('name-error').textContent = 'Wrong.'")
    page.evaluate("document.getElementById('trouble').hidden = false")
    page.evaluate("document.getElementById('trouble').textContent = 'Trouble.'")
    texts: list[tuple[str, str, str]] = page.evaluate(TEXTS)
    assert len(texts) > 100
    low = [one for one in texts if contrast(one[1], one[2]) < LEAST_CONTRAST]
    assert low == []
    placeholder = page.evaluate(
        "getComputedStyle(document.getElementById('name'), '::placeholder').color"
    )
    field = page.evaluate("getComputedStyle(document.getElementById('name')).backgroundColor")
    assert contrast(placeholder, field) >= LEAST_CONTRAST


def test_the_two_schemes_differ(visit: Open) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light = opened(visit, color_scheme="light")[1].evaluate(ground)
    dark = opened(visit, color_scheme="dark")[1].evaluate(ground)
    assert luminance(light) > 0.8
    assert luminance(dark) < 0.05


def test_every_control_has_a_name_and_no_id_is_given_twice(visit: Open) -> None:
    _, page = opened(visit)
    assert page.evaluate(UNNAMED) == []
    assert page.evaluate(REPEATED) == []
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.locator("main").count() == 1
    copies = page.get_by_role("button", name="Copy").all()
    names = [button.get_attribute("aria-label") for button in copies]
    assert all(name and name.startswith("Copy ") for name in names)


def test_headings_leave_out_no_level(visit: Open) -> None:
    levels: list[int] = opened(visit)[1].evaluate(LEVELS)
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("width", [320, 375, 768])
def test_a_narrow_screen_needs_no_sideways_scrolling(
    visit: Open, screenshot: Keep, width: int
) -> None:
    window, page = opened(visit, viewport={"width": width, "height": 700})
    screenshot(window, f"width-{width}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    small = """() => [...document.querySelectorAll("button, select, input[type=text], summary")]
        .filter((one) => one.checkVisibility())
        .map((one) => one.getBoundingClientRect())
        .filter((box) => box.height < 24 || box.width < 24).length"""
    assert page.evaluate(small) == 0


def test_who_wants_no_motion_gets_none(visit: Open) -> None:
    moving = """() => [...document.querySelectorAll("*")].filter((one) =>
        ["", "::before", "::after"].some((part) => {
            const style = getComputedStyle(one, part || null);
            return style.animationName !== "none" || style.transitionDuration !== "0s";
        })).length"""
    assert opened(visit)[1].evaluate(moving) > 0
    assert opened(visit, reduced_motion="reduce")[1].evaluate(moving) == 0


def test_focus_can_be_seen(visit: Open) -> None:
    _, page = opened(visit)
    page.get_by_label("Hostname", exact=True).focus()
    page.keyboard.press("Tab")
    outline = "(one) => [getComputedStyle(one).outlineStyle, getComputedStyle(one).outlineWidth]"
    assert page.locator(":focus").evaluate(outline) == ["solid", "3px"]


def contrast(one: str, other: str) -> float:
    """WCAG 2.2: of two colours as a browser writes them."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(color: str) -> float:
    assert color.startswith("rgb("), f"{color} lets something shine through"
    parts = [int(part) / 255 for part in color.removeprefix("rgb(").rstrip(")").split(",")]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
