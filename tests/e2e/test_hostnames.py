"""A tenant brings its own hostname, as it happens: the api, a real DNS server, DNS over HTTPS,
Cloudflare's part, and apt."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.client import Cloud
from tests.e2e.debian import Apt, build, upload
from tests.e2e.stack import Stack

SECONDS = 90


class Tenant:
    """One with a location, whose hostnames are others than those that tests vouch for."""

    def __init__(self, stack: Stack, name: str) -> None:
        self.stack = stack
        made = stack.made("/v1/tenants", {"name": name})
        self.id, self.key = made["tenant_id"], made["key"]
        self.repository = stack.made(
            "/v1/repositories",
            {"tenant_id": self.id, "hostname": f"{name}.vouched.example", "distribution": "stable"},
        )["repository"]

    def claim(self, name: str) -> dict[str, Any]:
        body = {"name": name, "location_id": self.repository["location_id"]}
        return self.stack.made("/v1/hostnames", body, self.key)["hostname"]

    def shown(self, hostname_id: str) -> dict[str, Any]:
        answer = self.stack.api("GET", f"/v1/hostnames/{hostname_id}", key=self.key)
        assert answer.status_code == 200, answer.text
        return answer.json()["hostname"]

    def remove(self, hostname_id: str) -> None:
        answer = self.stack.api("DELETE", f"/v1/hostnames/{hostname_id}", key=self.key)
        assert answer.status_code == 204, answer.text

    def looked_at(self, hostname_id: str) -> dict[str, Any]:
        """After one more look of the jobs."""
        before = self.shown(hostname_id)
        return self.until(
            hostname_id, lambda now: now["checked_at"] not in (None, before["checked_at"])
        )

    def until_state(self, hostname_id: str, state: str) -> dict[str, Any]:
        return self.until(hostname_id, lambda now: now["state"] == state)

    def until(self, hostname_id: str, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + SECONDS
        while True:
            answer = self.stack.api("POST", f"/v1/hostnames/{hostname_id}/check", key=self.key)
            assert answer.status_code in (202, 429), answer.text
            time.sleep(0.5)
            hostname = self.shown(hostname_id)
            if is_so(hostname):
                return hostname
            assert time.monotonic() < deadline, hostname


def set_record(stack: Stack, hostname: dict[str, Any], purpose: str) -> None:
    (record,) = (one for one in hostname["records"] if one["purpose"] == purpose)
    Cloud(stack.home).set_dns(record["name"], record["type"], record["value"])


def states(hostname: dict[str, Any]) -> dict[str, str]:
    return {one["purpose"]: one["state"] for one in hostname["records"]}


def custom_hostnames(stack: Stack, name: str) -> list[str]:
    """What Cloudflare's part has under the name."""
    url = f"{stack.read('status')['urls']['rest']}/client/v4/zones/{stack.outputs['zone_id']}"
    answer = stack.client.get(
        f"{url}/custom_hostnames",
        params={"hostname": name},
        headers={"authorization": f"Bearer {stack.api_token}"},
    )
    assert answer.status_code == 200, answer.text
    return [one["hostname"] for one in answer.json()["result"]]


def test_a_hostname_goes_from_request_to_apt_and_away_again(stack: Stack, tmp_path: Path) -> None:
    name = "apt.story.example.org"
    tenant = Tenant(stack, "story")
    build(tmp_path / "repository", "brought", "1.0", "brought along")
    repository = tenant.repository
    upload(stack, tmp_path / "repository", repository["s3_bucket"], repository["s3_prefix"])

    hostname = tenant.looked_at(tenant.claim(name)["id"])
    assert (hostname["state"], custom_hostnames(stack, name)) == ("awaiting_dns", [])
    assert states(hostname) == {"ownership": "missing", "routing": "missing"}
    assert stack.edge(name, "/dists/stable/Release").status_code in (403, 404)

    Cloud(stack.home).set_dns(f"_stowage-challenge.{name}", "TXT", "stowage-challenge=wrong")
    hostname = tenant.looked_at(hostname["id"])
    assert states(hostname)["ownership"] == "wrong"
    assert hostname["records"][0]["found"] == ["stowage-challenge=wrong"]
    assert custom_hostnames(stack, name) == []

    set_record(stack, hostname, "ownership")
    set_record(stack, hostname, "routing")
    hostname = tenant.until_state(hostname["id"], "active")
    assert hostname["hostname_status"] == hostname["certificate_status"] == "active"
    apt = Apt(tmp_path / "apt", stack.outputs["edge_url"])
    apt.setup(name)
    apt.get("update")
    assert apt.downloaded("brought").startswith(b"!<arch>")

    Cloud(stack.home).set_dns(name, "CNAME", "elsewhere.example.org")
    hostname = tenant.until_state(hostname["id"], "moved")
    assert hostname["deadline_at"] is not None
    assert "no longer leads here" in hostname["explanation"]
    assert not_served(stack, name)

    set_record(stack, hostname, "routing")
    hostname = tenant.until_state(hostname["id"], "active")
    tenant.remove(hostname["id"])
    assert not_served(stack, name)
    deadline = time.monotonic() + SECONDS
    while custom_hostnames(stack, name):
        assert time.monotonic() < deadline
        time.sleep(0.5)


def not_served(stack: Stack, name: str) -> bool:
    """Within what an isolate and a cache may remember."""
    deadline = time.monotonic() + SECONDS
    while stack.edge(name, "/dists/stable/Release").status_code == 200:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.5)
    return True


def test_a_name_is_whose_challenge_is_in_the_dns_not_who_asks_first(stack: Stack) -> None:
    name = "apt.contested.example.org"
    thief, owner = Tenant(stack, "thief"), Tenant(stack, "owner")
    # A CNAME that somebody left behind.
    Cloud(stack.home).set_dns(name, "CNAME", stack.outputs["cname_target"])
    first = thief.looked_at(thief.claim(name)["id"])
    assert states(first) == {"ownership": "missing", "routing": "ok"}
    assert (first["state"], custom_hostnames(stack, name)) == ("awaiting_dns", [])

    second = owner.claim(name)
    set_record(stack, second, "ownership")
    assert owner.until_state(second["id"], "active")["tenant_id"] == owner.id
    first = thief.looked_at(first["id"])
    assert (first["state"], states(first)["ownership"]) == ("awaiting_dns", "wrong")
    # The thief's own challenge in the owner's zone comes too late, too.
    set_record(stack, first, "ownership")
    first = thief.looked_at(first["id"])
    assert first["state"] == "awaiting_dns"
    assert "in use on the platform" in first["explanation"]
    assert owner.shown(second["id"])["state"] == "active"
