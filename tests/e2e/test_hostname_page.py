"""The tenants' page as the deployed api serves it: the link from the command, in Chromium."""

import os
from typing import Any

from playwright.sync_api import expect, sync_playwright

from tests.browser.conftest import CHROMIUM
from tests.e2e.stack import Stack

NAME = "apt.page.example.com"


def test_a_tenant_adds_and_removes_a_hostname_by_its_link(stack: Stack) -> None:
    tenant = stack.made("/v1/tenants", {"name": "Page"})["tenant_id"]
    stack.made(
        "/v1/repositories",
        {"tenant_id": tenant, "hostname": "page.example", "distribution": "stable"},
    )
    link = stack.read("tenants", "link", tenant)
    assert link["url"].startswith(f"{stack.outputs['api_url']}/hostnames/#stl.")
    complaints: list[str] = []
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        page = browser.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(link["url"])
        page.get_by_label("Hostname", exact=True).fill(NAME)
        page.get_by_role("button", name="Add hostname").click()
        card = page.get_by_role("article", name=NAME)
        expect(card.get_by_text(f"_stowage-challenge.{NAME}")).to_be_visible(timeout=30_000)
        (listed,) = [one for one in hostnames(stack, tenant) if one["name"] == NAME]
        challenge = next(one for one in listed["records"] if one["purpose"] == "ownership")
        expect(card.get_by_text(challenge["value"])).to_be_visible()
        card.get_by_role("button", name=f"Remove {NAME}").click()
        page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        expect(card).to_be_hidden(timeout=30_000)
        stack.run("tenants", "unlink", tenant, link["id"])
        page.reload()
        expect(page.get_by_role("heading", name="This link was withdrawn")).to_be_visible()
        browser.close()
    # That the last answers were refusals is written too, and is what was wanted.
    assert [one for one in complaints if "401" not in one] == []
    assert NAME not in {one["name"] for one in hostnames(stack, tenant)}


def hostnames(stack: Stack, tenant: str) -> list[dict[str, Any]]:
    return stack.read("hostnames", "list", "--tenant", tenant)["hostnames"]
